/* tls.h - certificates for mutual TLS between driver and executors, made at start.
 *
 * The driver is its own certificate authority: an EC P-256 key that never leaves its memory signs one
 * certificate for the driver and one per executor.  A peer is known by its certificate's common name
 * ("galley-driver", "galley-executor-7"), which is also a DNS name in it, so that the address by which it
 * was dialled does not matter.
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

/* Makes a new authority (about 1 ms).  Thread-safe afterwards. */
GLY_NODISCARD gly_status gly_tls_authority_make(gly_tls_authority **ret, gly_error *err);
void gly_tls_authority_free(gly_tls_authority *authority);

/* A new key and certificate for that common name, valid for localhost, loopback and this host's name
 * as well.  Free with gly_tls_identity_clear, which also wipes the key. */
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
