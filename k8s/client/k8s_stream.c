/* k8s_stream.c - bytes of a long GET, stored by curl's callback and handed over by the loop.
 *
 * curl hands over at most about 1.6 MB before the loop runs (100 reads of 16 KiB), so the store is
 * bounded by that.  The body of a refusal is kept up to 64 KiB, for its words.
 * A stream may be closed by its own callbacks: it is then freed when they have returned
 * (in_callback).
 */
#include "k8s/client/k8s_stream.h"

#include "k8s/client/k8s_answer.h"
#include "lib/base/alloc.h"

enum { MOST_REFUSAL = 64 << 10 };

struct gly_k8s_stream {
    gly_k8s_job job; /* first: a job is a stream */
    gly_k8s_client *client;
    gly_k8s_stream_options options;
    struct curl_slist *headers;
    gly_builder bytes, handed; /* arrived; being handed over */
    bool in_callback, is_closed;
    char error_text[CURL_ERROR_SIZE];
};

static bool is_good(const gly_k8s_stream *stream) {
    long http_code = 0;
    curl_easy_getinfo(stream->job.easy, CURLINFO_RESPONSE_CODE, &http_code);
    return http_code >= 200 && http_code < 300;
}

static size_t on_bytes(char *bytes, size_t one, size_t size, void *context) {
    (void)one;
    gly_k8s_stream *stream = context;
    if (is_good(stream)) {
        gly_builder_add(&stream->bytes, bytes, size);
        gly_k8s_loop_ready(stream->client->loop, &stream->job);
    } else {
        gly_builder_add(&stream->bytes, bytes,
                        GLY_MIN(size, MOST_REFUSAL - GLY_MIN(stream->bytes.size, MOST_REFUSAL)));
    }
    return size;
}

static void free_stream(gly_k8s_stream *stream) {
    gly_k8s_loop_remove(stream->client->loop, &stream->job);
    curl_easy_cleanup(stream->job.easy);
    curl_slist_free_all(stream->headers);
    gly_builder_clear(&stream->bytes);
    gly_builder_clear(&stream->handed);
    free((void *)(uintptr_t)stream->options.path.data);
    free(stream);
}

/* False: the stream is gone. */
static bool hand_over(gly_k8s_stream *stream) {
    if (stream->bytes.size == 0) {
        return true;
    }
    gly_builder arrived = stream->bytes;
    stream->bytes = stream->handed;
    stream->handed = arrived;
    stream->in_callback = true;
    stream->options.on_bytes(stream->options.context, gly_builder_str(&stream->handed));
    stream->in_callback = false;
    if (stream->is_closed) {
        free_stream(stream);
        return false;
    }
    gly_builder_reset(&stream->handed);
    return true;
}

static void on_ready(gly_k8s_job *job) { (void)hand_over((gly_k8s_stream *)job); }

static void on_done(gly_k8s_job *job, CURLcode code) {
    gly_k8s_stream *stream = (gly_k8s_stream *)job;
    gly_k8s_client *client = stream->client;
    long http_code = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &http_code);
    curl_easy_getinfo(job->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    bool was_good = is_good(stream);
    if (was_good && !hand_over(stream)) {
        return;
    }
    gly_k8s_answer_source source = {.code = code,
                                    .http_code = (int)http_code,
                                    .retry_after_ms = GLY_MIN(retry_after_s, INT32_MAX) * 1000,
                                    .error_text = stream->error_text,
                                    .server = gly_k8s_transfer_server(client->identity),
                                    .method = "GET",
                                    .path = stream->options.path,
                                    .body = was_good ? (gly_str){"", 0}
                                                     : gly_builder_str(&stream->bytes)};
    gly_k8s_answer answer;
    gly_k8s_answer_read(&source, &answer);
    if (http_code == 401) {
        gly_k8s_transfer_distrust_token(client->identity);
    }
    gly_k8s_stream_end end = {answer.status, (int)http_code,
                              answer.message.data != NULL ? answer.message.data : "",
                              answer.retry_after_ms};
    stream->in_callback = true;
    stream->options.on_end(stream->options.context, &end);
    stream->in_callback = false;
    gly_k8s_answer_clear(&answer);
    if (stream->is_closed) {
        free_stream(stream);
    }
}

gly_k8s_stream *gly_k8s_stream_open(gly_k8s_client *client, const gly_k8s_stream_options *options) {
    gly_k8s_stream *stream = GLY_NEW(gly_k8s_stream);
    stream->client = client;
    stream->options = *options;
    char *path = gly_alloc(options->path.size);
    memcpy(path, options->path.data, options->path.size);
    stream->options.path.data = path;
    gly_k8s_transfer transfer = {.method = "GET",
                                 .path = stream->options.path,
                                 .accept = options->accept,
                                 .timeout_ms = options->timeout_ms,
                                 .on_bytes = on_bytes,
                                 .context = stream,
                                 .error_text = stream->error_text};
    stream->job =
        (gly_k8s_job){.easy = gly_k8s_transfer_make(client->identity, &transfer, &stream->headers),
                      .lane = GLY_K8S_LANE_WATCHES,
                      .on_done = on_done,
                      .on_ready = on_ready};
    gly_k8s_loop_add(client->loop, &stream->job);
    return stream;
}

void gly_k8s_stream_close(gly_k8s_stream *stream) {
    if (stream == NULL) {
        return;
    }
    stream->is_closed = true;
    if (stream->in_callback) {
        /* its callback frees it, but nothing more may arrive */
        gly_k8s_loop_remove(stream->client->loop, &stream->job);
    } else {
        free_stream(stream);
    }
}
