/* fuzz_s3_texts.c - credentials files, paths, queries, tokens of uploads and owner records. */
#include "lib/io/fs/s3_credentials.h"
#include "lib/io/fs/s3_path.h"
#include "lib/io/fs/s3_publish.h"
#include "lib/io/fs/sigv4.h"
#include "lib/io/source/commit_owner.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(gly_arena *arena, gly_str text) {
    gly_error err = {0};
    gly_s3_path path;
    gly_str other;
    if (gly_s3_path_parse(text, &path, &err) == GLY_OK) {
        if (path.scheme.size + 3 + path.bucket.size + path.key.size > text.size) {
            abort();
        }
        gly_s3_path_prefix(arena, path.key);
    }
    if (gly_s3_path_pending(arena, text, &other) && other.size >= text.size) {
        abort();
    }
    gly_str record = gly_s3_path_record(arena, text);
    if (!gly_s3_path_of_record(record, &other) || !gly_str_equal(other, text)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gly_arena *arena = gly_arena_make();
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    gly_str text = {copy, size};
    gly_s3_credentials found;
    if (gly_s3_credentials_parse(text, GLY_STR("default"), &found) &&
        (found.access_key.size == 0 || found.secret_key.size == 0)) {
        abort();
    }
    if (memchr(copy, '\0', size) == NULL) { /* paths are texts */
        check_path(arena, text);
    }
    gly_builder out = {0};
    gly_sigv4_encode(text, true, &out);
    gly_sigv4_sort_query(text, &out);
    gly_builder_clear(&out);
    gly_commit_phase phase;
    (void)gly_commit_owner_look(text, &phase);
    if (phase > GLY_COMMIT_REPLACING) {
        abort();
    }
    free(copy);
    gly_arena_free(arena);
    return 0;
}
