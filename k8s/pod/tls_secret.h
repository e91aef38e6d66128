/* tls_secret.h - the two Secrets of an application's identity, docs/decisions/0007-*.md, as JSON.
 *
 * "<application>-driver-tls" holds the authority (ca.crt, ca.key), "<application>-executor-tls" a
 * bootstrap identity (ca.crt, tls.crt, tls.key).  Both are immutable and owned by the application.
 * The driver's is to be made first: who finds it there already reads the authority back
 * (gly_tls_secret_text) and issues the second from it, so that being killed between the two does no
 * harm.
 */
#ifndef GLY_TLS_SECRET_H
#define GLY_TLS_SECRET_H

#include "k8s/api/application.h"

/* PEM texts.  Free the results with cJSON_Delete. */
cJSON *gly_tls_secret_driver(const gly_application *application, const char *ca_certificate_pem,
                             const char *ca_key_pem);
cJSON *gly_tls_secret_executor(const gly_application *application, const char *ca_certificate_pem,
                               const char *certificate_pem, const char *key_pem);

/* The text of one key ("ca.crt") of a Secret as the API server gives it (data, in base64) or as it
 * is made here (stringData); in arena.  NULL if it is not there or no base64. */
const char *gly_tls_secret_text(gly_arena *arena, const cJSON *secret, const char *key);

#endif
