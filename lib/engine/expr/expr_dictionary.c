/* expr_dictionary.c - a function of dictionary columns is computed once per entry, not per row.
 *
 * Possible when all arguments that are not constant share the same codes.  The result is a
 * DICTIONARY column over the same codes; its id is derived from the arguments' ids, so that a chain
 * of functions, and the tables behind it, recognise it batch after batch.  The entries computed
 * last are kept per step.  A large dictionary is computed only after as many rows were seen as it
 * has entries (before that it might cost more than it saves). Invariant: entries that no row uses
 * may not raise: if any entry does, rows are computed one by one. NULLs are per row; entries that
 * become NULL are mapped to their rows.
 */
#include "lib/engine/expr/expr_program.h"

#include "lib/base/hash.h"
#include "lib/engine/kernel/k_bits.h"

enum { PIECE = 2048 }; /* entries a call; a multiple of 64 so that validity words do not overlap */

typedef struct peel {
    const gly_column *leader; /* an argument with the codes */
    uint64_t key;             /* 0: some dictionary is unknown */
} peel;

static bool find_peel(gly_expr_state *state, const gly_step *step, peel *ret) {
    peel found = {.leader = NULL, .key = step->index + 1};
    bool all_known = true;
    for (uint32_t j = 0; j < step->arg_count; j++) {
        const gly_column *column = &state->registers[step->args[j]].column;
        if (column->shape == GLY_SHAPE_CONSTANT) {
            /* constants that are not literals may change from batch to batch */
            const gly_register_info *info = &state->program->registers[step->args[j]];
            bool fixed = info->source == GLY_REGISTER_LITERAL ||
                         (info->source == GLY_REGISTER_STEP && info->step->is_foldable);
            all_known = all_known && fixed;
            continue;
        }
        if (column->shape != GLY_SHAPE_DICTIONARY ||
            (!step->is_strict && column->validity != NULL)) {
            return false;
        }
        if (found.leader == NULL) {
            found.leader = column;
        } else if (column->codes != found.leader->codes ||
                   column->dictionary_count != found.leader->dictionary_count) {
            return false;
        }
        all_known = all_known && column->dictionary_id != 0;
        found.key = gly_hash_combine(found.key, gly_hash_u64(column->dictionary_id));
    }
    found.key = all_known ? found.key | 1 : 0;
    *ret = found;
    return true;
}

/* Worth it: the entries are few, or have been asked for often enough. */
static bool is_worth(gly_memo *memo, const peel *found, uint32_t row_count) {
    uint32_t entries = found->leader->dictionary_count;
    if (found->key == 0) {
        return entries <= row_count / 2;
    }
    if (memo->candidate != found->key) {
        memo->candidate = found->key;
        memo->seen = 0;
    }
    memo->seen += row_count;
    return entries <= memo->seen;
}

/* Long text lies in buffers that need not outlive this batch. */
static void own_text(gly_arena *arena, gly_column *entries) {
    gly_text *values = entries->data;
    for (uint32_t i = 0; i < entries->count; i++) {
        if (values[i].size > GLY_TEXT_INLINE) {
            values[i].pointer = gly_arena_copy(arena, values[i].pointer, values[i].size);
        }
    }
}

static gly_status compute_piece(gly_expr_state *state, const gly_step *step, gly_arena *arena,
                                uint32_t first, uint32_t count, gly_column *entries,
                                gly_error *err) {
    gly_column *args = GLY_ARENA_ARRAY(state->scratch, gly_column, step->arg_count);
    uint32_t *masks = GLY_ARENA_ARRAY(state->scratch, uint32_t, step->arg_count);
    for (uint32_t j = 0; j < step->arg_count; j++) {
        args[j] = state->registers[step->args[j]].column;
        if (args[j].shape == GLY_SHAPE_DICTIONARY) {
            size_t width = gly_type_width(args[j].type);
            args[j].data = (char *)args[j].data + first * width;
            args[j].shape = GLY_SHAPE_FLAT;
            args[j].count = count;
            args[j].codes = NULL;
            args[j].validity = NULL;
            masks[j] = UINT32_MAX;
        }
    }
    size_t width = gly_type_width(entries->type);
    gly_column result = {.type = entries->type, .shape = GLY_SHAPE_FLAT, .count = count,
                         .data = (char *)entries->data + first * width};
    gly_call call = {.expr = step->expr,
                     .prepared = step->prepared,
                     .local = &state->locals[step->index],
                     .local_arena = state->arena,
                     .partition = state->partition,
                     .row_number = &state->row_numbers[step->index],
                     .arg_count = step->arg_count,
                     .args = args,
                     .masks = masks,
                     .count = count,
                     .row_count = count,
                     .dense = true,
                     .result = &result,
                     .scratch = arena};
    GLY_TRY(step->kernel->run(&call, err));
    if (result.validity != NULL) {
        gly_column_need_validity(arena, entries, entries->count);
        memcpy(entries->validity + first / 64, result.validity,
               gly_column_words(count) * sizeof(uint64_t));
    }
    return GLY_OK;
}

static gly_status compute_entries(gly_expr_state *state, const gly_step *step, gly_arena *arena,
                                  uint32_t count, gly_column *ret, gly_error *err) {
    gly_column_make_flat(arena, step->expr->type, count, ret);
    ret->count = count;
    for (uint32_t first = 0; first < count; first += PIECE) {
        GLY_TRY(compute_piece(state, step, arena, first, GLY_MIN(count - first, (uint32_t)PIECE),
                              ret, err));
    }
    return GLY_OK;
}

/* A row is valid if all arguments are and its entry is. */
static uint64_t *row_validity(gly_expr_state *state, const gly_step *step,
                              const gly_column *leader, const gly_column *entries) {
    uint32_t count = state->batch->count;
    size_t size = gly_column_words(count) * sizeof(uint64_t);
    uint64_t *validity = NULL;
    for (uint32_t j = 0; j < step->arg_count; j++) {
        const gly_column *column = &state->registers[step->args[j]].column;
        if (column->shape != GLY_SHAPE_DICTIONARY || column->validity == NULL) {
            continue;
        }
        if (validity == NULL) {
            validity = gly_arena_alloc_aligned(state->scratch, size);
            memcpy(validity, column->validity, size);
        } else {
            gly_k_bits_and(validity, column->validity, count);
        }
    }
    if (entries->validity == NULL) {
        return validity;
    }
    if (validity == NULL) {
        validity = gly_arena_alloc_aligned(state->scratch, size);
        memset(validity, 0xff, size);
    }
    for (uint32_t row = 0; row < count; row++) {
        uint64_t valid = gly_bit_get(entries->validity, leader->codes[row]);
        validity[row >> 6] &= ~((valid ^ 1) << (row & 63));
    }
    return validity;
}

static void put_result(gly_expr_state *state, const gly_step *step, const peel *found,
                       const gly_column *entries) {
    gly_register *reg = &state->registers[step->result];
    gly_column column = *found->leader;
    column.type = step->expr->type;
    column.data = entries->data;
    column.validity = row_validity(state, step, found->leader, entries);
    column.dictionary_id =
        found->key == 0 ? 0 : gly_hash_combine(state->identity, gly_hash_u64(found->key)) | 1;
    reg->column = column;
}

gly_status gly_expr_dictionary_run(gly_expr_state *state, const gly_step *step, gly_rows rows,
                                   bool *ret_done, gly_error *err) {
    gly_memo *memo = &state->memos[step->index];
    peel found;
    (void)err; /* rows that raise do so when they are computed one by one */
    *ret_done = false;
    if (!find_peel(state, step, &found)) {
        return GLY_OK;
    }
    if (found.key != 0 && memo->key == found.key) {
        if (!memo->failed) {
            put_result(state, step, &found, &memo->entries);
            *ret_done = true;
        }
        return GLY_OK;
    }
    if (!is_worth(memo, &found, rows.count)) {
        return GLY_OK;
    }
    gly_column entries;
    uint32_t count = found.leader->dictionary_count;
    if (found.key == 0) {
        if (compute_entries(state, step, state->scratch, count, &entries, NULL) == GLY_OK) {
            put_result(state, step, &found, &entries);
            *ret_done = true;
        }
        return GLY_OK;
    }
    if (memo->arena == NULL) {
        memo->arena = gly_arena_make();
    }
    gly_arena_reset(memo->arena);
    memo->key = found.key;
    memo->failed =
        compute_entries(state, step, memo->arena, count, &memo->entries, NULL) != GLY_OK;
    if (memo->failed) {
        return GLY_OK;
    }
    if (gly_type_is_text(step->expr->type)) {
        own_text(memo->arena, &memo->entries);
    }
    put_result(state, step, &found, &memo->entries);
    *ret_done = true;
    return GLY_OK;
}
