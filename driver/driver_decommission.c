/* driver_decommission.c - an executor has to go: its blocks go to others first.
 *
 *   it says so ──> no more tasks ──> what runs may finish (until KILL_PERCENT of the time)
 *                        │
 *                        └─> blocks to others, dearest first ──> nothing left ──LINGER──> shutdown
 *                                                                   deadline ───────────> shutdown
 *
 * Blocks are map outputs of running jobs, large results nobody has fetched yet, and partitions of
 * cached tables.  Who takes a block pulls it and reports its new place; then the scheduler (for
 * stages that start), the job or the cache table learns of it, and every executor is told (for
 * tasks that run). What could not be moved in time is lost with the executor and made again, as
 * after a crash.
 *
 * Runs on the owner thread.  Invariant: a block is asked of one executor at a time; its old place
 * stays good until the leaving executor is told to shut down. Not here: that a leaving executor
 * gets no tasks (scheduler), and its replacement (driver_executors.c).
 */
#include "driver/driver_internal.h"

#include "driver/scheduler/map_output_tracker.h"
#include "lib/base/clock.h"
#include "lib/shuffle/map_status.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_AT_ONE = 3,    /* blocks one executor is asked for at once */
    MOST_FROM_ONE = 12, /* and one that leaves is */
    MOST_TRIES = 3,
    KILL_PERCENT = 60, /* of the time; the rest is for the outputs of tasks that end then */
    LINGER_MS = 150,   /* so that the news of the last block arrives before its old place is gone */
    LOOK_AGAIN_MS = 200,
    IDLE_LINGER_MS = 20,
};

typedef enum block_kind { OUTPUT, RESULT, CACHED } block_kind;

typedef struct block {
    block_kind kind;
    uint64_t owner;     /* OUTPUT, RESULT: job; CACHED: cache */
    uint32_t shuffle;   /* OUTPUT */
    uint32_t partition; /* of the map, the result or the cached table */
    uint64_t size_bytes;
    double worth; /* time to make it again, per byte */
} block;

typedef struct transfer {
    uint64_t id;
    uint32_t from, to;
    block what;
} transfer;

typedef struct failure { /* a block that could not be moved */
    block what;
    uint32_t tries;
} failure;

typedef struct departure { /* of one executor */
    uint32_t executor_id;
    int64_t kill_ms, deadline_ms, look_ms;
    int64_t linger_until_ms; /* 0: something is left to do */
    bool has_killed, is_told;
    GLY_ARRAY(block) blocks; /* still to be moved, the dearest last */
    GLY_ARRAY(failure) failures;
    uint64_t moved_count, moved_bytes, left_count;
} departure;

struct gly_driver_decommission {
    GLY_ARRAY(departure *) departures;
    GLY_ARRAY(transfer) transfers;
    uint64_t next_id;
};

/* One whose results are still being taken, ended or not; the caller holds the driver's lock, and
 * lets go of it when it is done with the job. */
static gly_driver_job *find_delivering(gly_driver *driver, uint64_t job_id) {
    for (size_t i = 0; i < driver->delivering.count; i++) {
        if (driver->delivering.items[i]->job_id == job_id) {
            return driver->delivering.items[i];
        }
    }
    return NULL;
}

static departure *find_departure(gly_driver *driver, uint32_t executor_id) {
    gly_driver_decommission *all = driver->decommission;
    for (size_t i = 0; all != NULL && i < all->departures.count; i++) {
        if (all->departures.items[i]->executor_id == executor_id) {
            return all->departures.items[i];
        }
    }
    return NULL;
}

static bool is_same(const block *a, const block *b) {
    return a->kind == b->kind && a->owner == b->owner && a->shuffle == b->shuffle &&
           a->partition == b->partition;
}

/* ---- what is there to be moved ------------------------------------------------------------------
 */

static bool is_hopeless(const departure *leaving, const block *what) {
    for (size_t i = 0; i < leaving->failures.count; i++) {
        if (is_same(&leaving->failures.items[i].what, what)) {
            return leaving->failures.items[i].tries >= MOST_TRIES;
        }
    }
    return false;
}

static bool is_under_way(const gly_driver_decommission *all, const block *what) {
    for (size_t i = 0; i < all->transfers.count; i++) {
        if (is_same(&all->transfers.items[i].what, what)) {
            return true;
        }
    }
    return false;
}

static void add_block(gly_driver *driver, departure *leaving, const block *what) {
    if (is_hopeless(leaving, what)) {
        leaving->left_count++;
    } else if (!is_under_way(driver->decommission, what)) {
        gly_array_push(&leaving->blocks, *what);
    }
}

static uint64_t output_size(gly_arena *arena, gly_str status) {
    gly_map_status decoded;
    gly_error ignored;
    if (gly_map_status_decode(arena, status, &decoded, &ignored) != GLY_OK) {
        return 0;
    }
    return decoded.offsets[decoded.partition_count];
}

static void add_outputs(gly_driver *driver, departure *leaving, const gly_driver_job *job) {
    gly_arena *arena = gly_arena_make();
    for (uint32_t s = 0; s < job->request->stage_count; s++) {
        const gly_stage_plan *stage = &job->request->stages[s];
        uint32_t count = 0;
        const gly_map_output *outputs =
            stage->is_result
                ? NULL
                : gly_scheduler_map_outputs(driver->scheduler, stage->shuffle_id, &count);
        for (uint32_t map = 0; outputs != NULL && map < count; map++) {
            if (!outputs[map].is_available || outputs[map].executor_id != leaving->executor_id) {
                continue;
            }
            gly_arena_reset(arena);
            block what = {.kind = OUTPUT,
                          .owner = job->job_id,
                          .shuffle = stage->shuffle_id,
                          .partition = map,
                          .size_bytes = output_size(arena, outputs[map].bytes)};
            what.worth = (double)outputs[map].run_ns / (double)(what.size_bytes + 4096);
            add_block(driver, leaving, &what);
        }
    }
    gly_arena_free(arena);
}

static void add_results(gly_driver *driver, departure *leaving, gly_driver_job *job) {
    pthread_mutex_lock(&job->lock);
    for (uint32_t p = 0; p < job->result_count; p++) {
        const gly_driver_result *result = &job->results[p];
        if (result->is_done && !result->is_delivered && result->path != NULL &&
            result->executor_id == leaving->executor_id) {
            block what = {.kind = RESULT,
                          .owner = job->job_id,
                          .partition = p,
                          .size_bytes = result->size_bytes,
                          .worth = 1e30}; /* cannot be made again: the query would fail */
            add_block(driver, leaving, &what);
        }
    }
    pthread_mutex_unlock(&job->lock);
}

static void add_cached(gly_driver *driver, departure *leaving) {
    block what = {.kind = CACHED};
    GLY_ARRAY(block) found = {0};
    pthread_mutex_lock(&driver->lock);
    for (size_t i = 0; i < driver->caches.count; i++) {
        const gly_driver_cache *cache = &driver->caches.items[i];
        for (uint32_t p = 0; p < cache->partition_count; p++) {
            if (cache->executors[p] == leaving->executor_id) {
                what.owner = cache->cache_id;
                what.partition = p;
                gly_array_push(&found, what);
            }
        }
    }
    pthread_mutex_unlock(&driver->lock);
    for (size_t i = 0; i < found.count; i++) {
        add_block(driver, leaving, &found.items[i]);
    }
    gly_array_clear(&found);
}

static int compare_worth(const void *a, const void *b) {
    double x = ((const block *)a)->worth;
    double y = ((const block *)b)->worth;
    return (x > y) - (x < y);
}

static void collect(gly_driver *driver, departure *leaving) {
    leaving->left_count = 0;
    leaving->blocks.count = 0;
    for (size_t i = 0; i < driver->jobs.count; i++) {
        add_outputs(driver, leaving, driver->jobs.items[i]);
    }
    pthread_mutex_lock(&driver->lock);
    for (size_t i = 0; i < driver->delivering.count; i++) {
        add_results(driver, leaving, driver->delivering.items[i]);
    }
    pthread_mutex_unlock(&driver->lock);
    add_cached(driver, leaving);
    if (leaving->blocks.count > 1) {
        qsort(leaving->blocks.items, leaving->blocks.count, sizeof(block), compare_worth);
    }
}

/* ---- giving it to others ------------------------------------------------------------------------
 */

static void count_transfers(const gly_driver_decommission *all, uint32_t executor_id,
                            uint32_t *ret_to, uint32_t *ret_from, uint64_t *ret_bytes) {
    *ret_to = *ret_from = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < all->transfers.count; i++) {
        const transfer *item = &all->transfers.items[i];
        *ret_from += item->from == executor_id;
        if (item->to == executor_id) {
            *ret_to += 1;
            *ret_bytes += item->what.size_bytes;
        }
    }
}

static bool can_take(const gly_driver_executor *executor) {
    return executor->alive && executor->registered && !executor->is_let_go && !executor->is_leaving;
}

/* Who is busy least with taking over; NULL: nobody may, or all are busy. */
static gly_driver_executor *choose_target(gly_driver *driver) {
    gly_driver_executor *best = NULL, *executor;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; (executor = gly_map_next(&driver->executors, &i)) != NULL;) {
        uint32_t to, from;
        uint64_t bytes;
        count_transfers(driver->decommission, executor->id, &to, &from, &bytes);
        if (!can_take(executor) || to >= MOST_AT_ONE) {
            continue;
        }
        uint64_t load = executor->taken_bytes + bytes;
        if (load < least) {
            least = load;
            best = executor;
        }
    }
    return best;
}

static bool describe_result(gly_driver *driver, const departure *leaving, const block *what,
                            gly_arena *arena, gly_executor_endpoint_pull *ret) {
    bool is_there = false;
    pthread_mutex_lock(&driver->lock);
    gly_driver_job *job = find_delivering(driver, what->owner);
    if (job != NULL) {
        pthread_mutex_lock(&job->lock);
        const gly_driver_result *result = &job->results[what->partition];
        is_there = !result->is_delivered && result->path != NULL &&
                   result->executor_id == leaving->executor_id;
        if (is_there) {
            ret->path = gly_arena_str(arena, gly_str_of(result->path));
        }
        pthread_mutex_unlock(&job->lock);
    }
    pthread_mutex_unlock(&driver->lock);
    return is_there;
}

/* False: it is not there any more. */
static bool describe(gly_driver *driver, const departure *leaving, const block *what,
                     gly_arena *arena, gly_executor_endpoint_pull *ret) {
    ret->from_executor_id = leaving->executor_id;
    ret->size_bytes = what->size_bytes;
    if (what->kind == CACHED) {
        ret->path = gly_str_of(gly_arena_format(arena, "cache/%llx/%u",
                                                (unsigned long long)what->owner, what->partition));
        return gly_driver_cache_find(driver, what->owner, what->partition) == leaving->executor_id;
    }
    if (what->kind == RESULT) {
        return describe_result(driver, leaving, what, arena, ret);
    }
    uint32_t count = 0;
    const gly_map_output *outputs =
        gly_scheduler_map_outputs(driver->scheduler, what->shuffle, &count);
    gly_map_status status;
    gly_error ignored;
    if (outputs == NULL || what->partition >= count || !outputs[what->partition].is_available ||
        outputs[what->partition].executor_id != leaving->executor_id ||
        gly_map_status_decode(arena, outputs[what->partition].bytes, &status, &ignored) != GLY_OK) {
        return false;
    }
    ret->path = status.path;
    ret->map_status = outputs[what->partition].bytes;
    return true;
}

static void dispatch(gly_driver *driver, departure *leaving) {
    gly_driver_decommission *all = driver->decommission;
    gly_arena *arena = gly_arena_make();
    while (leaving->blocks.count > 0) {
        uint32_t to, from;
        uint64_t bytes;
        count_transfers(all, leaving->executor_id, &to, &from, &bytes);
        gly_driver_executor *target = from >= MOST_FROM_ONE ? NULL : choose_target(driver);
        if (target == NULL) {
            break;
        }
        block what = leaving->blocks.items[--leaving->blocks.count];
        gly_executor_endpoint_pull pull = {.transfer_id = all->next_id + 1};
        gly_arena_reset(arena);
        if (describe(driver, leaving, &what, arena, &pull) &&
            gly_executor_endpoint_send_pull(driver->endpoint, target->id, &pull)) {
            transfer item = {++all->next_id, leaving->executor_id, target->id, what};
            gly_array_push(&all->transfers, item);
        }
    }
    gly_arena_free(arena);
}

/* ---- what became of it --------------------------------------------------------------------------
 */

static void note_failure(departure *leaving, const block *what) {
    for (size_t i = 0; i < leaving->failures.count; i++) {
        if (is_same(&leaving->failures.items[i].what, what)) {
            leaving->failures.items[i].tries++;
            return;
        }
    }
    failure fresh = {*what, 1};
    gly_array_push(&leaving->failures, fresh);
}

static bool move_output(gly_driver *driver, const transfer *item, const gly_driver_pulled *pulled) {
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_MAP_OUTPUT_MOVED,
                                 .moved = {.shuffle_id = item->what.shuffle,
                                           .map_partition = item->what.partition,
                                           .from_executor_id = item->from,
                                           .to_executor_id = item->to,
                                           .map_output = pulled->map_status}};
    gly_driver_loop_step(driver, &event, NULL);
    uint32_t count = 0;
    const gly_map_output *outputs =
        gly_scheduler_map_outputs(driver->scheduler, item->what.shuffle, &count);
    return outputs != NULL && item->what.partition < count &&
           outputs[item->what.partition].is_available &&
           outputs[item->what.partition].executor_id == item->to;
}

static bool move_result(gly_driver *driver, const transfer *item, const gly_driver_pulled *pulled) {
    bool is_there = false;
    pthread_mutex_lock(&driver->lock);
    gly_driver_job *job = find_delivering(driver, item->what.owner);
    if (job != NULL) {
        pthread_mutex_lock(&job->lock);
        gly_driver_result *result = &job->results[item->what.partition];
        is_there = !result->is_delivered && result->executor_id == item->from;
        if (is_there) {
            free(result->path);
            result->path = gly_alloc_string(pulled->path);
            result->executor_id = item->to;
        }
        pthread_mutex_unlock(&job->lock);
    }
    pthread_mutex_unlock(&driver->lock);
    return is_there;
}

static void apply(gly_driver *driver, departure *leaving, const transfer *item,
                  const gly_driver_pulled *pulled) {
    bool has_moved = false;
    switch (item->what.kind) {
    case OUTPUT:
        has_moved = move_output(driver, item, pulled);
        break;
    case RESULT:
        has_moved = move_result(driver, item, pulled);
        break;
    case CACHED:
        has_moved = gly_driver_cache_move(driver, item->what.owner, item->what.partition,
                                          item->from, item->to);
        break;
    }
    gly_driver_executor *target = gly_driver_executors_find(driver, item->to);
    if (!has_moved || target == NULL) {
        return;
    }
    target->taken_bytes += item->what.size_bytes;
    if (item->what.kind == OUTPUT) {
        gly_driver_allocation_add_output(target, item->what.owner, item->what.size_bytes);
    }
    gly_str path = gly_str_of(pulled->path);
    gly_executor_endpoint_send_moved(driver->endpoint, item->to, &path, 1);
    leaving->moved_count++;
    leaving->moved_bytes += item->what.size_bytes;
}

void gly_driver_decommission_pulled(gly_driver *driver, uint32_t executor_id,
                                    const gly_driver_pulled *pulled) {
    gly_driver_decommission *all = driver->decommission;
    for (size_t i = 0; all != NULL && i < all->transfers.count; i++) {
        transfer item = all->transfers.items[i];
        if (item.id != pulled->transfer_id || item.to != executor_id) {
            continue;
        }
        gly_array_remove_at(&all->transfers, i);
        departure *leaving = find_departure(driver, item.from);
        if (leaving != NULL && pulled->error == NULL && pulled->path != NULL) {
            apply(driver, leaving, &item, pulled);
        } else if (leaving != NULL) {
            fprintf(stderr, "warning: executor %u could not take over a block of executor %u: %s\n",
                    item.to, item.from, pulled->error == NULL ? "no path" : pulled->error);
            note_failure(leaving, &item.what);
        }
        return;
    }
}

/* ---- life ---------------------------------------------------------------------------------------
 */

void gly_driver_decommission_begin(gly_driver *driver, uint32_t executor_id, int64_t deadline_ms) {
    gly_driver_executor *executor = gly_driver_executors_find(driver, executor_id);
    if (executor == NULL || !executor->registered || find_departure(driver, executor_id) != NULL) {
        return;
    }
    if (driver->decommission == NULL) {
        driver->decommission = GLY_NEW(gly_driver_decommission);
    }
    int64_t now = gly_clock_ms();
    departure *leaving = GLY_NEW(departure);
    leaving->executor_id = executor_id;
    /* It ends by itself at its deadline; we would rather say why. */
    leaving->deadline_ms = now + deadline_ms - GLY_MIN(deadline_ms / 20, 500);
    leaving->kill_ms = now + deadline_ms * KILL_PERCENT / 100;
    gly_array_push(&driver->decommission->departures, leaving);
    bool is_news = !executor->is_let_go;
    executor->is_let_go = true;
    gly_scheduler_event event = {.kind = GLY_SCHEDULER_EXECUTOR_DECOMMISSIONING,
                                 .decommissioning = {executor_id}};
    gly_driver_loop_step(driver, &event, NULL);
    if (is_news && gly_config_bool(driver->config, GLY_CONFIG_EXECUTOR_REPLACE)) {
        gly_driver_executors_fill(driver); /* whoever replaces it may take its blocks */
    }
}

static void kill_tasks(gly_driver *driver, departure *leaving) {
    GLY_ARRAY(uint64_t) ids = {0};
    gly_driver_task *task;
    for (size_t i = 0; (task = gly_map_next(&driver->tasks, &i)) != NULL;) {
        if (task->executor_id == leaving->executor_id) {
            gly_array_push(&ids, task->task_id);
        }
    }
    gly_executor_endpoint_send_kill(driver->endpoint, leaving->executor_id, ids.items, ids.count);
    gly_array_clear(&ids);
    leaving->has_killed = true;
}

static void shut_down(gly_driver *driver, departure *leaving, bool is_in_time) {
    char reason[200], size[32];
    gly_str_format_bytes(leaving->moved_bytes, size, sizeof size);
    snprintf(reason, sizeof reason,
             "it was decommissioned%s: %llu blocks (%s) were taken over by others, %zu were not",
             is_in_time ? "" : ", and its time was up", (unsigned long long)leaving->moved_count,
             size, (size_t)leaving->left_count + leaving->blocks.count);
    leaving->is_told = true;
    gly_executor_endpoint_shutdown(driver->endpoint, leaving->executor_id, reason);
}

static void look_at(gly_driver *driver, departure *leaving, int64_t now) {
    gly_driver_executor *executor = gly_driver_executors_find(driver, leaving->executor_id);
    if (leaving->is_told || executor == NULL || executor->is_leaving) {
        return;
    }
    if (now >= leaving->deadline_ms) {
        shut_down(driver, leaving, false);
        return;
    }
    if (!leaving->has_killed && now >= leaving->kill_ms && executor->running_tasks > 0) {
        kill_tasks(driver, leaving);
    }
    uint32_t to, from;
    uint64_t bytes;
    count_transfers(driver->decommission, leaving->executor_id, &to, &from, &bytes);
    if (leaving->blocks.count == 0 && (from == 0 || now >= leaving->look_ms)) {
        collect(driver, leaving);
        leaving->look_ms = now + LOOK_AGAIN_MS;
    }
    dispatch(driver, leaving);
    count_transfers(driver->decommission, leaving->executor_id, &to, &from, &bytes);
    bool is_done = leaving->blocks.count == 0 && from == 0 && executor->running_tasks == 0;
    if (!is_done) {
        leaving->linger_until_ms = 0;
    } else if (leaving->linger_until_ms == 0) {
        leaving->linger_until_ms = now + (leaving->moved_count > 0 ? LINGER_MS : IDLE_LINGER_MS);
    } else if (now >= leaving->linger_until_ms) {
        shut_down(driver, leaving, true);
    }
}

void gly_driver_decommission_round(gly_driver *driver) {
    gly_driver_decommission *all = driver->decommission;
    int64_t now = all == NULL ? 0 : gly_clock_ms();
    for (size_t i = 0; all != NULL && i < all->departures.count; i++) {
        look_at(driver, all->departures.items[i], now);
    }
}

int64_t gly_driver_decommission_next_ms(gly_driver *driver) {
    gly_driver_decommission *all = driver->decommission;
    int64_t next = INT64_MAX;
    for (size_t i = 0; all != NULL && i < all->departures.count; i++) {
        const departure *leaving = all->departures.items[i];
        if (leaving->is_told) {
            continue;
        }
        next = GLY_MIN(next, leaving->deadline_ms);
        next = leaving->has_killed ? next : GLY_MIN(next, leaving->kill_ms);
        next = GLY_MIN(next, leaving->linger_until_ms > 0 ? leaving->linger_until_ms
                                                          : gly_clock_ms() + LOOK_AGAIN_MS);
    }
    return next;
}

static void free_departure(departure *leaving) {
    gly_array_clear(&leaving->blocks);
    gly_array_clear(&leaving->failures);
    free(leaving);
}

void gly_driver_decommission_lost(gly_driver *driver, uint32_t executor_id) {
    gly_driver_decommission *all = driver->decommission;
    for (size_t i = all == NULL ? 0 : all->transfers.count; i-- > 0;) {
        if (all->transfers.items[i].to == executor_id ||
            all->transfers.items[i].from == executor_id) {
            gly_array_remove_at(&all->transfers, i); /* whose blocks will be looked for again */
        }
    }
    for (size_t i = all == NULL ? 0 : all->departures.count; i-- > 0;) {
        if (all->departures.items[i]->executor_id == executor_id) {
            free_departure(all->departures.items[i]);
            gly_array_remove_at(&all->departures, i);
        }
    }
}

void gly_driver_decommission_free(gly_driver *driver) {
    gly_driver_decommission *all = driver->decommission;
    if (all != NULL) {
        for (size_t i = 0; i < all->departures.count; i++) {
            free_departure(all->departures.items[i]);
        }
        gly_array_clear(&all->departures);
        gly_array_clear(&all->transfers);
        free(all);
        driver->decommission = NULL;
    }
}

/* ---- messages between the threads ---- */

gly_driver_pulled *gly_driver_decommission_keep(const gly_executor_pulled *said) {
    gly_driver_pulled *pulled = GLY_NEW(gly_driver_pulled);
    pulled->transfer_id = said->transfer_id;
    pulled->error = said->error.size > 0 ? gly_alloc_string(said->error.data) : NULL;
    pulled->path = said->path.size > 0 ? gly_alloc_string(said->path.data) : NULL;
    char *bytes = gly_alloc(said->map_status.size + 1);
    memcpy(bytes, said->map_status.data, said->map_status.size);
    pulled->map_status = (gly_str){bytes, said->map_status.size};
    return pulled;
}

void gly_driver_decommission_forget(gly_driver_pulled *pulled) {
    if (pulled != NULL) {
        free(pulled->error);
        free(pulled->path);
        free((void *)(uintptr_t)pulled->map_status.data);
        free(pulled);
    }
}
