/* http_server.h - a small HTTP server for GET and HEAD in a thread of its own: metrics, probes,
 * later a UI.
 *
 * Bounded in everything a stranger controls: connections (each lives at most 30 s and serves one
 * request), headers (8 KiB), the request line (1 KiB), no body, methods.  No TLS, no
 * keep-alive, no files.
 */
#ifndef GLY_HTTP_SERVER_H
#define GLY_HTTP_SERVER_H

#include "lib/base/str.h"

typedef struct gly_http_server gly_http_server;

typedef struct gly_http_server_response {
    int code;                 /* 200 */
    const char *content_type; /* "text/plain; charset=utf-8"; a literal */
    gly_builder body;
} gly_http_server_response;

typedef struct gly_http_server_options {
    const char *address;      /* "0.0.0.0:8080", "[::]:8080", "127.0.0.1:0" (any free port) */
    uint32_t max_connections; /* 0: 64; further ones are closed at once */
    /* Runs on the server's thread, so it must be quick and thread-safe.  path as it came (not
     * decoded, without query); query "" if there is none.  Neither is longer than 1 KiB. */
    void (*on_get)(void *context, const char *path, const char *query,
                   gly_http_server_response *response);
    void *context;
} gly_http_server_options;

/* The first line of a request ("GET /path?query HTTP/1.1"), for tests: 0 and the parts, or the HTTP
 * code of the refusal.  Texts are copied, NUL-terminated; path_size is at least
 * GLY_HTTP_SERVER_PATH_SIZE. */
enum { GLY_HTTP_SERVER_PATH_SIZE = 1025 };
int gly_http_server_parse(gly_str line, bool *ret_is_head, char *ret_path, char *ret_query);

/* Listens before it returns. */
GLY_NODISCARD gly_status gly_http_server_start(const gly_http_server_options *options,
                                               gly_http_server **ret, gly_error *err);
uint16_t gly_http_server_port(const gly_http_server *server);
/* Closes everything and waits for the thread.  Accepts NULL. */
void gly_http_server_stop(gly_http_server *server);

#endif
