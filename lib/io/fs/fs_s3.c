/* fs_s3.c - objects behind gly_filesystem: ranges of objects are files, prefixes are directories.
 *
 * Opening is one request for the object's last 64 KiB: it tells the size and the version (ETag),
 * and it holds a Parquet file's footer.  Every later range is asked for with If-Match, so that an
 * object that is replaced under a running query is an error and not garbage.
 *
 * There are no directories: a path is one if keys begin with it.  Objects whose names end with "/"
 * (what some tools leave as directories) are not listed.  Elsewhere: requests and retries
 * (s3_call.c), writing (s3_upload.c), publishing (s3_publish.c).
 */
#include "lib/io/fs/fs_s3.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/io/fs/s3_path.h"
#include "lib/io/fs/s3_publish.h"
#include "lib/io/fs/s3_store.h"
#include "lib/io/fs/s3_upload.h"

#include <stdio.h>

enum { TAIL_BYTES = 64 * 1024, MOST_PARALLEL_READS = 4 };
#define LARGEST_READ ((size_t)16 << 20)

typedef struct s3_file {
    gly_file base;
    gly_arena *arena;
    gly_str bucket, key, etag;
    uint8_t *tail; /* the bytes from tail_offset on */
    uint64_t tail_offset;
} s3_file;

struct gly_file_read {
    gly_s3_call *call; /* NULL: the bytes are there already */
};

/* ---- reading ------------------------------------------------------------------------------------
 */

static gly_s3_call *start_range(const s3_file *mine, uint64_t offset, size_t length, void *buffer) {
    char range[64];
    snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)offset,
             (unsigned long long)(offset + length - 1));
    gly_sigv4_header headers[2] = {{GLY_STR("range"), gly_str_of(range)},
                                   {GLY_STR("if-match"), mine->etag}};
    gly_s3_request request = {.what = "read",
                              .method = "GET",
                              .bucket = mine->bucket,
                              .key = mine->key,
                              .header_count = mine->etag.size > 0 ? 2 : 1,
                              .headers = headers,
                              .buffer = buffer,
                              .buffer_size = length,
                              .is_exact = true};
    return gly_s3_call_start(&request);
}

static gly_status finish_range(gly_s3_call *call, gly_error *err) {
    gly_s3_response response = {0};
    gly_status status = gly_s3_call_finish(call, &response, err);
    gly_s3_call_clear(&response);
    return status;
}

static bool is_in_tail(const s3_file *mine, uint64_t offset, size_t length, void *buffer) {
    if (offset < mine->tail_offset) {
        return false;
    }
    memcpy(buffer, mine->tail + (offset - mine->tail_offset), length);
    return true;
}

static gly_file_read *start_read(gly_file *file, uint64_t offset, size_t length, void *buffer) {
    const s3_file *mine = (const s3_file *)file;
    gly_file_read *read = GLY_NEW(gly_file_read);
    if (length > 0 && !is_in_tail(mine, offset, length, buffer)) {
        read->call = start_range(mine, offset, length, buffer);
    }
    return read;
}

static gly_status finish_read(gly_file *file, gly_file_read *read, gly_error *err) {
    (void)file;
    gly_status status = read->call == NULL ? GLY_OK : finish_range(read->call, err);
    free(read);
    return status;
}

static void cancel_read(gly_file *file, gly_file_read *read) {
    (void)file;
    if (read != NULL) {
        gly_s3_call_cancel(read->call);
        free(read);
    }
}

/* Large reads in pieces, a few in flight. */
static gly_status read_at(gly_file *file, uint64_t offset, size_t length, void *buffer,
                          gly_error *err) {
    const s3_file *mine = (const s3_file *)file;
    uint8_t *to = buffer;
    if (length == 0 || is_in_tail(mine, offset, length, buffer)) {
        return GLY_OK;
    }
    gly_s3_call *calls[MOST_PARALLEL_READS];
    gly_status status = GLY_OK;
    while (status == GLY_OK && length > 0) {
        uint32_t count = 0;
        while (count < MOST_PARALLEL_READS && length > 0) {
            size_t piece = GLY_MIN(length, LARGEST_READ);
            calls[count++] = start_range(mine, offset, piece, to);
            to += piece;
            offset += piece;
            length -= piece;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (status == GLY_OK) {
                status = finish_range(calls[i], err);
            } else {
                gly_s3_call_cancel(calls[i]);
            }
        }
    }
    return status;
}

static void close_file(gly_file *file) {
    if (file != NULL) {
        s3_file *mine = (s3_file *)file;
        free(mine->tail);
        gly_arena_free(mine->arena);
        free(mine);
    }
}

/* "bytes 100-199/200" -> 200 */
static bool total_of(gly_str range, uint64_t *ret) {
    const char *slash = range.data == NULL ? NULL : memchr(range.data, '/', range.size);
    if (slash == NULL) {
        return false;
    }
    size_t skip = (size_t)(slash - range.data) + 1;
    return gly_str_to_u64((gly_str){range.data + skip, range.size - skip}, ret);
}

/* The first request: the end of the object. */
static gly_status read_tail(s3_file *mine, gly_error *err) {
    gly_sigv4_header range = {GLY_STR("range"), GLY_STR("bytes=-65536")};
    gly_s3_request request = {.what = "read",
                              .method = "GET",
                              .bucket = mine->bucket,
                              .key = mine->key,
                              .header_count = 1,
                              .headers = &range,
                              .buffer = mine->tail,
                              .buffer_size = TAIL_BYTES};
    gly_s3_response response = {0};
    gly_status status = gly_s3_call_run(&request, &response, err);
    if (response.http.status == 416) { /* an empty object has no last bytes */
        gly_s3_call_clear(&response);
        request = (gly_s3_request){
            .what = "read", .method = "HEAD", .bucket = mine->bucket, .key = mine->key};
        status = gly_s3_call_run(&request, &response, err);
    }
    uint64_t size = 0;
    size_t got = response.http.buffer_filled;
    if (status == GLY_OK && response.http.status == 206 &&
        !total_of(gly_http_client_header(&response.http, "content-range"), &size)) {
        status =
            gly_fail(err, GLY_E_PROTOCOL, "the server does not say how large s3://%.*s/%.*s is",
                     GLY_STR_ARG(mine->bucket), GLY_STR_ARG(mine->key));
    }
    if (status == GLY_OK) {
        mine->base.size_bytes = response.http.status == 206 ? size : got;
        mine->etag = gly_arena_str(mine->arena, gly_http_client_header(&response.http, "etag"));
        if (got > mine->base.size_bytes || (got < TAIL_BYTES && got != mine->base.size_bytes)) {
            status = gly_fail(err, GLY_E_PROTOCOL,
                              "the server sent %zu bytes as the end of s3://%.*s/%.*s", got,
                              GLY_STR_ARG(mine->bucket), GLY_STR_ARG(mine->key));
        }
        mine->tail_offset = mine->base.size_bytes - got;
    }
    gly_s3_call_clear(&response);
    return status;
}

static gly_status open_file(gly_str path, gly_file **ret, gly_error *err) {
    gly_s3_path where;
    GLY_TRY(gly_s3_path_parse(path, &where, err));
    if (where.key.size == 0 || where.key.data[where.key.size - 1] == '/') {
        return gly_fail(err, GLY_E_IO, "%.*s is a directory, not a file", GLY_STR_ARG(path));
    }
    s3_file *mine = GLY_NEW(s3_file);
    mine->arena = gly_arena_make();
    mine->base = (gly_file){.filesystem = &gly_fs_s3,
                            .read_at = read_at,
                            .close = close_file,
                            .path = gly_arena_str(mine->arena, path),
                            .start_read = start_read,
                            .finish_read = finish_read,
                            .cancel_read = cancel_read};
    mine->bucket = gly_arena_str(mine->arena, where.bucket);
    mine->key = gly_arena_str(mine->arena, where.key);
    mine->tail = gly_alloc(TAIL_BYTES);
    gly_status status = read_tail(mine, err);
    if (status != GLY_OK) {
        close_file(&mine->base);
        return status;
    }
    *ret = &mine->base;
    return GLY_OK;
}

/* ---- names --------------------------------------------------------------------------------------
 */

static int64_t http_time_ms(gly_str text) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char name[4] = "";
    int day, year, hour, minute, second;
    gly_builder copy = {0};
    gly_builder_add_str(&copy, text);
    int got = text.size == 0 ? 0
                             : sscanf(copy.data, "%*3s, %d %3s %d %d:%d:%d", &day, name, &year,
                                      &hour, &minute, &second);
    gly_builder_clear(&copy);
    const char *month = got == 6 ? strstr(months, name) : NULL;
    if (month == NULL) {
        return 0;
    }
    char iso[64];
    snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", year,
             (int)((month - months) / 3) + 1, day, hour, minute, second);
    return gly_s3_listing_time(gly_str_of(iso));
}

/* Is there anything below the prefix?  Takes the answer of a listing that was started. */
static gly_status finish_probe(gly_arena *arena, gly_s3_call *call, bool *ret, gly_error *err) {
    gly_s3_response response = {0};
    gly_s3_listing page = {0};
    gly_status status = gly_s3_call_finish(call, &response, err);
    if (status == GLY_OK) {
        gly_str body = gly_arena_str(arena, gly_builder_str(&response.http.body));
        status = gly_s3_listing_parse(arena, body, &page, err);
    }
    gly_s3_call_clear(&response);
    *ret = page.count > 0;
    return status;
}

/* Is it an object?  ret keeps what it was if not. */
static gly_status finish_head(gly_s3_call *call, bool *ret_found, gly_file_info *ret,
                              gly_error *err) {
    gly_s3_response response = {0};
    gly_status status = gly_s3_call_finish(call, &response, err);
    *ret_found = status == GLY_OK;
    if (status == GLY_OK) {
        gly_str size = gly_http_client_header(&response.http, "content-length");
        if (!gly_str_to_u64(size, &ret->size_bytes)) {
            ret->size_bytes = 0;
        }
        ret->modified_ms = http_time_ms(gly_http_client_header(&response.http, "last-modified"));
    }
    gly_s3_call_clear(&response);
    return status == GLY_E_PATH_NOT_FOUND ? GLY_OK : status;
}

/* Both questions at once: an object of that name, and objects below it. */
static gly_status stat_path(gly_arena *arena, gly_str path, gly_file_info *ret, gly_error *err) {
    gly_s3_path where;
    GLY_TRY(gly_s3_path_parse(path, &where, err));
    gly_file_info info = {.path = gly_arena_str(arena, path)};
    bool may_be_object = where.key.size > 0 && where.key.data[where.key.size - 1] != '/';
    gly_s3_call *head = NULL;
    if (may_be_object) {
        gly_s3_request request = {
            .what = "look at", .method = "HEAD", .bucket = where.bucket, .key = where.key};
        head = gly_s3_call_start(&request);
    }
    gly_s3_call *list =
        gly_s3_store_start_list(where.bucket, gly_s3_path_prefix(arena, where.key), 1);
    bool is_object = false;
    bool is_directory = false;
    gly_status status = GLY_OK;
    if (head != NULL) {
        status = finish_head(head, &is_object, &info, err);
    }
    if (is_object) {
        gly_s3_call_cancel(list);
    } else { /* an answer to HEAD has no body: of two failures the listing's says more */
        gly_error own;
        gly_status listed = finish_probe(arena, list, &is_directory, &own);
        status = listed == GLY_OK ? status : gly_error_copy(err, &own);
    }
    GLY_TRY(status);
    if (!is_object && !is_directory && where.key.size > 0) {
        return gly_fail(err, GLY_E_PATH_NOT_FOUND, "path %.*s does not exist", GLY_STR_ARG(path));
    }
    info.is_directory = !is_object;
    *ret = info;
    return GLY_OK;
}

/* "_x" and ".x" are hidden, but "_x=1" is a partition directory, as in Spark. */
static bool is_hidden(gly_str relative) {
    size_t start = 0;
    for (size_t i = 0; i <= relative.size; i++) {
        if (i < relative.size && relative.data[i] != '/') {
            continue;
        }
        gly_str part = {relative.data + start, i - start};
        if (part.size > 0 && (part.data[0] == '.' ||
                              (part.data[0] == '_' && memchr(part.data, '=', part.size) == NULL))) {
            return true;
        }
        start = i + 1;
    }
    return false;
}

static int compare_infos(const void *a, const void *b) {
    return gly_str_compare(((const gly_file_info *)a)->path, ((const gly_file_info *)b)->path);
}

static gly_file_info info_of(gly_arena *arena, const gly_s3_path *where,
                             const gly_s3_object *object) {
    return (gly_file_info){
        .path = gly_str_of(gly_arena_format(arena, "%.*s://%.*s/%.*s", GLY_STR_ARG(where->scheme),
                                            GLY_STR_ARG(where->bucket), GLY_STR_ARG(object->key))),
        .size_bytes = object->size_bytes,
        .modified_ms = object->modified_ms};
}

/* The objects that readers see; hidden names count from `base` on. */
static void keep_visible(gly_arena *arena, const gly_s3_path *where, size_t base, uint32_t count,
                         const gly_s3_object *objects, uint32_t *ret_count, gly_file_info **ret) {
    gly_file_info *files = GLY_ARENA_ARRAY(arena, gly_file_info, count + 1);
    uint32_t kept = 0;
    bool is_sorted = true;
    for (uint32_t i = 0; i < count; i++) {
        gly_str key = objects[i].key;
        if (key.size <= base || key.data[key.size - 1] == '/' ||
            is_hidden((gly_str){key.data + base, key.size - base})) {
            continue;
        }
        files[kept] = info_of(arena, where, &objects[i]);
        is_sorted &= kept == 0 || compare_infos(&files[kept - 1], &files[kept]) < 0;
        kept++;
    }
    if (!is_sorted) {
        qsort(files, kept, sizeof *files, compare_infos);
    }
    *ret_count = kept;
    *ret = files;
}

static gly_status list_path(gly_arena *arena, gly_str path, uint32_t *ret_count,
                            gly_file_info **ret, gly_error *err) {
    gly_s3_path where;
    GLY_TRY(gly_s3_path_parse(path, &where, err));
    gly_str prefix = gly_s3_path_prefix(arena, where.key);
    uint32_t count;
    gly_s3_object *objects;
    GLY_TRY(gly_s3_store_list(arena, where.bucket, prefix, 0, &count, &objects, err));
    if (count == 0) { /* perhaps it is an object itself */
        gly_file_info own;
        GLY_TRY(stat_path(arena, path, &own, err));
        *ret_count = own.is_directory ? 0 : 1;
        *ret = gly_arena_copy(arena, &own, sizeof own);
        return GLY_OK;
    }
    keep_visible(arena, &where, prefix.size, count, objects, ret_count, ret);
    return GLY_OK;
}

static gly_status list_prefix(gly_arena *arena, gly_str text, uint32_t *ret_count,
                              gly_file_info **ret, gly_error *err) {
    gly_s3_path where;
    uint32_t count;
    gly_s3_object *objects;
    GLY_TRY(gly_s3_path_parse(text, &where, err));
    GLY_TRY(gly_s3_store_list(arena, where.bucket, where.key, 0, &count, &objects, err));
    size_t base = where.key.size;
    while (base > 0 && where.key.data[base - 1] != '/') {
        base--;
    }
    keep_visible(arena, &where, base, count, objects, ret_count, ret);
    return GLY_OK;
}

/* ---- changing -----------------------------------------------------------------------------------
 */

static gly_status rename_path(gly_str from, gly_str to, gly_error *err) {
    return gly_fail(err, GLY_E_UNSUPPORTED, "objects cannot be renamed: %.*s to %.*s",
                    GLY_STR_ARG(from), GLY_STR_ARG(to));
}

/* Deletes the objects; for those that tell of pending uploads, the uploads first. */
static gly_status remove_objects(gly_arena *arena, gly_str bucket, uint32_t count,
                                 const gly_str *keys, gly_error *err) {
    gly_str *finals = GLY_ARENA_ARRAY(arena, gly_str, count + 1);
    uint32_t final_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        gly_str pending;
        if (gly_s3_path_of_record(keys[i], &pending) &&
            gly_s3_path_pending(arena, pending, &finals[final_count])) {
            final_count++;
        }
    }
    GLY_TRY(gly_s3_store_abort_uploads(bucket, final_count, finals, err));
    return gly_s3_store_delete(bucket, count, keys, err);
}

static gly_status remove_path(gly_str path, gly_error *err) {
    gly_s3_path where;
    GLY_TRY(gly_s3_path_parse(path, &where, err));
    if (where.key.size == 0) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%.*s is a whole bucket and is not removed",
                        GLY_STR_ARG(path));
    }
    gly_arena *arena = gly_arena_make();
    uint32_t count = 0;
    gly_s3_object *objects = NULL;
    gly_status status = gly_s3_store_list(arena, where.bucket, gly_s3_path_prefix(arena, where.key),
                                          0, &count, &objects, err);
    if (status == GLY_OK) {
        gly_str *keys = GLY_ARENA_ARRAY(arena, gly_str, count + 1);
        for (uint32_t i = 0; i < count; i++) {
            keys[i] = objects[i].key;
        }
        if (count == 0) { /* a file, or nothing */
            keys[count++] = where.key;
        }
        status = remove_objects(arena, where.bucket, count, keys, err);
    }
    gly_arena_free(arena);
    return status;
}

static gly_status remove_files(uint32_t count, const gly_str *paths, gly_error *err) {
    gly_arena *arena = gly_arena_make();
    gly_str *keys = GLY_ARENA_ARRAY(arena, gly_str, count + 1);
    gly_s3_path where = {0};
    gly_status status = GLY_OK;
    for (uint32_t i = 0; status == GLY_OK && i < count; i++) {
        gly_str bucket = where.bucket;
        status = gly_s3_path_parse(paths[i], &where, err);
        keys[i] = where.key;
        if (status == GLY_OK && i > 0 && !gly_str_equal(bucket, where.bucket)) {
            status = gly_fail(err, GLY_E_INTERNAL, "files of two buckets are removed together");
        }
    }
    if (status == GLY_OK) {
        status = gly_s3_store_delete(where.bucket, count, keys, err);
    }
    gly_arena_free(arena);
    return status;
}

static gly_status make_directory(gly_str path, gly_error *err) {
    gly_s3_path where;
    return gly_s3_path_parse(path, &where, err); /* there is nothing to make */
}

const gly_filesystem gly_fs_s3 = {
    .scheme = "s3",
    .is_remote = true,
    .open = open_file,
    .create = gly_s3_upload_create,
    .stat = stat_path,
    .list = list_path,
    .list_prefix = list_prefix,
    .rename = rename_path,
    .remove_all = remove_path,
    .make_directory = make_directory,
    .publish = gly_s3_publish_files,
    .remove_files = remove_files,
};
