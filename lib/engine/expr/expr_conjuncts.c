/* expr_conjuncts.c - filters: conjuncts in the order that is cheapest, rows as bits or as a list.
 *
 * Live rows are a bit set while most are live: comparisons with literals run over all rows into
 * byte masks, are packed and ANDed.  Once fewer than a quarter live, a list of rows is carried
 * instead. Order: by measured cost per row over the share of rows removed (what DuckDB and Velox
 * do too), except that a conjunct that can raise never moves in front of one that stood before it.
 * Invariant: the outcome does not depend on the order.
 */
#include "lib/engine/expr/expr_program.h"

#include "lib/base/clock.h"
#include "lib/engine/kernel/k_bits.h"
#include "lib/engine/kernel/k_compare.h"
#include "lib/engine/kernel/k_gather.h"

enum { REORDER_EVERY = 32, SPARSE = 4 };
static const double DECAY = 0.5;

/* The live rows, as bits, as a list, or both. */
typedef struct live {
    uint32_t count;
    bool has_bits, has_list;
    bool all; /* every row of the batch; neither form is filled */
} live;

static void make_room(gly_expr_state *state) {
    if (state->selection == NULL) {
        size_t rows = GLY_BATCH_ROWS;
        state->selection = gly_arena_alloc_aligned(state->arena, (rows + 64) * sizeof(uint16_t));
        state->bits = gly_arena_alloc_aligned(state->arena, gly_column_words(rows) * 8 + 8);
        state->bytes = gly_arena_alloc_aligned(state->arena, rows + 64);
        memset(state->bytes, 0, rows + 64);
    }
}

static void need_list(gly_expr_state *state, live *rows) {
    if (!rows->has_list && !rows->all) {
        gly_k_bits_to_selection(state->bits, state->batch->count, state->selection);
        rows->has_list = true;
    }
}

static void need_bits(gly_expr_state *state, live *rows) {
    if (rows->has_bits) {
        return;
    }
    if (rows->all) {
        memset(state->bits, 0xff, gly_column_words(state->batch->count) * 8);
    } else {
        gly_k_bits_from_selection(state->selection, rows->count, state->batch->count,
                                  state->bits);
    }
    rows->has_bits = true;
}

/* live &= bits */
static void and_bits(gly_expr_state *state, live *rows, const uint64_t *bits) {
    need_bits(state, rows);
    gly_k_bits_and(state->bits, bits, state->batch->count);
    rows->count = gly_k_bits_count(state->bits, state->batch->count);
    rows->has_list = rows->all = false;
}

static void set_list_count(live *rows, uint32_t count) {
    rows->count = count;
    rows->has_list = true;
    rows->has_bits = rows->all = false;
}

static gly_rows as_rows(gly_expr_state *state, live *rows) {
    need_list(state, rows);
    return (gly_rows){rows->all ? NULL : state->selection, rows->count};
}

static bool is_dense(const gly_expr_state *state, const live *rows) {
    return rows->count >= state->batch->count / SPARSE;
}

static void keep_bytes_dense(gly_expr_state *state, live *rows, const uint8_t *bytes,
                             const uint64_t *validity) {
    uint64_t bits[(GLY_BATCH_ROWS + 63) / 64];
    gly_k_bits_from_bytes(bytes, state->batch->count, bits);
    if (validity != NULL) {
        gly_k_bits_and(bits, validity, state->batch->count);
    }
    and_bits(state, rows, bits);
}

/* Keeps the rows of a list whose byte is set and that are valid. */
static void keep_bytes_sparse(gly_expr_state *state, live *rows, const uint8_t *bytes,
                              const uint64_t *validity) {
    gly_rows list = as_rows(state, rows);
    uint32_t count =
        gly_k_bits_filter_bytes(bytes, list.rows, list.count, state->selection);
    if (validity != NULL) {
        count = gly_k_bits_filter(validity, state->selection, count, state->selection);
    }
    set_list_count(rows, count);
}

static void keep_codes(gly_expr_state *state, live *rows, const gly_column *column) {
    const uint8_t *entries = column->data;
    if (is_dense(state, rows)) {
        gly_k_gather_flags(entries, column->dictionary_count, column->codes, column->count,
                           state->bytes);
        keep_bytes_dense(state, rows, state->bytes, column->validity);
        return;
    }
    gly_rows list = as_rows(state, rows);
    uint32_t count = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        uint32_t row = list.rows == NULL ? i : list.rows[i];
        state->selection[count] = (uint16_t)row;
        count += entries[column->codes[row]] != 0;
    }
    if (column->validity != NULL) {
        count = gly_k_bits_filter(column->validity, state->selection, count, state->selection);
    }
    set_list_count(rows, count);
}

static void keep_true(gly_expr_state *state, live *rows, const gly_column *column) {
    switch ((gly_shape)column->shape) {
    case GLY_SHAPE_CONSTANT:
        if (!gly_column_valid(column, 0) || ((const uint8_t *)column->data)[0] == 0) {
            set_list_count(rows, 0);
        }
        return;
    case GLY_SHAPE_DICTIONARY:
        keep_codes(state, rows, column);
        return;
    case GLY_SHAPE_FLAT:
        if (is_dense(state, rows)) {
            keep_bytes_dense(state, rows, column->data, column->validity);
        } else {
            keep_bytes_sparse(state, rows, column->data, column->validity);
        }
        return;
    }
}

static void run_compare(gly_expr_state *state, const gly_conjunct *conjunct, live *rows) {
    const gly_column *column = &state->registers[conjunct->column].column;
    const gly_column *literal = &state->registers[conjunct->literal].column;
    gly_kind kind = gly_type_kind(column->type);
    if (is_dense(state, rows)) {
        gly_k_compare_run(conjunct->op, kind, column->data, literal->data, 0,
                          state->batch->count, state->bytes);
        keep_bytes_dense(state, rows, state->bytes, column->validity);
        return;
    }
    gly_rows list = as_rows(state, rows);
    gly_k_compare_rows(conjunct->op, kind, column->data, UINT32_MAX, literal->data, 0, list.rows,
                       list.count, state->bytes);
    keep_bytes_sparse(state, rows, state->bytes, column->validity);
}

static void run_null_test(gly_expr_state *state, const gly_conjunct *conjunct, live *rows) {
    const gly_column *column = &state->registers[conjunct->column].column;
    bool wanted = conjunct->kind == GLY_CONJUNCT_NOT_NULL;
    if (column->validity == NULL || column->shape == GLY_SHAPE_CONSTANT) {
        if (gly_column_valid(column, 0) != wanted) {
            set_list_count(rows, 0);
        }
        return;
    }
    uint64_t bits[(GLY_BATCH_ROWS + 63) / 64];
    size_t words = gly_column_words(state->batch->count);
    for (size_t i = 0; i < words; i++) {
        bits[i] = wanted ? column->validity[i] : ~column->validity[i];
    }
    and_bits(state, rows, bits);
}

static gly_status run_conjunct(gly_expr_state *state, const gly_conjunct *conjunct, live *rows,
                               gly_error *err) {
    if (conjunct->kind == GLY_CONJUNCT_NOT_NULL || conjunct->kind == GLY_CONJUNCT_NULL) {
        run_null_test(state, conjunct, rows);
        return GLY_OK;
    }
    if (conjunct->kind == GLY_CONJUNCT_COMPARE &&
        state->registers[conjunct->column].column.shape == GLY_SHAPE_FLAT) {
        run_compare(state, conjunct, rows);
        return GLY_OK;
    }
    GLY_TRY(gly_expr_run_block(state, &conjunct->block, as_rows(state, rows), err));
    keep_true(state, rows, gly_expr_run_column(state, conjunct->block.result));
    return GLY_OK;
}

/* order */

static double rank_of(const gly_conjunct_state *measured) {
    if (measured->rows_in < 1) {
        return 0; /* not known: try it early */
    }
    double removed = 1 - measured->rows_out / measured->rows_in;
    double cost = measured->cost_ns / measured->rows_in;
    return cost / GLY_MAX(removed, 1e-3);
}

static bool may_come_next(const gly_expr_state *state, const uint32_t *chosen, uint32_t count,
                          uint32_t candidate) {
    if (!state->program->conjuncts[candidate].can_fail) {
        return true;
    }
    uint32_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        before += chosen[i] < candidate;
    }
    return before == candidate; /* all that stood before it */
}

static void reorder(gly_expr_state *state) {
    uint32_t count = state->program->conjunct_count;
    for (uint32_t place = 0; place < count; place++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            bool taken = false;
            for (uint32_t k = 0; k < place; k++) {
                taken = taken || state->order[k] == i;
            }
            if (!taken && may_come_next(state, state->order, place, i) &&
                (best == UINT32_MAX ||
                 rank_of(&state->conjuncts[i]) < rank_of(&state->conjuncts[best]))) {
                best = i;
            }
        }
        state->order[place] = best;
    }
    for (uint32_t i = 0; i < count; i++) {
        gly_conjunct_state *measured = &state->conjuncts[i];
        measured->rows_in *= DECAY;
        measured->rows_out *= DECAY;
        measured->cost_ns *= DECAY;
    }
}

gly_status gly_expr_select(gly_expr_state *state, const gly_batch *batch, gly_arena *scratch,
                           uint16_t *ret_selection, uint32_t *ret_count, gly_error *err) {
    const gly_expr_program *program = state->program;
    GLY_ASSERT(program->conjunct_count > 0 || program->expr_count == 0);
    make_room(state);
    gly_expr_run_begin(state, batch, scratch);
    live rows = {.count = batch->selected, .all = batch->selection == NULL};
    if (batch->selection != NULL) {
        memcpy(state->selection, batch->selection, batch->selected * sizeof(uint16_t));
        rows.has_list = true;
    }
    bool measures = program->conjunct_count > 1;
    int64_t start = measures ? gly_clock_ns() : 0;
    for (uint32_t i = 0; i < program->conjunct_count && rows.count > 0; i++) {
        uint32_t index = program->conjunct_count > 1 ? state->order[i] : 0;
        uint32_t before = rows.count;
        GLY_TRY(run_conjunct(state, &program->conjuncts[index], &rows, err));
        if (measures) {
            int64_t end = gly_clock_ns();
            gly_conjunct_state *measured = &state->conjuncts[index];
            measured->rows_in += before;
            measured->rows_out += rows.count;
            measured->cost_ns += (double)(end - start);
            start = end;
        }
    }
    if (measures && ++state->batches_since_order == REORDER_EVERY) {
        state->batches_since_order = 0;
        reorder(state);
    }
    if (rows.all) {
        for (uint32_t i = 0; i < rows.count; i++) {
            state->selection[i] = (uint16_t)i;
        }
    } else if (rows.count > 0) {
        need_list(state, &rows);
    }
    memcpy(ret_selection, state->selection, rows.count * sizeof(uint16_t));
    *ret_count = rows.count;
    return GLY_OK;
}
