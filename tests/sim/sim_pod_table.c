/* sim_pod_table.c - the pod table against an API server and a network that misbehave, seeded.
 *
 * Requests are lost, or done without an answer; watch events come late, twice or never, until a
 * list tells the truth again; pods start, crash, are deleted by strangers, a quota comes and goes.
 * Checked: STARTED at most once and FAILED or EXITED at most once and last, for each id; no pod
 * stays that nobody wants; in the end every wanted executor has its pod.
 *
 *   sim_pod_table          2,000 seeds
 *   sim_pod_table 17       one seed
 */
#include "driver/cluster/pod_table.h"
#include "lib/base/array.h"
#include "lib/base/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_IDS = 400, WANTED = 6, STORM_MS = 120000, CALM_MS = 120000, CORPSES = 5 };

typedef struct server_pod {                  /* by executor id */
    bool is_there, is_deleting, is_mirrored; /* mirrored: the watch has told of it */
    int64_t deletes_ms;
    gly_pod_phase phase;
    int exit_code;
    char uid[24];
} server_pod;

typedef struct told { /* to the driver, by executor id */
    bool is_wanted, started, ended, was_killed;
} told;

typedef enum letter_kind { CREATED, DELETED, LOOKED, SEEN, GONE } letter_kind;

typedef struct letter { /* on its way to the table */
    letter_kind kind;
    int64_t at_ms;
    uint32_t id;
    int http_code;
    gly_pod_state state;
    char uid[24];
} letter;

typedef struct world {
    gly_random random;
    gly_pod_table *table;
    server_pod pods[MOST_IDS];
    told told[MOST_IDS];
    GLY_ARRAY(letter) letters;
    uint32_t next_id, next_uid;
    int64_t now_ms, next_list_ms;
    bool is_storm, is_full; /* quota */
} world;

static bool chance(world *w, uint32_t of) {
    return w->is_storm && gly_random_below(&w->random, of) == 0;
}

static void post(world *w, letter_kind kind, uint32_t id, int http_code, const char *uid) {
    letter fresh = {.kind = kind, .id = id, .http_code = http_code};
    fresh.at_ms = w->now_ms + 1 + (int64_t)gly_random_below(&w->random, w->is_storm ? 3000 : 20);
    snprintf(fresh.uid, sizeof fresh.uid, "%s", uid);
    gly_array_push(&w->letters, fresh);
}

static gly_pod_state state_of(const world *w, uint32_t id) {
    const server_pod *pod = &w->pods[id];
    return (gly_pod_state){.name = "pod",
                           .node = "",
                           .ip = "",
                           .phase = pod->phase,
                           .is_deleting = pod->is_deleting,
                           .is_ours = true,
                           .attempt = 1,
                           .executor_id = id,
                           .exit_code = pod->exit_code,
                           .termination_message = "",
                           .trouble = "",
                           .sentence = ""};
}

/* The watch says what is now; or nothing, or twice. */
static void announce(world *w, uint32_t id) {
    server_pod *pod = &w->pods[id];
    if (chance(w, 4)) {
        return;
    }
    for (int copies = chance(w, 5) ? 2 : 1; copies > 0; copies--) {
        post(w, pod->is_there ? SEEN : GONE, id, 0, pod->uid);
        w->letters.items[w->letters.count - 1].state = state_of(w, id);
    }
}

static void create(world *w, uint32_t id) {
    server_pod *pod = &w->pods[id];
    if (chance(w, 10)) {
        post(w, CREATED, id, 0, ""); /* the request was lost */
    } else if (pod->is_there) {
        post(w, CREATED, id, 409, "");
    } else if (w->is_full) {
        post(w, CREATED, id, 403, "");
    } else {
        *pod = (server_pod){.is_there = true, .phase = GLY_POD_PENDING, .exit_code = -1};
        snprintf(pod->uid, sizeof pod->uid, "u%u", ++w->next_uid);
        bool is_lost = chance(w, 10);
        post(w, CREATED, id, is_lost ? 0 : 201, is_lost ? "" : pod->uid);
        announce(w, id);
    }
}

static void delete (world *w, uint32_t id, bool is_forced) {
    server_pod *pod = &w->pods[id];
    if (chance(w, 10)) {
        post(w, DELETED, id, 0, "");
        return;
    }
    post(w, DELETED, id, !pod->is_there ? 404 : chance(w, 10) ? 0 : 200, "");
    if (pod->is_there) {
        pod->deletes_ms = w->now_ms + (is_forced ? 0 : 2000);
        pod->is_deleting = true;
        announce(w, id);
    }
}

static bool hear(world *w, const gly_pod_table_action *action) {
    told *one = &w->told[action->executor_id];
    if (action->event == GLY_CLUSTER_WARNING) {
        return true;
    }
    if (one->ended || (action->event == GLY_CLUSTER_STARTED && one->started)) {
        printf("executor %u is told of after its end, or twice\n", action->executor_id);
        return false;
    }
    one->started |= action->event == GLY_CLUSTER_STARTED;
    one->ended = action->event != GLY_CLUSTER_STARTED;
    one->is_wanted &= !one->ended;
    return true;
}

static bool obey(world *w) {
    size_t count;
    const gly_pod_table_action *actions = gly_pod_table_take(w->table, w->now_ms, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = actions[i].executor_id;
        if (actions[i].kind == GLY_POD_TABLE_CREATE) {
            create(w, id);
        } else if (actions[i].kind == GLY_POD_TABLE_DELETE) {
            delete (w, id, actions[i].is_forced);
        } else if (actions[i].kind == GLY_POD_TABLE_LOOK) {
            post(w, LOOKED, id, 0, "");
        } else if (!hear(w, &actions[i])) {
            return false;
        }
    }
    return true;
}

static void deliver(world *w, const letter *mail) {
    gly_pod_state state = mail->state;
    state.uid = mail->uid;
    switch (mail->kind) {
    case CREATED:
        gly_pod_table_created(w->table, mail->id, mail->http_code, mail->uid, "exceeded quota",
                              w->now_ms);
        break;
    case DELETED:
        gly_pod_table_deleted(w->table, mail->id, mail->http_code, w->now_ms);
        break;
    case LOOKED:
        if (w->pods[mail->id].is_there && !chance(w, 4)) {
            state = state_of(w, mail->id);
            state.uid = w->pods[mail->id].uid;
            gly_pod_table_looked(w->table, &state, w->now_ms);
        }
        break;
    case SEEN:
        w->pods[mail->id].is_mirrored = true;
        gly_pod_table_seen(w->table, &state, w->now_ms);
        break;
    case GONE:
        w->pods[mail->id].is_mirrored = false;
        gly_pod_table_gone(w->table, mail->id, mail->uid, w->now_ms);
        break;
    }
}

/* The truth, as a list tells it; late letters of the watch do not come after it. */
static void list(world *w) {
    for (size_t i = w->letters.count; i-- > 0;) {
        if (w->letters.items[i].kind >= SEEN) {
            gly_array_remove_at(&w->letters, i);
        }
    }
    for (uint32_t id = 1; id < w->next_id; id++) {
        server_pod *pod = &w->pods[id];
        if (pod->is_there) {
            gly_pod_state state = state_of(w, id);
            state.uid = pod->uid;
            gly_pod_table_seen(w->table, &state, w->now_ms);
        } else if (pod->is_mirrored) {
            gly_pod_table_gone(w->table, id, pod->uid, w->now_ms);
        }
        pod->is_mirrored = pod->is_there;
    }
    gly_pod_table_synced(w->table, w->now_ms, w->now_ms);
}

/* Kubelets, strangers, the quota's owner. */
static void live(world *w) {
    w->is_full = w->is_storm && (w->is_full ? !chance(w, 30) : chance(w, 60));
    for (uint32_t id = 1; id < w->next_id; id++) {
        server_pod *pod = &w->pods[id];
        if (!pod->is_there) {
            continue;
        }
        bool is_over = pod->phase == GLY_POD_SUCCEEDED || pod->phase == GLY_POD_FAILED;
        if (pod->is_deleting && w->now_ms >= pod->deletes_ms) {
            pod->is_there = false;
        } else if (chance(w, 400)) { /* kubectl delete --force */
            pod->is_there = false;
        } else if (!is_over && chance(w, 300)) {
            pod->phase = GLY_POD_FAILED;
            pod->exit_code = 137;
        } else if (pod->phase == GLY_POD_PENDING && gly_random_below(&w->random, 10) == 0) {
            pod->phase = GLY_POD_RUNNING;
        } else {
            continue;
        }
        announce(w, id);
    }
}

/* The driver: keeps WANTED executors, now and then kills one. */
static void drive(world *w) {
    uint32_t have = 0;
    for (uint32_t id = 1; id < w->next_id; id++) {
        told *one = &w->told[id];
        if (one->is_wanted && chance(w, 500)) {
            one->is_wanted = false;
            one->was_killed = true;
            gly_pod_table_kill(w->table, id, gly_random_below(&w->random, 2) == 0, w->now_ms);
        }
        have += one->is_wanted;
    }
    for (; have < WANTED && w->next_id < MOST_IDS; have++) {
        w->told[w->next_id].is_wanted = true;
        gly_pod_table_want(w->table, w->next_id++, w->now_ms);
    }
}

static bool check_the_end(const world *w) {
    uint32_t wanted = 0;
    uint32_t corpses = 0;
    for (uint32_t id = 1; id < w->next_id; id++) {
        const server_pod *pod = &w->pods[id];
        bool runs = pod->is_there && pod->phase == GLY_POD_RUNNING && !pod->is_deleting;
        if (w->told[id].is_wanted != runs) {
            printf("executor %u: wanted %d, but its pod runs %d\n", id, w->told[id].is_wanted,
                   runs);
            return false;
        }
        wanted += runs;
        corpses += pod->is_there && !runs;
    }
    if (wanted != WANTED || corpses > CORPSES) {
        printf("%u executors run, %u corpses are kept\n", wanted, corpses);
        return false;
    }
    return true;
}

static bool run(world *w) {
    enum { TICK_MS = 100 };
    for (w->now_ms = 0; w->now_ms < STORM_MS + CALM_MS; w->now_ms += TICK_MS) {
        w->is_storm = w->now_ms < STORM_MS;
        drive(w);
        live(w);
        for (size_t i = 0; i < w->letters.count;) {
            letter mail = w->letters.items[i];
            if (mail.at_ms <= w->now_ms) {
                gly_array_remove_at(&w->letters, i);
                deliver(w, &mail);
            } else {
                i++;
            }
        }
        if (w->now_ms >= w->next_list_ms) {
            list(w);
            w->next_list_ms = w->now_ms + 1000 + (int64_t)gly_random_below(&w->random, 30000);
        }
        if (!obey(w)) {
            return false;
        }
    }
    return w->next_id >= MOST_IDS || check_the_end(w);
}

static bool run_seed(uint64_t seed) {
    world *w = GLY_NEW(world);
    w->random.state = seed;
    w->next_id = 1;
    gly_pod_table_options options = {.image_timeout_ms = 30000, .max_in_flight = 4};
    w->table = gly_pod_table_make(&options);
    bool good = run(w);
    if (!good) {
        printf("seed %llu fails at %lld ms\n", (unsigned long long)seed, (long long)w->now_ms);
    }
    gly_pod_table_free(w->table);
    gly_array_clear(&w->letters);
    free(w);
    return good;
}

int main(int count, char **arguments) {
    uint64_t seed;
    const char *given = count > 1 ? arguments[1] : getenv("SEED");
    if (given != NULL && gly_str_to_u64(gly_str_of(given), &seed)) {
        return run_seed(seed) ? 0 : 1;
    }
    enum { SEEDS = 2000 };
    for (seed = 1; seed <= SEEDS; seed++) {
        if (!run_seed(seed)) {
            return 1;
        }
    }
    printf("%d seeds\n", SEEDS);
    return 0;
}
