/* budget.c - reservations counted in a tree; the root is the memory the process may use.
 *
 * Invariant: a child's used_bytes is contained in its parent's.  Nothing is allocated here; owners
 * reserve before they allocate and release after they free.  Spilling is the owner's business.
 */
#include "lib/base/budget.h"

void gly_budget_init(gly_budget *budget, gly_budget *parent, size_t limit_bytes) {
    *budget = (gly_budget){.parent = parent, .limit_bytes = limit_bytes};
    atomic_init(&budget->used_bytes, 0);
    atomic_init(&budget->peak_bytes, 0);
    atomic_init(&budget->ever_bytes, 0);
}

static void raise_peak(gly_budget *budget, size_t used) {
    size_t peak = atomic_load_explicit(&budget->peak_bytes, memory_order_relaxed);
    while (used > peak && !atomic_compare_exchange_weak(&budget->peak_bytes, &peak, used)) {
    }
}

static void look(gly_budget *budget, size_t bytes) {
    if (budget->watch != NULL) {
        size_t before = atomic_fetch_add_explicit(&budget->ever_bytes, bytes, memory_order_relaxed);
        if (before / budget->watch_step != (before + bytes) / budget->watch_step) {
            budget->watch(budget->watch_context);
        }
    }
}

static bool reserve_here(gly_budget *budget, size_t bytes) {
    size_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
    do {
        if (bytes > budget->limit_bytes || used > budget->limit_bytes - bytes) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&budget->used_bytes, &used, used + bytes));
    raise_peak(budget, used + bytes);
    look(budget, bytes);
    return true;
}

bool gly_budget_try_reserve(gly_budget *budget, size_t bytes) {
    for (gly_budget *level = budget; level != NULL; level = level->parent) {
        bool reserved = reserve_here(level, bytes);
        if (!reserved && level->reclaim != NULL &&
            level->reclaim(level->reclaim_context, bytes) > 0) {
            reserved = reserve_here(level, bytes);
        }
        if (!reserved) {
            for (gly_budget *undo = budget; undo != level; undo = undo->parent) {
                atomic_fetch_sub(&undo->used_bytes, bytes);
            }
            return false;
        }
    }
    return true;
}

void gly_budget_force(gly_budget *budget, size_t bytes) {
    for (gly_budget *level = budget; level != NULL; level = level->parent) {
        raise_peak(level, atomic_fetch_add(&level->used_bytes, bytes) + bytes);
        look(level, bytes);
    }
}

void gly_budget_release(gly_budget *budget, size_t bytes) {
    for (gly_budget *level = budget; level != NULL; level = level->parent) {
        size_t before = atomic_fetch_sub(&level->used_bytes, bytes);
        GLY_ASSERT(before >= bytes);
    }
}

size_t gly_budget_used(const gly_budget *budget) { return atomic_load(&budget->used_bytes); }

size_t gly_budget_peak(const gly_budget *budget) { return atomic_load(&budget->peak_bytes); }

size_t gly_budget_available(const gly_budget *budget) {
    size_t available = SIZE_MAX;
    for (const gly_budget *level = budget; level != NULL; level = level->parent) {
        size_t used = atomic_load(&level->used_bytes);
        size_t here = used >= level->limit_bytes ? 0 : level->limit_bytes - used;
        available = GLY_MIN(available, here);
    }
    return available;
}
