/* k8s_answer.c - curl codes, HTTP codes and Kubernetes Status objects turned into one sentence.
 *
 * The server's words go to users' status and logs, so they are cut, and control characters in them
 * become spaces.  Which codes are worth another attempt is decided here; whether a method may be
 * repeated is the client's question.
 */
#include "k8s/client/k8s_answer.h"

#include <stdio.h>

enum { MOST_PATH = 200, MOST_WORDS = 600, MOST_RETRY_AFTER_MS = 120000 };

static void add_clean(gly_builder *out, gly_str text, size_t most) {
    text = gly_str_trim(text);
    size_t size = GLY_MIN(text.size, most);
    while (size < text.size && size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size--; /* not within a character of UTF-8 */
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        gly_builder_add_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
    if (size < text.size) {
        gly_builder_add_text(out, "...");
    }
}

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

void gly_k8s_answer_words(const cJSON *status_object, int http_code, gly_builder *out) {
    const char *words = text_of(status_object, "message");
    const char *reason = text_of(status_object, "reason");
    size_t before = out->size;
    if (words != NULL) {
        add_clean(out, gly_str_of(words), MOST_WORDS);
    }
    if (out->size == before) {
        gly_builder_add_text(out, "the API server refused");
    }
    gly_builder_add_text(out, " (");
    if (reason != NULL && reason[0] != '\0') {
        add_clean(out, gly_str_of(reason), 60);
        gly_builder_add_text(out, ", ");
    }
    gly_builder_format(out, "HTTP %d)", http_code);
}

static gly_status status_of_http(int http_code, const char *reason) {
    switch (http_code) {
    case 404:
        return GLY_E_PATH_NOT_FOUND;
    case 409:
        return strcmp(reason, "AlreadyExists") == 0 ? GLY_E_PATH_EXISTS : GLY_E_INVALID_ARGUMENT;
    case 408:
    case 504:
        return GLY_E_TIMEOUT;
    default:
        return http_code == 429 || http_code >= 500 ? GLY_E_NETWORK : GLY_E_INVALID_ARGUMENT;
    }
}

/* An answer came, whatever it says. */
static void read_http(const gly_k8s_answer_source *source, gly_k8s_answer *ret) {
    int code = source->http_code;
    if (source->body.size > 0) {
        ret->body = cJSON_ParseWithLength(source->body.data, source->body.size);
    }
    if (code >= 200 && code < 300) {
        return;
    }
    const char *reason = text_of(ret->body, "reason");
    snprintf(ret->reason, sizeof ret->reason, "%s", reason != NULL ? reason : "");
    ret->status = status_of_http(code, ret->reason);
    ret->is_retryable = code == 429 || (code >= 500 && code != 501 && code != 505);
    ret->is_ambiguous = code >= 500 && code != 503;
    ret->retry_after_ms = GLY_MIN(source->retry_after_ms, MOST_RETRY_AFTER_MS);
    if (cJSON_IsObject(ret->body)) {
        gly_k8s_answer_words(ret->body, code, &ret->message);
    } else { /* a proxy's or load balancer's page, or "404 page not found" */
        size_t before = ret->message.size;
        add_clean(&ret->message, source->body, MOST_WORDS / 3);
        gly_builder_format(&ret->message, "%s(HTTP %d)", ret->message.size > before ? " " : "",
                           code);
    }
}

/* curl gave up. */
static void read_failure(const gly_k8s_answer_source *source, gly_k8s_answer *ret) {
    const char *words = source->error_text != NULL && source->error_text[0] != '\0'
                            ? source->error_text
                            : curl_easy_strerror(source->code);
    ret->is_retryable = true;
    ret->is_ambiguous = true;
    ret->status = GLY_E_NETWORK;
    switch (source->code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        ret->is_ambiguous = false;
        gly_builder_format(&ret->message,
                           "the API server at %s cannot be reached: ", source->server);
        break;
    case CURLE_SSL_CONNECT_ERROR: /* also a server that ends in the middle of it */
        ret->status = GLY_E_TLS;
        ret->is_ambiguous = false;
        gly_builder_format(&ret->message, "no TLS with the API server at %s: ", source->server);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        ret->status = GLY_E_TLS;
        ret->is_retryable = false;
        gly_builder_format(&ret->message,
                           "no trust between us and the API server at %s: ", source->server);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        ret->status = GLY_E_TIMEOUT;
        gly_builder_format(&ret->message, "the API server at %s did not answer: ", source->server);
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_OUT_OF_MEMORY:
        ret->is_retryable = false;
        break;
    default:
        gly_builder_format(&ret->message,
                           "the connection to the API server at %s broke: ", source->server);
        break;
    }
    add_clean(&ret->message, gly_str_of(words), MOST_WORDS);
}

void gly_k8s_answer_read(const gly_k8s_answer_source *source, gly_k8s_answer *ret) {
    *ret = (gly_k8s_answer){.status = GLY_OK};
    gly_str path = {source->path.data, source->path.size};
    gly_builder_add_text(&ret->message, source->method);
    gly_builder_add_char(&ret->message, ' ');
    add_clean(&ret->message, path, MOST_PATH);
    gly_builder_add_text(&ret->message, ": ");
    if (source->too_large > 0) {
        ret->status = GLY_E_RESULT_TOO_LARGE;
        gly_builder_format(&ret->message, "the answer is larger than the limit of %zu bytes",
                           source->too_large);
    } else if (source->code == CURLE_OK) {
        read_http(source, ret);
    } else {
        read_failure(source, ret);
    }
    if (ret->status == GLY_OK) {
        gly_builder_reset(&ret->message);
    }
}

void gly_k8s_answer_clear(gly_k8s_answer *answer) {
    gly_builder_clear(&answer->message);
    cJSON_Delete(answer->body);
    answer->body = NULL;
}
