/* k8s_client_internal.h - what the files of this folder see of a client. */
#ifndef GLY_K8S_CLIENT_INTERNAL_H
#define GLY_K8S_CLIENT_INTERNAL_H

#include "k8s/client/k8s_client.h"
#include "k8s/client/k8s_loop.h"
#include "k8s/client/k8s_transfer.h"

#include "lib/base/map.h"
#include "lib/base/random.h"

typedef struct gly_k8s_send gly_k8s_send; /* a request on its way, k8s_client.c */

struct gly_k8s_client {
    gly_k8s_loop *loop;
    gly_k8s_identity *identity;
    gly_map requests; /* id -> gly_k8s_send */
    gly_k8s_send *first_waiting, *last_waiting;
    uint32_t in_flight;
    uint64_t next_id;
    gly_random random; /* for jitter */
    bool is_closing;
};

/* base * 2^failures, at most most_ms, of that between half and all. */
int64_t gly_k8s_client_back_off(gly_k8s_client *client, uint32_t failures, int64_t first_ms,
                                int64_t most_ms);

#endif
