/* k8s_answer.h - what a finished transfer means: status, one sentence, worth another attempt or
 * not.
 *
 * Inside this folder only.
 */
#ifndef GLY_K8S_ANSWER_H
#define GLY_K8S_ANSWER_H

#include "lib/base/str.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>

typedef struct gly_k8s_answer_source {
    CURLcode code;
    int http_code;          /* 0: none came */
    int64_t retry_after_ms; /* 0: none asked for */
    const char *error_text; /* curl's; may be empty */
    const char *server, *method;
    gly_str path, body;
    size_t too_large; /* the limit, if the body exceeded it; else 0 */
} gly_k8s_answer_source;

typedef struct gly_k8s_answer {
    gly_status status;
    char reason[64];
    gly_builder message; /* empty if status is GLY_OK */
    cJSON *body;         /* NULL: none, or no JSON */
    int64_t retry_after_ms;
    bool is_retryable;
    bool is_ambiguous; /* the server may have done it although we do not know */
} gly_k8s_answer;

/* *ret is overwritten; clear it. */
void gly_k8s_answer_read(const gly_k8s_answer_source *source, gly_k8s_answer *ret);
void gly_k8s_answer_clear(gly_k8s_answer *answer);
/* Of a Kubernetes Status (an answer's body, or the object of an ERROR event): "words (Reason, HTTP
 * 410)". */
void gly_k8s_answer_words(const cJSON *status_object, int http_code, gly_builder *out);

#endif
