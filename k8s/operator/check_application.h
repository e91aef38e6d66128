/* check_application.h - galley-operator --check-application NAME: has it succeeded?  For helm test,
 * whose pods can only be programs of our images. */
#ifndef GLY_CHECK_APPLICATION_H
#define GLY_CHECK_APPLICATION_H

#include "k8s/client/k8s_config.h"

/* Asks until the application has succeeded (GLY_OK), has failed, or timeout_ms are over; in between
 * it may be absent, and the API server away.  The error says what its state and cause are. */
GLY_NODISCARD gly_status gly_check_application(const gly_k8s_config *config,
                                               const char *namespace_name, const char *name,
                                               int64_t timeout_ms, gly_error *err);

#endif
