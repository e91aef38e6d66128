/* agg_groups.c - keys to groups, groups to states, and back to columns.
 *
 * States are laid out without "has a value" flags until the first batch with NULLs comes; then the
 * groups move to a table with flags, as step columns (gly_agg_plan_needs_flags).
 * Invariant: add either adds the whole batch or, when memory is refused, nothing.
 * Not here: what to do when memory is refused (op/op_aggregate.c).
 */
#include "lib/engine/table/agg_groups.h"

#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/table/key_columns.h"

static void lay_out(gly_agg_groups *groups, const gly_agg_plan *plan, bool with_flags) {
    groups->plan = *plan;
    gly_agg_plan_layout(groups->arena, &groups->plan, with_flags);
    groups->merger = gly_agg_plan_merger(groups->arena, &groups->plan);
    gly_group_table_init(&groups->table, groups->arena, groups->keys, groups->key_count,
                         groups->plan.state_size, groups->plan.state_template, groups->budget);
}

static void find_single(gly_agg_groups *groups, uint8_t **ret) {
    uint64_t hash = 0;
    gly_group_table_find_or_insert(&groups->table, NULL, &hash, 1, ret);
}

void gly_agg_groups_init(gly_agg_groups *groups, const gly_agg_plan *plan, const gly_type *keys,
                         uint32_t key_count, gly_budget *budget) {
    *groups = (gly_agg_groups){.budget = budget, .keys = keys, .key_count = key_count};
    groups->arena = gly_arena_make();
    lay_out(groups, plan, plan->has_filter || key_count == 0);
    if (key_count == 0) {
        uint8_t *row;
        (void)gly_group_table_reserve(&groups->table, 1, 0, true);
        find_single(groups, &row);
    }
}

void gly_agg_groups_clear(gly_agg_groups *groups) {
    if (groups->arena != NULL) {
        gly_group_table_clear(&groups->table);
        gly_code_map_clear(&groups->codes);
        gly_arena_free(groups->arena);
        groups->arena = NULL;
    }
}

void gly_agg_groups_reset(gly_agg_groups *groups) {
    gly_group_table_reset(&groups->table);
    gly_code_map_forget(&groups->codes);
}

void gly_agg_groups_drop(gly_agg_groups *groups) {
    gly_group_table_clear(&groups->table);
    gly_code_map_forget(&groups->codes);
}

/* Moves the groups to a table with flags; false: memory was refused, nothing changed. */
static gly_status add_flags(gly_agg_groups *groups, bool force, gly_arena *scratch, bool *ret_full,
                            gly_error *err) {
    gly_agg_groups wide = {.budget = groups->budget,
                           .keys = groups->keys,
                           .key_count = groups->key_count,
                           .arena = groups->arena};
    lay_out(&wide, &groups->plan, true);
    wide.table.max_capacity = groups->table.max_capacity;
    gly_group_cursor cursor = {0};
    gly_arena *batch_arena = gly_arena_make();
    gly_status status = GLY_OK;
    for (;;) {
        gly_batch batch;
        gly_arena_reset(batch_arena);
        status = gly_agg_groups_emit(groups, &cursor, GLY_AGG_FORM_STEPS, batch_arena, &batch, err);
        if (status != GLY_OK || batch.count == 0 || *ret_full) {
            break;
        }
        gly_agg_batch rows = {batch.columns + groups->key_count, NULL, batch.count, batch.count};
        status =
            gly_agg_groups_add(&wide, batch.columns, &rows, true, force, scratch, ret_full, err);
        if (status != GLY_OK) {
            break;
        }
    }
    gly_arena_free(batch_arena);
    if (status != GLY_OK || *ret_full) {
        gly_group_table_clear(&wide.table);
        return status;
    }
    gly_group_table_clear(&groups->table);
    gly_code_map_clear(&groups->codes);
    *groups = wide;
    return GLY_OK;
}

void gly_agg_groups_hash(const gly_column *keys, uint32_t key_count, const uint16_t *selection,
                         uint32_t count, uint64_t *ret) {
    if (key_count == 0) {
        memset(ret, 0, count * sizeof *ret);
        return;
    }
    gly_k_hash_columns(keys, key_count, selection, count, ret);
}

/* Makes room and finds the groups of the live rows; false: memory was refused. */
static bool find_by_hash(gly_agg_groups *groups, const gly_column *keys, const uint16_t *selection,
                         uint32_t live, size_t text_bytes, bool force, gly_arena *scratch,
                         uint8_t **rows) {
    uint64_t hashes[GLY_BATCH_ROWS];
    gly_column *dense = GLY_ARENA_ARRAY(scratch, gly_column, groups->key_count);
    const uint8_t *slots = groups->table.slots;
    for (uint32_t c = 0; c < groups->key_count; c++) {
        gly_key_columns_prepare(&keys[c], selection, live, scratch, &dense[c]);
    }
    text_bytes += gly_row_store_text_bytes(groups->table.layout, dense, NULL, live);
    if (!gly_group_table_reserve(&groups->table, live, text_bytes, force)) {
        return false;
    }
    if (groups->table.slots != slots) {
        gly_code_map_forget(&groups->codes); /* the rows have moved */
    }
    gly_k_hash_columns(dense, groups->key_count, NULL, live, hashes);
    gly_group_table_find_or_insert(&groups->table, dense, hashes, live, rows);
    return true;
}

/* Rows are counted and sorted in four lanes, so that one does not wait for the other's counter. */
enum { LANES = 4 };

typedef struct lanes {
    uint16_t *counts[LANES]; /* by combination; then where the lane's next one goes */
    uint32_t ends[LANES];
} lanes;

static void count_codes(const gly_code_map *codes, const uint16_t *index, uint32_t live,
                        gly_arena *scratch, lanes *ret) {
    for (uint32_t l = 0; l < LANES; l++) {
        ret->counts[l] = GLY_ARENA_ARRAY(scratch, uint16_t, codes->size);
        ret->ends[l] = live / LANES * (l + 1);
    }
    ret->ends[LANES - 1] = live;
    const uint32_t quarter = GLY_BATCH_ROWS < LANES ? 0 : live / LANES;
    for (uint32_t i = 0; i < quarter; i++) {
        ret->counts[0][index[i]]++;
        ret->counts[1][index[quarter + i]]++;
        ret->counts[2][index[2 * quarter + i]]++;
        ret->counts[3][index[3 * quarter + i]]++;
    }
    for (uint32_t i = LANES * quarter; i < live; i++) {
        ret->counts[3][index[i]]++;
    }
}

static void make_order(const gly_agg_batch *batch, const gly_code_map *codes, const uint16_t *index,
                       lanes *counted, gly_arena *scratch, gly_agg_order *ret) {
    const uint32_t live = batch->live;
    uint16_t *order = gly_arena_alloc(scratch, live * sizeof *order);
    uint16_t *positions = order;
    uint32_t *ends = gly_arena_alloc(scratch, codes->size * sizeof *ends);
    uint8_t **rows = gly_arena_alloc(scratch, codes->size * sizeof *rows);
    uint32_t groups = 0;
    uint32_t at = 0;
    for (uint32_t c = 0; c < codes->size; c++) {
        uint32_t begin = at;
        for (uint32_t l = 0; l < LANES; l++) {
            uint16_t count = counted->counts[l][c];
            counted->counts[l][c] = (uint16_t)at;
            at += count;
        }
        ends[groups] = at;
        rows[groups] = codes->rows[c];
        groups += at > begin;
    }
    const uint32_t quarter = live / LANES;
    for (uint32_t i = 0; i < quarter; i++) {
        for (uint32_t l = 0; l < LANES; l++) {
            uint32_t row = l * quarter + i;
            order[counted->counts[l][index[row]]++] = (uint16_t)row;
        }
    }
    for (uint32_t i = LANES * quarter; i < live; i++) {
        order[counted->counts[LANES - 1][index[i]]++] = (uint16_t)i;
    }
    if (batch->selection != NULL) {
        positions = gly_arena_alloc(scratch, live * sizeof *positions);
        for (uint32_t i = 0; i < live; i++) {
            positions[i] = batch->selection[order[i]];
        }
    }
    *ret = (gly_agg_order){order, positions, groups, ends, rows};
}

/* Finds or makes the groups of combinations that the map does not know yet.  *ret_moved: the rows
 * it did know have moved. */
static bool learn_codes(gly_agg_groups *groups, const gly_column *keys, const gly_agg_batch *batch,
                        const uint16_t *index, const lanes *counted, size_t text_bytes, bool force,
                        gly_arena *scratch, bool *ret_moved) {
    gly_code_map *codes = &groups->codes;
    uint16_t missing[GLY_BATCH_ROWS]; /* a row of the batch for each */
    uint16_t places[GLY_BATCH_ROWS];
    uint8_t *found[GLY_BATCH_ROWS];
    uint32_t count = 0;
    for (uint32_t c = 0; c < codes->size; c++) {
        for (uint32_t l = 0; l < LANES && codes->rows[c] == NULL; l++) {
            if (counted->counts[l][c] > 0) {
                places[count++] = (uint16_t)c;
                break;
            }
        }
    }
    *ret_moved = false;
    if (count == 0) {
        return true;
    }
    for (uint32_t m = 0; m < count; m++) {
        uint32_t i = 0;
        while (index[i] != places[m]) {
            i++;
        }
        missing[m] = batch->selection == NULL ? (uint16_t)i : batch->selection[i];
    }
    const uint8_t *slots = groups->table.slots;
    if (!find_by_hash(groups, keys, missing, count, text_bytes, force, scratch, found)) {
        return false;
    }
    *ret_moved = slots != NULL && groups->table.slots != slots;
    for (uint32_t m = 0; m < count; m++) {
        codes->rows[places[m]] = found[m];
    }
    return true;
}

/* The same by dictionary codes.  *ret_order: the live rows group by group; rows is not filled when
 * the update does without. */
static bool find_by_codes(gly_agg_groups *groups, const gly_column *keys, const gly_agg_plan *plan,
                          const gly_agg_batch *batch, size_t text_bytes, bool force,
                          gly_arena *scratch, uint8_t **rows, gly_agg_order *ret_order) {
    uint16_t index[GLY_BATCH_ROWS];
    const gly_code_map *codes = &groups->codes;
    lanes counted;
    bool has_moved;
    gly_code_map_index(codes, keys, batch->selection, batch->live, index);
    count_codes(codes, index, batch->live, scratch, &counted);
    if (!learn_codes(groups, keys, batch, index, &counted, text_bytes, force, scratch,
                     &has_moved)) {
        return false;
    }
    if (has_moved) {
        return find_by_hash(groups, keys, batch->selection, batch->live, text_bytes, force, scratch,
                            rows);
    }
    bool wants_rows = !gly_agg_run_takes_order(plan, batch);
    for (uint32_t i = 0; wants_rows && i < batch->live; i++) {
        rows[i] = codes->rows[index[i]];
    }
    make_order(batch, codes, index, &counted, scratch, ret_order);
    return true;
}

gly_status gly_agg_groups_add(gly_agg_groups *groups, const gly_column *keys,
                              const gly_agg_batch *batch, bool is_merge, bool force,
                              gly_arena *scratch, bool *ret_full, gly_error *err) {
    uint8_t *rows[GLY_BATCH_ROWS];
    const uint32_t live = batch->live;
    gly_agg_order order = {0};
    *ret_full = false;
    if (live == 0) {
        return GLY_OK;
    }
    if (!groups->plan.has_flags &&
        gly_agg_run_needs_flags(is_merge ? groups->merger : &groups->plan, batch)) {
        GLY_TRY(add_flags(groups, force, scratch, ret_full, err));
        if (*ret_full) {
            return GLY_OK;
        }
    }
    const gly_agg_plan *plan = is_merge ? groups->merger : &groups->plan;
    size_t text_bytes = gly_agg_run_text_bytes(plan, batch);
    bool has_room;
    if (groups->key_count == 0) {
        has_room = gly_group_table_reserve(&groups->table, 1, text_bytes, force);
        if (has_room) {
            find_single(groups, &rows[0]);
        }
        for (uint32_t i = 1; has_room && i < live; i++) {
            rows[i] = rows[0];
        }
    } else if (gly_code_map_fits(&groups->codes, keys, groups->key_count, live)) {
        /* Room for text that states keep must be there even if no group is new. */
        has_room =
            (text_bytes == 0 || gly_group_table_reserve(&groups->table, 1, text_bytes, force)) &&
            find_by_codes(groups, keys, plan, batch, text_bytes, force, scratch, rows, &order);
    } else {
        has_room =
            find_by_hash(groups, keys, batch->selection, live, text_bytes, force, scratch, rows);
    }
    *ret_full = !has_room;
    return has_room ? gly_agg_run_update(plan, batch, rows, groups->key_count == 0,
                                         order.group_count > 0 ? &order : NULL,
                                         groups->table.layout->tail_offset, &groups->table.store,
                                         scratch, err)
                    : GLY_OK;
}

uint32_t gly_agg_groups_columns(const gly_agg_groups *groups, gly_agg_form form) {
    return groups->key_count + (form == GLY_AGG_FORM_STEPS
                                    ? groups->plan.step_column_count
                                    : gly_agg_plan_output_count(&groups->plan));
}

void gly_agg_groups_step_types(const gly_agg_groups *groups, gly_type *ret) {
    for (uint32_t i = 0; i < groups->key_count; i++) {
        ret[i] = groups->keys[i];
    }
    gly_agg_plan_step_types(&groups->plan, ret + groups->key_count);
}

gly_status gly_agg_groups_emit_rows(const gly_agg_groups *groups, uint8_t *const *rows,
                                    uint32_t count, gly_agg_form form, gly_arena *arena,
                                    gly_batch *ret, gly_error *err) {
    uint32_t columns = gly_agg_groups_columns(groups, form);
    *ret = (gly_batch){.column_count = columns, .count = count, .selected = count};
    ret->columns = GLY_ARENA_ARRAY(arena, gly_column, columns);
    for (uint32_t c = 0; c < groups->key_count; c++) {
        uint64_t *validity = gly_arena_alloc_aligned(arena, gly_column_words(count) * 8);
        gly_column_make_flat(arena, groups->keys[c], count, &ret->columns[c]);
        ret->columns[c].count = count;
        gly_group_table_gather(&groups->table, c, rows, count, validity, &ret->columns[c]);
    }
    gly_column *values = ret->columns + groups->key_count;
    uint32_t base = groups->table.layout->tail_offset;
    if (form == GLY_AGG_FORM_STEPS) {
        gly_agg_run_step_columns(&groups->plan, rows, count, base, arena, values);
        return GLY_OK;
    }
    return gly_agg_run_output(&groups->plan, rows, count, base, arena, values, err);
}

gly_status gly_agg_groups_emit(const gly_agg_groups *groups, gly_group_cursor *cursor,
                               gly_agg_form form, gly_arena *arena, gly_batch *ret,
                               gly_error *err) {
    uint8_t *rows[GLY_BATCH_ROWS];
    uint32_t count = gly_group_table_scan(&groups->table, cursor, GLY_BATCH_ROWS, rows);
    if (count == 0) {
        *ret = (gly_batch){0};
        return GLY_OK;
    }
    return gly_agg_groups_emit_rows(groups, rows, count, form, arena, ret, err);
}
