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
    GLY_CHECK_OK(gly_tls_identity_issue(authority, "galley-executor-7", &identity, &error), &error);
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

GLY_TEST(an_authority_travels_as_text) {
    gly_error error;
    gly_tls_authority *authority, *copy = NULL, *other;
    char *certificate = NULL, *key = NULL, *other_certificate = NULL, *other_key = NULL;
    GLY_CHECK_OK(gly_tls_authority_make(&authority, &error), &error);
    GLY_CHECK_OK(gly_tls_authority_make(&other, &error), &error);
    GLY_CHECK_OK(gly_tls_authority_export(authority, &certificate, &key, &error), &error);
    GLY_CHECK_OK(gly_tls_authority_export(other, &other_certificate, &other_key, &error), &error);
    GLY_CHECK_OK(gly_tls_authority_load(certificate, key, &copy, &error), &error);
    gly_tls_identity identity;
    GLY_CHECK_OK(gly_tls_identity_issue(copy, "galley-driver", &identity, &error), &error);
    X509 *issued = parse(identity.certificate_pem);
    X509 *issuer = parse(certificate);
    GLY_CHECK_INT(X509_verify(issued, X509_get0_pubkey(issuer)), 1);
    GLY_CHECK_TEXT(identity.authority_pem, certificate);
    gly_tls_authority *none = NULL;
    GLY_CHECK_INT(gly_tls_authority_load(certificate, other_key, &none, &error), GLY_E_TLS);
    GLY_CHECK_INT(gly_tls_authority_load(identity.certificate_pem, identity.key_pem, &none, &error),
                  GLY_E_TLS); /* no authority's */
    GLY_CHECK_INT(gly_tls_authority_load("", key, &none, &error), GLY_E_TLS);
    GLY_CHECK_INT(gly_tls_authority_load(certificate, "nonsense", &none, &error), GLY_E_TLS);
    X509_free(issued);
    X509_free(issuer);
    gly_tls_identity_clear(&identity);
    gly_tls_text_wipe(key);
    gly_tls_text_wipe(other_key);
    free(certificate);
    free(other_certificate);
    gly_tls_authority_free(authority);
    gly_tls_authority_free(other);
    gly_tls_authority_free(copy);
}

static char *name_field(X509 *certificate, int nid) {
    static char text[128];
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), nid, text, sizeof text);
    return text;
}

GLY_TEST(signs_requests) {
    gly_error error;
    gly_tls_authority *authority;
    char *key = NULL, *request = NULL, *pem = NULL;
    GLY_CHECK_OK(gly_tls_authority_make(&authority, &error), &error);
    GLY_CHECK_OK(gly_tls_request_make(&key, &request, &error), &error);
    gly_tls_subject subject = {"galley-executor-3", "shop-etl", "8f1c-77"};
    GLY_CHECK_OK(gly_tls_authority_sign(authority, gly_str_of(request), &subject, &pem, &error),
                 &error);
    X509 *certificate = parse(pem);
    GLY_CHECK_TEXT(name_field(certificate, NID_commonName), "galley-executor-3");
    GLY_CHECK_TEXT(name_field(certificate, NID_organizationName), "shop-etl");
    GLY_CHECK_INT(X509_check_host(certificate, "galley-executor-3", 0, 0, NULL), 1);
    GLY_CHECK_INT(X509_check_host(certificate, "localhost", 0, 0, NULL), 0);
    BIO *bio = BIO_new_mem_buf(key, -1);
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    GLY_CHECK_INT(X509_check_private_key(certificate, private_key), 1);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool has_pod = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        has_pod |= name->type == GEN_URI &&
                   strcmp((const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                          "urn:galley:pod:8f1c-77") == 0;
    }
    GLY_CHECK(has_pod);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    EVP_PKEY_free(private_key);
    BIO_free(bio);
    X509_free(certificate);
    free(pem);
    gly_tls_text_wipe(key);
    free(request);
    gly_tls_authority_free(authority);
}

static char *request_of(EVP_PKEY *claimed, EVP_PKEY *signer) {
    X509_REQ *request = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    GLY_ASSERT(X509_REQ_set_pubkey(request, claimed) == 1 &&
               X509_REQ_sign(request, signer, EVP_sha256()) > 0 &&
               PEM_write_bio_X509_REQ(bio, request) == 1);
    char *data, *text;
    long size = BIO_get_mem_data(bio, &data);
    text = calloc((size_t)size + 1, 1);
    memcpy(text, data, (size_t)size);
    BIO_free(bio);
    X509_REQ_free(request);
    return text;
}

GLY_TEST(refuses_bad_requests) {
    gly_error error;
    gly_tls_authority *authority;
    char *pem = NULL, *good_key = NULL, *good = NULL;
    GLY_CHECK_OK(gly_tls_authority_make(&authority, &error), &error);
    GLY_CHECK_OK(gly_tls_request_make(&good_key, &good, &error), &error);
    EVP_PKEY *mine = EVP_EC_gen("P-256"), *others = EVP_EC_gen("P-256"),
             *large = EVP_EC_gen("P-384");
    char *stolen = request_of(others, mine); /* asks for a certificate for another's key */
    char *odd = request_of(large, large);
    char *huge = calloc(1, 100001);
    memset(huge, 'A', 100000);
    const char *const requests[] = {"", "nonsense", stolen, odd, huge};
    gly_tls_subject subject = {"galley-executor-3", "a", "u"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(requests); i++) {
        GLY_CHECK_INT(
            gly_tls_authority_sign(authority, gly_str_of(requests[i]), &subject, &pem, &error),
            GLY_E_TLS);
    }
    static const char *const uids[] = {"", "a,DNS:galley-driver", "a b"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(uids); i++) {
        subject.pod_uid = uids[i];
        GLY_CHECK_INT(gly_tls_authority_sign(authority, gly_str_of(good), &subject, &pem, &error),
                      GLY_E_TLS);
    }
    EVP_PKEY_free(mine);
    EVP_PKEY_free(others);
    EVP_PKEY_free(large);
    free(stolen);
    free(odd);
    free(huge);
    gly_tls_text_wipe(good_key);
    free(good);
    gly_tls_authority_free(authority);
}

GLY_TEST(reads_an_authority_from_a_directory) {
    char directory[] = "/tmp/galley-test-XXXXXX", path[128];
    GLY_ASSERT(mkdtemp(directory) != NULL);
    gly_error error;
    gly_tls_authority *authority, *back = NULL;
    char *texts[2] = {0};
    GLY_CHECK_OK(gly_tls_authority_make(&authority, &error), &error);
    GLY_CHECK_OK(gly_tls_authority_export(authority, &texts[0], &texts[1], &error), &error);
    static const char *const names[] = {"ca.crt", "ca.key"};
    for (size_t i = 0; i < 2; i++) {
        GLY_CHECK_INT(gly_tls_authority_read_dir(directory, &back, &error), GLY_E_PATH_NOT_FOUND);
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        FILE *file = fopen(path, "w");
        fputs(texts[i], file);
        fclose(file);
    }
    GLY_CHECK_OK(gly_tls_authority_read_dir(directory, &back, &error), &error);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
        free(texts[i]);
    }
    rmdir(directory);
    gly_tls_authority_free(authority);
    gly_tls_authority_free(back);
}

GLY_SUITE("tls", an_authority_travels_as_text, signs_requests, refuses_bad_requests,
          reads_an_authority_from_a_directory, certificates_are_signed_and_named, refuses_odd_names,
          travels_through_a_descriptor, reads_a_directory)
