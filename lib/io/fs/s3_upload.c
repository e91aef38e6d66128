/* s3_upload.c - gly_file_writer over PutObject and multipart uploads.
 *
 *   write  -> buffer of one part -> UploadPart, up to 4 in flight, each with its own buffer
 *   finish -> small: PUT.  Else CompleteMultipartUpload; a pending file gives its token instead.
 *
 * A pending file is always a multipart upload, however small, since only those can wait unseen.
 * Before it is begun an empty object "<pending key>.upload" is written: whoever cleans up finds
 * uploads by these names, as not every server lists uploads by prefix (MinIO wants the whole key).
 *
 * Invariant: buffers are charged to writer->budget: the one that fills is forced through (a task
 * must be able to write), more in flight only if it allows.  After a failure nothing more is sent.
 */
#include "lib/io/fs/s3_upload.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/io/fs/fs_s3.h"
#include "lib/io/fs/s3_path.h"
#include "lib/io/fs/s3_publish.h"
#include "lib/io/fs/s3_store.h"

enum { MOST_IN_FLIGHT = 4, MOST_PARTS = 10000, FIRST_CAPACITY = 256 << 10, PART_STEP = 1000 };
#define FIRST_PART_BYTES (UINT64_C(8) << 20)

typedef struct buffer {
    char *data;
    size_t capacity, filled;
} buffer;

typedef struct part { /* in flight */
    gly_s3_call *call;
    buffer bytes;
} part;

typedef struct s3_writer {
    gly_file_writer base;
    gly_arena *arena;
    gly_str bucket;
    gly_str key;    /* of the object */
    gly_str record; /* of the object that tells of the upload; empty: not pending */
    gly_str upload_id;
    bool was_retried, has_failed;
    buffer current;
    part parts[MOST_IN_FLIGHT]; /* oldest first */
    uint32_t in_flight;
    GLY_ARRAY(gly_str) etags; /* of the parts that arrived */
} s3_writer;

uint64_t gly_s3_upload_part_size(uint32_t number) {
    return FIRST_PART_BYTES << ((number - 1) / PART_STEP);
}

/* ---- buffers ------------------------------------------------------------------------------------
 */

static void grow(s3_writer *mine, buffer *into, size_t capacity) {
    if (mine->base.budget != NULL) {
        gly_budget_force(mine->base.budget, capacity - into->capacity);
    }
    into->data = gly_alloc_resize(into->data, capacity);
    into->capacity = capacity;
}

static void drop(s3_writer *mine, buffer *from) {
    if (mine->base.budget != NULL) {
        gly_budget_release(mine->base.budget, from->capacity);
    }
    free(from->data);
    *from = (buffer){0};
}

/* ---- parts --------------------------------------------------------------------------------------
 */

static gly_status begin_upload(s3_writer *mine, gly_error *err) {
    if (mine->upload_id.size > 0) {
        return GLY_OK;
    }
    if (mine->record.size > 0) {
        GLY_TRY(gly_s3_store_put(mine->bucket, mine->record, (gly_str){"", 0}, err));
    }
    gly_s3_response response = {0};
    gly_s3_request request = {.what = "begin an upload of",
                              .method = "POST",
                              .bucket = mine->bucket,
                              .key = mine->key,
                              .query = GLY_STR("uploads=")};
    gly_status status = gly_s3_call_run(&request, &response, err);
    if (status == GLY_OK) {
        gly_str xml = gly_builder_str(&response.http.body);
        gly_str id = gly_s3_listing_find(mine->arena, xml, "UploadId");
        mine->upload_id = gly_arena_str(mine->arena, id);
        mine->was_retried = response.tries > 1 || response.http.new_connections > 0;
        if (id.size == 0 || memchr(id.data, '\n', id.size) != NULL) {
            status = gly_fail(err, GLY_E_PROTOCOL,
                              "the server began an upload of s3://%.*s/%.*s without an id",
                              GLY_STR_ARG(mine->bucket), GLY_STR_ARG(mine->key));
        }
    }
    gly_s3_call_clear(&response);
    return status;
}

/* Waits for the oldest part; *ret_free gets its buffer (empty if NULL). */
static gly_status finish_oldest(s3_writer *mine, buffer *ret_free, gly_error *err) {
    part oldest = mine->parts[0];
    mine->in_flight--;
    memmove(mine->parts, mine->parts + 1, mine->in_flight * sizeof *mine->parts);
    gly_s3_response response = {0};
    gly_status status = gly_s3_call_finish(oldest.call, &response, err);
    if (status == GLY_OK) {
        gly_str etag = gly_http_client_header(&response.http, "etag");
        if (etag.size == 0) {
            status = gly_fail(err, GLY_E_PROTOCOL,
                              "the server took a part of s3://%.*s/%.*s without an ETag",
                              GLY_STR_ARG(mine->bucket), GLY_STR_ARG(mine->key));
        } else {
            etag = gly_arena_str(mine->arena, etag);
            gly_array_push(&mine->etags, etag);
        }
    }
    gly_s3_call_clear(&response);
    oldest.bytes.filled = 0;
    if (ret_free != NULL) {
        *ret_free = oldest.bytes;
    } else {
        drop(mine, &oldest.bytes);
    }
    return status;
}

static uint32_t next_number(const s3_writer *mine) {
    return (uint32_t)mine->etags.count + mine->in_flight + 1;
}

/* Sends the current buffer as a part. */
static gly_status send_part(s3_writer *mine, gly_error *err) {
    uint32_t number = next_number(mine);
    if (number > MOST_PARTS) {
        return gly_fail(err, GLY_E_IO, "s3://%.*s/%.*s would be larger than 5 TiB",
                        GLY_STR_ARG(mine->bucket), GLY_STR_ARG(mine->key));
    }
    GLY_TRY(begin_upload(mine, err));
    gly_builder query = {0};
    gly_builder_format(&query, "partNumber=%u&uploadId=", number);
    gly_sigv4_encode(mine->upload_id, false, &query);
    gly_s3_request request = {.what = "write",
                              .method = "PUT",
                              .bucket = mine->bucket,
                              .key = mine->key,
                              .query = gly_builder_str(&query),
                              .body = {mine->current.data, mine->current.filled}};
    GLY_ASSERT(mine->in_flight < MOST_IN_FLIGHT);
    mine->parts[mine->in_flight++] = (part){gly_s3_call_start(&request), mine->current};
    mine->current = (buffer){0};
    gly_builder_clear(&query);
    return GLY_OK;
}

/* A buffer for the next part: a new one if the budget allows, else that of the oldest part. */
static gly_status next_buffer(s3_writer *mine, gly_error *err) {
    size_t size = (size_t)gly_s3_upload_part_size(next_number(mine));
    gly_budget *budget = mine->base.budget;
    bool may_grow = mine->in_flight < MOST_IN_FLIGHT;
    if (may_grow && budget != NULL) {
        may_grow = gly_budget_try_reserve(budget, size);
        if (may_grow) {
            gly_budget_release(budget, size); /* grow takes it */
        }
    }
    if (!may_grow) {
        GLY_TRY(finish_oldest(mine, &mine->current, err));
    }
    if (mine->current.capacity < size) {
        grow(mine, &mine->current, size);
    }
    return GLY_OK;
}

static gly_status add_bytes(s3_writer *mine, const char *bytes, size_t size, gly_error *err) {
    while (size > 0) {
        buffer *to = &mine->current;
        size_t most = (size_t)gly_s3_upload_part_size(next_number(mine));
        if (to->filled == most) {
            GLY_TRY(send_part(mine, err));
            GLY_TRY(next_buffer(mine, err));
            continue;
        }
        size_t take = GLY_MIN(size, most - to->filled);
        if (to->capacity < to->filled + take) {
            size_t wanted = GLY_MAX(to->capacity * 2, (size_t)FIRST_CAPACITY);
            grow(mine, to, GLY_MIN(GLY_MAX(wanted, to->filled + take), most));
        }
        memcpy(to->data + to->filled, bytes, take);
        to->filled += take;
        mine->base.size_bytes += take;
        bytes += take;
        size -= take;
    }
    return GLY_OK;
}

/* ---- the writer ---------------------------------------------------------------------------------
 */

static void free_writer(s3_writer *mine) {
    for (uint32_t i = 0; i < mine->in_flight; i++) {
        gly_s3_call_cancel(mine->parts[i].call);
        drop(mine, &mine->parts[i].bytes);
    }
    drop(mine, &mine->current);
    gly_array_clear(&mine->etags);
    gly_arena_free(mine->arena);
    free(mine);
}

static void forget_upload(s3_writer *mine) {
    gly_error ignored;
    for (; mine->in_flight > 0;
         mine->in_flight--) { /* before the abort, or it leaves parts behind */
        gly_s3_call_cancel(mine->parts[mine->in_flight - 1].call);
        drop(mine, &mine->parts[mine->in_flight - 1].bytes);
    }
    if (mine->upload_id.size > 0) {
        gly_builder query = {0};
        gly_s3_response response = {0};
        gly_builder_add_text(&query, "uploadId=");
        gly_sigv4_encode(mine->upload_id, false, &query);
        gly_s3_request request = {.what = "abort the upload of",
                                  .method = "DELETE",
                                  .bucket = mine->bucket,
                                  .key = mine->key,
                                  .query = gly_builder_str(&query)};
        bool is_gone = gly_s3_call_run(&request, &response, &ignored) == GLY_OK;
        gly_s3_call_clear(&response);
        gly_builder_clear(&query);
        if (is_gone && mine->record.size > 0 && !mine->was_retried) {
            (void)!gly_s3_store_delete(mine->bucket, 1, &mine->record, &ignored);
        }
    }
}

static gly_status writer_write(gly_file_writer *writer, const void *bytes, size_t size,
                               gly_error *err) {
    s3_writer *mine = (s3_writer *)writer;
    if (mine->has_failed) {
        return gly_fail(err, GLY_E_IO, "%.*s could not be written before",
                        GLY_STR_ARG(writer->path));
    }
    gly_status status = add_bytes(mine, bytes, size, err);
    mine->has_failed = status != GLY_OK;
    return status;
}

static gly_status finish_parts(s3_writer *mine, gly_error *err) {
    if (mine->current.filled > 0 || next_number(mine) == 1) {
        if (mine->in_flight == MOST_IN_FLIGHT) {
            GLY_TRY(finish_oldest(mine, NULL, err));
        }
        GLY_TRY(send_part(mine, err));
    }
    while (mine->in_flight > 0) {
        GLY_TRY(finish_oldest(mine, NULL, err));
    }
    gly_s3_upload_parts parts = {.bucket = mine->bucket,
                                 .key = mine->key,
                                 .upload_id = mine->upload_id,
                                 .was_retried = mine->was_retried,
                                 .size_bytes = mine->base.size_bytes,
                                 .part_count = (uint32_t)mine->etags.count,
                                 .etags = mine->etags.items};
    if (mine->record.size == 0) {
        return gly_s3_publish_one(&parts, err);
    }
    gly_s3_publish_token(&parts, mine->base.token);
    return GLY_OK;
}

static gly_status writer_finish(gly_file_writer *writer, gly_error *err) {
    s3_writer *mine = (s3_writer *)writer;
    bool is_small = mine->record.size == 0 && next_number(mine) == 1;
    gly_status status;
    if (mine->has_failed) {
        status =
            gly_fail(err, GLY_E_IO, "%.*s could not be written before", GLY_STR_ARG(writer->path));
    } else if (mine->record.size > 0 && writer->token == NULL) {
        status = gly_fail(err, GLY_E_INTERNAL, "nobody waits for the token of %.*s",
                          GLY_STR_ARG(writer->path));
    } else if (is_small) {
        gly_str body = {mine->current.data, mine->current.filled};
        status = gly_s3_store_put(mine->bucket, mine->key, body, err);
    } else {
        status = finish_parts(mine, err);
    }
    if (status != GLY_OK) {
        forget_upload(mine);
    }
    free_writer(mine);
    return status;
}

static void writer_abort(gly_file_writer *writer) {
    s3_writer *mine = (s3_writer *)writer;
    forget_upload(mine);
    free_writer(mine);
}

gly_status gly_s3_upload_create(gly_str path, gly_file_writer **ret, gly_error *err) {
    gly_s3_path where;
    GLY_TRY(gly_s3_path_parse(path, &where, err));
    if (where.key.size == 0 || where.key.data[where.key.size - 1] == '/') {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%.*s is no name of a file to write",
                        GLY_STR_ARG(path));
    }
    s3_writer *mine = GLY_NEW(s3_writer);
    mine->arena = gly_arena_make();
    mine->base = (gly_file_writer){.write = writer_write,
                                   .finish = writer_finish,
                                   .abort = writer_abort,
                                   .path = gly_arena_str(mine->arena, path)};
    mine->bucket = gly_arena_str(mine->arena, where.bucket);
    if (gly_s3_path_pending(mine->arena, where.key, &mine->key)) {
        mine->record = gly_s3_path_record(mine->arena, where.key);
    } else {
        mine->key = gly_arena_str(mine->arena, where.key);
    }
    *ret = &mine->base;
    return GLY_OK;
}
