/* agg_groups.h - a group table with the states of an aggregation plan: what one worker aggregates
 * into.
 *
 * Rows come in as key columns and inputs (raw arguments, or step columns of other groups), go out
 * as key columns and results, states or step columns.  Not thread-safe.
 */
#ifndef GLY_AGG_GROUPS_H
#define GLY_AGG_GROUPS_H

#include "lib/engine/function/agg_run.h"
#include "lib/engine/table/code_map.h"
#include "lib/engine/table/group_table.h"

typedef struct gly_agg_groups {
    gly_arena *arena; /* layouts; own */
    gly_budget *budget;
    const gly_type *keys;
    uint32_t key_count;
    gly_agg_plan plan;    /* laid out for this table */
    gly_agg_plan *merger; /* same layout, inputs are step columns */
    gly_group_table table;
    gly_code_map codes; /* dictionary keys -> groups */
} gly_agg_groups;

typedef enum gly_agg_form {
    GLY_AGG_FORM_OUTPUT, /* what the calls put out: results or states */
    GLY_AGG_FORM_STEPS,  /* step columns, which add(is_merge) takes back */
} gly_agg_form;

/* plan and keys must outlive the groups.  Without keys there is one group, made at once. */
void gly_agg_groups_init(gly_agg_groups *groups, const gly_agg_plan *plan, const gly_type *keys,
                         uint32_t key_count, gly_budget *budget);
void gly_agg_groups_clear(gly_agg_groups *groups); /* accepts a zeroed one */

/* Adds the live rows of a batch.  keys: key_count columns aligned with the batch, any shape.
 * *ret_full true: memory was refused and nothing was added (never with force). */
GLY_NODISCARD gly_status gly_agg_groups_add(gly_agg_groups *groups, const gly_column *keys,
                                            const gly_agg_batch *batch, bool is_merge, bool force,
                                            gly_arena *scratch, bool *ret_full, gly_error *err);
static inline uint64_t gly_agg_groups_count(const gly_agg_groups *groups) {
    return groups->table.group_count;
}
/* Forgets all groups, keeps the memory. */
void gly_agg_groups_reset(gly_agg_groups *groups);
/* Forgets all groups and frees the memory. */
void gly_agg_groups_drop(gly_agg_groups *groups);

/* How many columns a form has, keys included. */
uint32_t gly_agg_groups_columns(const gly_agg_groups *groups, gly_agg_form form);
/* The types of the STEPS form. */
void gly_agg_groups_step_types(const gly_agg_groups *groups, gly_type *ret);
/* The given groups as a batch in the arena; text points into the table. */
GLY_NODISCARD gly_status gly_agg_groups_emit_rows(const gly_agg_groups *groups,
                                                  uint8_t *const *rows, uint32_t count,
                                                  gly_agg_form form, gly_arena *arena,
                                                  gly_batch *ret, gly_error *err);
/* The next groups (at most GLY_BATCH_ROWS); ret->count 0 at the end. */
GLY_NODISCARD gly_status gly_agg_groups_emit(const gly_agg_groups *groups, gly_group_cursor *cursor,
                                             gly_agg_form form, gly_arena *arena, gly_batch *ret,
                                             gly_error *err);
/* Hashes of a batch's key columns, as add computes them. */
void gly_agg_groups_hash(const gly_column *keys, uint32_t key_count, const uint16_t *selection,
                         uint32_t count, uint64_t *ret);

#endif
