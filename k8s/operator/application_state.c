/* application_state.c - the life of an application, as decisions without side effects.
 *
 * One function per situation; the diagram is in README.md.  Three rules make it safe to be killed:
 * a driver pod is made before the status says so (its name is the attempt's, so it cannot be made
 * twice), an attempt is over only when its own pod was seen ended or gone, and what has to be
 * cleaned up is cleaned before the status says it is (that is why Succeeding, Failing and a
 * Suspended with a driver pod exist).  Not here: JSON (application_status.c), requests
 * (reconcile_application.c).
 */
#include "k8s/operator/application_state.h"

#include "k8s/api/names.h"

static const char *const phase_names[GLY_PHASE_COUNT] = {
    [GLY_PHASE_NONE] = "",
    [GLY_PHASE_SUBMITTED] = "Submitted",
    [GLY_PHASE_STARTING] = "Starting",
    [GLY_PHASE_RUNNING] = "Running",
    [GLY_PHASE_SUSPENDED] = "Suspended",
    [GLY_PHASE_SUCCEEDING] = "Succeeding",
    [GLY_PHASE_SUCCEEDED] = "Succeeded",
    [GLY_PHASE_FAILING] = "Failing",
    [GLY_PHASE_RESTARTING] = "Restarting",
    [GLY_PHASE_FAILED] = "Failed",
};

enum {
    EXIT_USAGE = 2,          /* k8s/README.md: a specification that cannot be run */
    EXIT_INFRASTRUCTURE = 3, /* no executors, lost API */
    EXIT_SIGKILL = 137,
    EXIT_SIGTERM = 143,
    PENDING_LOOK_MS = 3000, /* a pod that waits for a volume says so in Events only */
    PENDING_LOOK_MAX_MS = 60000,
    CLEANUP_LOOK_MS = 5000,
    BACKOFF_MAX_MS = 600000,
};

typedef struct work { /* what one step passes around */
    gly_arena *arena;
    const gly_application_state_input *in;
    gly_application_state_output *out;
} work;

const char *gly_application_state_name(gly_application_phase phase) { return phase_names[phase]; }

bool gly_application_state_parse(gly_str name, gly_application_phase *ret) {
    for (int i = 0; i < GLY_PHASE_COUNT; i++) {
        if (gly_str_equal(name, gly_str_of(phase_names[i]))) {
            *ret = (gly_application_phase)i;
            return true;
        }
    }
    return false;
}

bool gly_application_state_is_ended(gly_application_phase phase) {
    return phase == GLY_PHASE_SUCCEEDED || phase == GLY_PHASE_FAILED;
}

int64_t gly_application_state_backoff_ms(int64_t base_ms, uint32_t failures) {
    int64_t limit = GLY_MAX(base_ms, (int64_t)BACKOFF_MAX_MS), delay = base_ms;
    for (uint32_t i = 1; i < failures && delay < limit; i++) {
        delay *= 2;
    }
    return GLY_MIN(delay, limit);
}

void gly_application_state_init(gly_application_state *state) {
    memset(state, 0, sizeof *state);
    state->driver_pod = state->cause = "";
    for (int i = 0; i < GLY_CONDITION_COUNT; i++) {
        state->conditions[i].reason = state->conditions[i].message = "";
    }
}

/* --- pieces of an answer --- */

static void add_effect(work *w, gly_application_effect_kind kind, const char *pod) {
    if (w->out->effect_count <
        GLY_APPLICATION_EFFECTS_MAX) { /* the rest comes with the next step */
        w->out->effects[w->out->effect_count++] = (gly_application_effect){kind, pod};
    }
}

static void add_event(work *w, bool is_warning, const char *reason, const char *message) {
    if (w->out->event_count < GLY_ARRAY_LEN(w->out->events)) {
        w->out->events[w->out->event_count++] =
            (gly_application_event){is_warning, reason, message, w->out->next.attempts};
    }
}

static void look_again(work *w, int64_t delay_ms) {
    delay_ms = GLY_MAX(delay_ms, (int64_t)1);
    if (w->out->requeue_ms < 0 || delay_ms < w->out->requeue_ms) {
        w->out->requeue_ms = delay_ms;
    }
}

static void set_condition(work *w, gly_application_condition_type type, bool is_true,
                          const char *reason, const char *message) {
    gly_application_condition *condition = &w->out->next.conditions[type];
    if (!condition->is_known || condition->is_true != is_true) {
        condition->changed_ms = w->in->now_ms;
    }
    condition->is_known = true;
    condition->is_true = is_true;
    condition->reason = reason;
    condition->message = message;
}

/* reason and message say why the driver is (not) ready; the other conditions follow from the phase.
 */
static void set_conditions(work *w, const char *reason, const char *message) {
    gly_application_phase phase = w->out->next.phase;
    const char *name = phase_names[phase];
    bool is_ended = gly_application_state_is_ended(phase);
    set_condition(w, GLY_CONDITION_READY, phase == GLY_PHASE_RUNNING, reason, message);
    set_condition(w, GLY_CONDITION_PROGRESSING, !is_ended && phase != GLY_PHASE_SUSPENDED, name,
                  "");
    set_condition(w, GLY_CONDITION_COMPLETE, phase == GLY_PHASE_SUCCEEDED, name, "");
    bool is_failed = phase == GLY_PHASE_FAILED;
    set_condition(w, GLY_CONDITION_FAILED, is_failed, is_failed ? reason : name,
                  is_failed ? message : "");
}

static void add_history(work *w, gly_application_phase phase, const char *reason) {
    gly_application_state *next = &w->out->next;
    if (next->history_count == GLY_APPLICATION_HISTORY_MAX) {
        memmove(next->history, next->history + 1,
                (GLY_APPLICATION_HISTORY_MAX - 1) * sizeof *next->history);
        next->history_count--;
    }
    next->history[next->history_count++] =
        (gly_application_history){w->in->now_ms, phase, next->attempts, reason};
}

/* Moves to phase (or stays); reason is a word, message a sentence or "". */
static void enter(work *w, gly_application_phase phase, const char *reason, const char *message) {
    gly_application_state *next = &w->out->next;
    if (next->phase != phase) {
        next->phase = phase;
        const char *text =
            message[0] == '\0' ? reason : gly_arena_format(w->arena, "%s: %.240s", reason, message);
        add_history(w, phase, text);
    }
    set_conditions(w, reason, message);
}

static const char *ready_reason(const work *w) {
    return w->in->state->conditions[GLY_CONDITION_READY].reason;
}

/* --- the driver pod --- */

static bool pod_has_ended(const gly_pod_state *pod) {
    return pod->phase == GLY_POD_SUCCEEDED || pod->phase == GLY_POD_FAILED;
}

static bool pod_is_live(const gly_pod_state *pod) { return pod != NULL && !pod_has_ended(pod); }

static void delete_driver(work *w) {
    if (pod_is_live(w->in->pod) && !w->in->pod->is_deleting) {
        add_effect(w, GLY_EFFECT_DELETE_POD, w->in->pod->name);
    }
}

static void create_driver(work *w) {
    gly_application_state *next = &w->out->next;
    if (next->phase == GLY_PHASE_NONE) {
        enter(w, GLY_PHASE_SUBMITTED, "Submitted", "");
    }
    next->attempts++;
    next->driver_pod = gly_names_driver_pod(w->arena, w->in->name, next->attempts);
    if (next->start_ms == 0) {
        next->start_ms = w->in->now_ms;
    }
    next->completion_ms = 0;
    add_effect(w, GLY_EFFECT_CREATE_DRIVER, next->driver_pod);
    enter(w, GLY_PHASE_STARTING, "DriverCreated", "");
    add_event(w, false, "DriverCreated",
              gly_arena_format(w->arena, "Created driver pod %s (attempt %u).", next->driver_pod,
                               next->attempts));
}

static bool is_infrastructure_failure(const gly_pod_state *pod) {
    if (pod == NULL || pod->exit_code < 0 || pod->was_oom_killed) {
        return true;
    }
    if (strcmp(pod->trouble, "Evicted") == 0 || strcmp(pod->trouble, "NodeLost") == 0) {
        return true;
    }
    return pod->exit_code == EXIT_INFRASTRUCTURE || pod->exit_code == EXIT_SIGKILL ||
           pod->exit_code == EXIT_SIGTERM;
}

static bool may_restart(const work *w, uint32_t failures) {
    const gly_application *application = w->in->application;
    if (application == NULL) {
        return false;
    }
    const gly_pod_state *pod = w->in->pod;
    switch (application->restart_type) {
    case GLY_RESTART_ALWAYS:
        return true;
    case GLY_RESTART_ON_FAILURE:
        return failures < application->max_attempts &&
               (pod == NULL || pod->exit_code != EXIT_USAGE); /* it would fail in the same way */
    case GLY_RESTART_ON_INFRASTRUCTURE_FAILURE:
        return failures < application->max_attempts && is_infrastructure_failure(pod);
    case GLY_RESTART_NEVER:
        break;
    }
    return false;
}

static void restart_later(work *w, uint32_t failures, const char *reason, const char *sentence) {
    gly_application_state *next = &w->out->next;
    int64_t delay_ms = gly_application_state_backoff_ms(w->in->application->backoff_ms, failures);
    add_effect(w, GLY_EFFECT_DELETE_EXECUTORS, NULL);
    enter(w, GLY_PHASE_RESTARTING, reason, sentence);
    char span[32];
    add_event(w, failures > 0, "Restarting",
              gly_arena_format(w->arena, "Attempt %u ended (%s)%s%s; the next one starts in %s.",
                               next->attempts, reason, sentence[0] == '\0' ? "" : ": ", sentence,
                               gly_str_format_ms((double)delay_ms, span, sizeof span)));
    look_again(w, delay_ms);
}

/* Without the full stop, for a sentence that goes on. */
static const char *sentence_of(const work *w, const char *text) {
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == '.' || text[size - 1] == '\n')) {
        size--;
    }
    return gly_arena_str(w->arena, (gly_str){text, size}).data;
}

static void driver_failed(work *w) {
    gly_application_state *next = &w->out->next;
    const gly_pod_state *pod = w->in->pod;
    const char *reason = "DriverFailed", *cause;
    if (pod == NULL) {
        reason = "DriverLost";
        cause = gly_arena_format(w->arena, "driver pod %s is gone: it was deleted, or its node was",
                                 next->driver_pod);
    } else {
        if (pod->trouble[0] != '\0' && strcmp(pod->trouble, "Error") != 0) {
            reason = pod->trouble;
        }
        cause = pod->sentence[0] != '\0'
                    ? sentence_of(w, pod->sentence)
                    : gly_arena_format(w->arena, "driver pod %s failed", pod->name);
    }
    next->failures++;
    next->cause = cause;
    if (may_restart(w, next->failures)) {
        restart_later(w, next->failures, reason, cause);
        return;
    }
    next->completion_ms = w->in->now_ms;
    enter(w, GLY_PHASE_FAILING, reason, cause);
    look_again(w, 1);
}

static void driver_succeeded(work *w) {
    gly_application_state *next = &w->out->next;
    next->cause = "";
    if (w->in->application != NULL && w->in->application->restart_type == GLY_RESTART_ALWAYS &&
        !w->in->application->suspend) {
        restart_later(w, 0, "DriverSucceeded", "");
        return;
    }
    next->completion_ms = w->in->now_ms;
    enter(w, GLY_PHASE_SUCCEEDING, "DriverSucceeded", "");
    look_again(w, 1);
}

static void driver_pending(work *w) {
    const gly_pod_state *pod = w->in->pod;
    const char *reason = pod->trouble, *sentence = pod->sentence;
    if (reason[0] == '\0' && w->in->pod_warning_reason != NULL) {
        reason = w->in->pod_warning_reason;
        sentence = gly_arena_format(w->arena, "driver pod %s cannot start: %s", pod->name,
                                    w->in->pod_warning);
    }
    if (pod->node[0] != '\0' && pod->trouble[0] == '\0') { /* more and more rarely */
        int64_t age_ms = GLY_MAX(w->in->now_ms - pod->created_ms, (int64_t)0);
        look_again(w, GLY_MIN(GLY_MAX(age_ms / 2, (int64_t)PENDING_LOOK_MS), PENDING_LOOK_MAX_MS));
    }
    if (reason[0] == '\0') {
        if (strcmp(ready_reason(w), "DriverCreated") != 0) { /* the trouble is over */
            w->out->next.cause = "";
            enter(w, GLY_PHASE_STARTING, "DriverPending", "");
        }
        return;
    }
    if (sentence[0] == '\0') {
        sentence = gly_arena_format(w->arena, "driver pod %s: %s", pod->name, reason);
    }
    w->out->next.cause = sentence_of(w, sentence);
    enter(w, GLY_PHASE_STARTING, reason, w->out->next.cause);
    if (strcmp(ready_reason(w), reason) != 0) {
        add_event(w, true, reason, w->out->next.cause);
    }
}

static void driver_running(work *w) {
    gly_application_state *next = &w->out->next;
    const gly_pod_state *pod = w->in->pod;
    const char *trouble = pod->trouble; /* its node does not answer, it is about to be evicted */
    bool is_new = next->phase != GLY_PHASE_RUNNING;
    next->cause = sentence_of(w, pod->sentence);
    enter(w, GLY_PHASE_RUNNING, trouble[0] == '\0' ? "DriverRunning" : trouble, next->cause);
    if (is_new) {
        add_event(w, false, "DriverRunning",
                  gly_arena_format(w->arena, "Driver pod %s runs%s%s.", pod->name,
                                   pod->node[0] == '\0' ? "" : " on node ", pod->node));
    }
    if (trouble[0] != '\0' && strcmp(ready_reason(w), trouble) != 0) {
        add_event(w, true, trouble, next->cause);
    }
}

/* --- one function per phase --- */

static void step_driver(work *w) { /* Starting, Running */
    const gly_pod_state *pod = w->in->pod;
    /* Deleted on a node that does not answer: it stays "Running" until the node is back, perhaps
     * for ever.  A driver that lives on there sees in the status that its attempt is over. */
    bool is_out_of_reach = pod != NULL && pod->phase == GLY_POD_RUNNING && pod->is_deleting &&
                           strcmp(pod->trouble, "NodeLost") == 0;
    if (pod == NULL || pod->phase == GLY_POD_FAILED || is_out_of_reach) {
        driver_failed(w);
    } else if (pod->phase == GLY_POD_SUCCEEDED) {
        driver_succeeded(w);
    } else if (pod->phase == GLY_POD_RUNNING) {
        driver_running(w);
    } else {
        driver_pending(w);
    }
}

static bool is_to_be_suspended(const work *w) {
    return w->in->application == NULL || w->in->application->suspend;
}

/* A pod that was made, but not written down before the operator died: it is the attempt's pod now,
 * so that it is waited for, and its executors are cleared away after it. */
static void adopt_unrecorded(work *w) {
    for (uint32_t i = 0; i < w->in->stray_count; i++) {
        if (w->in->strays[i].attempt == w->in->state->attempts + 1) {
            w->out->next.attempts = w->in->strays[i].attempt;
            w->out->next.driver_pod = w->in->strays[i].pod;
            look_again(w, CLEANUP_LOOK_MS);
        }
    }
}

static void suspend(work *w) {
    const char *message = "spec.suspend is true; set it to false to start again";
    delete_driver(w);
    for (uint32_t i = 0; i < w->in->stray_count; i++) {
        add_effect(w, GLY_EFFECT_DELETE_POD, w->in->strays[i].pod);
    }
    adopt_unrecorded(w);
    add_effect(w, GLY_EFFECT_DELETE_EXECUTORS, NULL);
    w->out->next.cause = "";
    enter(w, GLY_PHASE_SUSPENDED, "Suspended", message);
    add_event(w, false, "Suspended",
              "Suspended because spec.suspend is true; driver and executor pods are deleted.");
    look_again(w, CLEANUP_LOOK_MS);
}

static void step_suspended(work *w) {
    gly_application_state *next = &w->out->next;
    const gly_pod_state *pod = w->in->pod;
    if (is_to_be_suspended(w)) {
        adopt_unrecorded(w);
        if (next->attempts != w->in->state->attempts) {
            return; /* the next look reads its pod */
        }
    }
    if (pod != NULL && pod->phase == GLY_POD_SUCCEEDED && next->driver_pod[0] != '\0') {
        driver_succeeded(w); /* it was quicker */
        return;
    }
    if (pod_is_live(pod)) { /* executors go after it: until then it may make more */
        delete_driver(w);
        look_again(w, CLEANUP_LOOK_MS);
        return;
    }
    if (next->driver_pod[0] != '\0') {
        add_effect(w, GLY_EFFECT_DELETE_EXECUTORS, NULL);
        next->driver_pod = "";
        look_again(w, 1);
        return;
    }
    if (w->in->application != NULL && !w->in->application->suspend) {
        add_event(w, false, "Resumed", "Resumed because spec.suspend is false again.");
        create_driver(w);
    }
}

static void step_restarting(work *w) {
    const gly_application_state *state = w->in->state;
    int64_t since_ms =
        state->history_count == 0 ? 0 : state->history[state->history_count - 1].time_ms;
    bool has_begun = false; /* killed between the pod and the status */
    for (uint32_t i = 0; i < w->in->stray_count; i++) {
        has_begun |= w->in->strays[i].attempt == state->attempts + 1;
    }
    int64_t wait_ms =
        gly_application_state_backoff_ms(w->in->application->backoff_ms, state->failures);
    int64_t left_ms = since_ms + wait_ms - w->in->now_ms;
    left_ms = GLY_MIN(left_ms, wait_ms); /* a clock was set back */
    if (left_ms > 0 && !has_begun) {
        look_again(w, left_ms);
        return;
    }
    create_driver(w);
}

static void step_cleaning(work *w) { /* Succeeding, Failing */
    gly_application_state *next = &w->out->next;
    const char *reason = ready_reason(w);
    delete_driver(w);
    add_effect(w, GLY_EFFECT_DELETE_EXECUTORS, NULL);
    if (next->phase == GLY_PHASE_SUCCEEDING) {
        enter(w, GLY_PHASE_SUCCEEDED, "Succeeded", "");
        add_event(w, false, "Succeeded",
                  gly_arena_format(w->arena, "Succeeded in attempt %u.", next->attempts));
    } else {
        enter(w, GLY_PHASE_FAILED, reason[0] == '\0' ? "DriverFailed" : reason, next->cause);
        add_event(w, true, "Failed",
                  gly_arena_format(w->arena, "Failed after %u attempt%s: %s.", next->attempts,
                                   next->attempts == 1 ? "" : "s", next->cause));
    }
    look_again(w, 1); /* ttl */
}

static void step_ended(work *w) {
    gly_application_state *next = &w->out->next;
    delete_driver(w);
    const gly_application *application = w->in->application;
    if (application == NULL || application->ttl_ms < 0) {
        return;
    }
    int64_t left_ms = next->completion_ms + application->ttl_ms - w->in->now_ms;
    if (left_ms > 0) {
        look_again(w, left_ms);
    } else {
        add_effect(w, GLY_EFFECT_DELETE_APPLICATION, NULL);
    }
}

static void step_invalid(work *w) {
    gly_application_state *next = &w->out->next;
    next->cause = w->in->invalid;
    next->completion_ms = w->in->now_ms;
    if (next->attempts > 0) { /* executors may be left */
        enter(w, GLY_PHASE_FAILING, "InvalidSpec", next->cause);
        look_again(w, 1);
        return;
    }
    enter(w, GLY_PHASE_FAILED, "InvalidSpec", next->cause);
    add_event(w, true, "InvalidSpec", next->cause);
}

static void delete_strays(work *w) {
    gly_application_phase phase = w->in->state->phase;
    bool may_start =
        phase == GLY_PHASE_NONE || phase == GLY_PHASE_SUBMITTED || phase == GLY_PHASE_RESTARTING;
    for (uint32_t i = 0; i < w->in->stray_count; i++) {
        const gly_application_stray *stray = &w->in->strays[i];
        if (!may_start || stray->attempt != w->in->state->attempts + 1) {
            add_effect(w, GLY_EFFECT_DELETE_POD, stray->pod);
            look_again(w, CLEANUP_LOOK_MS);
        }
    }
}

static void dispatch(work *w) {
    gly_application_state *next = &w->out->next;
    bool is_edited = w->in->generation != w->in->state->observed_generation;
    if (next->phase == GLY_PHASE_FAILED && next->attempts == 0 && is_edited &&
        w->in->application != NULL) { /* it never ran, and was corrected */
        next->cause = "";
        enter(w, GLY_PHASE_SUBMITTED, "Corrected", "");
    }
    if (gly_application_state_is_ended(next->phase)) {
        step_ended(w);
        return;
    }
    if (next->phase == GLY_PHASE_SUCCEEDING || next->phase == GLY_PHASE_FAILING) {
        step_cleaning(w);
        return;
    }
    bool is_driven = next->phase == GLY_PHASE_STARTING || next->phase == GLY_PHASE_RUNNING;
    bool is_done = is_driven && w->in->pod != NULL && w->in->pod->phase == GLY_POD_SUCCEEDED;
    if (w->in->application == NULL && !(is_driven && (is_done || pod_is_live(w->in->pod)))) {
        if (next->phase == GLY_PHASE_SUSPENDED && next->driver_pod[0] != '\0') {
            step_suspended(w); /* cleans first */
        } else {
            step_invalid(w);
        }
        return;
    }
    if (w->in->application == NULL && is_edited) { /* and the driver runs on */
        add_event(w, true, "InvalidSpec",
                  gly_arena_format(w->arena, "The change is not used: %s.", w->in->invalid));
    }
    if (w->in->application != NULL && w->in->application->suspend && !is_done &&
        next->phase != GLY_PHASE_SUSPENDED) {
        suspend(w);
    } else if (next->phase == GLY_PHASE_SUSPENDED) {
        step_suspended(w);
    } else if (next->phase == GLY_PHASE_RESTARTING) {
        step_restarting(w);
    } else if (is_driven) {
        step_driver(w);
    } else {
        create_driver(w);
    }
}

static void begin(work *w) {
    w->out->effect_count = w->out->event_count = 0;
    w->out->requeue_ms = -1;
    w->out->next = *w->in->state;
}

void gly_application_state_step(gly_arena *arena, const gly_application_state_input *input,
                                gly_application_state_output *ret) {
    work w = {arena, input, ret};
    begin(&w);
    if (input->is_deleting) {
        return; /* owner references clean up */
    }
    delete_strays(&w);
    dispatch(&w);
    ret->next.observed_generation = input->generation;
}

void gly_application_state_refused(gly_arena *arena, const gly_application_state_input *input,
                                   const char *reason, const char *message, bool is_final,
                                   gly_application_state_output *ret) {
    work w = {arena, input, ret};
    begin(&w);
    const char *sentence = sentence_of(&w, message);
    bool is_new = strcmp(ready_reason(&w), reason) != 0;
    ret->next.cause = sentence;
    if (!is_final) {
        gly_application_phase phase = input->state->phase;
        if (phase == GLY_PHASE_NONE || phase == GLY_PHASE_FAILED || phase == GLY_PHASE_SUSPENDED) {
            phase = GLY_PHASE_SUBMITTED;
        }
        enter(&w, phase, reason, sentence);
    } else {
        ret->next.completion_ms = input->now_ms;
        enter(&w, ret->next.attempts > 0 ? GLY_PHASE_FAILING : GLY_PHASE_FAILED, reason, sentence);
        look_again(&w, 1);
    }
    if (is_new) {
        add_event(&w, true, reason, sentence);
    }
    ret->next.observed_generation = input->generation;
}
