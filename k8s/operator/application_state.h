/* application_state.h - what the operator does about one GalleyApplication: a pure state machine.
 *
 *   (specification, the operator's part of the status, driver pod or none, now)
 *      -> effects in order, events, the next status, when to look again
 *
 * Level-based: nothing but what is there now counts, so it may be asked at any time, twice, or by
 * an operator that was just started.  The order of every answer is: effects, events, status.  The
 * status is written last (against the resourceVersion that was read), so that a process killed
 * anywhere comes to the same effects again, and they were done already: names are deterministic.
 */
#ifndef GLY_APPLICATION_STATE_H
#define GLY_APPLICATION_STATE_H

#include "k8s/api/application.h"
#include "k8s/pod/pods.h"

typedef enum gly_application_phase {
    GLY_PHASE_NONE, /* no status yet */
    GLY_PHASE_SUBMITTED,
    GLY_PHASE_STARTING,
    GLY_PHASE_RUNNING,
    GLY_PHASE_SUSPENDED,
    GLY_PHASE_SUCCEEDING,
    GLY_PHASE_SUCCEEDED,
    GLY_PHASE_FAILING,
    GLY_PHASE_RESTARTING,
    GLY_PHASE_FAILED,
    GLY_PHASE_COUNT
} gly_application_phase;

typedef enum gly_application_condition_type {
    GLY_CONDITION_READY,       /* the driver runs */
    GLY_CONDITION_PROGRESSING, /* it gets there by itself */
    GLY_CONDITION_COMPLETE,
    GLY_CONDITION_FAILED,
    GLY_CONDITION_COUNT
} gly_application_condition_type;

typedef struct gly_application_condition {
    bool is_known, is_true;
    const char *reason, *message; /* reason: one CamelCase word */
    int64_t changed_ms;           /* wall clock, when is_true last changed */
} gly_application_condition;

typedef struct gly_application_history {
    int64_t time_ms;
    gly_application_phase phase;
    uint32_t attempt;
    const char *reason; /* "OOMKilled: driver pod a-driver …" */
} gly_application_history;

enum { GLY_APPLICATION_HISTORY_MAX = 20, GLY_APPLICATION_EFFECTS_MAX = 16 };

/* The operator's part of the status.  Texts are never NULL. */
typedef struct gly_application_state {
    gly_application_phase phase;
    uint32_t attempts;      /* driver pods made so far; the number of the newest */
    uint32_t failures;      /* of these, how many count against restartPolicy.maxAttempts */
    const char *driver_pod; /* "": none that we must still look after */
    const char *cause;
    gly_application_condition conditions[GLY_CONDITION_COUNT];
    uint32_t history_count;
    gly_application_history history[GLY_APPLICATION_HISTORY_MAX];
    int64_t start_ms, completion_ms; /* wall clock; 0: not yet */
    int64_t observed_generation;
} gly_application_state;

typedef struct gly_application_stray { /* a driver pod of ours, of another attempt, not ended */
    const char *pod;
    uint32_t attempt;
} gly_application_stray;

typedef struct gly_application_state_input {
    int64_t now_ms; /* wall clock */
    int64_t generation;
    const char *name;
    bool is_deleting;
    const gly_application *application; /* NULL: the specification is invalid ... */
    const char *invalid;                /* ... and this says why */
    const gly_application_state *state;
    const gly_pod_state
        *pod; /* of attempt state->attempts, read after the application; NULL: none */
    const char *pod_warning_reason; /* of the newest Warning about that pod; NULL: none */
    const char *pod_warning;
    uint32_t stray_count;
    const gly_application_stray *strays;
} gly_application_state_input;

typedef enum gly_application_effect_kind {
    GLY_EFFECT_CREATE_DRIVER,    /* TLS secrets and the pod of next.attempts; already ours: done */
    GLY_EFFECT_DELETE_POD,       /* name; gone already: done */
    GLY_EFFECT_DELETE_EXECUTORS, /* all of the application */
    GLY_EFFECT_DELETE_APPLICATION,
} gly_application_effect_kind;

typedef struct gly_application_effect {
    gly_application_effect_kind kind;
    const char *pod;
} gly_application_effect;

typedef struct gly_application_event {
    bool is_warning;
    const char *reason, *message;
    uint32_t attempt; /* events of equal reason and attempt are one */
} gly_application_event;

typedef struct gly_application_state_output {
    uint32_t effect_count, event_count;
    gly_application_effect effects[GLY_APPLICATION_EFFECTS_MAX];
    gly_application_event events[4];
    gly_application_state next; /* if all effects succeed */
    int64_t requeue_ms;         /* look again after; -1: when something changes */
} gly_application_state_output;

/* Texts of ret live in arena or in input. */
void gly_application_state_step(gly_arena *arena, const gly_application_state_input *input,
                                gly_application_state_output *ret);

/* The answer when CREATE_DRIVER was refused: shows it, stays where it is.  is_final: trying again
 * cannot help until the specification changes. */
void gly_application_state_refused(gly_arena *arena, const gly_application_state_input *input,
                                   const char *reason, const char *message, bool is_final,
                                   gly_application_state_output *ret);

void gly_application_state_init(gly_application_state *state);       /* no status yet */
const char *gly_application_state_name(gly_application_phase phase); /* "Running"; "" for none */
bool gly_application_state_parse(gly_str name, gly_application_phase *ret);
bool gly_application_state_is_ended(gly_application_phase phase); /* Succeeded, Failed */
/* How long after the n-th failure (from 1) the next attempt starts: doubles, up to 10 minutes or
 * base. */
int64_t gly_application_state_backoff_ms(int64_t base_ms, uint32_t failures);

#endif
