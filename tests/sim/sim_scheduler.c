/* sim_scheduler.c - the scheduler against a hostile world with a fake clock and a seed.
 *
 * A seed makes a cluster, a few jobs and a set of fault rates; then executors join, die, hang and
 * come back, lose blocks, are drained and hand their blocks over (all, some, to those that leave
 * next); messages come late, twice or not at all; tasks are slow, fail, cannot fetch; jobs are
 * cancelled and repeated.  The world knows the truth (which process
 * lives, which block exists, what every task read), so after every step it can tell whether the
 * scheduler kept its promises; see the check() calls.
 *
 *   sim_scheduler [first seed [count]]     or SEED=n; the failing seed is printed
 *   TRACE=1 sim_scheduler seed             prints every event as a JSON line
 * Not here: the scheduler's own time (sim_scheduler_speed.c).
 */
#include "driver/event/event_bus.h"
#include "driver/scheduler/map_output_tracker.h"
#include "driver/scheduler/scheduler.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/map.h"
#include "lib/base/random.h"
#include "tests/sim/message_queue.h"

#include <stdio.h>

enum { MAX_STAGES = 6, MAX_QUERIES = 6, MAX_JOBS = 12, NEVER_MS = 1 << 30 };

typedef enum message_kind {
    MESSAGE_SUBMIT,
    MESSAGE_CANCEL,
    MESSAGE_JOIN,
    MESSAGE_DIE,      /* the process ends; the driver does not know yet */
    MESSAGE_HANG,     /* the process stops for a while */
    MESSAGE_LOST,     /* the driver gives the executor up */
    MESSAGE_WIPE,     /* the blocks an executor has written so far are gone; it lives on */
    MESSAGE_DRAIN,    /* decommissioning begins */
    MESSAGE_MOVE,     /* some of its blocks have moved */
    MESSAGE_DRAINED,  /* its blocks have moved; it goes */
    MESSAGE_TASK_END, /* in the process */
    MESSAGE_RESULT,   /* arrives at the driver */
    MESSAGE_KILL,     /* arrives at the executor */
    MESSAGE_COMMIT,   /* a task asks to commit */
    MESSAGE_TICK,
} message_kind;

typedef struct sim_stage {
    uint32_t task_count, width, parent_count, parents[MAX_STAGES];
    bool is_map, is_indeterminate, has_preferences, commits;
    uint32_t stage_id, shuffle_id;
    int poison_partition; /* always fails; -1: none */
    bool poison_is_users; /* not retryable */
} sim_stage;

typedef struct sim_query {
    uint32_t stage_count;
    sim_stage stages[MAX_STAGES];
} sim_query;

typedef struct sim_job {
    uint32_t query;
    uint32_t result_stage_id; /* every job has its own result stage */
    bool is_submitted, is_finished, is_cancelled, ok;
    uint8_t *done;       /* by partition of the final stage */
    uint64_t *committer; /* task id + 1 that was allowed to commit */
    uint64_t seen[MAX_STAGES];
    bool has_seen;
} sim_job;

typedef struct sim_executor {
    uint32_t slots, used, host;
    bool is_up;                                   /* the process runs (perhaps hanging) */
    bool is_registered, is_given_up, is_draining; /* what the driver was told */
    int64_t hangs_until_ms, wiped_ms;
    GLY_ARRAY(uint64_t) ahead; /* tasks sent before a slot was free, oldest first */
} sim_executor;

typedef enum sim_outcome { SIM_RUNNING, SIM_ENDED, SIM_REPORTED } sim_outcome;

typedef struct sim_read {
    uint32_t executor, shuffle_id, map;
    int64_t written_ms; /* INT64_MAX: a moved block, which no wipe of the sender touches */
} sim_read;

typedef struct sim_task {
    uint32_t job, stage, partition, stage_attempt, executor, width;
    int64_t launched_ms, ended_ms;
    sim_outcome state;
    bool is_kill_asked, may_commit, asked_commit, is_speculative, is_ahead;
    gly_task_end end;
    bool is_users_error;
    uint32_t failed_shuffle, failed_map, failed_executor;
    uint64_t seen[MAX_STAGES]; /* which run of each indeterminate stage it read */
    bool read_mixed;
    GLY_ARRAY(sim_read) reads; /* the oldest block from each executor */
} sim_task;

typedef struct rates { /* of 1000 */
    uint32_t task_fails, fetch_flakes, die, hang, drain, duplicate, slow;
    uint32_t wipes;   /* how many there are left */
    bool is_calm;     /* no fault at all */
    bool is_gentle;   /* a few wipes and nothing else: all jobs succeed, or are cancelled */
    bool is_doomed;   /* executors are not replaced */
    bool only_drains; /* executors leave in good order: nothing is computed twice */
} rates;

typedef struct world {
    uint64_t seed;
    gly_random random;
    gly_scheduler *scheduler;
    gly_event_bus *bus;
    rates rates;
    gly_scheduler_options options;
    int64_t now_ms;
    uint64_t sequence;
    message_queue queue;
    int64_t tick_ms;          /* the earliest TICK in the queue */
    uint32_t query_count, job_count;
    sim_query queries[MAX_QUERIES];
    sim_job jobs[MAX_JOBS];
    GLY_ARRAY(sim_executor) executors;
    uint32_t hosts, coming; /* executors that will join */
    GLY_ARRAY(sim_task *) tasks;
    gly_map failures; /* (job or shuffle stage, attempt, partition) -> count delivered */
    gly_map versions; /* shuffle << 32 | map -> uint64_t[MAX_STAGES] of the block that counts */
    uint64_t trace, launches, steps, ticks_at_now, refused, speculative, again, lost, wiped, ahead;
    uint64_t moved, left_behind;
    uint64_t by_status[GLY_STATUS_COUNT];
    bool no_hope_sent;
} world;

static void die(const world *w, const char *what) {
    fprintf(stderr, "SEED=%llu at %lld ms, step %llu: %s\n", (unsigned long long)w->seed,
            (long long)w->now_ms, (unsigned long long)w->steps, what);
    exit(1);
}
#define check(w, condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            die((w), #condition);                                                                  \
        }                                                                                          \
    } while (0)

static uint32_t below(world *w, uint32_t bound) {
    return (uint32_t)gly_random_below(&w->random, bound);
}
static bool chance(world *w, uint32_t of_1000) { return below(w, 1000) < of_1000; }

static void post(world *w, int64_t delay_ms, message_kind kind, uint64_t a, uint64_t b) {
    message_queue_put(&w->queue, (message){w->now_ms + delay_ms, w->sequence++, (int)kind, a, b});
}

/* ---- making a world ---- */

static void make_query(world *w, uint32_t index) {
    sim_query *query = &w->queries[index];
    query->stage_count = 1 + below(w, MAX_STAGES);
    for (uint32_t s = 0; s < query->stage_count; s++) {
        sim_stage *stage = &query->stages[s];
        uint32_t most = chance(w, 20) ? 600 : chance(w, 200) ? 200 : 25;
        stage->task_count = chance(w, 30) ? 0 : 1 + below(w, most);
        stage->width = chance(w, 100) ? 1 + below(w, 4) : 1;
        stage->is_map = s + 1 < query->stage_count;
        stage->stage_id = 1000 * (index + 1) + s;
        stage->shuffle_id = stage->stage_id;
        stage->is_indeterminate = stage->is_map && chance(w, 120);
        stage->has_preferences = chance(w, 250);
        stage->commits = !stage->is_map && chance(w, 300);
        stage->poison_partition = -1;
        bool has_poison =
            !w->rates.is_calm && !w->rates.is_gentle && !w->rates.only_drains && chance(w, 20);
        stage->is_indeterminate &= !w->rates.is_gentle; /* those may have to give up */
        if (has_poison && stage->task_count > 0) {
            stage->poison_partition = (int)below(w, stage->task_count);
            stage->poison_is_users = chance(w, 500);
        }
        for (uint32_t p = 0; p < s; p++) { /* the last stage reads at least the one before */
            if (chance(w, 400) || (s + 1 == query->stage_count && p + 1 == s)) {
                stage->parents[stage->parent_count++] = p;
            }
        }
    }
}

static void make_rates(world *w) {
    rates *r = &w->rates;
    r->is_calm = chance(w, 200);
    if (r->is_calm) {
        return;
    }
    r->only_drains = chance(w, 150);
    if (r->only_drains) {
        r->drain = 1 + below(w, 40);
        r->slow = chance(w, 400) ? below(w, 50) : 0;
        r->duplicate = chance(w, 400) ? below(w, 200) : 0;
        return;
    }
    r->wipes = chance(w, 300) ? 1 + below(w, 2) : 0;
    r->is_gentle = r->wipes > 0 && chance(w, 500);
    if (r->is_gentle) {
        return;
    }
    r->is_doomed = chance(w, 30);
    r->task_fails = chance(w, 500) ? below(w, 60) : 0;
    r->fetch_flakes = chance(w, 300) ? below(w, 10) : 0;
    r->die = chance(w, 500) ? below(w, 12) : 0;
    r->hang = chance(w, 300) ? below(w, 8) : 0;
    r->drain = chance(w, 300) ? below(w, 6) : 0;
    r->duplicate = chance(w, 400) ? below(w, 200) : 0;
    r->slow = chance(w, 400) ? below(w, 50) : 0;
}

static void print_event(void *context, const gly_event *event) {
    (void)context;
    gly_builder line = {0};
    gly_event_write_json(event, &line);
    puts(line.data);
    gly_builder_clear(&line);
}

static void make_world(world *w, uint64_t seed) {
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->random.state = seed * 7919 + 17;
    w->tick_ms = INT64_MAX;
    make_rates(w);
    gly_scheduler_options_default(&w->options);
    static const gly_scheduler_pool pools[] = {{GLY_STR("gold"), 3, 4, false},
                                               {GLY_STR("silver"), 1, 0, true}};
    w->options.is_fair = chance(w, 400);
    w->options.pools = pools;
    w->options.pool_count = 2;
    w->options.speculation = chance(w, 400);
    w->options.exclude_on_failure = chance(w, 200);
    w->options.exclude_timeout_ms = 20000;
    w->options.unschedulable_timeout_ms = 5000;
    w->options.launch_ahead = chance(w, 500) ? 1 + below(w, 4) : 0;
    w->options.avoid_ms = chance(w, 500) ? 1000 : 0;
    w->options.seed = seed;
    w->bus = gly_event_bus_make();
    w->options.bus = w->bus;
    if (getenv("TRACE") != NULL) {
        gly_event_bus_subscribe(w->bus, print_event, NULL);
    }
    w->scheduler = gly_scheduler_make(&w->options);
    w->hosts = 1 + below(w, 5);
    w->query_count = 1 + below(w, MAX_QUERIES);
    for (uint32_t q = 0; q < w->query_count; q++) {
        make_query(w, q);
    }
    w->job_count = 1 + below(w, MAX_JOBS);
    for (uint32_t j = 0; j < w->job_count; j++) {
        w->jobs[j].query = j < w->query_count ? j : below(w, w->query_count);
        w->jobs[j].result_stage_id = 100000 + j;
        post(w, below(w, 3000), MESSAGE_SUBMIT, j, 0);
        if (chance(w, 100)) {
            post(w, below(w, 6000), MESSAGE_CANCEL, j, 0);
        }
    }
    uint32_t executors = 1 + below(w, 8);
    for (uint32_t i = 0; i < executors; i++) {
        w->coming++;
        post(w, below(w, 500), MESSAGE_JOIN, 0, 0);
    }
}

static void free_world(world *w) {
    gly_scheduler_free(w->scheduler);
    gly_event_bus_free(w->bus);
    for (size_t i = 0; i < w->tasks.count; i++) {
        gly_array_clear(&w->tasks.items[i]->reads);
        free(w->tasks.items[i]);
    }
    gly_array_clear(&w->tasks);
    for (uint32_t j = 0; j < w->job_count; j++) {
        free(w->jobs[j].done);
        free(w->jobs[j].committer);
    }
    size_t position = 0;
    void *value;
    while ((value = gly_map_next(&w->versions, &position)) != NULL) {
        free(value);
    }
    gly_map_clear(&w->versions);
    gly_map_clear(&w->failures);
    for (size_t i = 0; i < w->executors.count; i++) {
        gly_array_clear(&w->executors.items[i].ahead);
    }
    gly_array_clear(&w->executors);
    gly_array_clear(&w->queue);
}

static sim_stage *stage_of(world *w, const sim_task *task) {
    return &w->queries[w->jobs[task->job].query].stages[task->stage];
}

/* ---- what the scheduler does ---- */

static void mix(world *w, uint64_t value) { w->trace = gly_hash_combine(w->trace, value); }

static const uint64_t *version_of(const world *w, uint32_t shuffle_id, uint32_t map) {
    return gly_map_get(&w->versions, ((uint64_t)shuffle_id << 32) | map);
}

/* What a task sees: which run of each indeterminate stage lies behind the blocks it reads. */
static void read_block(world *w, sim_task *task, uint32_t shuffle_id, uint32_t map,
                       const gly_map_output *output) {
    const uint64_t *seen = version_of(w, shuffle_id, map);
    check(w, seen != NULL);
    for (int s = 0; s < MAX_STAGES; s++) {
        if (seen[s] != 0) {
            task->read_mixed |= task->seen[s] != 0 && task->seen[s] != seen[s];
            task->seen[s] = seen[s];
        }
    }
    const sim_task *writer = w->tasks.items[output->task_id];
    sim_read read = {output->executor_id, shuffle_id, map, writer->ended_ms};
    if (writer->executor != output->executor_id) {
        read.written_ms = INT64_MAX;
    }
    for (size_t i = 0; i < task->reads.count; i++) {
        if (task->reads.items[i].executor == output->executor_id) {
            if (read.written_ms < task->reads.items[i].written_ms) {
                task->reads.items[i] = read;
            }
            return;
        }
    }
    gly_array_push(&task->reads, read);
}

static void read_inputs(world *w, sim_task *task) {
    const sim_query *query = &w->queries[w->jobs[task->job].query];
    const sim_stage *stage = &query->stages[task->stage];
    for (uint32_t p = 0; p < stage->parent_count; p++) {
        const sim_stage *parent = &query->stages[stage->parents[p]];
        uint32_t count = 0;
        const gly_map_output *outputs =
            gly_scheduler_map_outputs(w->scheduler, parent->shuffle_id, &count);
        check(w, outputs != NULL && count == parent->task_count);
        uint64_t run = 1; /* all blocks of an indeterminate stage must be of one run */
        for (uint32_t m = 0; m < count; m++) {
            check(w, outputs[m].is_available);
            check(w, outputs[m].executor_id < w->executors.count);
            check(w, !w->executors.items[outputs[m].executor_id].is_given_up);
            read_block(w, task, parent->shuffle_id, m, &outputs[m]);
            run = gly_hash_combine(run, outputs[m].task_id);
        }
        if (parent->is_indeterminate && count > 0) {
            uint32_t s = stage->parents[p];
            task->read_mixed |= task->seen[s] != 0 && task->seen[s] != run;
            task->seen[s] = run;
        }
    }
}

static void take_slots(world *w, uint64_t id) {
    sim_task *task = w->tasks.items[id];
    sim_executor *executor = &w->executors.items[task->executor];
    const sim_stage *stage = stage_of(w, task);
    if (executor->used < executor->slots || w->options.launch_ahead == 0) {
        executor->used += task->width;
        check(w, executor->used <= executor->slots);
        return;
    }
    check(w, task->width == 1 && !stage->has_preferences && !task->is_speculative);
    check(w, executor->ahead.count < (size_t)w->options.launch_ahead * executor->slots);
    task->is_ahead = true;
    gly_array_push(&executor->ahead, id);
    w->ahead++;
}

/* What the driver knows to be free: the oldest task sent ahead takes it. */
static void give_slots(world *w, uint64_t id) {
    sim_task *task = w->tasks.items[id];
    sim_executor *executor = &w->executors.items[task->executor];
    if (task->is_ahead) {
        for (size_t i = 0; i < executor->ahead.count; i++) {
            if (executor->ahead.items[i] == id) {
                gly_array_remove_at(&executor->ahead, i);
                break;
            }
        }
        task->is_ahead = false;
    } else {
        executor->used -= task->width;
    }
    while (executor->ahead.count > 0 && executor->used < executor->slots &&
           !executor->is_draining) {
        w->tasks.items[executor->ahead.items[0]]->is_ahead = false;
        gly_array_remove_at(&executor->ahead, 0);
        executor->used++;
    }
}

static void on_launch(world *w, const gly_scheduler_action *action) {
    check(w, action->launch.task_id == w->tasks.count);
    check(w, action->launch.executor_id < w->executors.count);
    sim_executor *executor = &w->executors.items[action->launch.executor_id];
    check(w, executor->is_registered && !executor->is_given_up && !executor->is_draining);
    sim_task *task = GLY_NEW(sim_task);
    task->job = (uint32_t)action->launch.job_id;
    task->stage = action->launch.stage_index;
    task->partition = action->launch.partition;
    task->stage_attempt = action->launch.stage_attempt;
    task->executor = action->launch.executor_id;
    task->width = action->launch.width;
    task->is_speculative = action->launch.speculative;
    task->launched_ms = w->now_ms;
    gly_array_push(&w->tasks, task);
    check(w, task->job < w->job_count && w->jobs[task->job].is_submitted);
    check(w, !w->jobs[task->job].is_finished);
    const sim_stage *stage = stage_of(w, task);
    check(w, task->partition < stage->task_count);
    check(w, task->width == GLY_MIN(stage->width, executor->slots));
    take_slots(w, action->launch.task_id);
    check(w, !task->is_speculative || w->options.speculation);
    read_inputs(w, task);
    int64_t duration = 1 + below(w, 100);
    if (chance(w, w->rates.slow)) {
        duration *= 30;
    }
    if (stage->commits) {
        post(w, duration + below(w, 5), MESSAGE_COMMIT, action->launch.task_id, 0);
        duration += 10;
    }
    post(w, duration + below(w, 5), MESSAGE_TASK_END, action->launch.task_id, 0);
    w->launches++;
    w->speculative += task->is_speculative;
    w->again += task->stage_attempt > 0;
}

static void on_done(world *w, const gly_scheduler_action *action) {
    sim_job *job = &w->jobs[action->done.job_id];
    const sim_task *task = w->tasks.items[action->done.task_id];
    check(w, job->is_submitted && !job->is_finished);
    check(w, !job->done[action->done.partition]); /* exactly once */
    job->done[action->done.partition] = 1;
    check(w, task->end == GLY_TASK_END_OK && task->partition == action->done.partition);
    check(w, !task->read_mixed);
    check(w, !w->executors.items[task->executor].is_given_up);
    for (int s = 0; s < MAX_STAGES; s++) { /* all results come from the same runs */
        check(w, !job->has_seen || job->seen[s] == task->seen[s]);
        job->seen[s] = task->seen[s];
    }
    job->has_seen = true;
    if (stage_of(w, task)->commits) {
        check(w, task->may_commit);
        check(w, job->committer[task->partition] == action->done.task_id + 1);
    }
}

static void on_job_finished(world *w, const gly_scheduler_action *action) {
    sim_job *job = &w->jobs[action->job.job_id];
    const sim_query *query = &w->queries[job->query];
    const sim_stage *final = &query->stages[query->stage_count - 1];
    check(w, job->is_submitted && !job->is_finished);
    job->is_finished = true;
    job->ok = action->job.status == GLY_OK;
    check(w, !(w->rates.is_calm || w->rates.only_drains) || action->job.recomputed_tasks == 0);
    w->by_status[action->job.status]++;
    if (job->ok) {
        for (uint32_t p = 0; p < final->task_count; p++) {
            check(w, job->done[p]);
        }
        check(w, final->poison_partition < 0);
    } else {
        check(w, action->job.error.size > 0);
        check(w, !(w->rates.is_calm || w->rates.is_gentle || w->rates.only_drains) ||
                     job->is_cancelled);
        check(w, action->job.status != GLY_E_CANCELLED || job->is_cancelled);
        check(w, action->job.status != GLY_E_EXECUTOR_START || w->no_hope_sent);
        if (action->job.status == GLY_E_DIVIDE_BY_ZERO) { /* the user's own sentence */
            check(w, gly_str_equal(action->job.error, GLY_STR("divisor is zero")));
        }
    }
}

static void on_commit_answer(world *w, const gly_scheduler_action *action) {
    sim_task *task = w->tasks.items[action->commit.task_id];
    task->asked_commit = true;
    task->may_commit = action->commit.allowed;
    if (task->may_commit) {
        sim_job *job = &w->jobs[task->job];
        uint64_t *committer = &job->committer[task->partition];
        if (*committer != 0) { /* only after the former one has failed */
            const sim_task *former = w->tasks.items[*committer - 1];
            check(w, *committer == action->commit.task_id + 1 || former->state == SIM_REPORTED ||
                         w->executors.items[former->executor].is_given_up);
        }
        check(w, !job->done[task->partition]);
        *committer = action->commit.task_id + 1;
    }
}

static void on_action(world *w, const gly_scheduler_action *action) {
    mix(w, action->kind);
    switch (action->kind) {
    case GLY_SCHEDULER_LAUNCH_TASK:
        mix(w, action->launch.task_id);
        mix(w, ((uint64_t)action->launch.executor_id << 32) | action->launch.partition);
        mix(w, ((uint64_t)action->launch.stage_id << 32) | action->launch.stage_attempt);
        on_launch(w, action);
        break;
    case GLY_SCHEDULER_KILL_TASK:
        mix(w, action->kill.task_id);
        check(w, action->kill.task_id < w->tasks.count);
        check(w, !w->tasks.items[action->kill.task_id]->is_kill_asked);
        w->tasks.items[action->kill.task_id]->is_kill_asked = true;
        post(w, 1 + below(w, 10), MESSAGE_KILL, action->kill.task_id, 0);
        break;
    case GLY_SCHEDULER_PARTITION_DONE:
        mix(w, action->done.task_id);
        on_done(w, action);
        break;
    case GLY_SCHEDULER_JOB_FINISHED:
        mix(w, action->job.job_id * 2 + (action->job.status == GLY_OK));
        on_job_finished(w, action);
        break;
    case GLY_SCHEDULER_COMMIT_ANSWER:
        on_commit_answer(w, action);
        break;
    case GLY_SCHEDULER_EXECUTOR_REFUSED:
        w->refused++;
        break;
    case GLY_SCHEDULER_STAGE_COMPLETED:
        check(w, action->stage.accumulators != NULL);
        if (action->stage.ok) { /* once per partition: the sum is that of an undisturbed run */
            const gly_accumulators *sum = action->stage.accumulators;
            bool is_result = action->stage.stage_id >= 100000; /* a map stage may begin half done */
            check(w, !is_result || sum->merged_count == sum->partition_count);
            check(w, sum->merged_count <= sum->partition_count);
            check(w, sum->values[GLY_TASK_NUMBER_OUTPUT_ROWS] == 7ull * sum->merged_count);
        }
        break;
    default:
        break;
    }
}

static void check_state(world *w) {
    gly_scheduler_load load = gly_scheduler_current_load(w->scheduler);
    int64_t next = gly_scheduler_next_tick(w->scheduler);
    uint32_t free_slots = 0, total = 0;
    for (size_t i = 0; i < w->executors.count; i++) {
        const sim_executor *executor = &w->executors.items[i];
        if (executor->is_registered && !executor->is_given_up && !executor->is_draining) {
            free_slots += executor->slots - executor->used;
            total += executor->slots;
        }
    }
    check(w, load.free_slots == free_slots && load.total_slots == total);
    bool is_stuck = load.pending_tasks > 0 && load.running_tasks == 0 && free_slots > 0;
    check(w, !is_stuck || next != INT64_MAX);
    if (w->rates.is_calm && load.pending_tasks > 0 && free_slots > 0 && next == INT64_MAX) {
        bool has_wide = false; /* a wide task may hold slots that are too few for it */
        for (uint32_t q = 0; q < w->query_count; q++) {
            for (uint32_t s = 0; s < w->queries[q].stage_count; s++) {
                has_wide |= w->queries[q].stages[s].width > 1;
            }
        }
        check(w, has_wide);
    }
    if (next < w->tick_ms) {
        w->tick_ms = GLY_MAX(next, w->now_ms);
        post(w, w->tick_ms - w->now_ms, MESSAGE_TICK, 0, 0);
    }
}

static void step(world *w, const gly_scheduler_event *event) {
    size_t count = 0;
    w->steps++;
    const gly_scheduler_action *actions =
        gly_scheduler_step(w->scheduler, event, w->now_ms, &count);
    for (size_t i = 0; i < count; i++) {
        on_action(w, &actions[i]);
    }
    check_state(w);
}

/* ---- what the world does ---- */

static void submit(world *w, uint32_t j) {
    static const gly_str pools[] = {GLY_STR(""), GLY_STR("gold"), GLY_STR("silver"),
                                    GLY_STR("other")};
    sim_job *job = &w->jobs[j];
    const sim_query *query = &w->queries[job->query];
    const sim_stage *final = &query->stages[query->stage_count - 1];
    job->is_submitted = true;
    job->done = GLY_NEW_ARRAY(uint8_t, GLY_MAX(final->task_count, 1));
    job->committer = GLY_NEW_ARRAY(uint64_t, GLY_MAX(final->task_count, 1));
    gly_scheduler_stage stages[MAX_STAGES];
    memset(stages, 0, sizeof stages);
    gly_scheduler_preference *preferences[MAX_STAGES] = {NULL};
    uint32_t wanted_executors[2] = {below(w, 8), below(w, 8)};
    gly_str wanted_hosts[2] = {GLY_STR("host-0"), GLY_STR("host-3")};
    for (uint32_t s = 0; s < query->stage_count; s++) {
        const sim_stage *from = &query->stages[s];
        stages[s].stage_id = from->is_map ? from->stage_id : job->result_stage_id;
        stages[s].name = GLY_STR("stage");
        stages[s].is_shuffle_map = from->is_map;
        stages[s].is_indeterminate = from->is_indeterminate;
        stages[s].shuffle_id = from->shuffle_id;
        stages[s].task_count = from->task_count;
        stages[s].width = from->width;
        stages[s].parent_count = from->parent_count;
        stages[s].parents = from->parents;
        if (from->has_preferences) {
            preferences[s] = GLY_NEW_ARRAY(gly_scheduler_preference, from->task_count + 1);
            for (uint32_t p = 0; p < from->task_count; p++) {
                preferences[s][p] =
                    (gly_scheduler_preference){p % 3 == 0 ? 1 : 0, &wanted_executors[p % 2],
                                               p % 4 == 0 ? 0 : 1 + p % 2, wanted_hosts};
            }
            stages[s].preferences = preferences[s];
        }
    }
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_JOB_SUBMITTED};
    event.job.job_id = j;
    event.job.pool = pools[below(w, 4)];
    event.job.stage_count = query->stage_count;
    event.job.stages = stages;
    event.job.final_stage = query->stage_count - 1;
    step(w, &event);
    for (uint32_t s = 0; s < MAX_STAGES; s++) {
        free(preferences[s]);
    }
}

static void join(world *w) {
    static const gly_str hosts[] = {GLY_STR("host-0"), GLY_STR("host-1"), GLY_STR("host-2"),
                                    GLY_STR("host-3"), GLY_STR("host-4")};
    w->coming--;
    sim_executor fresh = {
        .wiped_ms = -1, .slots = 1 + below(w, 4), .is_up = true, .is_registered = true};
    fresh.host = below(w, w->hosts);
    gly_array_push(&w->executors, fresh);
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_REGISTERED};
    event.registered.executor_id = (uint32_t)w->executors.count - 1;
    event.registered.host = hosts[fresh.host];
    event.registered.rack = fresh.host == 4  ? (gly_str){"", 0}
                            : fresh.host < 2 ? GLY_STR("rack-a")
                                             : GLY_STR("rack-b");
    event.registered.slots = fresh.slots;
    step(w, &event);
    if (chance(w, 100)) { /* the same id again is refused */
        uint64_t refused = w->refused;
        step(w, &event);
        check(w, w->refused == refused + 1);
    }
}

static void replace(world *w) {
    uint32_t alive = 0;
    for (size_t i = 0; i < w->executors.count; i++) {
        alive += !w->executors.items[i].is_given_up && !w->executors.items[i].is_draining;
    }
    if (!w->rates.is_doomed && alive + w->coming < 8) {
        w->coming++;
        post(w, 50 + below(w, 2000), MESSAGE_JOIN, 0, 0);
    } else if (alive + w->coming == 0) {
        w->no_hope_sent = true;
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_NO_EXECUTORS};
        event.no_executors.message = GLY_STR("the cluster gives no executor");
        step(w, &event);
    }
}

static void lose(world *w, uint32_t index, bool is_apps_fault) {
    sim_executor *executor = &w->executors.items[index];
    if (executor->is_given_up) {
        return;
    }
    executor->is_given_up = true;
    w->lost++;
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_LOST};
    event.lost.executor_id = index;
    event.lost.reason = GLY_STR("heartbeats stopped");
    event.lost.exit_caused_by_app = is_apps_fault;
    step(w, &event);
    replace(w);
}

static uint32_t choose_taker(world *w) {
    uint32_t count = 0, chosen = UINT32_MAX;
    for (uint32_t i = 0; i < w->executors.count; i++) {
        const sim_executor *other = &w->executors.items[i];
        if (other->is_up && !other->is_given_up && !other->is_draining && below(w, ++count) == 0) {
            chosen = i;
        }
    }
    return chosen;
}

/* Gives blocks of a draining executor to others: each with a chance of `share` of 1000.  Returns
 * how many it still has. */
static uint32_t move_blocks(world *w, uint32_t index, uint32_t share) {
    uint32_t left = 0;
    for (uint32_t q = 0; q < w->query_count; q++) {
        for (uint32_t s = 0; s < w->queries[q].stage_count; s++) {
            uint32_t count = 0, shuffle_id = w->queries[q].stages[s].shuffle_id;
            const gly_map_output *outputs =
                gly_scheduler_map_outputs(w->scheduler, shuffle_id, &count);
            for (uint32_t m = 0; outputs != NULL && m < count; m++) {
                if (!outputs[m].is_available || outputs[m].executor_id != index) {
                    continue;
                }
                uint32_t target = chance(w, share) ? choose_taker(w) : UINT32_MAX;
                left += target == UINT32_MAX;
                if (target == UINT32_MAX) {
                    continue;
                }
                gly_scheduler_event event = {.kind = GLY_SCHEDULER_MAP_OUTPUT_MOVED};
                event.moved.shuffle_id = shuffle_id;
                event.moved.map_partition = m;
                event.moved.from_executor_id = index;
                event.moved.to_executor_id = target;
                event.moved.map_output = GLY_STR("moved");
                uint64_t epoch = gly_scheduler_epoch(w->scheduler);
                step(w, &event);
                check(w, gly_scheduler_epoch(w->scheduler) > epoch); /* readers learn of it */
                if (chance(w, w->rates.duplicate)) {
                    step(w, &event); /* the news twice, or from a former owner */
                }
                w->moved++;
                outputs = gly_scheduler_map_outputs(w->scheduler, shuffle_id, &count);
                check(w, outputs[m].is_available && outputs[m].executor_id == target);
            }
        }
    }
    return left;
}

static bool is_working(const world *w, uint32_t index) {
    for (size_t i = 0; i < w->tasks.count; i++) {
        const sim_task *task = w->tasks.items[i];
        if (task->executor == index && task->state != SIM_REPORTED) {
            return true;
        }
    }
    return false;
}

/* Blocks move to other executors, then the drained one goes; in a world that only drains not before
 * everything has moved and its tasks have reported. */
static void finish_drain(world *w, uint32_t index) {
    bool must_wait =
        w->rates.only_drains && (move_blocks(w, index, 1000) > 0 || is_working(w, index));
    if (must_wait) {
        post(w, 20, MESSAGE_DRAINED, index, 0);
        return;
    }
    if (!w->rates.only_drains) { /* the deadline may come first */
        w->left_behind += move_blocks(w, index, chance(w, 700) ? 1000 : below(w, 1000));
    }
    w->executors.items[index].is_up = false;
    lose(w, index, false);
}

/* Faults strike an executor now and then, as long as there is work. */
static void maybe_strike(world *w, uint32_t index) {
    sim_executor *executor = &w->executors.items[index];
    if (executor->is_given_up || !executor->is_up || executor->is_draining) {
        return;
    }
    if (chance(w, w->rates.die)) {
        post(w, 0, MESSAGE_DIE, index, 0);
    } else if (chance(w, w->rates.hang)) {
        post(w, 0, MESSAGE_HANG, index, 0);
    } else if (w->rates.wipes > 0 && chance(w, 10)) {
        w->rates.wipes--;
        post(w, 0, MESSAGE_WIPE, index, 0);
    } else if (chance(w, w->rates.drain)) {
        post(w, 0, MESSAGE_DRAIN, index, 0);
    }
}

static void decide_end(world *w, sim_task *task) {
    const sim_stage *stage = stage_of(w, task);
    task->end = GLY_TASK_END_OK;
    for (size_t i = 0; i < task->reads.count; i++) {
        const sim_read *read = &task->reads.items[i];
        const sim_executor *source = &w->executors.items[read->executor];
        bool is_gone = !source->is_up || read->written_ms <= source->wiped_ms;
        if (is_gone && w->rates.only_drains && chance(w, 700)) {
            continue; /* it heard of the new place in time */
        }
        if ((is_gone && chance(w, 700)) || chance(w, w->rates.fetch_flakes)) {
            task->end = GLY_TASK_END_FETCH_FAILED;
            task->failed_executor = read->executor;
            task->failed_shuffle = read->shuffle_id;
            task->failed_map = read->map;
            return;
        }
    }
    if (stage->poison_partition == (int)task->partition) {
        task->end = GLY_TASK_END_FAILED;
        task->is_users_error = stage->poison_is_users;
    } else if (chance(w, w->rates.task_fails)) {
        task->end = GLY_TASK_END_FAILED;
    } else if (stage->commits && !task->may_commit) {
        task->end = GLY_TASK_END_KILLED; /* refused, or the answer never came */
    }
}

static void end_task(world *w, uint64_t id, bool is_killed) {
    sim_task *task = w->tasks.items[id];
    sim_executor *executor = &w->executors.items[task->executor];
    if (task->state != SIM_RUNNING || !executor->is_up) {
        return; /* ended before, or gone with its process */
    }
    task->state = SIM_ENDED;
    task->ended_ms = w->now_ms;
    if (is_killed) {
        task->end = GLY_TASK_END_KILLED;
    } else {
        decide_end(w, task);
    }
    int64_t delay = 1 + below(w, 5);
    if (executor->hangs_until_ms > w->now_ms) {
        delay += executor->hangs_until_ms - w->now_ms; /* a zombie's late word, perhaps */
    }
    post(w, delay, MESSAGE_RESULT, id, 0);
    if (chance(w, w->rates.duplicate)) {
        post(w, delay + below(w, 200), MESSAGE_RESULT, id, 0);
    }
    maybe_strike(w, task->executor);
}

/* Fewer than max_task_failures may be delivered for a task that is launched again. */
static void count_failure(world *w, const sim_task *task) {
    const sim_stage *stage = stage_of(w, task);
    uint64_t key = stage->is_map ? stage->stage_id : w->jobs[task->job].result_stage_id;
    key = (key << 40) | ((uint64_t)task->stage_attempt << 20) | task->partition;
    uintptr_t count = (uintptr_t)gly_map_get(&w->failures, key) + 1;
    gly_map_put(&w->failures, key, (void *)count);
    check(w, count <= w->options.max_task_failures + (w->options.speculation ? 1 : 0));
}

static void note_block(world *w, uint64_t id) {
    const sim_task *task = w->tasks.items[id];
    const sim_stage *stage = stage_of(w, task);
    uint32_t count = 0;
    const gly_map_output *outputs =
        gly_scheduler_map_outputs(w->scheduler, stage->shuffle_id, &count);
    if (!stage->is_map || task->partition >= count || !outputs[task->partition].is_available ||
        outputs[task->partition].task_id != id) {
        return;
    }
    check(w, outputs[task->partition].executor_id == task->executor);
    check(w, !w->executors.items[task->executor].is_given_up);
    check(w, !task->read_mixed);
}

static void deliver(world *w, uint64_t id) {
    sim_task *task = w->tasks.items[id];
    sim_executor *executor = &w->executors.items[task->executor];
    const sim_stage *stage = stage_of(w, task);
    bool is_first = task->state == SIM_ENDED;
    if (is_first && !executor->is_given_up) {
        give_slots(w, id);
        if (task->end == GLY_TASK_END_FAILED && !task->is_kill_asked && !task->is_users_error) {
            count_failure(w, task);
        }
    }
    task->state = SIM_REPORTED;
    uint64_t *version = NULL;
    if (stage->is_map && task->end == GLY_TASK_END_OK &&
        !gly_scheduler_map_outputs(w->scheduler, stage->shuffle_id, &(uint32_t){0})) {
        check(w, false);
    }
    uint32_t count = 0;
    const gly_map_output *before =
        stage->is_map ? gly_scheduler_map_outputs(w->scheduler, stage->shuffle_id, &count) : NULL;
    bool was_there = before != NULL && before[task->partition].is_available;
    if (stage->is_map && task->end == GLY_TASK_END_OK && !was_there && is_first) {
        version = GLY_NEW_ARRAY(uint64_t, MAX_STAGES); /* if accepted, this is the block */
        memcpy(version, task->seen, sizeof task->seen);
        uint64_t key = ((uint64_t)stage->shuffle_id << 32) | task->partition;
        free(gly_map_remove(&w->versions, key));
        gly_map_put(&w->versions, key, version);
    }
    gly_task_numbers numbers = {0};
    numbers.values[GLY_TASK_NUMBER_OUTPUT_ROWS] = 7;
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_TASK_FINISHED};
    event.finished.task_id = id;
    event.finished.executor_id = task->executor;
    event.finished.end = task->end;
    event.finished.retryable = !task->is_users_error;
    event.finished.error = task->is_users_error ? GLY_E_DIVIDE_BY_ZERO : GLY_E_IO;
    event.finished.message = task->is_users_error               ? GLY_STR("divisor is zero")
                             : task->end == GLY_TASK_END_FAILED ? GLY_STR("disk said no")
                                                                : GLY_STR("could not fetch");
    event.finished.map_output = GLY_STR("map status");
    event.finished.failed_shuffle_id = task->failed_shuffle;
    event.finished.failed_map_partition = task->failed_map;
    event.finished.failed_executor_id = task->failed_executor;
    event.finished.numbers = &numbers;
    step(w, &event);
    if (is_first) { /* later its block may have moved */
        note_block(w, id);
    }
}

static void ask_commit(world *w, uint64_t id) {
    const sim_task *task = w->tasks.items[id];
    if (task->state == SIM_RUNNING && w->executors.items[task->executor].is_up) {
        gly_scheduler_event event = {.kind = GLY_SCHEDULER_COMMIT_REQUESTED};
        event.commit.task_id = id;
        event.commit.executor_id = task->executor;
        step(w, &event);
    }
}

static void handle(world *w, const message *m) {
    sim_executor *executor = m->a < w->executors.count ? &w->executors.items[m->a] : NULL;
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_TICK};
    switch ((message_kind)m->kind) {
    case MESSAGE_SUBMIT:
        submit(w, (uint32_t)m->a);
        break;
    case MESSAGE_CANCEL:
        w->jobs[m->a].is_cancelled |= w->jobs[m->a].is_submitted;
        event.kind = GLY_SCHEDULER_JOB_CANCELLED;
        event.cancelled.job_id = m->a;
        step(w, &event);
        break;
    case MESSAGE_JOIN:
        join(w);
        break;
    case MESSAGE_DIE:
        executor->is_up = false;
        post(w, 1 + below(w, 1500), MESSAGE_LOST, m->a, chance(w, 300));
        break;
    case MESSAGE_HANG:
        executor->hangs_until_ms = w->now_ms + below(w, 3000);
        if (chance(w, 700)) {
            post(w, 500 + below(w, 1000), MESSAGE_LOST, m->a, 0);
        }
        break;
    case MESSAGE_WIPE:
        executor->wiped_ms = w->now_ms;
        w->wiped++;
        break;
    case MESSAGE_LOST:
        lose(w, (uint32_t)m->a, m->b != 0);
        break;
    case MESSAGE_DRAIN:
        if (!executor->is_given_up && !executor->is_draining) {
            executor->is_draining = true;
            event.kind = GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING;
            event.decommissioning.executor_id = (uint32_t)m->a;
            step(w, &event);
            post(w, 100 + below(w, 500), MESSAGE_DRAINED, m->a, 0);
            post(w, below(w, 100), MESSAGE_MOVE, m->a, 0);
            if (w->rates.only_drains) {
                replace(w); /* asked for at once, not when it is gone */
            }
        }
        break;
    case MESSAGE_MOVE:
        if (!w->executors.items[m->a].is_given_up && w->executors.items[m->a].is_up) {
            (void)move_blocks(w, (uint32_t)m->a, 300);
            post(w, 20 + below(w, 60), MESSAGE_MOVE, m->a, 0);
        }
        break;
    case MESSAGE_DRAINED:
        finish_drain(w, (uint32_t)m->a);
        break;
    case MESSAGE_TASK_END:
        end_task(w, m->a, false);
        break;
    case MESSAGE_KILL:
        end_task(w, m->a, true);
        break;
    case MESSAGE_RESULT:
        deliver(w, m->a);
        break;
    case MESSAGE_COMMIT:
        ask_commit(w, m->a);
        break;
    case MESSAGE_TICK:
        w->tick_ms = INT64_MAX;
        step(w, &event);
        break;
    }
}

static bool all_finished(const world *w) {
    for (uint32_t j = 0; j < w->job_count; j++) {
        if (!w->jobs[j].is_finished) {
            return false;
        }
    }
    return true;
}

static void check_end(world *w) {
    gly_scheduler_load load = gly_scheduler_current_load(w->scheduler);
    check(w, load.active_jobs == 0 && load.pending_tasks == 0 && load.pending_speculative == 0);
    check(w, gly_event_bus_count(w->bus, GLY_EVENT_JOB_START) == w->job_count);
    check(w, gly_event_bus_count(w->bus, GLY_EVENT_JOB_END) == w->job_count);
    check(w, gly_event_bus_count(w->bus, GLY_EVENT_TASK_START) == w->launches);
    check(w, gly_event_bus_count(w->bus, GLY_EVENT_TASK_END) + load.running_tasks == w->launches);
    check(w, gly_event_bus_count(w->bus, GLY_EVENT_STAGE_START) ==
                 gly_event_bus_count(w->bus, GLY_EVENT_STAGE_END));
}

typedef struct totals {
    uint64_t jobs, launches, steps, speculative, again, ahead, lost, wiped, moved, left_behind;
    uint64_t by_status[GLY_STATUS_COUNT];
} totals;

static uint64_t run_seed(uint64_t seed, totals *sum) {
    world w;
    make_world(&w, seed);
    int64_t last_ms = -1;
    while (!all_finished(&w)) {
        if (w.queue.count == 0) {
            die(&w, "a job never ends: nothing will happen any more");
        }
        message m = message_queue_take(&w.queue);
        w.now_ms = m.time_ms;
        w.ticks_at_now = w.now_ms == last_ms ? w.ticks_at_now + (m.kind == MESSAGE_TICK) : 0;
        last_ms = w.now_ms;
        check(&w, w.ticks_at_now < 1000);
        check(&w, w.now_ms < 24 * 3600 * 1000);
        check(&w, w.steps < 2000000);
        handle(&w, &m);
    }
    check_end(&w);
    sum->jobs += w.job_count;
    for (int s = 0; s < GLY_STATUS_COUNT; s++) {
        sum->by_status[s] += w.by_status[s];
    }
    sum->speculative += w.speculative;
    sum->again += w.again;
    sum->ahead += w.ahead;
    sum->lost += w.lost;
    sum->wiped += w.wiped;
    sum->moved += w.moved;
    sum->left_behind += w.left_behind;
    sum->launches += w.launches;
    sum->steps += w.steps;
    uint64_t trace = w.trace;
    free_world(&w);
    return trace;
}

static void print_totals(const totals *sum, uint64_t first, uint64_t count, int64_t ms) {
    printf("%llu seeds from %llu in %lld ms: %llu steps, %llu tasks (%llu speculative, %llu in "
           "later stage attempts, %llu sent ahead), %llu executors lost, %llu wiped, %llu blocks "
           "moved, %llu left behind\njobs: %llu",
           (unsigned long long)count, (unsigned long long)first, (long long)ms,
           (unsigned long long)sum->steps, (unsigned long long)sum->launches,
           (unsigned long long)sum->speculative, (unsigned long long)sum->again,
           (unsigned long long)sum->ahead, (unsigned long long)sum->lost,
           (unsigned long long)sum->wiped, (unsigned long long)sum->moved,
           (unsigned long long)sum->left_behind, (unsigned long long)sum->jobs);
    for (int s = 0; s < GLY_STATUS_COUNT; s++) {
        if (sum->by_status[s] > 0) {
            printf(", %llu %s", (unsigned long long)sum->by_status[s],
                   s == GLY_OK ? "OK" : gly_error_name((gly_status)s));
        }
    }
    printf("\n");
}

int main(int argc, char **argv) {
    uint64_t first = 1, count = 2000;
    const char *seed = getenv("SEED");
    if (seed != NULL && gly_str_to_u64(gly_str_of(seed), &first)) {
        count = 1;
    }
    if (argc > 1 && gly_str_to_u64(gly_str_of(argv[1]), &first)) {
        count = 1;
    }
    if (argc > 2) {
        (void)gly_str_to_u64(gly_str_of(argv[2]), &count);
    }
    totals sum = {0};
    int64_t start = gly_clock_ms();
    for (uint64_t s = first; s < first + count; s++) {
        uint64_t trace = run_seed(s, &sum);
        if (s % 10 == 0 || count == 1) { /* the same seed does the same */
            totals again = {0};
            if (run_seed(s, &again) != trace) {
                fprintf(stderr, "SEED=%llu: two runs differ\n", (unsigned long long)s);
                return 1;
            }
        }
    }
    print_totals(&sum, first, count, gly_clock_ms() - start);
    return 0;
}
