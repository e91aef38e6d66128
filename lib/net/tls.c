/* tls.c - the application's own certificate authority and the identities it signs, with OpenSSL.
 *
 * EC P-256 keys (0.1 ms each, 1 signature per handshake side), certificates of one year: they live
 * as long as the application.  Private keys stay in memory; an executor gets its own through an
 * inherited descriptor, or makes it itself and has only the certificate signed.  The authority's
 * key leaves this file for one purpose: the operator stores it as the driver's secret
 * (gly_tls_authority_export). Invariant: what a signing request claims about its owner never gets
 * into a certificate. Not here: the handshake itself, which is gRPC's (grpc_internal.h makes its
 * credentials).
 */
#include "lib/net/tls.h"

#include "lib/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum {
    VALID_SECONDS = 365 * 24 * 3600,
    LARGEST_IDENTITY = 1 << 20,
    LARGEST_REQUEST = 16 << 10, /* a P-256 request has 400 bytes */
    MOST_NAME = 64,
};

struct gly_tls_authority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
    pthread_mutex_t lock; /* signing reads the key only, but OpenSSL caches inside */
};

static gly_status tls_error(gly_error *err, const char *what) {
    char reason[256];
    unsigned long code = ERR_get_error();
    ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return gly_fail(err, GLY_E_TLS, "cannot %s: %s", what,
                    code == 0 ? "OpenSSL gave no reason" : reason);
}

static char *take_text(BIO *bio) {
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = gly_alloc((size_t)size + 1);
    memcpy(text, data, (size_t)size);
    text[size] = '\0';
    return text;
}

static char *certificate_text(X509 *certificate) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1) {
        text = take_text(bio);
    }
    BIO_free(bio);
    return text;
}

static char *key_text(EVP_PKEY *key) {
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        text = take_text(bio);
    }
    BIO_free(bio);
    return text;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool set_names(X509 *certificate, const gly_tls_subject *from, X509 *issuer) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    const char *organisation = from->application == NULL ? "galley" : from->application;
    size_t size = strnlen(organisation, MOST_NAME); /* X.520's upper bound of both fields */
    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                      (const unsigned char *)organisation, (int)size, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      (const unsigned char *)from->name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1;
}

/* The names by which a peer may be known besides its common name: a pod by its uid, another process
 * by the addresses of this machine. */
static void list_names(const gly_tls_subject *subject, char *names, size_t size) {
    if (subject->pod_uid != NULL) {
        snprintf(names, size, "DNS:%s,URI:urn:galley:pod:%s", subject->name, subject->pod_uid);
        return;
    }
    char host[256] = "localhost";
    if (gethostname(host, sizeof host - 1) != 0 || strpbrk(host, ",: ") != NULL) {
        snprintf(host, sizeof host, "localhost");
    }
    snprintf(names, size, "DNS:%s,DNS:localhost,DNS:%s,IP:127.0.0.1,IP:::1", subject->name, host);
}

/* A certificate for key; issuer NULL: signed by itself, an authority. */
static X509 *sign_certificate(const gly_tls_subject *subject, EVP_PKEY *key, X509 *issuer,
                              EVP_PKEY *issuer_key) {
    X509 *certificate = X509_new();
    if (certificate == NULL) {
        return NULL;
    }
    bool is_authority = issuer == NULL;
    X509 *parent = is_authority ? certificate : issuer;
    bool good = X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -300) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL &&
                X509_set_pubkey(certificate, key) == 1 && set_names(certificate, subject, parent);
    if (good && is_authority) {
        good = add_extension(certificate, parent, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(certificate, parent, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else if (good) {
        char names[512];
        list_names(subject, names, sizeof names);
        good = add_extension(certificate, parent, NID_basic_constraints, "critical,CA:FALSE") &&
               add_extension(certificate, parent, NID_key_usage, "critical,digitalSignature") &&
               add_extension(certificate, parent, NID_ext_key_usage, "serverAuth,clientAuth") &&
               add_extension(certificate, parent, NID_subject_alt_name, names);
    }
    if (!good || X509_sign(certificate, issuer_key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

gly_status gly_tls_authority_make(gly_tls_authority **ret, gly_error *err) {
    gly_tls_authority *authority = GLY_NEW(gly_tls_authority);
    pthread_mutex_init(&authority->lock, NULL);
    authority->key = EVP_EC_gen("P-256");
    if (authority->key != NULL) {
        gly_tls_subject subject = {.name = "galley-authority"};
        authority->certificate = sign_certificate(&subject, authority->key, NULL, authority->key);
    }
    if (authority->certificate != NULL) {
        authority->pem = certificate_text(authority->certificate);
    }
    if (authority->pem == NULL) {
        gly_tls_authority_free(authority);
        return tls_error(err, "make the certificate authority");
    }
    *ret = authority;
    return GLY_OK;
}

void gly_tls_authority_free(gly_tls_authority *authority) {
    if (authority != NULL) {
        X509_free(authority->certificate);
        EVP_PKEY_free(authority->key);
        free(authority->pem);
        pthread_mutex_destroy(&authority->lock);
        free(authority);
    }
}

/* --- the authority as texts --- */

gly_status gly_tls_authority_export(gly_tls_authority *authority, char **ret_certificate_pem,
                                    char **ret_key_pem, gly_error *err) {
    pthread_mutex_lock(&authority->lock);
    char *key = key_text(authority->key);
    pthread_mutex_unlock(&authority->lock);
    if (key == NULL) {
        return tls_error(err, "write the authority's key");
    }
    *ret_certificate_pem = gly_alloc_string(authority->pem);
    *ret_key_pem = key;
    return GLY_OK;
}

/* Never asks for a password on the terminal. */
static int no_password(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

gly_status gly_tls_authority_load(const char *certificate_pem, const char *key_pem,
                                  gly_tls_authority **ret, gly_error *err) {
    gly_tls_authority *authority = GLY_NEW(gly_tls_authority);
    pthread_mutex_init(&authority->lock, NULL);
    BIO *certificate = BIO_new_mem_buf(certificate_pem, -1);
    BIO *key = BIO_new_mem_buf(key_pem, -1);
    if (certificate != NULL && key != NULL) {
        authority->certificate = PEM_read_bio_X509(certificate, NULL, no_password, NULL);
        authority->key = PEM_read_bio_PrivateKey(key, NULL, no_password, NULL);
    }
    BIO_free(certificate);
    BIO_free(key);
    bool belongs = authority->certificate != NULL && authority->key != NULL &&
                   X509_check_private_key(authority->certificate, authority->key) == 1 &&
                   X509_check_ca(authority->certificate) > 0;
    if (belongs) {
        authority->pem = certificate_text(authority->certificate);
    }
    if (authority->pem == NULL) {
        bool was_read = authority->certificate != NULL && authority->key != NULL;
        gly_tls_authority_free(authority);
        if (was_read && !belongs) {
            ERR_clear_error();
            return gly_fail(err, GLY_E_TLS,
                            "the certificate authority cannot be used: its key does not belong to "
                            "its certificate, or the certificate is no authority's");
        }
        return tls_error(err, "read the certificate authority");
    }
    *ret = authority;
    return GLY_OK;
}

/* --- certificates --- */

static gly_status check_name(const char *name, gly_error *err) {
    if (name[0] == '\0' || strlen(name) > MOST_NAME || strpbrk(name, ",:= ") != NULL) {
        return gly_fail(err, GLY_E_TLS,
                        "\"%s\" cannot be the name in a certificate: 1 to 64 characters without "
                        "commas, colons and spaces are needed",
                        name);
    }
    return GLY_OK;
}

static X509 *sign_locked(gly_tls_authority *authority, const gly_tls_subject *subject,
                         EVP_PKEY *key) {
    pthread_mutex_lock(&authority->lock);
    X509 *certificate = sign_certificate(subject, key, authority->certificate, authority->key);
    pthread_mutex_unlock(&authority->lock);
    return certificate;
}

gly_status gly_tls_request_make(char **ret_key_pem, char **ret_request_pem, gly_error *err) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *request = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *secret = NULL;
    if (key != NULL && request != NULL && bio != NULL && X509_REQ_set_pubkey(request, key) == 1 &&
        X509_REQ_sign(request, key, EVP_sha256()) > 0 &&
        PEM_write_bio_X509_REQ(bio, request) == 1) {
        text = take_text(bio);
        secret = key_text(key);
    }
    BIO_free(bio);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    if (secret == NULL) {
        free(text);
        return tls_error(err, "make a signing request");
    }
    *ret_key_pem = secret;
    *ret_request_pem = text;
    return GLY_OK;
}

static bool is_p256(EVP_PKEY *key) {
    char group[32];
    size_t size;
    return key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static gly_status check_subject(const gly_tls_subject *subject, gly_error *err) {
    static const char allowed[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
    GLY_TRY(check_name(subject->name, err));
    const char *uid = subject->pod_uid;
    if (uid != NULL &&
        (uid[0] == '\0' || strlen(uid) > MOST_NAME || uid[strspn(uid, allowed)] != '\0')) {
        return gly_fail(err, GLY_E_TLS, "\"%.80s\" is not the uid of a pod", uid);
    }
    return GLY_OK;
}

gly_status gly_tls_authority_sign(gly_tls_authority *authority, gly_str request_pem,
                                  const gly_tls_subject *subject, char **ret_certificate_pem,
                                  gly_error *err) {
    GLY_TRY(check_subject(subject, err));
    X509_REQ *request = NULL;
    if (request_pem.size <= LARGEST_REQUEST) {
        BIO *bio = BIO_new_mem_buf(request_pem.data, (int)request_pem.size);
        request = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, no_password, NULL);
        BIO_free(bio);
    }
    EVP_PKEY *key = request == NULL ? NULL : X509_REQ_get0_pubkey(request);
    if (!is_p256(key) || X509_REQ_verify(request, key) != 1) {
        X509_REQ_free(request);
        ERR_clear_error();
        return gly_fail(
            err, GLY_E_TLS,
            "the signing request of %s is not one: a P-256 key that signed it is needed",
            subject->name);
    }
    X509 *certificate = sign_locked(authority, subject, key);
    char *text = certificate == NULL ? NULL : certificate_text(certificate);
    X509_free(certificate);
    X509_REQ_free(request);
    if (text == NULL) {
        return tls_error(err, "sign a certificate");
    }
    *ret_certificate_pem = text;
    return GLY_OK;
}

gly_status gly_tls_identity_issue(gly_tls_authority *authority, const char *name,
                                  gly_tls_identity *ret, gly_error *err) {
    GLY_TRY(check_name(name, err));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    gly_tls_subject subject = {.name = name};
    X509 *certificate = key == NULL ? NULL : sign_locked(authority, &subject, key);
    gly_tls_identity identity = {0};
    if (certificate != NULL) {
        identity.certificate_pem = certificate_text(certificate);
        identity.key_pem = key_text(key);
        identity.authority_pem = gly_alloc_string(authority->pem);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (identity.certificate_pem == NULL || identity.key_pem == NULL) {
        gly_tls_identity_clear(&identity);
        return tls_error(err, "make a certificate");
    }
    *ret = identity;
    return GLY_OK;
}

void gly_tls_text_wipe(char *text) {
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void gly_tls_identity_clear(gly_tls_identity *identity) {
    gly_tls_text_wipe(identity->key_pem);
    free(identity->certificate_pem);
    free(identity->authority_pem);
    *identity = (gly_tls_identity){0};
}

/* Three NUL-terminated texts one after the other. */
void gly_tls_identity_encode(const gly_tls_identity *identity, gly_builder *out) {
    gly_builder_add(out, identity->authority_pem, strlen(identity->authority_pem) + 1);
    gly_builder_add(out, identity->certificate_pem, strlen(identity->certificate_pem) + 1);
    gly_builder_add(out, identity->key_pem, strlen(identity->key_pem) + 1);
}

gly_status gly_tls_identity_decode(gly_str bytes, gly_tls_identity *ret, gly_error *err) {
    const char *texts[3];
    const char *at = bytes.data;
    size_t left = bytes.size;
    for (size_t i = 0; i < GLY_ARRAY_LEN(texts); i++) {
        const char *end = left == 0 ? NULL : memchr(at, '\0', left);
        if (end == NULL || end == at) {
            return gly_fail(err, GLY_E_TLS,
                            "the TLS identity that was handed over is incomplete (%zu bytes)",
                            bytes.size);
        }
        texts[i] = at;
        left -= (size_t)(end + 1 - at);
        at = end + 1;
    }
    *ret = (gly_tls_identity){gly_alloc_string(texts[0]), gly_alloc_string(texts[1]),
                              gly_alloc_string(texts[2])};
    return GLY_OK;
}

static gly_status read_to_end(int fd, const char *what, gly_builder *out, gly_error *err) {
    for (;;) {
        char *room = gly_builder_room(out, 4096);
        ssize_t got = read(fd, room, 4096);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gly_error_from_errno(err, errno, "cannot read %s", what);
        }
        if (got == 0) {
            gly_builder_add(out, "", 0);
            return GLY_OK;
        }
        out->size += (size_t)got;
        if (out->size > LARGEST_IDENTITY) {
            return gly_fail(err, GLY_E_TLS, "%s is larger than 1 MiB", what);
        }
    }
}

static void wipe(gly_builder *builder) {
    if (builder->data != NULL) {
        explicit_bzero(builder->data, builder->capacity);
    }
    gly_builder_clear(builder);
}

gly_status gly_tls_identity_read_fd(int fd, gly_tls_identity *ret, gly_error *err) {
    gly_builder bytes = {0};
    gly_status status = read_to_end(fd, "the inherited TLS identity", &bytes, err);
    close(fd);
    if (status == GLY_OK) {
        status = gly_tls_identity_decode(gly_builder_str(&bytes), ret, err);
    }
    wipe(&bytes);
    return status;
}

static gly_status read_text(const char *directory, const char *name, char **ret, gly_error *err) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path) {
        return gly_fail(err, GLY_E_TLS, "the TLS directory's path is too long: %s", directory);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot open %s", path);
    }
    gly_builder bytes = {0};
    gly_status status = read_to_end(fd, path, &bytes, err);
    close(fd);
    if (status == GLY_OK) {
        *ret = gly_alloc_string(bytes.data);
    }
    wipe(&bytes);
    return status;
}

gly_status gly_tls_identity_read_dir(const char *directory, gly_tls_identity *ret, gly_error *err) {
    gly_tls_identity identity = {0};
    gly_status status = read_text(directory, "ca.crt", &identity.authority_pem, err);
    if (status == GLY_OK) {
        status = read_text(directory, "tls.crt", &identity.certificate_pem, err);
    }
    if (status == GLY_OK) {
        status = read_text(directory, "tls.key", &identity.key_pem, err);
    }
    if (status != GLY_OK) {
        gly_tls_identity_clear(&identity);
        return status;
    }
    *ret = identity;
    return GLY_OK;
}

gly_status gly_tls_authority_read_dir(const char *directory, gly_tls_authority **ret,
                                      gly_error *err) {
    char *certificate = NULL, *key = NULL;
    gly_status status = read_text(directory, "ca.crt", &certificate, err);
    if (status == GLY_OK) {
        status = read_text(directory, "ca.key", &key, err);
    }
    if (status == GLY_OK) {
        status = gly_tls_authority_load(certificate, key, ret, err);
    }
    free(certificate);
    gly_tls_text_wipe(key);
    return status;
}
