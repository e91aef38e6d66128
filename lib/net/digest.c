/* digest.c - the two hash functions that signatures of requests are made of.
 *
 * OpenSSL fails here only without memory or with a build that lacks SHA-256, so failure is a bug.
 */
#include "lib/net/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void gly_digest_sha256(gly_str bytes, uint8_t ret[GLY_DIGEST_BYTES]) {
    unsigned size = 0;
    const void *data = bytes.size > 0 ? bytes.data : "";
    GLY_ASSERT(EVP_Digest(data, bytes.size, ret, &size, EVP_sha256(), NULL) == 1);
    GLY_ASSERT(size == GLY_DIGEST_BYTES);
}

void gly_digest_hmac_sha256(gly_str key, gly_str bytes, uint8_t ret[GLY_DIGEST_BYTES]) {
    unsigned size = 0;
    const unsigned char *data = (const unsigned char *)(bytes.size > 0 ? bytes.data : "");
    const void *secret = key.size > 0 ? key.data : "";
    GLY_ASSERT(key.size <= INT_MAX);
    GLY_ASSERT(HMAC(EVP_sha256(), secret, (int)key.size, data, bytes.size, ret, &size) != NULL);
    GLY_ASSERT(size == GLY_DIGEST_BYTES);
}

const char *gly_digest_hex(const uint8_t digest[GLY_DIGEST_BYTES], char ret[GLY_DIGEST_HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < GLY_DIGEST_BYTES; i++) {
        ret[i * 2] = digits[digest[i] >> 4];
        ret[i * 2 + 1] = digits[digest[i] & 15];
    }
    ret[GLY_DIGEST_BYTES * 2] = '\0';
    return ret;
}
