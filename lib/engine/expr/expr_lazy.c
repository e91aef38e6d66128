/* expr_lazy.c - AND, OR, CASE, IF, COALESCE: branches are run only over the rows that need them.
 *
 * So that CASE WHEN x <> 0 THEN 1 / x END does not raise, and expensive branches see few rows.  A
 * working list of rows shrinks from branch to branch; results are merged into one FLAT column.
 * Three-valued logic: for AND a row is decided when an argument is false, stays open when it is
 * true or NULL, and is NULL in the end if any argument was (OR: the mirror image). Invariant: a
 * block is never run over zero rows.
 */
#include "lib/engine/expr/expr_program.h"

#include "lib/engine/kernel/k_bits.h"
#include "lib/engine/kernel/k_gather.h"

enum { IS_FALSE = 0, IS_TRUE = 1, IS_NULL = 2 };

static inline int truth(const gly_column *column, uint32_t row) {
    if (!gly_column_valid(column, row)) {
        return IS_NULL;
    }
    return ((const uint8_t *)column->data)[gly_column_index(column, row)];
}

/* A list of rows this step may write into. */
static uint16_t *list_of(gly_expr_state *state) {
    return gly_arena_alloc(state->scratch, sizeof(uint16_t) * state->batch->count + 16);
}

static inline uint32_t row_at(gly_rows rows, uint32_t i) {
    return rows.rows == NULL ? i : rows.rows[i];
}

static void need_validity(gly_expr_state *state, gly_column *column) {
    if (column->validity == NULL) {
        size_t size = gly_column_words(state->batch->count) * sizeof(uint64_t);
        column->validity = gly_arena_alloc_aligned(state->scratch, size);
        memset(column->validity, 0xff, size);
    }
}

/* AND and OR: deciding is false for AND, true for OR. */
static gly_status run_logic(gly_expr_state *state, const gly_step *step, gly_rows rows,
                            int deciding, gly_error *err) {
    gly_column result;
    gly_expr_run_make_result(state, step, &result);
    uint8_t *bytes = result.data; /* deciding, the opposite, or IS_NULL until the end */
    memset(bytes, !deciding, state->batch->count);
    gly_rows open = rows;
    uint16_t *list = list_of(state);
    bool any_null = false;
    for (uint32_t b = 0; b < step->block_count && open.count > 0; b++) {
        const gly_block *block = &step->blocks[b];
        GLY_TRY(gly_expr_run_block(state, block, open, err));
        const gly_column *column = gly_expr_run_column(state, block->result);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < open.count; i++) {
            uint32_t row = row_at(open, i);
            int value = truth(column, row);
            if (value == deciding) {
                bytes[row] = (uint8_t)deciding;
                continue;
            }
            if (value == IS_NULL) {
                bytes[row] = IS_NULL;
                any_null = true;
            }
            list[kept++] = (uint16_t)row;
        }
        open = (gly_rows){list, kept};
    }
    for (uint32_t i = 0; any_null && i < open.count; i++) {
        uint32_t row = row_at(open, i);
        if (bytes[row] == IS_NULL) {
            need_validity(state, &result);
            gly_bit_clear(result.validity, row);
            bytes[row] = 0;
        }
    }
    state->registers[step->result].column = result;
    return GLY_OK;
}

/* Copies column's rows into result. */
static void merge(gly_expr_state *state, uint32_t reg, gly_rows rows, gly_column *result) {
    const gly_column *from = gly_expr_run_flat(state, reg, rows);
    uint32_t mask = from->shape == GLY_SHAPE_CONSTANT ? 0 : UINT32_MAX;
    gly_k_gather_merge(from->data, gly_type_width(result->type), mask, rows.rows, rows.count,
                       result->data);
    if (from->validity == NULL || (mask == 0 && gly_column_valid(from, 0))) {
        return;
    }
    need_validity(state, result);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = row_at(rows, i);
        uint64_t valid = gly_bit_get(from->validity, row & mask);
        result->validity[row >> 6] &= ~((valid ^ 1) << (row & 63));
    }
}

static void set_nulls(gly_expr_state *state, gly_rows rows, gly_column *result) {
    need_validity(state, result);
    for (uint32_t i = 0; i < rows.count; i++) {
        gly_bit_clear(result->validity, row_at(rows, i));
    }
}

static void start_merging(gly_expr_state *state, const gly_step *step, gly_column *result) {
    gly_expr_run_make_result(state, step, result);
    memset(result->data, 0, gly_type_width(result->type) * result->count);
}

/* All rows of the batch are open and the condition is flat: through bits, without branches. */
static uint32_t split_all(const gly_column *condition, uint16_t *chosen, uint16_t *rest,
                          uint32_t *ret_rest) {
    uint64_t bits[(GLY_BATCH_ROWS + 63) / 64];
    uint32_t count = condition->count;
    gly_k_bits_from_bytes(condition->data, count, bits);
    if (condition->validity != NULL) {
        gly_k_bits_and(bits, condition->validity, count);
    }
    uint32_t chosen_count = gly_k_bits_to_selection(bits, count, chosen);
    for (size_t i = 0; i < gly_column_words(count); i++) {
        bits[i] = ~bits[i];
    }
    *ret_rest = gly_k_bits_to_selection(bits, count, rest);
    return chosen_count;
}

/* Rows where the condition is true go to chosen, the others to rest (which may be open's list). */
static uint32_t split(const gly_column *condition, gly_rows open, uint16_t *chosen,
                      uint16_t *rest, uint32_t *ret_rest) {
    uint32_t chosen_count = 0;
    uint32_t rest_count = 0;
    if (open.rows == NULL && condition->shape == GLY_SHAPE_FLAT) {
        return split_all(condition, chosen, rest, ret_rest);
    }
    for (uint32_t i = 0; i < open.count; i++) {
        uint32_t row = row_at(open, i);
        bool is_true = truth(condition, row) == IS_TRUE;
        chosen[chosen_count] = (uint16_t)row;
        chosen_count += is_true;
        rest[rest_count] = (uint16_t)row;
        rest_count += !is_true;
    }
    *ret_rest = rest_count;
    return chosen_count;
}

static gly_status run_case(gly_expr_state *state, const gly_step *step, gly_rows rows,
                           gly_error *err) {
    gly_column result;
    start_merging(state, step, &result);
    uint16_t *chosen = list_of(state);
    uint16_t *rest = list_of(state);
    gly_rows open = rows;
    uint32_t b = 0;
    for (; b + 1 < step->block_count && open.count > 0; b += 2) {
        const gly_block *when = &step->blocks[b], *then = &step->blocks[b + 1];
        GLY_TRY(gly_expr_run_block(state, when, open, err));
        uint32_t rest_count;
        uint32_t count =
            split(gly_expr_run_column(state, when->result), open, chosen, rest, &rest_count);
        if (count > 0) {
            bool all = count == open.count && open.rows != rest; /* split wrote into rest */
            gly_rows taken = all ? open : (gly_rows){chosen, count};
            GLY_TRY(gly_expr_run_block(state, then, taken, err));
            merge(state, then->result, taken, &result);
        }
        open = (gly_rows){rest, rest_count};
        if (count == 0 && b == 0) {
            open = rows; /* keeps "all rows" */
        }
    }
    if (open.count > 0) {
        if (step->block_count % 2 == 1) {
            const gly_block *otherwise = &step->blocks[step->block_count - 1];
            GLY_TRY(gly_expr_run_block(state, otherwise, open, err));
            merge(state, otherwise->result, open, &result);
        } else {
            set_nulls(state, open, &result);
        }
    }
    state->registers[step->result].column = result;
    return GLY_OK;
}

static gly_status run_coalesce(gly_expr_state *state, const gly_step *step, gly_rows rows,
                               gly_error *err) {
    const gly_block *first = &step->blocks[0];
    GLY_TRY(gly_expr_run_block(state, first, rows, err));
    const gly_column *column = gly_expr_run_column(state, first->result);
    if (column->validity == NULL) { /* nothing is missing */
        state->registers[step->result].column = *column;
        return GLY_OK;
    }
    gly_column result;
    start_merging(state, step, &result);
    uint16_t *valid = list_of(state);
    uint16_t *missing = list_of(state);
    gly_rows open = rows;
    for (uint32_t b = 0; b < step->block_count && open.count > 0; b++) {
        const gly_block *block = &step->blocks[b];
        if (b > 0) {
            GLY_TRY(gly_expr_run_block(state, block, open, err));
            column = gly_expr_run_column(state, block->result);
        }
        uint32_t valid_count = 0;
        uint32_t missing_count = 0;
        for (uint32_t i = 0; i < open.count; i++) {
            uint32_t row = row_at(open, i);
            bool is_valid = gly_column_valid(column, row);
            valid[valid_count] = (uint16_t)row;
            valid_count += is_valid;
            missing[missing_count] = (uint16_t)row;
            missing_count += !is_valid;
        }
        if (valid_count > 0) {
            merge(state, block->result, (gly_rows){valid, valid_count}, &result);
        }
        open = (gly_rows){missing, missing_count};
    }
    if (open.count > 0) {
        set_nulls(state, open, &result);
    }
    state->registers[step->result].column = result;
    return GLY_OK;
}

gly_status gly_expr_lazy_run(gly_expr_state *state, const gly_step *step, gly_rows rows,
                             gly_error *err) {
    switch (step->kind) {
    case GLY_STEP_AND:
        return run_logic(state, step, rows, IS_FALSE, err);
    case GLY_STEP_OR:
        return run_logic(state, step, rows, IS_TRUE, err);
    case GLY_STEP_CASE:
        return run_case(state, step, rows, err);
    case GLY_STEP_COALESCE:
        return run_coalesce(state, step, rows, err);
    default:
        GLY_UNREACHABLE();
    }
}
