/* agg_run.c - running an aggregation plan: batches into states, states into columns.
 *
 * An input is made flat first (rarely needed), rows that a FILTER or a NULL takes out are dropped
 * from the list of (position, row) pairs, and the step's loop runs over what is left.
 * Invariant: a step without a flag has met a value in every group (needs_flags watches that).
 */
#include "lib/engine/function/agg_run.h"

#include "lib/data/decimal.h"

#include <math.h>

static bool any_null(const gly_column *column, const gly_agg_batch *batch) {
    if (column->validity == NULL || batch->live == 0) {
        return column->type.id == GLY_TYPE_NULL;
    }
    if (column->shape == GLY_SHAPE_CONSTANT) {
        return !gly_bit_get(column->validity, 0);
    }
    uint32_t words = batch->count / 64;
    for (uint32_t i = 0; i < words; i++) {
        if (column->validity[i] != UINT64_MAX) {
            return true;
        }
    }
    for (uint32_t row = words * 64; row < batch->count; row++) {
        if (!gly_bit_get(column->validity, row)) {
            return true;
        }
    }
    return false;
}

bool gly_agg_run_needs_flags(const gly_agg_plan *plan, const gly_agg_batch *batch) {
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const gly_agg_step *step = &plan->steps[i];
        if (step->wants_flag && !step->always_flag &&
            (step->filter != GLY_AGG_NONE ||
             (step->input != GLY_AGG_NONE && any_null(&batch->inputs[step->input], batch)))) {
            return true;
        }
    }
    return false;
}

size_t gly_agg_run_text_bytes(const gly_agg_plan *plan, const gly_agg_batch *batch) {
    size_t total = 0;
    for (uint32_t i = 0; plan->has_text && i < plan->step_count; i++) {
        const gly_agg_step *step = &plan->steps[i];
        if (gly_type_kind(step->type) == GLY_KIND_TEXT) {
            gly_row_layout layout = {.column_count = 1, .has_text = true};
            uint8_t kind = GLY_KIND_TEXT;
            layout.kinds = &kind;
            total += gly_row_store_text_bytes(&layout, &batch->inputs[step->input],
                                              batch->selection, batch->live);
        }
    }
    return total;
}

typedef struct run { /* one step on one batch: the live pairs */
    uint32_t count;
    const uint16_t *positions; /* into the column's data; NULL: 0, 1, 2 ... */
    uint8_t *const *rows;
    uint16_t position_buffer[GLY_BATCH_ROWS];
    uint8_t *row_buffer[GLY_BATCH_ROWS];
} run;

/* Keeps the pairs whose row in `bits` (a flat column's validity, or its BOOLEAN values) is set. */
static void keep_valid(run *r, const uint64_t *validity) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        uint16_t at = r->positions == NULL ? (uint16_t)i : r->positions[i];
        uint8_t *row = r->rows[i];
        r->position_buffer[kept] = at;
        r->row_buffer[kept] = row;
        kept += gly_bit_get(validity, at);
    }
    r->positions = r->position_buffer;
    r->rows = r->row_buffer;
    r->count = kept;
}

/* is_true has a byte per LIVE row; pairs are still in live order. */
static void keep_true(run *r, const uint8_t *is_true) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        uint16_t at = r->positions == NULL ? (uint16_t)i : r->positions[i];
        uint8_t *row = r->rows[i];
        r->position_buffer[kept] = at;
        r->row_buffer[kept] = row;
        kept += is_true[i];
    }
    r->positions = r->position_buffer;
    r->rows = r->row_buffer;
    r->count = kept;
}

static void filter_bytes(const gly_column *filter, const gly_agg_batch *batch, uint8_t *ret) {
    for (uint32_t i = 0; i < batch->live; i++) {
        uint32_t row = batch->selection == NULL ? i : batch->selection[i];
        ret[i] = gly_column_valid(filter, row) &&
                 ((const uint8_t *)filter->data)[gly_column_index(filter, row)] != 0;
    }
}

/* A column flat: itself with the batch's selection, or a dense copy of the live rows. */
static const gly_column *make_flat(const gly_column *column, const gly_agg_batch *batch,
                                   gly_arena *scratch, gly_column *copy,
                                   const uint16_t **ret_positions) {
    if (column->shape == GLY_SHAPE_FLAT) {
        *ret_positions = batch->selection;
        return column;
    }
    gly_column_flatten(scratch, column, batch->selection, batch->live, copy);
    *ret_positions = NULL;
    return copy;
}

/* FIRST takes NULLs too.  seen: FIRST_MERGE's second input (is there a value at all). */
static void run_first(const gly_agg_step *step, const gly_column *values, const gly_column *seen,
                      const run *r, const uint16_t *seen_positions, uint32_t base,
                      gly_row_store *heap) {
    const size_t width = gly_type_width(step->type);
    const bool is_text = gly_type_kind(step->type) == GLY_KIND_TEXT;
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t at = r->positions == NULL ? i : r->positions[i];
        uint8_t *flag = r->rows[i] + base + step->flag;
        if (*flag != 0) {
            continue;
        }
        uint32_t seen_at = seen_positions == NULL ? i : seen_positions[i];
        if (seen != NULL &&
            (!gly_column_valid(seen, seen_at) || ((const uint8_t *)seen->data)[seen_at] == 0)) {
            continue;
        }
        *flag = GLY_AGG_SEEN;
        if (!gly_column_valid(values, at)) {
            *flag |= GLY_AGG_NULL;
            continue;
        }
        uint8_t *state = r->rows[i] + base + step->offset;
        memcpy(state, (const char *)values->data + at * width, width);
        if (is_text) {
            *(gly_text *)(void *)state = gly_row_store_copy_text(heap, (gly_text *)(void *)state);
        }
    }
}

static gly_status overflow(const gly_agg_step *step, gly_error *err) {
    gly_builder text = {0};
    char type[GLY_TYPE_TEXT_SIZE];
    gly_expr_format(step->call, false, &text);
    gly_status status = gly_fail(
        err, GLY_E_OVERFLOW, "%.*s overflows %s: cast its argument to a wider type",
        GLY_STR_ARG(gly_builder_str(&text)), gly_type_format(step->type, type, sizeof type));
    gly_builder_clear(&text);
    return status;
}

/* One call for each group; all pairs are there, in order->live's or ->positions' order. */
static gly_status run_groups(const gly_agg_step *step, const void *data, const uint16_t *positions,
                             const gly_agg_order *order, uint32_t base, gly_error *err) {
    uint32_t first = 0;
    for (uint32_t g = 0; g < order->group_count; g++) {
        uint8_t *row = order->rows[g];
        uint32_t count = order->ends[g] - first;
        if (!step->one(data, positions + first, row + base + step->offset, count)) {
            return overflow(step, err);
        }
        if (step->flag != UINT32_MAX) {
            row[base + step->flag] = GLY_AGG_SEEN;
        }
        first = order->ends[g];
    }
    return GLY_OK;
}

static gly_status run_loop(const gly_agg_step *step, const gly_column *flat, const run *r,
                           bool is_single, uint32_t base, gly_row_store *heap, gly_error *err) {
    const void *data = flat == NULL ? NULL : flat->data;
    if (r->count == 0) {
        return GLY_OK;
    }
    if (step->loop == NULL) {
        gly_agg_step_text((gly_agg_op)step->op, data, r->positions, r->rows, base + step->offset,
                          base + step->flag, r->count, heap);
        return GLY_OK;
    }
    bool fits = is_single
                    ? step->one(data, r->positions, r->rows[0] + base + step->offset, r->count)
                    : step->loop(data, r->positions, r->rows, base + step->offset, r->count);
    if (!fits) {
        return overflow(step, err);
    }
    if (step->flag != UINT32_MAX) {
        for (uint32_t i = 0; i < (is_single ? 1 : r->count); i++) {
            r->rows[i][base + step->flag] = GLY_AGG_SEEN;
        }
    }
    return GLY_OK;
}

static bool step_takes_order(const gly_agg_step *step, const gly_agg_batch *batch) {
    const gly_column *input = step->input == GLY_AGG_NONE ? NULL : &batch->inputs[step->input];
    return step->one != NULL && step->filter == GLY_AGG_NONE &&
           (input == NULL || (input->validity == NULL && input->type.id != GLY_TYPE_NULL));
}

bool gly_agg_run_takes_order(const gly_agg_plan *plan, const gly_agg_batch *batch) {
    for (uint32_t i = 0; i < plan->step_count; i++) {
        if (!step_takes_order(&plan->steps[i], batch)) {
            return false;
        }
    }
    return true;
}

static gly_status run_step(const gly_agg_step *step, const gly_agg_batch *batch,
                           uint8_t *const *rows, bool is_single, const gly_agg_order *order,
                           uint32_t base, gly_row_store *heap, gly_arena *scratch, gly_error *err) {
    run r = {.count = batch->live, .positions = batch->selection, .rows = rows};
    gly_column copies[3];
    const gly_column *flat = NULL;
    if (step->input != GLY_AGG_NONE) {
        const gly_column *input = &batch->inputs[step->input];
        flat = make_flat(input, batch, scratch, &copies[0], &r.positions);
    }
    if (order != NULL && step_takes_order(step, batch)) {
        bool is_dense = flat != NULL && flat != &batch->inputs[step->input];
        return run_groups(step, flat == NULL ? NULL : flat->data,
                          is_dense ? order->live : order->positions, order, base, err);
    }
    if (step->filter != GLY_AGG_NONE) {
        uint8_t is_true[GLY_BATCH_ROWS];
        filter_bytes(&batch->inputs[step->filter], batch, is_true);
        keep_true(&r, is_true);
    }
    if (step->op == GLY_AGG_FIRST) {
        run_first(step, flat, NULL, &r, NULL, base, heap);
        return GLY_OK;
    }
    if (step->op == GLY_AGG_FIRST_MERGE) {
        const uint16_t *seen_positions;
        const gly_column *seen =
            make_flat(&batch->inputs[step->input + 1], batch, scratch, &copies[1], &seen_positions);
        run_first(step, flat, seen, &r, seen_positions, base, heap);
        return GLY_OK;
    }
    if (step->op == GLY_AGG_VARIANCE_MERGE) {
        const double *parts[3];
        for (uint32_t i = 0; i < 3; i++) { /* dense, so that one list of positions serves all */
            gly_column_flatten(scratch, &batch->inputs[step->input + i], batch->selection,
                               batch->live, &copies[i]);
            parts[i] = copies[i].data;
        }
        gly_agg_step_merge_variance(parts[0], parts[1], parts[2], NULL, rows, base + step->offset,
                                    batch->live);
        return GLY_OK;
    }
    if (flat != NULL && flat->type.id == GLY_TYPE_NULL) {
        return GLY_OK;
    }
    if (flat != NULL && flat->validity != NULL) {
        keep_valid(&r, flat->validity);
    }
    return run_loop(step, flat, &r, is_single, base, heap, err);
}

gly_status gly_agg_run_update(const gly_agg_plan *plan, const gly_agg_batch *batch,
                              uint8_t *const *rows, bool is_single, const gly_agg_order *order,
                              uint32_t base, gly_row_store *heap, gly_arena *scratch,
                              gly_error *err) {
    for (uint32_t i = 0; i < plan->step_count; i++) {
        GLY_TRY(run_step(&plan->steps[i], batch, rows, is_single, order, base, heap, scratch, err));
    }
    return GLY_OK;
}

/* ---- states to columns ---- */

static void read_values(uint8_t *const *rows, uint32_t count, uint32_t offset, size_t width,
                        void *ret) {
    char *out = ret;
#define READ(bytes)                                                                                \
    case bytes:                                                                                    \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            memcpy(out + (size_t)i * bytes, rows[i] + offset, bytes);                              \
        }                                                                                          \
        break;
    switch (width) {
        READ(1)
        READ(2)
        READ(4)
        READ(8)
        READ(16)
    default:
        GLY_UNREACHABLE();
    }
#undef READ
}

/* Column `part` of a step's state. */
static void step_column(const gly_agg_step *step, uint8_t part, uint8_t *const *rows,
                        uint32_t count, uint32_t base, gly_arena *arena, gly_column *ret) {
    bool is_first = step->op == GLY_AGG_FIRST || step->op == GLY_AGG_FIRST_MERGE;
    gly_type type = part == 0 ? step->type : is_first ? GLY_TYPE_OF(BOOLEAN) : GLY_TYPE_OF(DOUBLE);
    gly_column_make_flat(arena, type, count, ret);
    ret->count = count;
    if (is_first && part == 1) {
        for (uint32_t i = 0; i < count; i++) {
            ((uint8_t *)ret->data)[i] = (rows[i][base + step->flag] & GLY_AGG_SEEN) != 0;
        }
        return;
    }
    read_values(rows, count, base + step->offset + part * 8u, gly_type_width(type), ret->data);
    if (step->flag == UINT32_MAX) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i][base + step->flag] != GLY_AGG_SEEN) {
            gly_column_need_validity(arena, ret, count);
            gly_bit_clear(ret->validity, i);
        }
    }
}

void gly_agg_run_step_columns(const gly_agg_plan *plan, uint8_t *const *rows, uint32_t count,
                              uint32_t base, gly_arena *arena, gly_column *ret) {
    uint32_t column = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const gly_agg_step *step = &plan->steps[i];
        bool is_first = step->op == GLY_AGG_FIRST || step->op == GLY_AGG_FIRST_MERGE;
        bool is_variance = step->op == GLY_AGG_VARIANCE || step->op == GLY_AGG_VARIANCE_MERGE;
        uint8_t parts = is_first ? 2 : is_variance ? 3 : 1;
        for (uint8_t part = 0; part < parts; part++) {
            step_column(step, part, rows, count, base, arena, &ret[column++]);
        }
    }
}

static void set_null(gly_arena *arena, gly_column *column, uint32_t row) {
    gly_column_need_validity(arena, column, column->count);
    gly_bit_clear(column->validity, row);
}

static gly_i128 read_decimal(const gly_column *column, uint32_t row) {
    if (gly_type_kind(column->type) == GLY_KIND_I64) {
        return ((const int64_t *)column->data)[row];
    }
    gly_i128 value;
    memcpy(&value, (const char *)column->data + (size_t)row * 16, 16);
    return value;
}

static void write_decimal(gly_column *column, uint32_t row, gly_i128 value) {
    if (gly_type_kind(column->type) == GLY_KIND_I64) {
        ((int64_t *)column->data)[row] = (int64_t)value;
    } else {
        memcpy((char *)column->data + (size_t)row * 16, &value, 16);
    }
}

static gly_status finish_avg(const gly_agg_step *step, const gly_column *sums,
                             const gly_column *counts, gly_arena *arena, gly_column *ret,
                             gly_error *err) {
    const int64_t *count = counts->data;
    for (uint32_t i = 0; i < ret->count; i++) {
        if (count[i] == 0) {
            set_null(arena, ret, i);
            memset((char *)ret->data + i * gly_type_width(ret->type), 0, gly_type_width(ret->type));
        } else if (ret->type.id == GLY_TYPE_DECIMAL) {
            gly_i128 value = 0;
            if (!gly_decimal_divide(read_decimal(sums, i), count[i],
                                    ret->type.scale - sums->type.scale, &value) ||
                !gly_decimal_fits(value, ret->type.precision)) {
                return overflow(step, err);
            }
            write_decimal(ret, i, value);
        } else {
            ((double *)ret->data)[i] = ((const double *)sums->data)[i] / (double)count[i];
        }
    }
    return GLY_OK;
}

static void finish_variance(gly_function_id function, const gly_column *states, gly_arena *arena,
                            gly_column *ret) {
    const double *count = states[0].data;
    const double *m2 = states[2].data;
    bool is_sample = function == GLY_FN_VAR_SAMP || function == GLY_FN_STDDEV_SAMP;
    bool is_root = function == GLY_FN_STDDEV_SAMP || function == GLY_FN_STDDEV_POP;
    double *out = ret->data;
    for (uint32_t i = 0; i < ret->count; i++) {
        double divisor = count[i] - (is_sample ? 1 : 0);
        out[i] = 0;
        if (divisor <= 0) {
            set_null(arena, ret, i);
            continue;
        }
        out[i] = is_root ? sqrt(m2[i] / divisor) : m2[i] / divisor;
    }
}

static gly_status check_precision(const gly_agg_step *step, const gly_column *column,
                                  gly_error *err) {
    if (column->type.id != GLY_TYPE_DECIMAL) {
        return GLY_OK;
    }
    for (uint32_t i = 0; i < column->count; i++) {
        if (gly_column_valid(column, i) &&
            !gly_decimal_fits(read_decimal(column, i), column->type.precision)) {
            return overflow(step, err);
        }
    }
    return GLY_OK;
}

static gly_status finish_call(const gly_agg_call *call, const gly_agg_step *step,
                              gly_column *states, gly_arena *arena, gly_column *ret,
                              gly_error *err) {
    switch (call->call->function) {
    case GLY_FN_AVG:
        gly_column_make_flat(arena, call->call->type, states[0].count, ret);
        ret->count = states[0].count;
        return finish_avg(step, &states[0], &states[1], arena, ret, err);
    case GLY_FN_STDDEV_SAMP:
    case GLY_FN_STDDEV_POP:
    case GLY_FN_VAR_SAMP:
    case GLY_FN_VAR_POP:
        gly_column_make_flat(arena, call->call->type, states[0].count, ret);
        ret->count = states[0].count;
        finish_variance(call->call->function, states, arena, ret);
        return GLY_OK;
    default:
        *ret = states[0];
        ret->type = call->call->type;
        return call->call->function == GLY_FN_SUM ? check_precision(step, ret, err) : GLY_OK;
    }
}

gly_status gly_agg_run_output(const gly_agg_plan *plan, uint8_t *const *rows, uint32_t count,
                              uint32_t base, gly_arena *arena, gly_column *ret, gly_error *err) {
    uint32_t column = 0;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        const gly_agg_call *call = &plan->calls[i];
        gly_column states[GLY_FUNCTION_MAX_STATES];
        for (uint32_t s = 0; s < call->state_count; s++) {
            step_column(&plan->steps[call->step[s]], call->part[s], rows, count, base, arena,
                        call->puts_states ? &ret[column++] : &states[s]);
        }
        if (!call->puts_states) {
            GLY_TRY(
                finish_call(call, &plan->steps[call->step[0]], states, arena, &ret[column++], err));
        }
    }
    return GLY_OK;
}

/* ---- rows as groups of their own ---- */

/* A flat copy of all rows of the batch in another kind: what ADD would have made of one value. */
static void convert(const gly_column *input, gly_type type, uint32_t count, gly_arena *arena,
                    gly_column *ret) {
    gly_column flat;
    gly_column_flatten(arena, input, NULL, count, &flat);
    gly_column_make_flat(arena, type, count, ret);
    ret->count = count;
    ret->validity = flat.validity;
#define CONVERT(from, to)                                                                          \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        ((to *)ret->data)[i] = (to)((const from *)flat.data)[i];                                   \
    }                                                                                              \
    break
#define CONVERT_KINDS(to)                                                                          \
    switch (gly_type_kind(input->type)) {                                                          \
    case GLY_KIND_I8:                                                                              \
        CONVERT(int8_t, to);                                                                       \
    case GLY_KIND_I16:                                                                             \
        CONVERT(int16_t, to);                                                                      \
    case GLY_KIND_I32:                                                                             \
        CONVERT(int32_t, to);                                                                      \
    case GLY_KIND_I64:                                                                             \
        CONVERT(int64_t, to);                                                                      \
    case GLY_KIND_F32:                                                                             \
        CONVERT(float, to);                                                                        \
    case GLY_KIND_F64:                                                                             \
        CONVERT(double, to);                                                                       \
    case GLY_KIND_I128:                                                                            \
        CONVERT(gly_i128, to);                                                                     \
    default:                                                                                       \
        break;                                                                                     \
    }
    switch (gly_type_kind(type)) {
    case GLY_KIND_I64:
        CONVERT_KINDS(int64_t)
        break;
    case GLY_KIND_I128:
        CONVERT_KINDS(gly_i128)
        break;
    default:
        CONVERT_KINDS(double)
        break;
    }
#undef CONVERT_KINDS
#undef CONVERT
}

/* 1 where the value counts, else 0; as BIGINT, DOUBLE or BOOLEAN. */
static void ones(const gly_column *input, const gly_column *filter, gly_type type, uint32_t count,
                 gly_arena *arena, gly_column *ret) {
    bool all = filter == NULL &&
               (input == NULL || (input->validity == NULL && input->type.id != GLY_TYPE_NULL));
    if (all) {
        gly_value one =
            type.id == GLY_TYPE_DOUBLE ? gly_value_f64(type, 1) : gly_value_i64(type, 1);
        gly_column_constant(arena, &one, count, ret);
        return;
    }
    gly_column_make_flat(arena, type, count, ret);
    ret->count = count;
    for (uint32_t i = 0; i < count; i++) {
        bool counts =
            (input == NULL || (input->type.id != GLY_TYPE_NULL && gly_column_valid(input, i))) &&
            (filter == NULL || (gly_column_valid(filter, i) &&
                                ((const uint8_t *)filter->data)[gly_column_index(filter, i)] != 0));
        if (type.id == GLY_TYPE_BIGINT) {
            ((int64_t *)ret->data)[i] = counts;
        } else if (type.id == GLY_TYPE_DOUBLE) {
            ((double *)ret->data)[i] = counts;
        } else {
            ((uint8_t *)ret->data)[i] = counts;
        }
    }
}

/* Makes rows that the filter drops NULL. */
static void null_unless(gly_column *column, const gly_column *filter, uint32_t count,
                        gly_arena *arena) {
    gly_column flat;
    gly_column_flatten(arena, column, NULL, count, &flat);
    gly_column_need_validity(arena, &flat, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!gly_column_valid(filter, i) ||
            ((const uint8_t *)filter->data)[gly_column_index(filter, i)] == 0) {
            gly_bit_clear(flat.validity, i);
        }
    }
    *column = flat;
}

static void pass_step(const gly_agg_step *step, uint8_t part, const gly_agg_batch *batch,
                      gly_arena *arena, gly_column *ret) {
    const gly_column *input = step->input == GLY_AGG_NONE ? NULL : &batch->inputs[step->input];
    const gly_column *filter = step->filter == GLY_AGG_NONE ? NULL : &batch->inputs[step->filter];
    switch ((gly_agg_op)step->op) {
    case GLY_AGG_COUNT:
        ones(input, filter, GLY_TYPE_OF(BIGINT), batch->count, arena, ret);
        return;
    case GLY_AGG_VARIANCE:
        if (part == 0) {
            ones(input, filter, GLY_TYPE_OF(DOUBLE), batch->count, arena, ret);
        } else if (part == 1) {
            *ret = *input;
            ret->validity = NULL; /* a count of 0 says it */
        } else {
            gly_value zero = gly_value_f64(GLY_TYPE_OF(DOUBLE), 0);
            gly_column_constant(arena, &zero, batch->count, ret);
        }
        return;
    case GLY_AGG_FIRST:
        if (part == 1) {
            ones(NULL, filter, GLY_TYPE_OF(BOOLEAN), batch->count, arena, ret);
            return;
        }
        *ret = *input;
        break;
    case GLY_AGG_ADD:
        if (gly_type_kind(step->type) != gly_type_kind(input->type)) {
            convert(input, step->type, batch->count, arena, ret);
            break;
        }
        *ret = *input;
        break;
    default:
        *ret = *input;
        break;
    }
    ret->type = step->type;
    if (filter != NULL) {
        null_unless(ret, filter, batch->count, arena);
    }
}

void gly_agg_run_pass(const gly_agg_plan *plan, const gly_agg_batch *batch, gly_arena *arena,
                      gly_column *ret) {
    uint32_t column = 0;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        const gly_agg_call *call = &plan->calls[i];
        for (uint32_t s = 0; s < call->state_count; s++) {
            pass_step(&plan->steps[call->step[s]], call->part[s], batch, arena, &ret[column++]);
        }
    }
}
