/* test_digest.c - published values: FIPS 180-4's examples, RFC 4231's test cases. */
#include "lib/net/digest.h"
#include "tests/support/check.h"

static const char *sha(const char *text, char hex[GLY_DIGEST_HEX_SIZE]) {
    uint8_t digest[GLY_DIGEST_BYTES];
    gly_digest_sha256(gly_str_of(text), digest);
    return gly_digest_hex(digest, hex);
}

static const char *mac(const char *key, const char *text, char hex[GLY_DIGEST_HEX_SIZE]) {
    uint8_t digest[GLY_DIGEST_BYTES];
    gly_digest_hmac_sha256(gly_str_of(key), gly_str_of(text), digest);
    return gly_digest_hex(digest, hex);
}

GLY_TEST(sha256) {
    char hex[GLY_DIGEST_HEX_SIZE];
    GLY_CHECK_TEXT(sha("", hex),
                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    GLY_CHECK_TEXT(sha("abc", hex),
                   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

GLY_TEST(hmac) {
    char hex[GLY_DIGEST_HEX_SIZE];
    GLY_CHECK_TEXT(mac("Jefe", "what do ya want for nothing?", hex),
                   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    GLY_CHECK_TEXT(mac("", "", hex),
                   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

GLY_SUITE("digest", sha256, hmac)
