/* expr_run.c - runs a program's steps over a batch: shapes, NULLs, rows, memory.
 *
 * A step's function sees FLAT or CONSTANT columns aligned with the batch.  What is done here so
 * that functions need not: constants are computed once, a constant NULL ends a strict step,
 * dictionaries are computed per entry (expr_dictionary.c) or decoded on demand, validity bitmaps
 * are ANDed by words, rows with NULLs are taken out for functions that go row by row. Invariant: a
 * register is right for the rows its block ran over, and for no others; its memory is the state's
 * unless the column leaves the program (then scratch).
 */
#include "lib/engine/expr/expr_program.h"

#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/engine/kernel/k_bits.h"
#include "lib/engine/kernel/k_decimal.h"
#include "lib/engine/kernel/k_gather.h"

enum { MOST_ARGS_ON_STACK = 8, SPARSE = 4 };

gly_expr_state *gly_expr_state_make(const gly_expr_program *program, uint32_t partition) {
    gly_arena *arena = gly_arena_make();
    gly_expr_state *state = GLY_ARENA_NEW(arena, gly_expr_state);
    state->arena = arena;
    state->program = program;
    state->partition = partition;
    state->registers = GLY_ARENA_ARRAY(arena, gly_register, program->register_count);
    state->memos = GLY_ARENA_ARRAY(arena, gly_memo, program->step_count);
    state->locals = GLY_ARENA_ARRAY(arena, void *, program->step_count);
    state->row_numbers = GLY_ARENA_ARRAY(arena, uint64_t, program->step_count);
    state->folded = GLY_ARENA_ARRAY(arena, gly_column, program->step_count);
    state->identity = gly_hash_u64((uint64_t)(uintptr_t)state ^ (uint64_t)gly_clock_ns());
    state->order = GLY_ARENA_ARRAY(arena, uint32_t, program->conjunct_count);
    for (uint32_t i = 0; i < program->conjunct_count; i++) {
        state->order[i] = i;
    }
    state->conjuncts = GLY_ARENA_ARRAY(arena, gly_conjunct_state, program->conjunct_count);
    return state;
}

void gly_expr_state_free(gly_expr_state *state) {
    if (state == NULL) {
        return;
    }
    for (uint32_t i = 0; i < state->program->step_count; i++) {
        gly_arena_free(state->memos[i].arena);
    }
    gly_arena_free(state->arena); /* the state lies in it */
}

void gly_expr_run_null(gly_expr_state *state, gly_type type, gly_column *ret) {
    gly_value null = gly_value_null(type);
    gly_column_constant(state->scratch, &null, state->batch->count, ret);
}

bool gly_expr_run_is_dense(const gly_expr_state *state, gly_rows rows) {
    return rows.rows == NULL || rows.count >= state->batch->count / SPARSE;
}

/* This register's own buffer for count values, kept and never uninitialised. */
static void *own_buffer(gly_expr_state *state, gly_register *reg, gly_type type) {
    if (reg->buffer == NULL) {
        size_t size = gly_type_width(type) * GLY_BATCH_ROWS;
        reg->buffer = gly_arena_alloc_aligned(state->arena, size);
        memset(reg->buffer, 0, size);
    }
    return reg->buffer;
}

void gly_expr_run_make_result(gly_expr_state *state, const gly_step *step, gly_column *ret) {
    uint32_t count = state->batch->count;
    gly_type type = step->expr->type;
    *ret = (gly_column){.type = type, .shape = GLY_SHAPE_FLAT, .count = count};
    if (step->is_result) {
        ret->data = gly_arena_alloc_aligned(state->scratch, gly_type_width(type) * count);
    } else {
        ret->data = own_buffer(state, &state->registers[step->result], type);
    }
}

const gly_column *gly_expr_run_column(gly_expr_state *state, uint32_t index) {
    gly_register *reg = &state->registers[index];
    if (reg->needs_widening) {
        gly_k_decimal_widen(reg->narrow, state->batch->count, reg->wide);
        reg->column.data = reg->wide;
        reg->needs_widening = false;
    }
    return &reg->column;
}

const gly_column *gly_expr_run_flat(gly_expr_state *state, uint32_t index, gly_rows rows) {
    const gly_column *column = gly_expr_run_column(state, index);
    gly_register *reg = &state->registers[index];
    if (column->shape != GLY_SHAPE_DICTIONARY || reg->has_flat) {
        return column->shape != GLY_SHAPE_DICTIONARY ? column : &reg->flat;
    }
    size_t width = gly_type_width(column->type);
    gly_column flat = *column;
    flat.shape = GLY_SHAPE_FLAT;
    flat.codes = NULL;
    flat.dictionary_count = 0;
    flat.dictionary_id = 0;
    if (gly_expr_run_is_dense(state, rows)) {
        flat.data = own_buffer(state, reg, column->type);
        gly_k_gather_codes(column->data, width, column->codes, column->count, flat.data);
        reg->has_flat = true;
    } else {
        flat.data = gly_arena_alloc_aligned(state->scratch, width * column->count);
        for (uint32_t i = 0; i < rows.count; i++) { /* other rows stay unset: not cached */
            uint32_t row = rows.rows[i];
            memcpy((char *)flat.data + row * width,
                   (const char *)column->data + column->codes[row] * width, width);
        }
    }
    reg->flat = flat;
    return &reg->flat;
}

/* The 64-bit twin of a 128-bit FLAT column, if its values allow one; tried once per batch. */
static const int64_t *narrow_of(gly_expr_state *state, uint32_t index, const gly_column *flat) {
    gly_register *reg = &state->registers[index];
    if (reg->narrow != NULL) {
        return reg->narrow;
    }
    if (flat->shape != GLY_SHAPE_FLAT || gly_type_kind(flat->type) != GLY_KIND_I128) {
        return NULL;
    }
    if (reg->narrow_buffer == NULL) {
        size_t size = sizeof(int64_t) * GLY_BATCH_ROWS;
        reg->narrow_buffer = gly_arena_alloc_aligned(state->arena, size);
        memset(reg->narrow_buffer, 0, size);
    }
    if (gly_k_decimal_narrow(flat->data, flat->count, reg->narrow_buffer)) {
        reg->narrow = reg->narrow_buffer;
    }
    return reg->narrow;
}

static uint64_t *combine_validity(gly_expr_state *state, const gly_column *args, uint32_t count) {
    uint64_t *both = NULL;
    size_t size = gly_column_words(state->batch->count) * sizeof(uint64_t);
    for (uint32_t j = 0; j < count; j++) {
        if (args[j].validity == NULL || args[j].shape == GLY_SHAPE_CONSTANT) {
            continue;
        }
        if (both == NULL) { /* a copy: functions may add NULLs */
            both = gly_arena_alloc_aligned(state->scratch, size);
            memcpy(both, args[j].validity, size);
        } else {
            gly_k_bits_and(both, args[j].validity, state->batch->count);
        }
    }
    return both;
}

static void fill_call(gly_expr_state *state, const gly_step *step, gly_call *call) {
    call->expr = step->expr;
    call->prepared = step->prepared;
    call->local = &state->locals[step->index];
    call->local_arena = state->arena;
    call->partition = state->partition;
    call->row_number = &state->row_numbers[step->index];
    call->arg_count = step->arg_count;
    call->scratch = state->scratch;
}

/* All arguments are constants: one row. */
static gly_status run_constant(gly_expr_state *state, const gly_step *step, gly_error *err) {
    gly_column args_small[MOST_ARGS_ON_STACK];
    uint32_t masks_small[MOST_ARGS_ON_STACK] = {0};
    bool many = step->arg_count > MOST_ARGS_ON_STACK;
    gly_column *args =
        many ? GLY_ARENA_ARRAY(state->scratch, gly_column, step->arg_count) : args_small;
    const uint32_t *masks =
        many ? GLY_ARENA_ARRAY(state->scratch, uint32_t, step->arg_count) : masks_small;
    gly_column *folded = &state->folded[step->index];
    gly_register *reg = &state->registers[step->result];
    for (uint32_t j = 0; j < step->arg_count; j++) {
        args[j] = state->registers[step->args[j]].column;
    }
    gly_arena *arena = step->is_foldable ? state->arena : state->scratch;
    gly_column result;
    gly_column_make_flat(arena, step->expr->type, 1, &result);
    result.count = 1;
    gly_call call = {0};
    fill_call(state, step, &call);
    call.args = args;
    call.masks = masks;
    call.count = call.row_count = 1;
    call.dense = true;
    call.result = &result;
    call.scratch = arena;
    GLY_TRY(step->kernel->run(&call, err));
    result.shape = GLY_SHAPE_CONSTANT;
    if (step->is_foldable) {
        *folded = result;
    }
    reg->column = result;
    reg->column.count = state->batch->count;
    return GLY_OK;
}

/* Rows with a NULL argument are taken out. */
static gly_rows valid_rows(gly_expr_state *state, gly_rows rows, const uint64_t *validity) {
    uint16_t *picked = gly_arena_alloc(state->scratch, rows.count * sizeof *picked + 16);
    return (gly_rows){picked, gly_k_bits_filter(validity, rows.rows, rows.count, picked)};
}

static gly_status run_rows(gly_expr_state *state, const gly_step *step, gly_rows rows,
                           gly_error *err) {
    gly_column args_small[MOST_ARGS_ON_STACK];
    uint32_t masks_small[MOST_ARGS_ON_STACK];
    const int64_t *narrow_small[MOST_ARGS_ON_STACK] = {0};
    bool many = step->arg_count > MOST_ARGS_ON_STACK;
    gly_column *args =
        many ? GLY_ARENA_ARRAY(state->scratch, gly_column, step->arg_count) : args_small;
    uint32_t *masks =
        many ? GLY_ARENA_ARRAY(state->scratch, uint32_t, step->arg_count) : masks_small;
    unsigned flags = step->kernel->flags;
    bool use_narrow = (flags & GLY_KERNEL_NARROW) != 0 && !many;
    bool dense = gly_expr_run_is_dense(state, rows);
    for (uint32_t j = 0; j < step->arg_count; j++) {
        gly_register *reg = &state->registers[step->args[j]];
        if (use_narrow && reg->needs_widening) {
            args[j] = reg->column; /* data is missing: narrow has it */
            narrow_small[j] = reg->narrow;
        } else if ((flags & GLY_KERNEL_SHAPELESS) != 0) {
            args[j] = *gly_expr_run_column(state, step->args[j]);
        } else {
            args[j] = *gly_expr_run_flat(state, step->args[j], rows);
            if (use_narrow && dense) {
                narrow_small[j] = narrow_of(state, step->args[j], &args[j]);
            }
        }
        masks[j] = args[j].shape == GLY_SHAPE_CONSTANT ? 0 : UINT32_MAX;
    }
    gly_register *reg = &state->registers[step->result];
    gly_column *result = &reg->column;
    gly_call call = {0};
    fill_call(state, step, &call);
    gly_expr_run_make_result(state, step, result);
    if (step->is_strict) {
        result->validity = combine_validity(state, args, step->arg_count);
    }
    if ((flags & (GLY_KERNEL_VECTOR | GLY_KERNEL_NULLS)) == 0 && result->validity != NULL) {
        rows = valid_rows(state, rows, result->validity);
    }
    bool all_rows_written = (flags & GLY_KERNEL_VECTOR) != 0 ? dense : rows.rows == NULL;
    if (!all_rows_written) {
        memset(result->data, 0, gly_type_width(result->type) * state->batch->count);
    }
    call.args = args;
    call.masks = masks;
    call.narrow = narrow_small;
    call.count = state->batch->count;
    call.rows = rows.rows;
    call.row_count = rows.count;
    call.dense = dense;
    call.result = result;
    if (use_narrow && gly_type_kind(result->type) == GLY_KIND_I128) {
        if (reg->narrow_buffer == NULL) {
            size_t size = sizeof(int64_t) * GLY_BATCH_ROWS;
            reg->narrow_buffer = gly_arena_alloc_aligned(state->arena, size);
            memset(reg->narrow_buffer, 0, size);
        }
        call.result_narrow = reg->narrow_buffer;
    }
    if (rows.count > 0) {
        GLY_TRY(step->kernel->run(&call, err));
    }
    if (call.is_narrow) {
        reg->narrow = call.result_narrow;
        reg->needs_widening = true;
        reg->wide = result->data;
        result->data = NULL;
    }
    return GLY_OK;
}

static gly_status run_call(gly_expr_state *state, const gly_step *step, gly_rows rows,
                           gly_error *err) {
    gly_register *reg = &state->registers[step->result];
    const gly_column *folded = &state->folded[step->index];
    reg->has_flat = reg->needs_widening = false;
    reg->narrow = NULL;
    if (folded->data != NULL) {
        reg->column = *folded;
        reg->column.count = state->batch->count;
        return GLY_OK;
    }
    bool all_constant = true;
    bool any_dictionary = false;
    for (uint32_t j = 0; j < step->arg_count; j++) {
        const gly_column *column = &state->registers[step->args[j]].column;
        if (column->shape != GLY_SHAPE_CONSTANT) {
            all_constant = false;
            any_dictionary = any_dictionary || column->shape == GLY_SHAPE_DICTIONARY;
        } else if (step->is_strict && !gly_column_valid(column, 0)) {
            gly_expr_run_null(state, step->expr->type, &reg->column);
            return GLY_OK;
        }
    }
    bool deterministic = (step->kernel->flags & GLY_KERNEL_NONDET) == 0;
    if (all_constant && deterministic) {
        return run_constant(state, step, err);
    }
    if (any_dictionary && deterministic && (step->kernel->flags & GLY_KERNEL_SHAPELESS) == 0) {
        bool done;
        GLY_TRY(gly_expr_dictionary_run(state, step, rows, &done, err));
        if (done) {
            return GLY_OK;
        }
    }
    return run_rows(state, step, rows, err);
}

static void run_pass(gly_expr_state *state, const gly_step *step) {
    gly_register *from = &state->registers[step->args[0]];
    gly_register *to = &state->registers[step->result];
    to->column = *gly_expr_run_column(state, step->args[0]);
    to->column.type = step->expr->type;
    to->narrow = from->narrow;
    to->needs_widening = to->has_flat = false;
}

gly_status gly_expr_run_block(gly_expr_state *state, const gly_block *block, gly_rows rows,
                              gly_error *err) {
    for (uint32_t i = 0; i < block->step_count; i++) {
        const gly_step *step = block->steps[i];
        if (step->kind == GLY_STEP_CALL) {
            GLY_TRY(run_call(state, step, rows, err));
        } else if (step->kind == GLY_STEP_PASS) {
            run_pass(state, step);
        } else {
            gly_register *reg = &state->registers[step->result];
            reg->has_flat = reg->needs_widening = false;
            reg->narrow = NULL;
            GLY_TRY(gly_expr_lazy_run(state, step, rows, err));
        }
    }
    return GLY_OK;
}

void gly_expr_run_begin(gly_expr_state *state, const gly_batch *batch, gly_arena *scratch) {
    const gly_expr_program *program = state->program;
    GLY_ASSERT(batch->count <= GLY_BATCH_ROWS);
    state->batch = batch;
    state->scratch = scratch;
    for (uint32_t i = 0; i < program->register_count; i++) {
        const gly_register_info *info = &program->registers[i];
        gly_register *reg = &state->registers[i];
        reg->has_flat = reg->needs_widening = false;
        reg->narrow = NULL;
        if (info->source == GLY_REGISTER_COLUMN) {
            GLY_ASSERT(info->column < batch->column_count);
            reg->column = batch->columns[info->column];
            bool is_empty = reg->column.shape == GLY_SHAPE_DICTIONARY &&
                            reg->column.dictionary_count == 0;
            if (is_empty || info->type.id == GLY_TYPE_NULL) {
                gly_expr_run_null(state, info->type, &reg->column);
            }
        } else if (info->source == GLY_REGISTER_LITERAL) {
            reg->column = info->literal;
            reg->column.count = batch->count;
        }
    }
}

gly_status gly_expr_run(gly_expr_state *state, const gly_batch *batch, gly_arena *scratch,
                        gly_column *results, gly_error *err) {
    const gly_expr_program *program = state->program;
    gly_rows rows = {batch->selection, batch->selected};
    gly_expr_run_begin(state, batch, scratch);
    if (batch->selected == 0) {
        for (uint32_t i = 0; i < program->expr_count; i++) {
            gly_expr_run_null(state, program->registers[program->results[i]].type, &results[i]);
        }
        return GLY_OK;
    }
    GLY_TRY(gly_expr_run_block(state, &program->main, rows, err));
    for (uint32_t i = 0; i < program->expr_count; i++) {
        uint32_t reg = program->results[i];
        const gly_register_info *info = &program->registers[reg];
        results[i] = info->source == GLY_REGISTER_COLUMN ? batch->columns[info->column]
                                                         : *gly_expr_run_column(state, reg);
        results[i].type = info->type;
    }
    return GLY_OK;
}
