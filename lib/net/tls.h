/* tls.h - certificates for mutual TLS between driver and executors, made at start.
 *
 * The driver is its own certificate authority: an EC P-256 key that stays in its memory (on
 * Kubernetes: in the driver's secret) signs one certificate for the driver and one per executor.  A
 * peer is known by its certificate's common name ("galley-driver", "galley-executor-7"), which is
 * also a DNS name in it, so that the address by which it was dialled does not matter.
 */
#ifndef GLY_TLS_H
#define GLY_TLS_H

#include "lib/base/base.h"
#include "lib/base/str.h"

typedef struct gly_tls_authority gly_tls_authority;

/* What one process presents and trusts: PEM texts, NUL-terminated. */
typedef struct gly_tls_identity {
    char *authority_pem;   /* certificate of the authority */
    char *certificate_pem; /* own certificate ... */
    char *key_pem;         /* ... and private key */
} gly_tls_identity;

#define GLY_TLS_DRIVER_NAME "galley-driver"
#define GLY_TLS_EXECUTOR_PREFIX "galley-executor-"
/* Good for one thing only: asking the driver for a certificate of one's own (Identify). */
#define GLY_TLS_BOOTSTRAP_NAME "galley-executor-bootstrap"

/* Makes a new authority (about 1 ms).  Thread-safe afterwards. */
GLY_NODISCARD gly_status gly_tls_authority_make(gly_tls_authority **ret, gly_error *err);
void gly_tls_authority_free(gly_tls_authority *authority);

/* The authority as PEM texts and back: ca.crt and ca.key of the driver's secret.  Both results are
 * free'd by the caller, the key with gly_tls_text_wipe.  load checks that the two belong together.
 */
GLY_NODISCARD gly_status gly_tls_authority_export(gly_tls_authority *authority,
                                                  char **ret_certificate_pem, char **ret_key_pem,
                                                  gly_error *err);
GLY_NODISCARD gly_status gly_tls_authority_load(const char *certificate_pem, const char *key_pem,
                                                gly_tls_authority **ret, gly_error *err);
/* Loads ca.crt and ca.key below a directory. */
GLY_NODISCARD gly_status gly_tls_authority_read_dir(const char *directory, gly_tls_authority **ret,
                                                    gly_error *err);

/* --- a key that never leaves the process that made it --- */

/* A new key and a signing request for it; what the request says of its subject is not believed by
 * anyone. */
GLY_NODISCARD gly_status gly_tls_request_make(char **ret_key_pem, char **ret_request_pem,
                                              gly_error *err);
typedef struct gly_tls_subject {
    const char *name;        /* common name, as for gly_tls_identity_issue */
    const char *application; /* organisation; NULL: "galley" */
    const char *pod_uid;     /* urn:galley:pod:<uid> among the names; NULL: none */
} gly_tls_subject;
/* A certificate for the key of a signing request (PEM; from strangers: anything may be in it, only
 * P-256 keys that signed the request themselves are accepted). */
GLY_NODISCARD gly_status gly_tls_authority_sign(gly_tls_authority *authority, gly_str request_pem,
                                                const gly_tls_subject *subject,
                                                char **ret_certificate_pem, gly_error *err);
/* Overwrites and frees a key's text.  Accepts NULL. */
void gly_tls_text_wipe(char *text);

/* A new key and certificate for that common name, valid for localhost, loopback and this host's
 * name as well.  Free with gly_tls_identity_clear, which also wipes the key. */
GLY_NODISCARD gly_status gly_tls_identity_issue(gly_tls_authority *authority, const char *name,
                                                gly_tls_identity *ret, gly_error *err);
void gly_tls_identity_clear(gly_tls_identity *identity);

/* An identity as one byte string and back: what an executor inherits through a descriptor. */
void gly_tls_identity_encode(const gly_tls_identity *identity, gly_builder *out);
GLY_NODISCARD gly_status gly_tls_identity_decode(gly_str bytes, gly_tls_identity *ret,
                                                 gly_error *err);
/* Reads an encoded identity from a descriptor to its end and closes it. */
GLY_NODISCARD gly_status gly_tls_identity_read_fd(int fd, gly_tls_identity *ret, gly_error *err);
/* Reads ca.crt, tls.crt and tls.key below a directory (the layout of a Kubernetes TLS secret). */
GLY_NODISCARD gly_status gly_tls_identity_read_dir(const char *directory, gly_tls_identity *ret,
                                                   gly_error *err);

#endif
