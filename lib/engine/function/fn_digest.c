/* fn_digest.c - md5, sha1, sha2, crc32 of a row's bytes, as lower-case digits.
 *
 * The digests are OpenSSL's, fetched once a batch, since fetching one costs more than digesting a
 * short text; crc32 is libdeflate's.  They are for people who compare data with what other programs
 * computed.  Invariant: a digest that this build of OpenSSL does not offer (MD5 where only FIPS
 * algorithms are allowed) is an error, never another text.
 */
#include "lib/engine/function/fn_digest.h"

#include <libdeflate.h>
#include <openssl/evp.h>

enum { MD5, SHA1, SHA224, SHA256, SHA384, SHA512, KINDS };

typedef struct digester {
    EVP_MD *kinds[KINDS]; /* fetched when they are first needed */
    EVP_MD_CTX *state;
} digester;

static void digester_clear(digester *with) {
    for (int kind = 0; kind < KINDS; kind++) {
        EVP_MD_free(with->kinds[kind]);
    }
    EVP_MD_CTX_free(with->state);
}

static gly_status put_digest(gly_call *call, uint32_t row, int kind, digester *with,
                             gly_error *err) {
    static const char *const names[KINDS] = {"MD5",      "SHA1",     "SHA2-224",
                                             "SHA2-256", "SHA2-384", "SHA2-512"};
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    gly_str text = gly_call_text(call, 0, row);
    if (with->kinds[kind] == NULL) {
        with->kinds[kind] = EVP_MD_fetch(NULL, names[kind], NULL);
    }
    if (with->state == NULL) {
        with->state = EVP_MD_CTX_new();
    }
    if (with->kinds[kind] == NULL || with->state == NULL ||
        EVP_DigestInit_ex2(with->state, with->kinds[kind], NULL) != 1 ||
        EVP_DigestUpdate(with->state, text.data, text.size) != 1 ||
        EVP_DigestFinal_ex(with->state, bytes, &size) != 1) {
        return gly_fail(err, GLY_E_INTERNAL,
                        "OpenSSL cannot compute %s on this machine; its configuration may allow "
                        "only some digests",
                        names[kind]);
    }
    char shown[2 * EVP_MAX_MD_SIZE];
    for (unsigned i = 0; i < size; i++) {
        shown[2 * i] = digits[bytes[i] >> 4];
        shown[2 * i + 1] = digits[bytes[i] & 15];
    }
    gly_call_put_text(call, row, (gly_str){shown, 2 * (size_t)size});
    return GLY_OK;
}

static gly_status put_all(gly_call *call, int kind, gly_error *err) {
    digester with = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        status = status == GLY_OK ? put_digest(call, row, kind, &with, err) : status;
    }
    digester_clear(&with);
    return status;
}

gly_status gly_fn_digest_md5(gly_call *call, gly_error *err) { return put_all(call, MD5, err); }

gly_status gly_fn_digest_sha1(gly_call *call, gly_error *err) { return put_all(call, SHA1, err); }

/* KINDS, which is NULL, for any other number of bits; 0 is 256. */
static int sha2_of(int32_t bits) {
    switch (bits) {
    case 224:
        return SHA224;
    case 0:
    case 256:
        return SHA256;
    case 384:
        return SHA384;
    case 512:
        return SHA512;
    default:
        return KINDS;
    }
}

gly_status gly_fn_digest_sha2(gly_call *call, gly_error *err) {
    digester with = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        int kind = sha2_of(GLY_CALL_ARG(call, 1, int32_t, row));
        if (kind == KINDS) {
            gly_call_set_null(call, row);
            gly_call_put_view(call, row, (gly_str){"", 0});
        } else if (status == GLY_OK) {
            status = put_digest(call, row, kind, &with, err);
        }
    }
    digester_clear(&with);
    return status;
}

gly_status gly_fn_digest_crc32(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        GLY_CALL_RESULT(call, int64_t)[row] = libdeflate_crc32(0, text.data, text.size);
    }
    return GLY_OK;
}
