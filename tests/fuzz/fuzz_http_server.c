/* fuzz_http_server.c - the request line of the HTTP server. */
#include "lib/net/http_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *line = malloc(size + 1); /* exactly sized, so that reading behind it is seen */
    memcpy(line, data, size);
    bool is_head = false;
    char path[GLY_HTTP_SERVER_PATH_SIZE], query[GLY_HTTP_SERVER_PATH_SIZE];
    if (gly_http_server_parse((gly_str){line, size}, &is_head, path, query) == 0) {
        GLY_ASSERT(path[0] == '/' && strlen(path) + strlen(query) < size);
    }
    free(line);
    return 0;
}
