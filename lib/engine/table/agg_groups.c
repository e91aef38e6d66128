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
    gly_agg_groups wide = {.budget = groups->budget, .keys = groups->keys,
                           .key_count = groups->key_count, .arena = groups->arena};
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
        status = gly_agg_groups_add(&wide, batch.columns, &rows, true, force, scratch, ret_full,
                                    err);
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

/* counts[c + 1]: how many live rows have combination c. */
static void make_order(const gly_agg_batch *batch, const uint16_t *index, uint16_t *counts,
                       uint32_t size, gly_arena *scratch, gly_agg_order *ret) {
    uint16_t *live = gly_arena_alloc(scratch, batch->live * sizeof *live);
    uint16_t *positions = gly_arena_alloc(scratch, batch->live * sizeof *positions);
    uint32_t *ends = gly_arena_alloc(scratch, (size + 1) * sizeof *ends);
    uint32_t groups = 0;
    for (uint32_t c = 0; c < size; c++) {
        uint16_t count = counts[c + 1];
        counts[c + 1] = (uint16_t)(counts[c] + count);
        ends[groups] = counts[c + 1];
        groups += count > 0;
    }
    for (uint32_t i = 0; i < batch->live; i++) {
        uint16_t at = counts[index[i]]++;
        live[at] = (uint16_t)i;
        positions[at] = batch->selection == NULL ? (uint16_t)i : batch->selection[i];
    }
    *ret = (gly_agg_order){live, positions, groups, ends};
}

/* The same by dictionary codes; *ret_order: the live rows group by group (no groups: not made). */
static bool find_by_codes(gly_agg_groups *groups, const gly_column *keys, const gly_agg_batch *batch,
                          size_t text_bytes, bool force, gly_arena *scratch, uint8_t **rows,
                          gly_agg_order *ret_order) {
    uint16_t index[GLY_BATCH_ROWS];
    uint16_t missing[GLY_BATCH_ROWS]; /* rows of the batch, one for each new combination */
    uint8_t *found[GLY_BATCH_ROWS];
    gly_code_map *codes = &groups->codes;
    uint16_t *counts = GLY_ARENA_ARRAY(scratch, uint16_t, codes->size + 1);
    uint32_t missing_count = 0;
    gly_code_map_index(codes, keys, batch->selection, batch->live, index);
    for (uint32_t i = 0; i < batch->live; i++) {
        bool is_new = counts[index[i] + 1]++ == 0 && codes->rows[index[i]] == NULL;
        missing[missing_count] =
            batch->selection == NULL ? (uint16_t)i : batch->selection[i];
        found[missing_count] = (uint8_t *)(uintptr_t)index[i]; /* for the moment */
        missing_count += is_new;
    }
    if (missing_count > 0) {
        uint16_t places[GLY_BATCH_ROWS];
        for (uint32_t i = 0; i < missing_count; i++) {
            places[i] = (uint16_t)(uintptr_t)found[i];
        }
        uint64_t before = groups->table.capacity;
        if (!find_by_hash(groups, keys, missing, missing_count, text_bytes, force, scratch, found)) {
            return false;
        }
        if (groups->table.is_word && groups->table.capacity != before) {
            return find_by_hash(groups, keys, batch->selection, batch->live, text_bytes, force,
                                scratch, rows); /* what the map knew has moved */
        }
        for (uint32_t i = 0; i < missing_count; i++) {
            codes->rows[places[i]] = found[i];
        }
    }
    for (uint32_t i = 0; i < batch->live; i++) {
        rows[i] = codes->rows[index[i]];
    }
    make_order(batch, index, counts, codes->size, scratch, ret_order);
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
        has_room = (text_bytes == 0 ||
                    gly_group_table_reserve(&groups->table, 1, text_bytes, force)) &&
                   find_by_codes(groups, keys, batch, text_bytes, force, scratch, rows, &order);
    } else {
        has_room = find_by_hash(groups, keys, batch->selection, live, text_bytes, force, scratch,
                                rows);
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
