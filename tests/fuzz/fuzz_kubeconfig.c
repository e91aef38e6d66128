/* fuzz_kubeconfig.c - any bytes as a kubeconfig: refused with a sentence, or whole texts come out.
 */
#include "k8s/client/k8s_config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t length(const char *text) { return text != NULL ? strlen(text) : 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gly_arena *arena = gly_arena_make();
    gly_k8s_config config;
    gly_error error;
    gly_str text = {(const char *)data, size};
    if (gly_k8s_config_parse(arena, text, "/nowhere", NULL, &config, &error) == GLY_OK) {
        GLY_ASSERT(config.server != NULL && config.namespace_name != NULL);
        GLY_ASSERT(config.server[length(config.server) - 1] != '/');
        GLY_ASSERT((config.certificate_pem == NULL) == (config.key_pem == NULL));
        size_t all = length(config.server) + length(config.namespace_name) + length(config.ca_pem) +
                     length(config.certificate_pem) + length(config.key_pem) +
                     length(config.token) + length(config.token_path) + length(config.user) +
                     length(config.password);
        GLY_ASSERT(all <= 20 * (size + 100));
    } else {
        GLY_ASSERT(error.message[0] != '\0');
    }
    gly_arena_free(arena);
    return 0;
}
