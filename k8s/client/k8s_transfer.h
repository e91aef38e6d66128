/* k8s_transfer.h - curl handles that speak to our API server as who we are.
 *
 * Inside this folder only.
 */
#ifndef GLY_K8S_TRANSFER_H
#define GLY_K8S_TRANSFER_H

#include "k8s/client/k8s_config.h"

#include <curl/curl.h>

/* Server, authority and identity, with the token as it is now. */
typedef struct gly_k8s_identity gly_k8s_identity;

GLY_NODISCARD gly_status gly_k8s_transfer_identity(const gly_k8s_config *config,
                                                   gly_k8s_identity **ret, gly_error *err);
void gly_k8s_transfer_free_identity(gly_k8s_identity *identity);
const char *gly_k8s_transfer_server(const gly_k8s_identity *identity);
/* The server said 401: the token is read again before the next request.  False: there is no token
 * file. */
bool gly_k8s_transfer_distrust_token(gly_k8s_identity *identity);

typedef struct gly_k8s_transfer {
    const char *method;
    gly_str path, body;
    const char *content_type, *accept; /* NULL: application/json */
    int64_t timeout_ms;
    bool is_fresh; /* not over a connection that may be dead */
    size_t (*on_bytes)(char *bytes, size_t one, size_t size, void *context); /* curl's rules */
    void *context;
    char *error_text; /* CURL_ERROR_SIZE bytes */
} gly_k8s_transfer;

/* A handle ready to be added, and its headers, which must live as long.  path, body and error_text
 * must outlive it too. */
CURL *gly_k8s_transfer_make(gly_k8s_identity *identity, const gly_k8s_transfer *transfer,
                            struct curl_slist **ret_headers);

#endif
