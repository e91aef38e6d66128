/* s3_publish.c - CompleteMultipartUpload: the moment at which objects become visible.
 *
 * A lost answer is asked for again, and the second answer may be NoSuchUpload: then the object is
 * there and that is success (its key holds the job's id, so nobody else can have made it; of
 * other files the size is compared).  If one
 * of many fails, those that had become visible are deleted again.
 */
#include "lib/io/fs/s3_publish.h"

#include "lib/base/array.h"
#include "lib/io/fs/s3_path.h"
#include "lib/io/fs/s3_store.h"

void gly_s3_publish_token(const gly_s3_upload_parts *parts, gly_builder *out) {
    gly_builder_format(out, "%.*s\n%s", GLY_STR_ARG(parts->upload_id),
                       parts->was_retried ? "retried" : "once");
    for (uint32_t i = 0; i < parts->part_count; i++) {
        gly_builder_format(out, "\n%.*s", GLY_STR_ARG(parts->etags[i]));
    }
}

static gly_str take_line(gly_str *rest) {
    const char *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    gly_str line = {rest->data, size};
    size_t skip = GLY_MIN(size + 1, rest->size);
    *rest = (gly_str){rest->data + skip, rest->size - skip};
    return line;
}

static gly_status read_token(gly_arena *arena, const gly_pending_file *file,
                             gly_s3_upload_parts *ret, gly_error *err) {
    gly_s3_path where;
    GLY_TRY(gly_s3_path_parse(file->path, &where, err));
    gly_str rest = file->token;
    *ret = (gly_s3_upload_parts){.bucket = where.bucket};
    ret->upload_id = take_line(&rest);
    ret->was_retried = gly_str_equal(take_line(&rest), GLY_STR("retried"));
    GLY_ARRAY(gly_str) etags = {0};
    while (rest.size > 0) {
        gly_str etag = take_line(&rest);
        gly_array_push(&etags, etag);
    }
    ret->part_count = (uint32_t)etags.count;
    ret->etags = gly_arena_copy(arena, etags.items, etags.count * sizeof *etags.items);
    gly_array_clear(&etags);
    if (ret->upload_id.size == 0 || ret->part_count == 0 ||
        !gly_s3_path_pending(arena, where.key, &ret->key)) {
        return gly_fail(err, GLY_E_PROTOCOL, "%.*s came without what completes its upload",
                        GLY_STR_ARG(file->path));
    }
    return GLY_OK;
}

static void add_escaped(gly_str text, gly_builder *out) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '&') {
            gly_builder_add_text(out, "&amp;");
        } else if (c == '<') {
            gly_builder_add_text(out, "&lt;");
        } else if (c == '>') {
            gly_builder_add_text(out, "&gt;");
        } else {
            gly_builder_add_char(out, c);
        }
    }
}

static void build_complete(const gly_s3_upload_parts *parts, gly_arena *arena,
                           gly_s3_request *ret) {
    gly_builder text = {0};
    gly_builder_add_text(&text, "uploadId=");
    gly_sigv4_encode(parts->upload_id, false, &text);
    gly_str query = gly_arena_str(arena, gly_builder_str(&text));
    gly_builder_reset(&text);
    gly_builder_add_text(&text, "<CompleteMultipartUpload>");
    for (uint32_t i = 0; i < parts->part_count; i++) {
        gly_builder_format(&text, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
        add_escaped(parts->etags[i], &text);
        gly_builder_add_text(&text, "</ETag></Part>");
    }
    gly_builder_add_text(&text, "</CompleteMultipartUpload>");
    *ret = (gly_s3_request){.what = "complete the upload of",
                            .method = "POST",
                            .bucket = parts->bucket,
                            .key = parts->key,
                            .query = query,
                            .body = gly_arena_str(arena, gly_builder_str(&text))};
    gly_builder_clear(&text);
}

/* After a lost answer the upload may be gone because it was completed. */
static gly_status check_completed(const gly_s3_upload_parts *parts, gly_status status) {
    if (status != GLY_E_PATH_NOT_FOUND) {
        return status;
    }
    gly_s3_response head = {0};
    gly_error ignored;
    gly_s3_request request = {
        .what = "look at", .method = "HEAD", .bucket = parts->bucket, .key = parts->key};
    bool is_there = gly_s3_call_run(&request, &head, &ignored) == GLY_OK;
    uint64_t size = 0;
    if (is_there && parts->size_bytes > 0) {
        is_there = gly_str_to_u64(gly_http_client_header(&head.http, "content-length"), &size) &&
                   size == parts->size_bytes;
    }
    gly_s3_call_clear(&head);
    return is_there ? GLY_OK : status;
}

gly_status gly_s3_publish_one(const gly_s3_upload_parts *parts, gly_error *err) {
    gly_arena *arena = gly_arena_make();
    gly_s3_request request;
    gly_s3_response response = {0};
    build_complete(parts, arena, &request);
    gly_status status = gly_s3_call_run(&request, &response, err);
    status = check_completed(parts, status);
    gly_s3_call_clear(&response);
    gly_arena_free(arena);
    return status;
}

/* ---- many ---------------------------------------------------------------------------------------
 */

typedef struct publishing {
    uint32_t count;
    gly_arena *arena; /* of the bodies, which requests borrow */
    gly_s3_upload_parts *parts;
    bool *is_done;
} publishing;

static void build_one(void *context, gly_arena *arena, uint32_t index, gly_s3_request *ret) {
    const publishing *all = context;
    (void)arena;
    build_complete(&all->parts[index], all->arena, ret);
}

static gly_status take_one(void *context, uint32_t index, gly_status status,
                           const gly_s3_response *response, gly_error *err) {
    publishing *all = context;
    (void)response;
    status = check_completed(&all->parts[index], status);
    all->is_done[index] = status == GLY_OK;
    if (status == GLY_E_PATH_NOT_FOUND) { /* "does not exist" would mislead */
        const gly_s3_upload_parts *parts = &all->parts[index];
        return gly_fail(err, GLY_E_IO,
                        "the upload of s3://%.*s/%.*s was gone when the job was committed; a rule "
                        "of the bucket or another program has aborted it",
                        GLY_STR_ARG(parts->bucket), GLY_STR_ARG(parts->key));
    }
    return status;
}

/* Objects that had become visible before something failed. */
static void take_back(publishing *all) {
    gly_str *keys = GLY_ARENA_ARRAY(all->arena, gly_str, all->count);
    uint32_t count = 0;
    gly_error ignored;
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->is_done[i]) {
            keys[count++] = all->parts[i].key;
        }
    }
    (void)!gly_s3_store_delete(all->parts[0].bucket, count, keys, &ignored);
}

/* The objects that told of the uploads; those that stay are looked after by remove_all. */
static void remove_records(publishing *all, const gly_pending_file *files) {
    gly_str *keys = GLY_ARENA_ARRAY(all->arena, gly_str, all->count);
    uint32_t count = 0;
    gly_error ignored;
    for (uint32_t i = 0; i < all->count; i++) {
        gly_s3_path where;
        if (!all->parts[i].was_retried &&
            gly_s3_path_parse(files[i].path, &where, &ignored) == GLY_OK) {
            keys[count++] = gly_s3_path_record(all->arena, where.key);
        }
    }
    (void)!gly_s3_store_delete(all->parts[0].bucket, count, keys, &ignored);
}

gly_status gly_s3_publish_files(uint32_t count, const gly_pending_file *files, gly_error *err) {
    if (count == 0) {
        return GLY_OK;
    }
    gly_arena *arena = gly_arena_make();
    publishing all = {.count = count,
                      .arena = arena,
                      .parts = GLY_ARENA_ARRAY(arena, gly_s3_upload_parts, count),
                      .is_done = GLY_ARENA_ARRAY(arena, bool, count)};
    gly_status status = GLY_OK;
    for (uint32_t i = 0; status == GLY_OK && i < count; i++) {
        status = read_token(arena, &files[i], &all.parts[i], err);
    }
    if (status == GLY_OK) {
        gly_s3_batch batch = {count, build_one, take_one, &all};
        status = gly_s3_store_batch(&batch, err);
        if (status == GLY_OK) {
            remove_records(&all, files);
        } else {
            take_back(&all);
        }
    }
    gly_arena_free(arena);
    return status;
}
