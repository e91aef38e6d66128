/* s3_store.c - listings, deletes and aborts, as batches of requests.
 *
 * Deletes are single requests, 32 in flight: DeleteObjects wants checksums that not all servers
 * agree about, and we delete hundreds, not millions.
 */
#include "lib/io/fs/s3_store.h"

#include "lib/base/array.h"

enum { IN_FLIGHT = 32, PAGE = 1000 };

/* ---- batches ------------------------------------------------------------------------------------
 */

gly_status gly_s3_store_batch(const gly_s3_batch *batch, gly_error *err) {
    gly_s3_call *calls[IN_FLIGHT];
    uint32_t started = 0;
    gly_status result = GLY_OK;
    for (uint32_t done = 0; done < batch->count && (result == GLY_OK || done < started); done++) {
        while (result == GLY_OK && started < batch->count && started - done < IN_FLIGHT) {
            gly_arena *arena = gly_arena_make();
            gly_s3_request request = {0};
            batch->build(batch->context, arena, started, &request);
            calls[started % IN_FLIGHT] = gly_s3_call_start(&request);
            gly_arena_free(arena);
            started++;
        }
        gly_error own = {0};
        gly_s3_response response = {0};
        gly_status status = gly_s3_call_finish(calls[done % IN_FLIGHT], &response, &own);
        status = batch->take(batch->context, done, status, &response, &own);
        gly_s3_call_clear(&response);
        if (status != GLY_OK && result == GLY_OK) {
            result = gly_error_copy(err, &own);
        }
    }
    return result;
}

/* ---- listing ------------------------------------------------------------------------------------
 */

static void list_query(gly_str prefix, uint32_t most, gly_str token, gly_builder *query) {
    gly_builder_format(query, "list-type=2&encoding-type=url&max-keys=%u&prefix=",
                       most == 0 || most > PAGE ? PAGE : most);
    gly_sigv4_encode(prefix, false, query);
    if (token.size > 0) {
        gly_builder_add_text(query, "&continuation-token=");
        gly_sigv4_encode(token, false, query);
    }
}

static gly_s3_call *start_list(gly_str bucket, gly_str prefix, uint32_t most, gly_str token) {
    gly_builder query = {0};
    list_query(prefix, most, token, &query);
    gly_s3_request request = {
        .what = "list", .method = "GET", .bucket = bucket, .query = gly_builder_str(&query)};
    gly_s3_call *call = gly_s3_call_start(&request);
    gly_builder_clear(&query);
    return call;
}

gly_s3_call *gly_s3_store_start_list(gly_str bucket, gly_str prefix, uint32_t most) {
    return start_list(bucket, prefix, most, (gly_str){"", 0});
}

gly_status gly_s3_store_list(gly_arena *arena, gly_str bucket, gly_str prefix, uint32_t most,
                             uint32_t *ret_count, gly_s3_object **ret, gly_error *err) {
    GLY_ARRAY(gly_s3_object) found = {0};
    gly_s3_listing page = {.is_truncated = true};
    gly_status status = GLY_OK;
    while (status == GLY_OK && page.is_truncated && (most == 0 || found.count < most)) {
        gly_s3_response response = {0};
        gly_str token = page.next_token;
        status = gly_s3_call_finish(start_list(bucket, prefix, most, token), &response, err);
        if (status == GLY_OK) {
            gly_str body = gly_arena_str(arena, gly_builder_str(&response.http.body));
            status = gly_s3_listing_parse(arena, body, &page, err);
        }
        gly_s3_call_clear(&response);
        for (uint32_t i = 0; status == GLY_OK && i < page.count; i++) {
            if (gly_str_starts_with(page.objects[i].key, prefix)) {
                gly_array_push(&found, page.objects[i]);
            }
        }
        if (status == GLY_OK && page.is_truncated &&
            (page.next_token.size == 0 || gly_str_equal(page.next_token, token))) {
            status = gly_fail(err, GLY_E_PROTOCOL,
                              "the listing of s3://%.*s/%.*s says that there is more but not where",
                              GLY_STR_ARG(bucket), GLY_STR_ARG(prefix));
        }
    }
    if (status == GLY_OK) {
        *ret_count = (uint32_t)found.count;
        *ret = gly_arena_copy(arena, found.items, found.count * sizeof *found.items);
    }
    gly_array_clear(&found);
    return status;
}

/* ---- deleting -----------------------------------------------------------------------------------
 */

typedef struct keys {
    gly_str bucket;
    const gly_str *keys;
    gly_arena *arena; /* of the uploads found */
    GLY_ARRAY(gly_s3_object) uploads;
} keys;

static void build_delete(void *context, gly_arena *arena, uint32_t index, gly_s3_request *ret) {
    const keys *all = context;
    (void)arena;
    *ret = (gly_s3_request){
        .what = "delete", .method = "DELETE", .bucket = all->bucket, .key = all->keys[index]};
}

static gly_status absent_is_fine(void *context, uint32_t index, gly_status status,
                                 const gly_s3_response *response, gly_error *err) {
    (void)context;
    (void)index;
    (void)err;
    (void)response;
    return status == GLY_E_PATH_NOT_FOUND ? GLY_OK : status;
}

gly_status gly_s3_store_delete(gly_str bucket, uint32_t count, const gly_str *names,
                               gly_error *err) {
    keys all = {.bucket = bucket, .keys = names};
    gly_s3_batch batch = {count, build_delete, absent_is_fine, &all};
    return gly_s3_store_batch(&batch, err);
}

/* ---- unfinished uploads -------------------------------------------------------------------------
 */

static void build_list_uploads(void *context, gly_arena *arena, uint32_t index,
                               gly_s3_request *ret) {
    const keys *all = context;
    gly_builder query = {0};
    gly_builder_add_text(&query, "uploads=&encoding-type=url&prefix=");
    gly_sigv4_encode(all->keys[index], false, &query);
    *ret = (gly_s3_request){.what = "list the uploads of",
                            .method = "GET",
                            .bucket = all->bucket,
                            .query = gly_arena_str(arena, gly_builder_str(&query))};
    gly_builder_clear(&query);
}

static gly_status take_uploads(void *context, uint32_t index, gly_status status,
                               const gly_s3_response *response, gly_error *err) {
    keys *all = context;
    if (status != GLY_OK) {
        return status;
    }
    gly_s3_listing page;
    gly_str body = gly_arena_str(all->arena, gly_builder_str(&response->http.body));
    GLY_TRY(gly_s3_listing_parse(all->arena, body, &page, err));
    for (uint32_t i = 0; i < page.count; i++) {
        if (gly_str_equal(page.objects[i].key, all->keys[index])) {
            gly_array_push(&all->uploads, page.objects[i]);
        }
    }
    return GLY_OK;
}

static void build_abort(void *context, gly_arena *arena, uint32_t index, gly_s3_request *ret) {
    const keys *all = context;
    const gly_s3_object *upload = &all->uploads.items[index];
    gly_builder query = {0};
    gly_builder_add_text(&query, "uploadId=");
    gly_sigv4_encode(upload->upload_id, false, &query);
    *ret = (gly_s3_request){.what = "abort the upload of",
                            .method = "DELETE",
                            .bucket = all->bucket,
                            .key = upload->key,
                            .query = gly_arena_str(arena, gly_builder_str(&query))};
    gly_builder_clear(&query);
}

gly_status gly_s3_store_abort_uploads(gly_str bucket, uint32_t count, const gly_str *names,
                                      gly_error *err) {
    keys all = {.bucket = bucket, .keys = names, .arena = gly_arena_make()};
    gly_s3_batch list = {count, build_list_uploads, take_uploads, &all};
    gly_status status = gly_s3_store_batch(&list, err);
    if (status == GLY_OK) {
        gly_s3_batch abort = {(uint32_t)all.uploads.count, build_abort, absent_is_fine, &all};
        status = gly_s3_store_batch(&abort, err);
    }
    gly_array_clear(&all.uploads);
    gly_arena_free(all.arena);
    return status;
}

gly_status gly_s3_store_put(gly_str bucket, gly_str key, gly_str body, gly_error *err) {
    gly_s3_response response = {0};
    gly_s3_request request = {
        .what = "write", .method = "PUT", .bucket = bucket, .key = key, .body = body};
    gly_status status = gly_s3_call_run(&request, &response, err);
    gly_s3_call_clear(&response);
    return status;
}
