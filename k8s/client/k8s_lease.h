/* k8s_lease.h - leader election by a coordination.k8s.io/v1 Lease, as client-go does it.
 *
 * 15 s lease, renewed every 2 s, given up after 10 s without a successful renewal.  Expiry is
 * judged by our own monotonic clock since the lease was last seen to change, never by comparing
 * wall clocks.
 */
#ifndef GLY_K8S_LEASE_H
#define GLY_K8S_LEASE_H

#include "k8s/client/k8s_client.h"

typedef struct gly_k8s_lease gly_k8s_lease;
typedef struct gly_k8s_lease_options {
    const char *namespace_name, *name;
    const char *identity; /* copied; different for each process that ever runs (pod name and uid) */
    int64_t duration_ms, renew_deadline_ms, retry_ms; /* 0: 15 s, 10 s, 2 s */
    void (*on_change)(void *context, bool is_leader);
    void (*on_trouble)(void *context, const char *message); /* the first of a row; may be NULL */
    void *context;
} gly_k8s_lease_options;

gly_k8s_lease *gly_k8s_lease_start(gly_k8s_client *client, const gly_k8s_lease_options *options);
/* Also false as soon as the renew deadline has passed, even if nothing polled meanwhile. */
bool gly_k8s_lease_is_held(const gly_k8s_lease *lease);
/* Gives the lease up if it is held (so that another takes over at once), frees.  Polls for at most
 * 2 s, so not from within a callback; on_change is not called any more.  Accepts NULL. */
void gly_k8s_lease_stop(gly_k8s_lease *lease);

#endif
