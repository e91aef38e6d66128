/* identify.h - an executor in a pod asks its driver for a certificate of its own
 * (docs/decisions/0007-identity-on-kubernetes). */
#ifndef GLY_IDENTIFY_H
#define GLY_IDENTIFY_H

#include "lib/net/tls.h"

typedef struct gly_identify_options {
    const char *driver_address;
    const gly_tls_identity *bootstrap;
    uint32_t executor_id;
    const char *pod_uid;
    int64_t timeout_ms; /* how long to try to reach the driver */
    int64_t refused_ms; /* how long a refusal may still turn out to be "not known yet"; 0: 10 s */
    int stop_fd;        /* readable: give up, CANCELLED; -1: never */
} gly_identify_options;

/* Makes a key, has a certificate signed for it, and fills ret (free with gly_tls_identity_clear).
 * Blocks. TLS when the driver refuses for good, NETWORK when it cannot be reached. */
GLY_NODISCARD gly_status gly_identify_run(const gly_identify_options *options,
                                          gly_tls_identity *ret, gly_error *err);

#endif
