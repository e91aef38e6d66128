/* k8s_loop.h - the event loop under a client: curl transfers in two lanes, timers, a wake-up.
 *
 * Inside this folder only.  One thread; callbacks run in gly_k8s_loop_run, never inside libcurl, so
 * they may add and remove transfers and timers as they like.
 */
#ifndef GLY_K8S_LOOP_H
#define GLY_K8S_LOOP_H

#include "lib/base/base.h"

#include <curl/curl.h>

typedef struct gly_k8s_loop gly_k8s_loop;
typedef enum gly_k8s_lane {
    GLY_K8S_LANE_REQUESTS,
    GLY_K8S_LANE_WATCHES,
    GLY_K8S_LANE_COUNT
} gly_k8s_lane;

/* A transfer; lies within its owner's structure.  CURLOPT_PRIVATE of easy is set to it. */
typedef struct gly_k8s_job {
    CURL *easy;
    gly_k8s_lane lane;
    bool is_added, is_ready;
    /* After the transfer's end; it is removed already. */
    void (*on_done)(struct gly_k8s_job *job, CURLcode code);
    /* After gly_k8s_loop_ready; may be NULL. */
    void (*on_ready)(struct gly_k8s_job *job);
} gly_k8s_job;

gly_k8s_loop *gly_k8s_loop_make(void); /* NULL: no descriptors left */
void gly_k8s_loop_free(gly_k8s_loop *loop);

void gly_k8s_loop_add(gly_k8s_loop *loop, gly_k8s_job *job);
void gly_k8s_loop_remove(gly_k8s_loop *loop, gly_k8s_job *job); /* no callback follows */
/* From within a write callback: on_ready is called soon. */
void gly_k8s_loop_ready(gly_k8s_loop *loop, gly_k8s_job *job);

uint64_t gly_k8s_loop_after(gly_k8s_loop *loop, int64_t delay_ms, void (*function)(void *context),
                            void *context);
void gly_k8s_loop_cancel_timer(gly_k8s_loop *loop,
                               uint64_t timer_id); /* 0 and ended ones: nothing */

/* See gly_k8s_client_poll. */
void gly_k8s_loop_run(gly_k8s_loop *loop, int64_t timeout_ms);
void gly_k8s_loop_wake(gly_k8s_loop *loop); /* any thread, async-signal-safe */
/* A callback that the loop does not know of has run: gly_k8s_loop_run returns soon. */
void gly_k8s_loop_progress(gly_k8s_loop *loop);

#endif
