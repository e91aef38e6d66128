/* sim_operator.c - the life of one application in a hostile world, with a fake clock and a seed.
 *
 * Up to three operators (mostly one leads; sometimes two believe they do) look at the application
 * as reconcile_application.c does: read it, read its driver pod, decide, do the effects one after
 * the other, write the status against the version that was read.  Between any two of these anything
 * may happen: the operator dies, pods end, are evicted, vanish, nodes are lost, people suspend,
 * resume and delete pods; notices come late, twice or not at all (a periodic look is all that is
 * sure).  The world knows the truth and checks after every step; in the end all faults stop, and
 * everything must come to rest.
 *
 *   sim_operator [first seed [count]]     or SEED=n; the failing seed is printed; TRACE=1 shows
 * every step
 */
#include "k8s/operator/application_status.h"
#include "lib/base/array.h"
#include "lib/base/random.h"

#include <stdio.h>

enum { OPERATORS = 3, PODS_MAX = 64, RELIST_MS = 300000, QUIET_MS = 6 * 3600 * 1000 };

typedef struct sim_pod {
    bool exists, is_deleting, is_out_of_reach, has_succeeded, was_evicted;
    gly_pod_phase phase;
    int exit_code;
    uint32_t creations;
    int64_t change_ms; /* when it does its next thing; -1: nothing */
} sim_pod;

typedef enum job_step { IDLE, READ_POD, DECIDE, EFFECT, WRITE } job_step;

typedef struct sim_operator {
    bool is_up, leads;
    int64_t look_ms; /* when it looks next; -1: not before a notice */
    uint64_t looked; /* how many changes there had been when it last looked */
    job_step step;
    int64_t step_ms;
    gly_arena *arena;
    cJSON *object; /* as it was read */
    uint64_t version;
    gly_application application;
    gly_application_state state;
    gly_pod_state pod;
    bool has_pod;
    gly_application_state_input input;
    gly_application_state_output output;
    uint32_t effect;
    bool known[PODS_MAX]; /* what its watch says: this pod lives */
} sim_operator;

typedef struct world {
    uint64_t seed;
    gly_random random;
    int64_t now_ms, relist_ms, user_ms, fault_ms;
    bool is_calm, is_overlapping, was_overlapping, was_suspended_ever, user_deletes, always_fails;
    gly_application spec;
    cJSON *object; /* metadata, status */
    uint64_t version, changes;
    int64_t generation, idle_since_ms; /* since when no driver should live */
    sim_pod pods[PODS_MAX];            /* by attempt */
    uint32_t executors, suspensions;
    sim_operator operators[OPERATORS];
    gly_application_phase ended;
    uint32_t steps, crashes, conflicts, written;
    bool trace;
} world;

static void fail(const world *w, const char *what) {
    fprintf(stderr, "seed %llu, %lld ms: %s\n", (unsigned long long)w->seed, (long long)w->now_ms,
            what);
    char *text = cJSON_Print(w->object);
    fprintf(stderr, "%s\n", text);
    for (int i = 0; i < 8; i++) {
        const sim_pod *pod = &w->pods[i];
        fprintf(stderr, "pod %d: exists %d phase %d deleting %d creations %u\n", i, pod->exists,
                pod->phase, pod->is_deleting, pod->creations);
    }
    free(text);
    exit(1);
}

static bool chance(world *w, uint32_t of_1000) {
    return gly_random_below(&w->random, 1000) < of_1000;
}

static int64_t between(world *w, int64_t least, int64_t most) {
    return least + (int64_t)gly_random_below(&w->random, (uint64_t)(most - least + 1));
}

static gly_application_state truth(const world *w) {
    gly_application_state state;
    gly_application_status_read(w->object, &state);
    return state;
}

static bool is_live(const sim_pod *pod) {
    return pod->exists && (pod->phase == GLY_POD_PENDING || pod->phase == GLY_POD_RUNNING);
}

/* --- notices --- */

static void notice(world *w, bool is_list) {
    for (int i = 0; i < OPERATORS; i++) {
        sim_operator *op = &w->operators[i];
        if (!op->is_up || (is_list ? op->looked == w->changes : !w->is_calm && chance(w, 200))) {
            continue; /* nothing new, or lost */
        }
        int64_t at_ms = w->now_ms + between(w, 0, w->is_calm ? 5 : 2000);
        if (op->look_ms < 0 || at_ms < op->look_ms) {
            op->look_ms = at_ms;
        }
        if (is_list || w->is_calm || chance(w, 900)) {
            for (int p = 0; p < PODS_MAX; p++) {
                op->known[p] = is_live(&w->pods[p]) && !w->pods[p].is_deleting;
            }
        }
    }
}

static void notify(world *w) {
    w->changes++;
    notice(w, false);
}

/* What an operator did itself is no news to it (reconcile_application.c compares hashes). */
static void notify_others(world *w, sim_operator *op) {
    int64_t look_ms = op->look_ms;
    bool is_current = op->looked == w->changes;
    notify(w);
    op->look_ms = look_ms;
    op->looked = is_current ? w->changes : op->looked;
}

/* --- pods --- */

static void plan_pod(world *w, sim_pod *pod) {
    pod->change_ms = w->now_ms + between(w, 10,
                                         pod->phase == GLY_POD_PENDING ? 20000
                                         : chance(w, 200)              ? 3600000
                                                                       : 120000);
}

static void end_pod(world *w, sim_pod *pod, bool succeeds, int exit_code) {
    (void)w;
    pod->phase = succeeds ? GLY_POD_SUCCEEDED : GLY_POD_FAILED;
    pod->exit_code = succeeds ? 0 : exit_code;
    pod->has_succeeded = succeeds;
    pod->change_ms = -1;
}

static void turn_pod(world *w, sim_pod *pod) {
    static const int codes[] = {1, 2, 3, 137, 143, -1};
    pod->change_ms = -1;
    if (pod->is_deleting) {
        /* Asked for before the end; one out of reach of us is out of reach of the API server too.
         */
        w->executors += pod->phase == GLY_POD_RUNNING && !pod->is_out_of_reach && chance(w, 300);
        if (is_live(pod) && pod->phase == GLY_POD_RUNNING && chance(w, 100)) {
            end_pod(w, pod, true, 0); /* done at the last moment */
            pod->change_ms = w->now_ms + 100;
        } else {
            pod->exists = false;
            pod->is_out_of_reach = false;
        }
    } else if (pod->phase == GLY_POD_PENDING && (w->is_calm || !chance(w, 100))) {
        pod->phase = GLY_POD_RUNNING;
        w->executors += 2;
        plan_pod(w, pod);
    } else if (pod->phase == GLY_POD_PENDING) {
        pod->was_evicted = true;
        end_pod(w, pod, false, -1);
    } else if (is_live(pod)) {
        bool succeeds = !w->always_fails && chance(w, 500);
        end_pod(w, pod, succeeds, codes[gly_random_below(&w->random, GLY_ARRAY_LEN(codes))]);
    }
    notify(w);
}

static void delete_pod(world *w, sim_pod *pod) {
    if (pod->exists && !pod->is_deleting) {
        pod->is_deleting = true;
        pod->change_ms = w->now_ms + between(w, 0, 30000);
        notify(w);
    }
}

/* --- what an operator does --- */

static void crash(world *w, sim_operator *op) {
    op->is_up = op->leads = false;
    op->step = IDLE;
    op->look_ms = -1;
    memset(op->known, 0, sizeof op->known);
    w->crashes++;
}

static void next_step(world *w, sim_operator *op, job_step step) {
    op->step = step;
    op->step_ms = w->now_ms + between(w, 1, w->is_calm ? 5 : 50);
    if (!w->is_calm && chance(w, 10)) {
        op->step_ms += between(w, 0, 60000); /* stopped for a while */
    }
}

static void read_pod(sim_operator *op, const world *w) {
    const sim_pod *pod = &w->pods[op->state.attempts % PODS_MAX];
    op->has_pod = op->state.attempts > 0 && pod->exists;
    op->pod = (gly_pod_state){.name = gly_arena_format(op->arena, "p%u", op->state.attempts),
                              .uid = "u",
                              .node = "n",
                              .ip = "",
                              .phase = pod->phase,
                              .is_deleting = pod->is_deleting,
                              .attempt = op->state.attempts,
                              .exit_code = pod->exit_code,
                              .termination_message = "",
                              .termination_reason = "",
                              .trouble = pod->is_out_of_reach ? "NodeLost"
                                         : pod->was_evicted   ? "Evicted"
                                                              : "",
                              .sentence = ""};
}

static void decide(world *w, sim_operator *op) {
    gly_application_stray *strays = GLY_ARENA_ARRAY(op->arena, gly_application_stray, PODS_MAX);
    uint32_t count = 0;
    for (uint32_t i = 1; i < PODS_MAX; i++) {
        if (op->known[i] && i != op->state.attempts) {
            strays[count++] = (gly_application_stray){gly_arena_format(op->arena, "p%u", i), i};
        }
    }
    op->input = (gly_application_state_input){.now_ms = w->now_ms,
                                              .generation = op->application.generation,
                                              .name = "a",
                                              .application = &op->application,
                                              .state = &op->state,
                                              .pod = op->has_pod ? &op->pod : NULL,
                                              .stray_count = count,
                                              .strays = strays};
    gly_application_state_step(op->arena, &op->input, &op->output);
    op->effect = 0;
}

static void create_driver(world *w, sim_operator *op) {
    uint32_t attempt = op->output.next.attempts;
    if (attempt >= PODS_MAX) {
        fail(w, "too many attempts");
    }
    sim_pod *pod = &w->pods[attempt];
    if (pod->exists) {
        op->output.requeue_ms = 1;
        return; /* 409, ours; it may have ended long ago, and nothing else would say so */
    }
    if (!w->is_calm && chance(w, 50)) { /* quota */
        gly_application_state_refused(op->arena, &op->input, "QuotaExceeded", "no room", false,
                                      &op->output);
        op->output.requeue_ms = 1000;
        op->effect = op->output.effect_count;
        return;
    }
    if (pod->creations > 0 && !w->was_overlapping && truth(w).attempts >= attempt) {
        fail(w, "an attempt that was recorded is made a second time");
    }
    uint32_t creations = pod->creations + 1;
    *pod = (sim_pod){.exists = true, .exit_code = -1, .creations = creations};
    plan_pod(w, pod);
    uint32_t live = 0;
    for (int i = 1; i < PODS_MAX; i++) {
        live += is_live(&w->pods[i]) && !w->pods[i].is_deleting;
    }
    if (live > 1 && !w->was_overlapping) {
        fail(w, "two drivers live");
    }
    notify_others(w, op);
}

static void do_effect(world *w, sim_operator *op) {
    const gly_application_effect *effect = &op->output.effects[op->effect++];
    uint64_t attempt = 0;
    switch (effect->kind) {
    case GLY_EFFECT_CREATE_DRIVER:
        create_driver(w, op);
        break;
    case GLY_EFFECT_DELETE_POD:
        if (!gly_str_to_u64(gly_str_of(effect->pod + 1), &attempt)) {
            fail(w, "a pod without a name is deleted");
        }
        if (!w->was_suspended_ever && !w->was_overlapping && is_live(&w->pods[attempt]) &&
            attempt >= truth(w).attempts && truth(w).phase != GLY_PHASE_FAILING &&
            !gly_application_state_is_ended(truth(w).phase)) {
            fail(w, "a driver that should run is deleted");
        }
        delete_pod(w, &w->pods[attempt]);
        break;
    case GLY_EFFECT_DELETE_EXECUTORS:
        w->executors = 0;
        break;
    case GLY_EFFECT_DELETE_APPLICATION:
        fail(w, "deleted without a ttl");
        break;
    }
}

static void check_status(world *w) {
    gly_application_state state = truth(w);
    if (w->ended != GLY_PHASE_NONE && state.phase != w->ended) {
        fail(w, "it had ended, and goes on");
    }
    if (gly_application_state_is_ended(state.phase)) {
        w->ended = state.phase;
    }
    bool is_limited = w->spec.restart_type != GLY_RESTART_ALWAYS;
    if (is_limited && state.failures > w->spec.max_attempts) {
        fail(w, "more failures than attempts are allowed");
    }
    if (is_limited && state.attempts > w->spec.max_attempts + w->suspensions) {
        fail(w, "more attempts than allowed");
    }
    if (state.phase == GLY_PHASE_SUCCEEDED) {
        bool has_succeeded = false;
        for (int i = 0; i < PODS_MAX; i++) {
            has_succeeded |= w->pods[i].has_succeeded;
        }
        if (!has_succeeded) {
            fail(w, "Succeeded, but no driver has");
        }
    }
    if (state.history_count > GLY_APPLICATION_HISTORY_MAX) {
        fail(w, "the history grows");
    }
}

static void write_status(world *w, sim_operator *op) {
    if (!gly_application_status_equal(&op->state, &op->output.next)) {
        if (op->version != w->version) {
            w->conflicts++;
            op->look_ms = w->now_ms + 20;
            return;
        }
        cJSON *patch = gly_application_status_patch(op->arena, &op->output.next, "1");
        cJSON_Delete(w->object);
        w->object = patch;
        w->version++;
        w->written++;
        check_status(w);
        notify_others(w, op);
    }
    int64_t again_ms = op->output.requeue_ms;
    if (again_ms >= 0 && (op->look_ms < 0 || w->now_ms + again_ms < op->look_ms)) {
        op->look_ms = w->now_ms + again_ms;
    }
}

static void begin_look(world *w, sim_operator *op) {
    gly_arena_reset(op->arena);
    cJSON_Delete(op->object);
    op->look_ms = -1;
    op->looked = w->changes;
    op->object = cJSON_Duplicate(w->object, true);
    op->version = w->version;
    op->application = w->spec;
    op->application.generation = w->generation;
    gly_application_status_read(op->object, &op->state);
    next_step(w, op, READ_POD);
}

static void turn_operator(world *w, sim_operator *op) {
    if (!w->is_calm && chance(w, op->step == WRITE ? 80 : 30)) {
        crash(w, op);
        return;
    }
    w->steps++;
    switch (op->step) {
    case IDLE:
        begin_look(w, op);
        break;
    case READ_POD:
        read_pod(op, w);
        next_step(w, op, DECIDE);
        break;
    case DECIDE:
        decide(w, op);
        next_step(w, op, op->output.effect_count > 0 ? EFFECT : WRITE);
        break;
    case EFFECT:
        do_effect(w, op);
        next_step(w, op, op->effect < op->output.effect_count ? EFFECT : WRITE);
        break;
    case WRITE:
        if (w->trace) {
            fprintf(stderr, "%lld operator %d: %s -> %s, %u effects\n", (long long)w->now_ms,
                    (int)(op - w->operators), gly_application_state_name(op->state.phase),
                    gly_application_state_name(op->output.next.phase), op->output.effect_count);
        }
        op->step = IDLE;
        write_status(w, op);
        break;
    }
}

/* --- faults, people --- */

static void elect(world *w) {
    uint32_t leaders = 0;
    for (int i = 0; i < OPERATORS; i++) {
        leaders += w->operators[i].is_up && w->operators[i].leads;
    }
    uint32_t wanted = !w->is_calm && w->is_overlapping && chance(w, 300) ? 2 : 1;
    for (int i = 0; i < OPERATORS && leaders < wanted; i++) {
        sim_operator *op = &w->operators[i];
        if (!op->leads) {
            op->is_up = op->leads = true;
            op->step = IDLE;
            op->look_ms = w->now_ms + 10; /* its first list */
            for (int p = 0; p < PODS_MAX; p++) {
                op->known[p] = is_live(&w->pods[p]) && !w->pods[p].is_deleting;
            }
            leaders++;
        }
    }
    w->was_overlapping |= leaders > 1;
    for (int i = OPERATORS - 1; w->is_calm && leaders > 1 && i >= 0; i--) {
        if (w->operators[i].leads) {
            crash(w, &w->operators[i]);
            leaders--;
        }
    }
}

static void do_fault(world *w) {
    elect(w);
    for (int i = 1; i < PODS_MAX; i++) {
        sim_pod *pod = &w->pods[i];
        if (!pod->exists || w->is_calm) {
            continue;
        }
        if (is_live(pod) && chance(w, 10)) { /* its node is lost, and in time it is to be deleted */
            pod->is_out_of_reach = pod->is_deleting = true;
            pod->change_ms = w->now_ms + between(w, 1000, 3600000);
            notify(w);
        } else if (w->user_deletes && chance(w, 8)) {
            delete_pod(w, pod); /* ended ones too: PodGC */
        }
    }
}

static void do_user(world *w) {
    if (w->is_calm ? w->spec.suspend : (w->was_suspended_ever && chance(w, 400))) {
        w->spec.suspend = !w->spec.suspend;
        w->suspensions += w->spec.suspend;
        w->generation++;
        w->version++;
        notify(w);
    }
}

/* --- the clock --- */

static int64_t earliest(const world *w) {
    int64_t at_ms = GLY_MIN(w->relist_ms, GLY_MIN(w->user_ms, w->fault_ms));
    for (int i = 0; i < PODS_MAX; i++) {
        if (w->pods[i].exists && w->pods[i].change_ms >= 0) {
            at_ms = GLY_MIN(at_ms, w->pods[i].change_ms);
        }
    }
    for (int i = 0; i < OPERATORS; i++) {
        const sim_operator *op = &w->operators[i];
        if (op->is_up && op->leads && op->step != IDLE) {
            at_ms = GLY_MIN(at_ms, op->step_ms);
        } else if (op->is_up && op->leads && op->look_ms >= 0) {
            at_ms = GLY_MIN(at_ms, op->look_ms);
        }
    }
    return GLY_MAX(at_ms, w->now_ms);
}

/* While it is suspended or over, a driver and executors may live only until that is noticed. */
static void check_idle(world *w) {
    gly_application_phase phase = truth(w).phase;
    bool is_idle = gly_application_state_is_ended(phase) || phase == GLY_PHASE_SUSPENDED;
    bool lives = false, goes = false;
    for (int i = 1; i < PODS_MAX; i++) {
        lives |= is_live(&w->pods[i]) && !w->pods[i].is_deleting;
        goes |= is_live(&w->pods[i]) && w->pods[i].is_deleting;
    }
    lives |= !goes && w->executors > 0;
    if (!is_idle || !lives) {
        w->idle_since_ms = w->now_ms;
    } else if (w->now_ms - w->idle_since_ms > RELIST_MS + 180000) {
        fail(w, "a driver or executors live though they should not");
    }
}

static void turn(world *w) {
    w->now_ms = earliest(w);
    check_idle(w);
    for (int i = 0; i < PODS_MAX; i++) {
        if (w->pods[i].exists && w->pods[i].change_ms >= 0 && w->pods[i].change_ms <= w->now_ms) {
            turn_pod(w, &w->pods[i]);
        }
    }
    for (int i = 0; i < OPERATORS; i++) {
        sim_operator *op = &w->operators[i];
        int64_t due_ms = op->step != IDLE ? op->step_ms : op->look_ms;
        if (op->is_up && op->leads && due_ms >= 0 && due_ms <= w->now_ms) {
            turn_operator(w, op);
        }
    }
    if (w->fault_ms <= w->now_ms) {
        do_fault(w);
        w->fault_ms = w->now_ms + (w->is_calm ? 60000 : between(w, 500, 5000));
    }
    if (w->user_ms <= w->now_ms) {
        do_user(w);
        w->user_ms = w->now_ms + (w->is_calm       ? 600000
                                  : chance(w, 250) ? 1200000
                                                   : between(w, 500, 30000));
    }
    if (w->relist_ms <= w->now_ms) {
        notice(w, true);
        w->relist_ms = w->now_ms + RELIST_MS;
    }
}

static void check_rest(world *w) {
    gly_application_state state = truth(w);
    bool is_endless = w->spec.restart_type == GLY_RESTART_ALWAYS;
    if (!is_endless && !gly_application_state_is_ended(state.phase)) {
        fail(w, "it does not come to an end");
    }
    if (state.phase == GLY_PHASE_NONE || state.phase == GLY_PHASE_SUBMITTED ||
        state.phase == GLY_PHASE_SUSPENDED) {
        fail(w, "it is stuck");
    }
    uint32_t live = 0;
    for (int i = 0; i < PODS_MAX; i++) {
        live += is_live(&w->pods[i]);
    }
    if (live > (is_endless ? 1u : 0u)) {
        fail(w, "drivers are left");
    }
    if (!is_endless && w->executors > 0) {
        fail(w, "executors are left");
    }
}

static void make_world(world *w, uint64_t seed) {
    static const gly_restart_type types[] = {GLY_RESTART_NEVER, GLY_RESTART_ON_FAILURE,
                                             GLY_RESTART_ON_INFRASTRUCTURE_FAILURE};
    memset(w, 0, sizeof *w);
    w->seed = w->random.state = seed;
    w->trace = getenv("TRACE") != NULL;
    w->now_ms = INT64_C(1700000000000);
    w->relist_ms = w->now_ms + RELIST_MS;
    w->fault_ms = w->now_ms;
    w->user_ms = w->now_ms + 5000;
    w->idle_since_ms = w->now_ms;
    w->generation = 1;
    w->is_overlapping = chance(w, 300);
    w->was_suspended_ever = chance(w, 400);
    w->user_deletes = chance(w, 400);
    w->always_fails = chance(w, 200);
    w->spec = (gly_application){.name = "a",
                                .restart_type = types[gly_random_below(&w->random, 3)],
                                .max_attempts = 1 + (uint32_t)gly_random_below(&w->random, 5),
                                .backoff_ms = between(w, 0, 60000),
                                .ttl_ms = -1,
                                .suspend = w->was_suspended_ever && chance(w, 300)};
    if (chance(w, 50)) {
        w->spec.restart_type = GLY_RESTART_ALWAYS;
        w->spec.backoff_ms = 1800000; /* not more attempts than there are places */
    }
    w->suspensions = w->spec.suspend;
    w->object = cJSON_CreateObject();
    for (int i = 0; i < OPERATORS; i++) {
        w->operators[i].arena = gly_arena_make();
        w->operators[i].look_ms = -1;
    }
}

static void run(uint64_t seed, uint64_t *ret_sums) {
    world w;
    make_world(&w, seed);
    int64_t calm_ms = w.now_ms + between(&w, 60000, 1800000);
    while (w.now_ms < calm_ms) {
        turn(&w);
    }
    w.is_calm = true;
    w.user_ms = w.now_ms; /* resumes for good */
    while (w.now_ms < calm_ms + QUIET_MS) {
        turn(&w);
    }
    check_rest(&w);
    ret_sums[0] += w.steps;
    ret_sums[1] += w.crashes;
    ret_sums[2] += w.conflicts;
    ret_sums[3] += w.written;
    ret_sums[4] += w.ended == GLY_PHASE_SUCCEEDED;
    ret_sums[5] += w.ended == GLY_PHASE_FAILED;
    for (int i = 0; i < OPERATORS; i++) {
        gly_arena_free(w.operators[i].arena);
        cJSON_Delete(w.operators[i].object);
    }
    cJSON_Delete(w.object);
}

int main(int count, char **arguments) {
    const char *variable = getenv("SEED");
    uint64_t first = 1, seeds = 2000, sums[6] = {0};
    if (variable != NULL) {
        seeds = 1;
        first = strtoull(variable, NULL, 10);
    }
    if (count > 1) {
        first = strtoull(arguments[1], NULL, 10);
        seeds = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    }
    for (uint64_t i = 0; i < seeds; i++) {
        run(first + i, sums);
    }
    printf("%llu worlds: %llu steps, %llu crashes, %llu conflicts, %llu status writes; %llu "
           "succeeded, %llu failed\n",
           (unsigned long long)seeds, (unsigned long long)sums[0], (unsigned long long)sums[1],
           (unsigned long long)sums[2], (unsigned long long)sums[3], (unsigned long long)sums[4],
           (unsigned long long)sums[5]);
    return sums[1] > 0 || seeds < 10 ? 0 : 1;
}
