/* digest.h - SHA-256 and HMAC-SHA-256 (RFC 6234, RFC 2104), by OpenSSL. */
#ifndef GLY_DIGEST_H
#define GLY_DIGEST_H

#include "lib/base/str.h"

enum { GLY_DIGEST_BYTES = 32, GLY_DIGEST_HEX_SIZE = 65 };

void gly_digest_sha256(gly_str bytes, uint8_t ret[GLY_DIGEST_BYTES]);
void gly_digest_hmac_sha256(gly_str key, gly_str bytes, uint8_t ret[GLY_DIGEST_BYTES]);
/* Lower-case hexadecimal digits, NUL-terminated; returns ret. */
const char *gly_digest_hex(const uint8_t digest[GLY_DIGEST_BYTES], char ret[GLY_DIGEST_HEX_SIZE]);

#endif
