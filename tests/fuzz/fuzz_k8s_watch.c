/* fuzz_k8s_watch.c - any bytes as what a watch sends: lines cut anywhere, events in any order,
 * lists.
 *
 * The first byte says how large pieces are and how long lines may be.  A line that begins with "L"
 * is taken as a list instead of an event.  A listener that believes all it is told must know
 * exactly the objects that the mirror knows.
 */
#include "k8s/client/k8s_lines.h"
#include "k8s/client/k8s_mirror.h"
#include "lib/base/hash.h"
#include "lib/base/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gly_map there; /* what a listener would believe: hash of namespace and name */
static char present;

static uint64_t hash_of(const cJSON *metadata, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(metadata, key);
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    return gly_hash_bytes(text, strlen(text));
}

static void on_object(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    (void)context;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(metadata, "name");
    GLY_ASSERT(cJSON_IsString(name) && name->valuestring[0] != '\0');
    uint64_t key = gly_hash_combine(hash_of(metadata, "namespace"), hash_of(metadata, "name"));
    if (event == GLY_K8S_WATCH_APPLIED) {
        gly_map_put(&there, key, &present);
    } else {
        GLY_ASSERT(gly_map_remove(&there, key) != NULL);
    }
}

static void take_list(gly_k8s_mirror *mirror, gly_str text) {
    cJSON *body = cJSON_ParseWithLength(text.data, text.size);
    gly_k8s_mirror_list list;
    gly_error error;
    if (gly_k8s_mirror_read_list(body, &list, &error) == GLY_OK &&
        !gly_k8s_mirror_is_stale(mirror, list.version)) {
        gly_k8s_mirror_begin_list(mirror);
        gly_k8s_mirror_add_page(mirror, body);
        if (list.continuation == NULL) {
            gly_k8s_mirror_end_list(mirror, list.version);
        }
    }
    cJSON_Delete(body);
}

static void take_line(gly_k8s_mirror *mirror, gly_str line) {
    if (line.size > 0 && line.data[0] == 'L') {
        take_list(mirror, (gly_str){line.data + 1, line.size - 1});
    } else {
        gly_builder message = {0};
        gly_k8s_mirror_verdict verdict = gly_k8s_mirror_event(mirror, line, &message);
        bool has_words = verdict == GLY_K8S_MIRROR_REFUSED || verdict == GLY_K8S_MIRROR_GARBAGE;
        GLY_ASSERT(!has_words || message.size > 0);
        gly_builder_clear(&message);
    }
    GLY_ASSERT(there.count == gly_k8s_mirror_count(mirror));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    size_t piece = 1 + (data[0] & 15) * 7;
    gly_k8s_lines lines = {.most = 40 + (data[0] >> 4) * 400};
    gly_k8s_mirror *mirror = gly_k8s_mirror_make(on_object, NULL);
    for (size_t at = 1; at < size; at += piece) {
        gly_str bytes = {(const char *)data + at, GLY_MIN(piece, size - at)}, line;
        gly_k8s_lines_result result;
        while ((result = gly_k8s_lines_next(&lines, &bytes, &line)) != GLY_K8S_LINES_MORE) {
            if (result == GLY_K8S_LINES_LINE) {
                GLY_ASSERT(line.size <= lines.most);
                take_line(mirror, line);
            }
        }
    }
    gly_map_clear(&there);
    gly_k8s_mirror_free(mirror);
    gly_k8s_lines_clear(&lines);
    return 0;
}
