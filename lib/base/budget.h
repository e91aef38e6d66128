/* budget.h - a tree of memory budgets: a reservation may be refused, and refused means "spill".
 *
 * process -> task -> operator.  A reservation counts at every level up to the root and succeeds
 * only if all allow it.  All functions are thread-safe (atomics).
 */
#ifndef GLY_BUDGET_H
#define GLY_BUDGET_H

#include "lib/base/base.h"

#include <stdatomic.h>

typedef struct gly_budget gly_budget;
struct gly_budget {
    gly_budget *parent; /* NULL at the root */
    size_t limit_bytes; /* SIZE_MAX: only the parents limit */
    atomic_size_t used_bytes;
    atomic_size_t peak_bytes;
    /* Asked before a refusal at this level: give back at least `bytes` if you can (evict cached
     * blocks).  May be NULL. */
    size_t (*reclaim)(void *context, size_t bytes);
    void *reclaim_context;
    /* Called by the thread whose reservation brings what was ever reserved at this level over
     * another `watch_step` bytes, before it allocates: so somebody looks at real memory as often as
     * memory is asked for, however busy the machine is.  NULL: nobody looks. */
    void (*watch)(void *context);
    void *watch_context;
    size_t watch_step;
    atomic_size_t ever_bytes;
};

void gly_budget_init(gly_budget *budget, gly_budget *parent, size_t limit_bytes);
/* True if reserved.  False: nothing was reserved. */
GLY_NODISCARD bool gly_budget_try_reserve(gly_budget *budget, size_t bytes);
/* Cannot be refused: for the minimum an operator needs to make progress at all. */
void gly_budget_force(gly_budget *budget, size_t bytes);
void gly_budget_release(gly_budget *budget, size_t bytes);
size_t gly_budget_used(const gly_budget *budget);
size_t gly_budget_peak(const gly_budget *budget);
/* What try_reserve would still allow at the tightest level. */
size_t gly_budget_available(const gly_budget *budget);

#endif
