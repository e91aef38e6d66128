/* pod_state.c - what a pod of ours is doing and why it is in trouble; see pod_state.h.
 *
 * What there is to read, in the order in which it is believed once a pod has ended: our container's
 * own OOM kill; status.reason (the kubelet's: Evicted, DeadlineExceeded, NodeLost); the
 * DisruptionTarget condition (who had it deleted); our container's exit; an init container's exit;
 * status.message. Kubernetes: pkg/kubelet, pkg/controller/nodelifecycle, pkg/controller/podgc, and
 * KEP-3329 for the conditions.  Texts from there are shortened, and kept on one line.
 */
#include "k8s/pod/pod_state.h"

#include "k8s/api/json_field.h"
#include "k8s/api/names.h"
#include "k8s/api/rfc3339.h"

enum { LONGEST_TEXT = 600 };

typedef struct reader {
    gly_arena *arena;
    const cJSON *pod, *status;
    const cJSON *own; /* the status of our container or NULL */
    gly_pod_state *state;
} reader;

/* One line, without white space at its ends, not too long, without its full stop. */
static const char *one_line(gly_arena *arena, const char *text) {
    gly_str trimmed = gly_str_trim(gly_str_of(text));
    size_t size = GLY_MIN(trimmed.size, (size_t)LONGEST_TEXT);
    while (size > 0 && size < trimmed.size && ((unsigned char)trimmed.data[size] & 0xc0) == 0x80) {
        size--; /* not within a character */
    }
    char *line = gly_arena_alloc(arena, size + 4);
    for (size_t i = 0; i < size; i++) {
        line[i] = (unsigned char)trimmed.data[i] < ' ' ? ' ' : trimmed.data[i];
    }
    if (size < trimmed.size) {
        memcpy(line + size, "...", 4);
    } else {
        while (size > 0 && line[size - 1] == '.') {
            size--;
        }
        line[size] = '\0';
    }
    return line;
}

static const char *last_line(gly_arena *arena, const char *text) {
    gly_str rest = gly_str_trim(gly_str_of(text));
    size_t start = rest.size;
    while (start > 0 && rest.data[start - 1] != '\n') {
        start--;
    }
    gly_str line = gly_arena_str(arena, (gly_str){rest.data + start, rest.size - start});
    return one_line(arena, line.data);
}

static void set_trouble(reader *r, const char *trouble, const char *sentence) {
    r->state->trouble = trouble;
    r->state->sentence = sentence;
}

/* "pod x on node y", "pod x". */
static const char *whose(const reader *r) {
    return r->state->node[0] == '\0'
               ? gly_arena_format(r->arena, "pod %s", r->state->name)
               : gly_arena_format(r->arena, "pod %s on node %s", r->state->name, r->state->node);
}

/* ": text", or "" for none. */
static const char *because(const reader *r, const char *text) {
    const char *line = one_line(r->arena, text);
    return line[0] == '\0' ? "" : gly_arena_format(r->arena, ": %s", line);
}

static bool is_own_name(const char *name) {
    return strcmp(name, GLY_CONTAINER_DRIVER) == 0 || strcmp(name, GLY_CONTAINER_EXECUTOR) == 0;
}

static const cJSON *find_own(const cJSON *list) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list) {
        if (is_own_name(gly_json_field_string_or(entry, "name", ""))) {
            return entry;
        }
    }
    return NULL;
}

static const cJSON *find_condition(const reader *r, const char *type) {
    const cJSON *condition;
    cJSON_ArrayForEach(condition, gly_json_field_get(r->status, "conditions")) {
        if (strcmp(gly_json_field_string_or(condition, "type", ""), type) == 0) {
            return condition;
        }
    }
    return NULL;
}

static bool is_condition(const cJSON *condition, const char *status) {
    return condition != NULL &&
           strcmp(gly_json_field_string_or(condition, "status", ""), status) == 0;
}

static int64_t time_of(const cJSON *object, const char *key) {
    int64_t ms = 0;
    const char *text = gly_json_field_string_or(object, key, "");
    return gly_rfc3339_parse(gly_str_of(text), &ms) ? ms : 0;
}

static uint32_t number_of_label(const cJSON *labels, const char *key) {
    uint64_t number;
    const char *text = gly_json_field_string_or(labels, key, "");
    return gly_str_to_u64(gly_str_of(text), &number) && number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* What kubelets say of an image they cannot get; one word, so that a condition does not flap. */
static const char *pending_trouble(const char *reason) {
    static const char *const image_reasons[] = {
        "ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",         "ErrImageNeverPull",
        "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(image_reasons); i++) {
        if (strcmp(reason, image_reasons[i]) == 0) {
            return "ImagePullBackOff";
        }
    }
    return reason;
}

static bool is_normal_waiting(const char *reason) {
    return reason[0] == '\0' || strcmp(reason, "ContainerCreating") == 0 ||
           strcmp(reason, "PodInitializing") == 0;
}

/* A container that waits for something that does not come; of init containers or containers. */
static bool read_waiting(reader *r, const char *list_name) {
    const cJSON *container;
    cJSON_ArrayForEach(container, gly_json_field_get(r->status, list_name)) {
        const cJSON *waiting = gly_json_field_find(container, "state", "waiting", NULL);
        const char *reason = gly_json_field_string_or(waiting, "reason", "");
        if (is_normal_waiting(reason)) {
            continue;
        }
        const char *trouble = pending_trouble(reason);
        const char *message = because(r, gly_json_field_string_or(waiting, "message", ""));
        const char *name = gly_json_field_string_or(container, "name", "");
        const char *image = gly_json_field_string_or(container, "image", "");
        set_trouble(r, trouble,
                    strcmp(trouble, "ImagePullBackOff") == 0
                        ? gly_arena_format(r->arena, "%s cannot start: image '%.300s' (%s)%s",
                                           whose(r), image, reason, message)
                        : gly_arena_format(r->arena, "%s cannot start: container '%s' (%s)%s",
                                           whose(r), name, reason, message));
        return true;
    }
    return false;
}

static void read_pending(reader *r) {
    const cJSON *scheduled = find_condition(r, "PodScheduled");
    const char *reason = gly_json_field_string_or(scheduled, "reason", "");
    const char *message = gly_json_field_string_or(scheduled, "message", "");
    if (is_condition(scheduled, "False") && strcmp(reason, "SchedulingGated") == 0) {
        set_trouble(r, reason,
                    gly_arena_format(r->arena, "pod %s waits for its scheduling gate%s",
                                     r->state->name, because(r, message)));
    } else if (is_condition(scheduled, "False") && reason[0] != '\0') {
        set_trouble(r, reason,
                    gly_arena_format(r->arena, "no node can take pod %s%s", r->state->name,
                                     because(r, message)));
    } else if (!read_waiting(r, "initContainerStatuses")) {
        read_waiting(r, "containerStatuses");
    }
}

/* Who had it deleted, if that is known (Kubernetes 1.26 and later). */
static bool read_disruption(reader *r, const char *verb) {
    static const struct {
        const char *reason, *trouble, *what;
    } disruptions[] = {
        {"EvictionByEvictionAPI", "Evicted", "evicted, as when its node is drained"},
        {"PreemptionByScheduler", "Preempted", "preempted by a pod of higher priority"},
        {"PreemptionByKubeScheduler", "Preempted", "preempted by a pod of higher priority"},
        {"DeletionByTaintManager", "NodeLost",
         "deleted because its node is tainted or unreachable"},
        {"DeletionByPodGC", "NodeLost", "lost with its node"},
        {"TerminationByKubelet", "Evicted", "ended by its node"},
    };
    const cJSON *condition = find_condition(r, "DisruptionTarget");
    if (!is_condition(condition, "True")) {
        return false;
    }
    const char *reason = gly_json_field_string_or(condition, "reason", "");
    const char *trouble = "Evicted", *what = "disrupted";
    for (size_t i = 0; i < GLY_ARRAY_LEN(disruptions); i++) {
        if (strcmp(reason, disruptions[i].reason) == 0) {
            trouble = disruptions[i].trouble;
            what = disruptions[i].what;
        }
    }
    set_trouble(r, trouble,
                gly_arena_format(r->arena, "%s %s %s (%s)%s", whose(r), verb, what, reason,
                                 because(r, gly_json_field_string_or(condition, "message", ""))));
    return true;
}

static void read_running(reader *r) {
    const cJSON *ready = find_condition(r, "Ready");
    if (read_disruption(r, "is being")) {
        return;
    }
    /* Of a node that it hears no more of, the node controller clears the pods' condition, and says
     * no reason; a kubelet that finds a pod unready gives one. */
    if (is_condition(ready, "False") && gly_json_field_string_or(ready, "reason", "")[0] == '\0' &&
        cJSON_IsTrue(gly_json_field_get(r->own, "ready"))) {
        set_trouble(
            r, "NodeLost",
            gly_arena_format(r->arena, "%s may be lost: the node does not answer", whose(r)));
    }
}

static void read_oom(reader *r) {
    const cJSON *spec = find_own(gly_json_field_find(r->pod, "spec", "containers", NULL));
    const cJSON *limits = gly_json_field_find(spec, "resources", "limits", NULL);
    const char *limit = gly_json_field_string_or(limits, "memory", "");
    bool is_driver = r->state->executor_id == 0;
    const char *more =
        limit[0] == '\0' ? "more memory than its node has"
                         : gly_arena_format(r->arena, "more than its limit of %s of memory", limit);
    set_trouble(r, "OOMKilled",
                gly_arena_format(r->arena,
                                 "%s was killed because it needed %s (exit code %d, "
                                 "OOMKilled); give it more with spec.%s.memory",
                                 whose(r), more, r->state->exit_code,
                                 is_driver ? "driver" : "executor"));
}

/* The kubelet's reason for the whole pod. */
static bool read_status_reason(reader *r) {
    const char *reason = gly_json_field_string_or(r->status, "reason", "");
    const char *message = because(r, gly_json_field_string_or(r->status, "message", ""));
    static const struct {
        const char *reason, *trouble, *what;
    } reasons[] = {
        {"Evicted", "Evicted", "was evicted"},
        {"DeadlineExceeded", "DeadlineExceeded", "ran for longer than its activeDeadlineSeconds"},
        {"NodeLost", "NodeLost", "was lost with its node"},
        {"Terminated", "NodeShutdown", "was ended because its node shuts down"},
        {"NodeShutdown", "NodeShutdown", "was not started because its node shuts down"},
        {"Shutdown", "NodeShutdown", "was ended because its node shuts down"},
        {"Preempting", "Preempted", "made room for a pod of higher priority"},
    };
    if (reason[0] == '\0') {
        return false;
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(reasons); i++) {
        if (strcmp(reason, reasons[i].reason) == 0) {
            set_trouble(r, reasons[i].trouble,
                        gly_arena_format(r->arena, "%s %s%s", whose(r), reasons[i].what, message));
            return true;
        }
    }
    set_trouble(
        r, reason,
        gly_arena_format(r->arena, "%s was refused by its node (%s)%s", whose(r), reason, message));
    return true;
}

static const char *signal_name(int number) {
    static const struct {
        int number;
        const char *name;
    } names[] = {{1, "SIGHUP"},   {2, "SIGINT"},   {4, "SIGILL"},   {6, "SIGABRT"},
                 {7, "SIGBUS"},   {8, "SIGFPE"},   {9, "SIGKILL"},  {11, "SIGSEGV"},
                 {13, "SIGPIPE"}, {15, "SIGTERM"}, {24, "SIGXCPU"}, {25, "SIGXFSZ"},
                 {31, "SIGSYS"}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return "a signal";
}

/* How our container ended; false if nobody knows. */
static bool read_exit(reader *r, const cJSON *terminated) {
    if (terminated == NULL) {
        return false;
    }
    int code = r->state->exit_code;
    const char *reason = gly_json_field_string_or(terminated, "reason", "");
    const char *words = r->state->termination_message;
    if (strcmp(reason, "ContainerStatusUnknown") == 0) {
        set_trouble(r, "NodeLost",
                    gly_arena_format(r->arena,
                                     "%s was lost with its node, or its node was restarted",
                                     whose(r)));
    } else if (strcmp(reason, "StartError") == 0 || strcmp(reason, "ContainerCannotRun") == 0) {
        const char *message = gly_json_field_string_or(terminated, "message", "");
        set_trouble(r, "StartError",
                    gly_arena_format(r->arena, "%s could not start its container%s", whose(r),
                                     because(r, message)));
    } else if (code > 128 && code <= 128 + 64) {
        if (code == 128 + 9) { /* nobody can have last words about a SIGKILL: it is an older line of
                                  the log */
            words = "";
        }
        set_trouble(r, "Error",
                    gly_arena_format(r->arena, "%s was ended by signal %d (%s, exit code %d)%s",
                                     whose(r), code - 128, signal_name(code - 128), code,
                                     because(r, words)));
    } else {
        set_trouble(r, "Error",
                    gly_arena_format(r->arena, "%s ended with exit code %d%s", whose(r), code,
                                     because(r, words)));
    }
    return true;
}

static bool read_init_failure(reader *r) {
    const cJSON *container;
    cJSON_ArrayForEach(container, gly_json_field_get(r->status, "initContainerStatuses")) {
        const cJSON *terminated = gly_json_field_find(container, "state", "terminated", NULL);
        const cJSON *code = gly_json_field_get(terminated, "exitCode");
        if (cJSON_IsNumber(code) && code->valueint != 0) {
            const char *words =
                last_line(r->arena, gly_json_field_string_or(terminated, "message", ""));
            set_trouble(r, "InitContainerFailed",
                        gly_arena_format(r->arena,
                                         "%s: its init container '%s' ended with exit code %d%s",
                                         whose(r), gly_json_field_string_or(container, "name", ""),
                                         code->valueint, because(r, words)));
            return true;
        }
    }
    return false;
}

static void read_failed(reader *r, const cJSON *terminated) {
    if (r->state->was_oom_killed) {
        read_oom(r);
        return;
    }
    if (read_status_reason(r) || read_disruption(r, "was")) {
        return;
    }
    if (read_exit(r, terminated) || read_init_failure(r)) {
        return;
    }
    const char *message = because(r, gly_json_field_string_or(r->status, "message", ""));
    bool has_started = r->own != NULL && gly_json_field_find(r->own, "state", "running", NULL);
    set_trouble(r, has_started ? "NodeLost" : "Error",
                gly_arena_format(r->arena,
                                 has_started ? "%s is gone, and nobody saw its container end%s"
                                             : "%s failed before its container started%s",
                                 whose(r), message));
}

/* {"reason": "...", "message": "..."}, as our programs write it; any other text is the end of a
 * log. */
static void read_termination_message(reader *r, const cJSON *terminated) {
    const char *text = gly_json_field_string_or(terminated, "message", "");
    r->state->last_words = text;
    cJSON *words = text[0] == '{' ? cJSON_Parse(text) : NULL;
    const char *message = gly_json_field_string_or(words, "message", NULL);
    if (message != NULL) {
        r->state->termination_message = one_line(r->arena, message);
        r->state->termination_reason =
            gly_arena_string(r->arena, gly_json_field_string_or(words, "reason", ""));
    } else {
        r->state->termination_message = last_line(r->arena, text);
    }
    cJSON_Delete(words);
}

static gly_pod_phase phase_of(const reader *r, const cJSON *terminated) {
    const char *phase = gly_json_field_string_or(r->status, "phase", "");
    if (terminated != NULL) {
        return r->state->exit_code == 0 ? GLY_POD_SUCCEEDED : GLY_POD_FAILED;
    }
    if (strcmp(phase, "Failed") == 0) {
        return GLY_POD_FAILED;
    }
    if (strcmp(phase, "Succeeded") == 0) {
        return GLY_POD_SUCCEEDED;
    }
    return gly_json_field_find(r->own, "state", "running", NULL) != NULL ? GLY_POD_RUNNING
                                                                         : GLY_POD_PENDING;
}

void gly_pod_state_read(gly_arena *arena, const cJSON *pod, gly_pod_state *ret) {
    const cJSON *metadata = gly_json_field_get(pod, "metadata");
    const cJSON *labels = gly_json_field_get(metadata, "labels");
    const cJSON *status = gly_json_field_get(pod, "status");
    reader r = {arena, pod, status, find_own(gly_json_field_get(status, "containerStatuses")), ret};
    *ret = (gly_pod_state){
        .name = gly_json_field_string_or(metadata, "name", ""),
        .uid = gly_json_field_string_or(metadata, "uid", ""),
        .node = gly_json_field_string_or(gly_json_field_get(pod, "spec"), "nodeName", ""),
        .ip = gly_json_field_string_or(status, "podIP", ""),
        .is_deleting = gly_json_field_get(metadata, "deletionTimestamp") != NULL,
        .attempt = number_of_label(labels, GLY_LABEL_ATTEMPT),
        .executor_id = number_of_label(labels, GLY_LABEL_EXECUTOR_ID),
        .exit_code = -1,
        .termination_message = "",
        .termination_reason = "",
        .last_words = "",
        .trouble = "",
        .sentence = "",
        .created_ms = time_of(metadata, "creationTimestamp"),
    };
    const cJSON *terminated = gly_json_field_find(r.own, "state", "terminated", NULL);
    const cJSON *running = gly_json_field_find(r.own, "state", "running", NULL);
    ret->started_ms = time_of(terminated != NULL ? terminated : running, "startedAt");
    if (terminated != NULL) {
        const cJSON *code = gly_json_field_get(terminated, "exitCode");
        ret->exit_code = cJSON_IsNumber(code) ? code->valueint : 0;
        ret->was_oom_killed =
            strcmp(gly_json_field_string_or(terminated, "reason", ""), "OOMKilled") == 0;
        read_termination_message(&r, terminated);
    }
    ret->phase = phase_of(&r, terminated);
    switch (ret->phase) {
    case GLY_POD_PENDING:
        read_pending(&r);
        break;
    case GLY_POD_RUNNING:
        read_running(&r);
        break;
    case GLY_POD_FAILED:
        read_failed(&r, terminated);
        break;
    case GLY_POD_SUCCEEDED:
        break;
    }
}
