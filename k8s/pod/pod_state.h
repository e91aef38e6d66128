/* pod_state.h - what a pod of ours is doing, from its JSON, and why it is in trouble, in one
 * sentence.
 *
 * It is our container (galley-driver, galley-executor) that counts: a pod whose side cars run on
 * after it has ended has ended; a pod that the API server calls Failed has failed, whatever its
 * containers' last known states are (nobody updates those once the node is gone).
 */
#ifndef GLY_POD_STATE_H
#define GLY_POD_STATE_H

#include "lib/base/arena.h"

#include <cjson/cJSON.h>

typedef enum gly_pod_phase {
    GLY_POD_PENDING,
    GLY_POD_RUNNING,
    GLY_POD_SUCCEEDED,
    GLY_POD_FAILED, /* also when the node is gone, or it was evicted before a container started */
} gly_pod_phase;

typedef struct gly_pod_state {
    const char *name, *uid, *node, *ip; /* "" if not yet */
    gly_pod_phase phase;
    bool is_deleting;
    bool is_ours;                  /* set by the caller's comparison of labels */
    uint32_t attempt, executor_id; /* of its labels; 0: none */
    int exit_code;                 /* of our container; -1: none */
    bool was_oom_killed;
    /* The "message" of what our container wrote to /dev/termination-log, or that text as it is if
     * it is no JSON, or the end of its log if it wrote nothing; "" if there is none. */
    const char *termination_message;
    const char *termination_reason; /* its "reason"; "" if none */
    const char *last_words;         /* that whole text, whatever it is; "" if there is none */
    /* Why it does not start or how it ended, one sentence with pod, exit code, limit, node
     * condition;
     * "" if there is nothing to say.  trouble, one word for conditions and events, "" if none:
     *   of a pending pod: Unschedulable, SchedulingGated, ImagePullBackOff (all that has to do with
     *     pulling), CreateContainerConfigError (a Secret or ConfigMap is missing),
     * CreateContainerError, or what else the kubelet says; of an ended one: OOMKilled, Evicted (for
     * resources, by drain, by limits of its disk), Preempted, NodeLost, NodeShutdown,
     * DeadlineExceeded, StartError, InitContainerFailed, Error, or what else the kubelet says
     * (OutOfcpu, UnexpectedAdmissionError); of a running one: NodeLost (its node does not answer),
     * Evicted, Preempted (it is about to be). */
    const char *trouble, *sentence;
    int64_t created_ms, started_ms; /* wall clock; 0: unknown */
} gly_pod_state;

/* Texts point into pod or arena. */
void gly_pod_state_read(gly_arena *arena, const cJSON *pod, gly_pod_state *ret);

#endif
