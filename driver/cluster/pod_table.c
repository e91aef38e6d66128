/* pod_table.c - one row for each executor id, from "wanted" to "its pod is gone".
 *
 *   WAITING ──CREATE──> CREATING ──201──> THERE ──ended──> ENDED ──gone──> (removed)
 *      ^                   │ 409: LOOK       │ gone: told as EXITED, removed
 *      └──quota, no answer─┘                 └ image does not come: told as FAILED, DELETE
 *
 * A quota makes all that wait, wait longer (1 to 15 s, until a pod has gone); the job runs with
 * what there is.  What can never work (an invalid pod, a forbidden one) is told as FAILED at once:
 * the driver counts such failures.  Pods that ended badly are kept, a few, so that their logs can
 * be read. Invariant: for each id STARTED is told at most once, and FAILED or EXITED at most once,
 * after it.
 */
#include "driver/cluster/pod_table.h"

#include "lib/base/arena.h"
#include "lib/base/array.h"
#include "lib/base/map.h"

#include <stdio.h>

enum {
    FIRST_WAIT_MS = 1000,
    LONGEST_WAIT_MS = 15000,
    SETTLE_MS = 5000,      /* a list may be older than a creation by so much */
    WARN_AGAIN_MS = 60000, /* the same trouble of another pod */
    KEPT_CORPSES = 5,
    UID_SIZE = 64,
    SENTENCE_SIZE = 512,
};

typedef enum row_state { WAITING, CREATING, THERE, ENDED } row_state;

typedef struct row {
    uint32_t id;
    row_state state;
    char uid[UID_SIZE];
    bool is_seen;    /* by the watch, which will tell when it is gone */
    bool is_certain; /* its uid comes from an answer, not from the watch */
    bool told_started, told_end;
    bool is_killed, is_forced;
    bool is_doomed;   /* its pod is to be deleted ... */
    bool is_deleting; /* ... and a DELETE was sent, or is in flight */
    bool is_corpse;   /* kept for its logs */
    int64_t due_ms;   /* WAITING: when to create; is_doomed: when to delete */
    int64_t created_ms;
    int64_t blocked_since_ms; /* its image or configuration does not come; 0: it is not so */
    char trouble[GLY_CLUSTER_CODE_SIZE];
    char sentence[SENTENCE_SIZE]; /* about it */
} row;

typedef struct warned {
    char code[GLY_CLUSTER_CODE_SIZE];
    int64_t at_ms;
} warned;

struct gly_pod_table {
    gly_pod_table_options options;
    gly_map rows; /* row, by id */
    gly_arena *texts, *old_texts;
    GLY_ARRAY(gly_pod_table_action) actions;
    GLY_ARRAY(gly_pod_table_action) taken;
    GLY_ARRAY(warned) warnings;
    GLY_ARRAY(uint32_t) corpses;
    uint32_t in_flight;
    uint32_t oom_kills;
    int64_t wait_ms;       /* before creations are tried again */
    int64_t not_before_ms; /* for all of them */
    bool is_stopped;
};

gly_pod_table *gly_pod_table_make(const gly_pod_table_options *options) {
    gly_pod_table *table = GLY_NEW(gly_pod_table);
    table->options = *options;
    table->texts = gly_arena_make();
    table->old_texts = gly_arena_make();
    table->wait_ms = FIRST_WAIT_MS;
    gly_array_reserve(&table->taken, 1);
    return table;
}

void gly_pod_table_free(gly_pod_table *table) {
    if (table == NULL) {
        return;
    }
    row *one;
    for (size_t i = 0; (one = gly_map_next(&table->rows, &i)) != NULL;) {
        free(one);
    }
    gly_map_clear(&table->rows);
    gly_arena_free(table->texts);
    gly_arena_free(table->old_texts);
    gly_array_clear(&table->actions);
    gly_array_clear(&table->taken);
    gly_array_clear(&table->warnings);
    gly_array_clear(&table->corpses);
    free(table);
}

static row *find(const gly_pod_table *table, uint32_t id) { return gly_map_get(&table->rows, id); }

static void drop(gly_pod_table *table, row *one) {
    table->in_flight -= one->state == CREATING;
    free(gly_map_remove(&table->rows, one->id));
}

/* ---- telling ---------------------------------------------------------------------------- */

static void act(gly_pod_table *table, gly_pod_table_action_kind kind, uint32_t id, bool is_forced) {
    gly_pod_table_action action = {
        .kind = kind, .executor_id = id, .is_forced = is_forced, .code = "", .text = ""};
    gly_array_push(&table->actions, action);
}

static void tell(gly_pod_table *table, gly_cluster_event_kind event, uint32_t id, bool is_expected,
                 const char *code, const char *text) {
    gly_pod_table_action action = {.kind = GLY_POD_TABLE_TELL,
                                   .executor_id = id,
                                   .event = event,
                                   .is_expected = is_expected,
                                   .code = gly_arena_string(table->texts, code),
                                   .text = gly_arena_string(table->texts, text)};
    gly_array_push(&table->actions, action);
}

static void warn(gly_pod_table *table, uint32_t id, const char *code, const char *text) {
    tell(table, GLY_CLUSTER_WARNING, id, true, code, text);
}

/* Trouble that many pods have at once is told once a minute. */
static void warn_rarely(gly_pod_table *table, uint32_t id, const char *code, const char *text,
                        int64_t now_ms) {
    for (size_t i = 0; i < table->warnings.count; i++) {
        warned *known = &table->warnings.items[i];
        if (strcmp(known->code, code) == 0) {
            if (now_ms - known->at_ms >= WARN_AGAIN_MS) {
                known->at_ms = now_ms;
                warn(table, id, code, text);
            }
            return;
        }
    }
    warned fresh = {.at_ms = now_ms};
    snprintf(fresh.code, sizeof fresh.code, "%s", code);
    gly_array_push(&table->warnings, fresh);
    warn(table, id, code, text);
}

static void tell_end(gly_pod_table *table, row *one, bool is_expected, const char *text) {
    if (!one->told_end) {
        one->told_end = true;
        tell(table, one->told_started ? GLY_CLUSTER_EXITED : GLY_CLUSTER_FAILED, one->id,
             is_expected || one->is_killed, "", text);
    }
}

/* ---- wanting and killing ---------------------------------------------------------------- */

void gly_pod_table_want(gly_pod_table *table, uint32_t executor_id, int64_t now_ms) {
    if (find(table, executor_id) == NULL && !table->is_stopped) {
        row *one = GLY_NEW(row);
        one->id = executor_id;
        one->due_ms = now_ms;
        gly_map_put(&table->rows, executor_id, one);
    }
}

static void delete (gly_pod_table *table, row *one, bool is_forced) {
    one->is_doomed = one->is_deleting = true;
    one->is_forced |= is_forced;
    act(table, GLY_POD_TABLE_DELETE, one->id, is_forced);
}

void gly_pod_table_kill(gly_pod_table *table, uint32_t executor_id, bool is_forced,
                        int64_t now_ms) {
    row *one = find(table, executor_id);
    if (one == NULL || one->state == ENDED) {
        return;
    }
    if (one->state == WAITING) {
        drop(table, one);
        return;
    }
    bool is_news = !one->is_killed || (is_forced && !one->is_forced);
    one->is_killed = true;
    one->is_forced |= is_forced;
    one->due_ms = now_ms;
    if (one->state == THERE && is_news) {
        delete (table, one, one->is_forced);
    }
}

void gly_pod_table_deleted(gly_pod_table *table, uint32_t executor_id, int http_code,
                           int64_t now_ms) {
    row *one = find(table, executor_id);
    if (one == NULL) {
        return;
    }
    if (http_code == 404) {
        gly_pod_table_gone(table, executor_id, "", now_ms);
    } else if (http_code < 200 || http_code > 299) {
        one->is_deleting = false; /* again, later */
        one->due_ms = now_ms + FIRST_WAIT_MS;
    }
}

void gly_pod_table_stop(gly_pod_table *table) {
    table->is_stopped = true;
    row *one;
    for (size_t i = 0; (one = gly_map_next(&table->rows, &i)) != NULL;) {
        if (one->state == WAITING) {
            drop(table, one);
            i = 0;
        }
    }
}

/* ---- creating --------------------------------------------------------------------------- */

static void wait_longer(gly_pod_table *table, row *one, int64_t now_ms) {
    one->state = WAITING;
    one->due_ms = now_ms;
    table->not_before_ms = GLY_MAX(table->not_before_ms, now_ms + table->wait_ms);
    table->wait_ms = GLY_MIN(table->wait_ms * 2, LONGEST_WAIT_MS);
}

static void creation_failed(gly_pod_table *table, row *one, int http_code, const char *message,
                            int64_t now_ms) {
    bool is_quota = http_code == 403 && strstr(message, "exceeded quota") != NULL;
    bool is_away = http_code == 0 || http_code == 429 || http_code >= 500;
    if (one->is_killed) {
        one->state = THERE; /* perhaps; deleting what is not there does no harm */
        delete (table, one, true);
    } else if (is_quota) {
        warn_rarely(table, one->id, "QuotaExceeded", message, now_ms);
        wait_longer(table, one, now_ms);
    } else if (is_away) {
        warn_rarely(table, one->id, "ApiServerUnavailable", message, now_ms);
        wait_longer(table, one, now_ms);
    } else {
        warn_rarely(table, one->id, "FailedCreate", message, now_ms);
        tell_end(table, one, false, message);
        drop(table, one);
    }
}

/* The row's pod is this one.  is_certain: the server itself said so, not a watch that may lag. */
static void adopt(row *one, const char *uid, bool is_certain, int64_t now_ms) {
    if (strcmp(one->uid, uid) != 0) {
        snprintf(one->uid, sizeof one->uid, "%s", uid);
        one->is_seen = false;
        one->created_ms = now_ms;
    }
    one->is_certain |= is_certain;
}

void gly_pod_table_created(gly_pod_table *table, uint32_t executor_id, int http_code,
                           const char *uid, const char *message, int64_t now_ms) {
    row *one = find(table, executor_id);
    bool is_good = http_code >= 200 && http_code <= 299;
    if (one != NULL && one->state == THERE && is_good && !one->is_certain) {
        adopt(one, uid, true, now_ms); /* the watch had told of an older pod of that name */
    }
    if (one == NULL || one->state != CREATING) {
        return;
    }
    table->in_flight--;
    one->state = WAITING;
    one->created_ms = now_ms;
    if (http_code == 409) {
        one->state = THERE;
        act(table, GLY_POD_TABLE_LOOK, executor_id, false);
    } else if (is_good) {
        one->state = THERE;
        adopt(one, uid, true, now_ms);
        table->wait_ms = FIRST_WAIT_MS;
    } else {
        creation_failed(table, one, http_code, message, now_ms);
        return;
    }
    if (one->is_killed) {
        delete (table, one, one->is_forced);
    }
}

/* ---- what pods do ----------------------------------------------------------------------- */

/* Image and configuration troubles do not go away by waiting for a node. */
static bool is_blocked(const gly_pod_state *pod) {
    static const char *const codes[] = {"ImagePullBackOff",           "ErrImagePull",
                                        "ErrImageNeverPull",          "InvalidImageName",
                                        "CreateContainerConfigError", "CreateContainerError",
                                        "ImageInspectError",          "RunContainerError"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(codes); i++) {
        if (strcmp(pod->trouble, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_trouble(gly_pod_table *table, row *one, const gly_pod_state *pod,
                            int64_t now_ms) {
    if (pod->trouble[0] != '\0' && strcmp(pod->trouble, one->trouble) != 0) {
        warn_rarely(table, one->id, pod->trouble, pod->sentence, now_ms);
    }
    snprintf(one->trouble, sizeof one->trouble, "%s", pod->trouble);
    snprintf(one->sentence, sizeof one->sentence, "%s", pod->sentence);
    if (!is_blocked(pod)) {
        one->blocked_since_ms = 0;
    } else if (one->blocked_since_ms == 0) {
        one->blocked_since_ms = now_ms;
    }
}

static bool is_hopeless(const gly_pod_table *table, const row *one, int64_t now_ms) {
    return one->blocked_since_ms != 0 && !one->is_killed &&
           now_ms - one->blocked_since_ms >= table->options.image_timeout_ms;
}

static void keep_corpse(gly_pod_table *table, row *one) {
    one->is_corpse = true;
    gly_array_push(&table->corpses, one->id);
    if (table->corpses.count > KEPT_CORPSES) {
        row *oldest = find(table, table->corpses.items[0]);
        gly_array_remove_at(&table->corpses, 0);
        if (oldest != NULL) {
            delete (table, oldest, true);
        }
    }
}

static void look_at_end(gly_pod_table *table, row *one, const gly_pod_state *pod) {
    if (one->state == ENDED) {
        return;
    }
    one->state = ENDED;
    bool is_good = pod->phase == GLY_POD_SUCCEEDED || pod->exit_code == 0;
    bool is_foreign = pod->is_deleting || pod->exit_code < 0; /* deleted, evicted, its node lost */
    bool is_expected = !pod->was_oom_killed && (is_good || is_foreign);
    char plain[160];
    snprintf(plain, sizeof plain, "pod %.80s ended with exit code %d", pod->name, pod->exit_code);
    const char *text = pod->sentence[0] != '\0' ? pod->sentence : plain;
    table->oom_kills += pod->was_oom_killed;
    if (!one->is_killed && !is_good) {
        warn(table, one->id, pod->trouble[0] != '\0' ? pod->trouble : "Error", text);
    }
    tell_end(table, one, is_expected, text);
    if (one->is_killed || is_good || pod->is_deleting) {
        if (!one->is_deleting) {
            delete (table, one, false);
        }
    } else {
        keep_corpse(table, one);
    }
}

static void look(gly_pod_table *table, const gly_pod_state *pod, bool by_watch, int64_t now_ms) {
    row *one = find(table, pod->executor_id);
    bool is_over = pod->phase == GLY_POD_SUCCEEDED || pod->phase == GLY_POD_FAILED;
    if (one == NULL) { /* given up before its creation was answered */
        if (!pod->is_deleting && !is_over) {
            act(table, GLY_POD_TABLE_DELETE, pod->executor_id, true);
        }
        return;
    }
    if (one->state == CREATING || one->state == WAITING) { /* quicker than the answer, or instead */
        table->in_flight -= one->state == CREATING;
        one->state = THERE;
        one->created_ms = now_ms;
        table->wait_ms = FIRST_WAIT_MS;
        if (one->is_killed) {
            delete (table, one, one->is_forced);
        }
    }
    if (one->uid[0] == '\0' || !one->is_certain) {
        adopt(one, pod->uid, !by_watch, now_ms);
    } else if (strcmp(one->uid, pod->uid) != 0) {
        return; /* another pod of that name */
    }
    one->is_seen |= by_watch;
    if (is_over) {
        look_at_end(table, one, pod);
        return;
    }
    look_at_trouble(table, one, pod, now_ms);
    if (pod->phase == GLY_POD_RUNNING && !one->told_started && !one->told_end) {
        one->told_started = true;
        tell(table, GLY_CLUSTER_STARTED, one->id, true, "", "");
    }
}

void gly_pod_table_seen(gly_pod_table *table, const gly_pod_state *pod, int64_t now_ms) {
    look(table, pod, true, now_ms);
}

void gly_pod_table_looked(gly_pod_table *table, const gly_pod_state *pod, int64_t now_ms) {
    look(table, pod, false, now_ms);
}

void gly_pod_table_gone(gly_pod_table *table, uint32_t executor_id, const char *uid,
                        int64_t now_ms) {
    row *one = find(table, executor_id);
    if (one == NULL || one->state == WAITING || one->state == CREATING ||
        (uid[0] != '\0' && one->uid[0] != '\0' && strcmp(uid, one->uid) != 0)) {
        return;
    }
    char text[96];
    snprintf(text, sizeof text, "the pod of executor %u was deleted", executor_id);
    tell_end(table, one, true, text);
    for (size_t i = 0; i < table->corpses.count; i++) {
        if (table->corpses.items[i] == executor_id) {
            gly_array_remove_at(&table->corpses, i);
            break;
        }
    }
    drop(table, one);
    table->not_before_ms = GLY_MIN(table->not_before_ms, now_ms); /* there may be room again */
    table->wait_ms = FIRST_WAIT_MS;
}

void gly_pod_table_refused(gly_pod_table *table, uint32_t executor_id, const char *text) {
    row *one = find(table, executor_id);
    if (one != NULL && one->state != WAITING) {
        tell_end(table, one, false, text);
        drop(table, one);
    }
}

void gly_pod_table_synced(gly_pod_table *table, int64_t listed_ms, int64_t now_ms) {
    row *one;
    for (size_t i = 0; (one = gly_map_next(&table->rows, &i)) != NULL;) {
        bool was_missed = one->state == THERE && !one->is_seen;
        if (was_missed && one->created_ms + SETTLE_MS < listed_ms) {
            gly_pod_table_gone(table, one->id, "", now_ms);
            i = 0;
        }
    }
}

/* ---- what follows ----------------------------------------------------------------------- */

static bool is_due_for_deletion(const row *one) {
    return one->is_doomed && !one->is_deleting && (one->state == THERE || one->state == ENDED);
}

const gly_pod_table_action *gly_pod_table_take(gly_pod_table *table, int64_t now_ms,
                                               size_t *ret_count) {
    row *one;
    for (size_t i = 0; (one = gly_map_next(&table->rows, &i)) != NULL;) {
        bool may_create = now_ms >= GLY_MAX(one->due_ms, table->not_before_ms) &&
                          table->in_flight < table->options.max_in_flight;
        if (one->state == WAITING && may_create) {
            one->state = CREATING;
            table->in_flight++;
            act(table, GLY_POD_TABLE_CREATE, one->id, false);
        } else if (is_due_for_deletion(one) && now_ms >= one->due_ms) {
            delete (table, one, one->is_forced);
        } else if (one->state == THERE && is_hopeless(table, one, now_ms)) {
            tell_end(table, one, false, one->sentence);
            one->is_killed = one->is_forced = true;
            delete (table, one, true);
        }
    }
    gly_arena *swap = table->old_texts;
    table->old_texts = table->texts;
    table->texts = swap;
    gly_arena_reset(table->texts);
    table->taken.count = 0;
    for (size_t i = 0; i < table->actions.count; i++) {
        gly_array_push(&table->taken, table->actions.items[i]);
    }
    table->actions.count = 0;
    *ret_count = table->taken.count;
    return table->taken.items;
}

int64_t gly_pod_table_next_ms(const gly_pod_table *table) {
    int64_t next_ms = table->actions.count > 0 ? 0 : INT64_MAX;
    const row *one;
    for (size_t i = 0; (one = gly_map_next(&table->rows, &i)) != NULL;) {
        if (one->state == WAITING && table->in_flight < table->options.max_in_flight) {
            next_ms = GLY_MIN(next_ms, GLY_MAX(one->due_ms, table->not_before_ms));
        } else if (is_due_for_deletion(one)) {
            next_ms = GLY_MIN(next_ms, one->due_ms);
        } else if (one->blocked_since_ms != 0 && !one->told_end) {
            next_ms = GLY_MIN(next_ms, one->blocked_since_ms + table->options.image_timeout_ms);
        }
    }
    return next_ms;
}

bool gly_pod_table_owns(const gly_pod_table *table, uint32_t executor_id, const char *uid) {
    const row *one = find(table, executor_id);
    return one != NULL && one->uid[0] != '\0' && strcmp(one->uid, uid) == 0 && !one->told_end &&
           !one->is_killed;
}

uint32_t gly_pod_table_find_uid(const gly_pod_table *table, const char *uid) {
    const row *one;
    for (size_t i = 0; uid[0] != '\0' && (one = gly_map_next(&table->rows, &i)) != NULL;) {
        if (strcmp(one->uid, uid) == 0) {
            return one->id;
        }
    }
    return 0;
}

uint64_t gly_pod_table_memory(const gly_pod_table *table, uint64_t memory_bytes) {
    uint64_t bytes = memory_bytes;
    for (uint32_t i = 0; i < table->oom_kills && bytes > memory_bytes / 4; i++) {
        bytes -= bytes / 4;
    }
    return GLY_MAX(bytes, memory_bytes / 4);
}

uint32_t gly_pod_table_in_flight(const gly_pod_table *table) { return table->in_flight; }

size_t gly_pod_table_count(const gly_pod_table *table) { return table->rows.count; }
