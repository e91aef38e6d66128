/* fn_boolean.c - Kleene logic on whole batches.
 *
 * Without NULLs it is byte arithmetic; with NULLs it is done on bits, 64 rows a word: a AND b is
 * true where both are true, false where any is false, and NULL elsewhere.  AND and OR with
 * branches that can raise or cost much are in lib/engine/expr/expr_lazy.c.
 */
#include "lib/engine/function/fn_boolean.h"

#include "lib/engine/kernel/k_arith.h"
#include "lib/engine/kernel/k_bits.h"

enum { WORDS = (GLY_CALL_ROWS + 63) / 64 };

/* Bits of the rows where argument j is true, and where it is not NULL. */
static void read_bits(const gly_call *call, uint32_t j, uint64_t *values, uint64_t *validity) {
    const gly_column *arg = &call->args[j];
    size_t size = gly_column_words(call->count) * sizeof(uint64_t);
    if (arg->shape == GLY_SHAPE_CONSTANT) {
        bool valid = gly_column_valid(arg, 0);
        memset(validity, valid ? 0xff : 0, size);
        memset(values, valid && *(const uint8_t *)arg->data != 0 ? 0xff : 0, size);
        return;
    }
    gly_k_bits_from_bytes(arg->data, call->count, values);
    if (arg->validity == NULL) {
        memset(validity, 0xff, size);
    } else {
        memcpy(validity, arg->validity, size);
    }
}

static void run_bits(gly_call *call, bool is_and) {
    uint64_t every[WORDS], some[WORDS], values[WORDS], validity[WORDS];
    size_t words = gly_column_words(call->count);
    memset(every, 0xff, sizeof every); /* all true (AND), all false (OR) */
    memset(some, 0, sizeof some);      /* any false (AND), any true (OR) */
    for (uint32_t j = 0; j < call->arg_count; j++) {
        read_bits(call, j, values, validity);
        for (size_t w = 0; w < words; w++) {
            uint64_t is_true = values[w] & validity[w];
            uint64_t is_false = ~values[w] & validity[w];
            every[w] &= is_and ? is_true : is_false;
            some[w] |= is_and ? is_false : is_true;
        }
    }
    uint64_t *result_validity = gly_call_need_validity(call);
    for (size_t w = 0; w < words; w++) {
        result_validity[w] = every[w] | some[w];
        values[w] = is_and ? every[w] : some[w];
    }
    gly_k_bits_to_bytes(values, call->count, call->result->data);
}

static gly_status run_logic(gly_call *call, bool is_and, gly_error *err) {
    (void)err;
    bool plain = true;
    bool any_flat = false;
    for (uint32_t j = 0; j < call->arg_count; j++) {
        plain = plain && call->args[j].validity == NULL;
        any_flat = any_flat || call->masks[j] != 0;
    }
    if (!plain || (!any_flat && call->count > 1)) {
        run_bits(call, is_and);
        return GLY_OK;
    }
    gly_k_arith_op op = is_and ? GLY_K_BIT_AND : GLY_K_BIT_OR;
    const void *left = call->args[0].data;
    uint32_t left_mask = call->masks[0];
    uint8_t accumulated[2][GLY_CALL_ROWS];
    for (uint32_t j = 1; j < call->arg_count; j++) {
        void *out = j + 1 == call->arg_count ? call->result->data : accumulated[j & 1];
        bool both_constant = left_mask == 0 && call->masks[j] == 0;
        gly_k_arith_run(op, GLY_KIND_I8, left, left_mask, call->args[j].data, call->masks[j],
                        both_constant ? 1 : call->count, out);
        left = out;
        left_mask = both_constant ? 0 : UINT32_MAX;
    }
    return GLY_OK;
}

gly_status gly_fn_boolean_and(gly_call *call, gly_error *err) {
    return run_logic(call, true, err);
}

gly_status gly_fn_boolean_or(gly_call *call, gly_error *err) {
    return run_logic(call, false, err);
}

gly_status gly_fn_boolean_not(gly_call *call, gly_error *err) {
    (void)err;
    const uint8_t *values = call->args[0].data;
    uint8_t *out = call->result->data;
    for (uint32_t i = 0; i < call->count; i++) {
        out[i] = !values[i & call->masks[0]];
    }
    return GLY_OK;
}
