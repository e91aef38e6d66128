/* test_tls.c - identities: made, handed over, read back; what a certificate says. */
#include "lib/net/tls.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

static X509 *parse(const char *pem) {
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    GLY_ASSERT(certificate != NULL);
    return certificate;
}

GLY_TEST(certificates_are_signed_and_named) {
    gly_error error;
    gly_tls_authority *authority, *other;
    gly_tls_identity identity;
    GLY_CHECK_OK(gly_tls_authority_make(&authority, &error), &error);
    GLY_CHECK_OK(gly_tls_authority_make(&other, &error), &error);
    GLY_CHECK_OK(gly_tls_identity_issue(authority, "galley-executor-7", &identity, &error),
                 &error);
    X509 *certificate = parse(identity.certificate_pem);
    X509 *issuer = parse(identity.authority_pem);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    GLY_CHECK_INT(X509_verify(certificate, key), 1);
    GLY_CHECK_INT(X509_check_host(certificate, "galley-executor-7", 0, 0, NULL), 1);
    GLY_CHECK_INT(X509_check_host(certificate, "galley-driver", 0, 0, NULL), 0);
    GLY_CHECK_INT(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    GLY_CHECK_INT(X509_check_ca(certificate), 0);
    GLY_CHECK(X509_check_ca(issuer) > 0);
    GLY_CHECK(strstr(identity.key_pem, "PRIVATE KEY") != NULL);
    gly_tls_identity stranger;
    GLY_CHECK_OK(gly_tls_identity_issue(other, "galley-executor-7", &stranger, &error), &error);
    X509 *foreign = parse(stranger.certificate_pem);
    GLY_CHECK(X509_verify(foreign, key) != 1);
    X509_free(foreign);
    X509_free(certificate);
    X509_free(issuer);
    gly_tls_identity_clear(&stranger);
    gly_tls_identity_clear(&identity);
    GLY_CHECK(identity.key_pem == NULL);
    gly_tls_authority_free(authority);
    gly_tls_authority_free(other);
}

GLY_TEST(refuses_odd_names) {
    static const char *const names[] = {
        "", "a,DNS:galley-driver", "with space",
        "far-too-long-for-a-common-name-far-too-long-for-a-common-name-far-too-long"};
    gly_error error;
    gly_tls_authority *authority;
    gly_tls_identity identity;
    GLY_CHECK_OK(gly_tls_authority_make(&authority, &error), &error);
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        GLY_CHECK_INT(gly_tls_identity_issue(authority, names[i], &identity, &error), GLY_E_TLS);
    }
    gly_tls_authority_free(authority);
}

GLY_TEST(travels_through_a_descriptor) {
    gly_error error;
    gly_tls_identity identity = {"A", "certificate", "key"}, back;
    gly_builder bytes = {0};
    gly_tls_identity_encode(&identity, &bytes);
    int ends[2];
    GLY_ASSERT(pipe(ends) == 0);
    GLY_CHECK_INT(write(ends[1], bytes.data, bytes.size), bytes.size);
    close(ends[1]);
    GLY_CHECK_OK(gly_tls_identity_read_fd(ends[0], &back, &error), &error);
    GLY_CHECK_TEXT(back.authority_pem, "A");
    GLY_CHECK_TEXT(back.certificate_pem, "certificate");
    GLY_CHECK_TEXT(back.key_pem, "key");
    gly_tls_identity_clear(&back);
    for (size_t cut = 0; cut < bytes.size; cut++) { /* incomplete at any place */
        gly_str part = {bytes.data, cut};
        GLY_CHECK_INT(gly_tls_identity_decode(part, &back, &error), GLY_E_TLS);
    }
    gly_builder_clear(&bytes);
    GLY_CHECK_INT(gly_tls_identity_read_fd(-1, &back, &error), GLY_E_IO);
}

GLY_TEST(reads_a_directory) {
    char directory[] = "/tmp/galley-test-XXXXXX", path[128];
    GLY_ASSERT(mkdtemp(directory) != NULL);
    static const char *const names[] = {"ca.crt", "tls.crt", "tls.key"};
    gly_error error;
    gly_tls_identity identity;
    for (size_t i = 0; i < 3; i++) {
        GLY_CHECK_INT(gly_tls_identity_read_dir(directory, &identity, &error),
                      GLY_E_PATH_NOT_FOUND);
        GLY_CHECK(strstr(error.message, names[i]) != NULL);
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        FILE *file = fopen(path, "w");
        fprintf(file, "text of %s", names[i]);
        fclose(file);
    }
    GLY_CHECK_OK(gly_tls_identity_read_dir(directory, &identity, &error), &error);
    GLY_CHECK_TEXT(identity.key_pem, "text of tls.key");
    gly_tls_identity_clear(&identity);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

GLY_SUITE("tls", certificates_are_signed_and_named, refuses_odd_names,
          travels_through_a_descriptor, reads_a_directory)
