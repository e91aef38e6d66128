/* pool.c - the order in which task sets are asked.
 *
 * FIFO: by job, then stage: one pool.  FAIR: the pool furthest below its share is first (pools
 * below their min_share before others, then running slots over weight), and inside a pool FIFO or
 * FAIR again.  Spark sorts once for each round of offers; here every launched task asks again, so
 * that shares are right even when a thousand slots become free at once.
 * Invariant: sets[] holds the sets that have work, in FIFO order, plus some whose work has just
 * been launched (taken out by settle). Not here: whether a set can use a slot (task_scheduler.c).
 */
#include "driver/scheduler/pool.h"

#include "driver/scheduler/task_set.h"

static gly_pool *add_pool(gly_scheduler *scheduler, const gly_scheduler_pool *options) {
    gly_pool *pool = GLY_NEW(gly_pool);
    pool->name = gly_alloc_zero(options->name.size + 1, 1);
    memcpy(pool->name, options->name.data, options->name.size);
    pool->weight = GLY_MAX(options->weight, 1);
    pool->min_share = options->min_share;
    pool->is_fair = options->is_fair;
    gly_array_push(&scheduler->pools, pool);
    return pool;
}

void gly_pool_init(gly_scheduler *scheduler, const gly_scheduler_options *options) {
    gly_scheduler_pool fallback = {.name = GLY_STR("default"), .weight = 1};
    for (uint32_t i = 0; options->is_fair && i < options->pool_count; i++) {
        add_pool(scheduler, &options->pools[i]);
    }
    if (!options->is_fair) {
        add_pool(scheduler, &fallback);
    }
}

void gly_pool_clear(gly_scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->pools.count; i++) {
        free(scheduler->pools.items[i]->name);
        gly_array_clear(&scheduler->pools.items[i]->sets);
        free(scheduler->pools.items[i]);
    }
    gly_array_clear(&scheduler->pools);
}

gly_pool *gly_pool_find(gly_scheduler *scheduler, gly_str name) {
    if (!scheduler->options.is_fair) {
        return scheduler->pools.items[0];
    }
    gly_str wanted = name.size == 0 ? GLY_STR("default") : name;
    for (size_t i = 0; i < scheduler->pools.count; i++) {
        if (gly_str_equal(gly_str_of(scheduler->pools.items[i]->name), wanted)) {
            return scheduler->pools.items[i];
        }
    }
    gly_scheduler_pool fresh = {.name = wanted, .weight = 1};
    return add_pool(scheduler, &fresh);
}

static bool is_before(const gly_task_set *a, const gly_task_set *b) {
    if (a->priority != b->priority) {
        return a->priority < b->priority;
    }
    return a->stage->id != b->stage->id ? a->stage->id < b->stage->id : a->attempt < b->attempt;
}

void gly_pool_list(gly_task_set *set) {
    if (set->is_listed || set->is_zombie) {
        return;
    }
    gly_pool *pool = set->pool;
    set->is_listed = true;
    gly_array_push(&pool->sets, set);
    for (size_t i = pool->sets.count - 1; i > 0 && is_before(set, pool->sets.items[i - 1]); i--) {
        pool->sets.items[i] = pool->sets.items[i - 1];
        pool->sets.items[i - 1] = set;
    }
}

void gly_pool_unlist(gly_task_set *set) {
    for (size_t i = 0; set->is_listed && i < set->pool->sets.count; i++) {
        if (set->pool->sets.items[i] == set) {
            gly_array_remove_at(&set->pool->sets, i);
            set->is_listed = false;
        }
    }
}

void gly_pool_settle(gly_scheduler *scheduler) {
    if (!scheduler->has_empty_sets) {
        return;
    }
    scheduler->has_empty_sets = false;
    for (size_t i = 0; i < scheduler->pools.count; i++) {
        gly_pool *pool = scheduler->pools.items[i];
        size_t kept = 0;
        for (size_t s = 0; s < pool->sets.count; s++) {
            gly_task_set *set = pool->sets.items[s];
            if (gly_task_set_has_work(set)) {
                pool->sets.items[kept++] = set;
            } else {
                set->is_listed = false;
            }
        }
        pool->sets.count = kept;
    }
}

static bool may_ask(const gly_scheduler *scheduler, const gly_task_set *set) {
    return set->declined_round != scheduler->round && gly_task_set_has_work(set);
}

static gly_task_set *first_in_pool(gly_scheduler *scheduler, gly_pool *pool) {
    if (pool->round != scheduler->round) {
        pool->round = scheduler->round;
        pool->round_position = 0;
    }
    while (pool->round_position < pool->sets.count &&
           !may_ask(scheduler, pool->sets.items[pool->round_position])) {
        pool->round_position++; /* who declined, or has nothing, stays so for this round */
    }
    gly_task_set *first = NULL;
    for (size_t i = pool->round_position; i < pool->sets.count; i++) {
        gly_task_set *set = pool->sets.items[i];
        if (may_ask(scheduler, set) &&
            (first == NULL || set->running_slots < first->running_slots)) {
            first = set;
        }
        if (!pool->is_fair) {
            break;
        }
    }
    return first;
}

/* True if a is further below its share than b. */
static bool is_fairer(const gly_pool *a, const gly_pool *b) {
    bool a_needy = a->running_slots < a->min_share, b_needy = b->running_slots < b->min_share;
    if (a_needy != b_needy) {
        return a_needy;
    }
    double a_ratio = a->running_slots / (double)(a_needy ? GLY_MAX(a->min_share, 1) : a->weight);
    double b_ratio = b->running_slots / (double)(b_needy ? GLY_MAX(b->min_share, 1) : b->weight);
    return a_ratio != b_ratio ? a_ratio < b_ratio : strcmp(a->name, b->name) < 0;
}

gly_task_set *gly_pool_pick(gly_scheduler *scheduler) {
    gly_task_set *best = NULL;
    for (size_t i = 0; i < scheduler->pools.count; i++) {
        gly_task_set *first = first_in_pool(scheduler, scheduler->pools.items[i]);
        if (first != NULL && (best == NULL || is_fairer(first->pool, best->pool))) {
            best = first;
        }
    }
    return best;
}
