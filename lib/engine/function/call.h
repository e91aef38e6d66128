/* call.h - what a scalar function sees of a batch: arguments, the rows to compute, where to write.
 *
 * The expression runner (lib/engine/expr) has already done what is common to all functions:
 *
 *   - arguments are FLAT or CONSTANT and aligned with the batch: row r of argument j is
 *     data[r & masks[j]] (mask 0: constant);
 *   - STRICT functions are not called when an argument is a constant NULL, and result->validity is
 *     already the AND of the arguments' (NULL: no nulls);
 *   - `rows` lists the rows to compute (NULL: 0 to row_count-1): live ones and, for STRICT
 *     functions without GLY_KERNEL_VECTOR, none with a NULL argument;
 * - a function with GLY_KERNEL_VECTOR may compute all `count` rows, garbage included, when
 * `dense`
 *     is set, and must then ignore errors of rows that are not listed or not valid.
 *
 * Everything written for results (long text) goes to `scratch`.  A function never changes its
 * arguments, keeps no pointer to them, and keeps state between batches only in `*local`.
 */
#ifndef GLY_CALL_H
#define GLY_CALL_H

#include "lib/data/batch.h"
#include "lib/plan/expr.h"

/* The most rows in one call: a batch, or a piece of a dictionary. */
enum { GLY_CALL_ROWS = GLY_BATCH_ROWS > 2048 ? GLY_BATCH_ROWS : 2048 };

typedef struct gly_call {
    const gly_expr *expr;   /* the call or cast: types, place in the SQL */
    const void *prepared;   /* made once by prepare, shared by all workers */
    void **local;           /* this worker's own, NULL at first; memory in local_arena */
    gly_arena *local_arena; /* lives as long as the state */
    uint32_t partition;
    uint64_t *row_number;   /* of this worker and step: monotonically_increasing_id */
    uint32_t arg_count;
    const gly_column *args;
    const uint32_t *masks;
    const int64_t *const *narrow; /* narrow[j]: the same decimals as 64-bit values, or NULL */
    uint32_t count;
    const uint16_t *rows;
    uint32_t row_count;
    bool dense;
    gly_column *result; /* FLAT, room for count values */
    int64_t *result_narrow; /* or NULL; see is_narrow */
    bool is_narrow; /* set by the function: result_narrow was written instead of result->data */
    gly_arena *scratch;
} gly_call;

#define GLY_CALL_EACH(call, row)                                                                   \
    for (uint32_t gly_i = 0, row = 0;                                                              \
         gly_i < (call)->row_count &&                                                              \
         ((row = (call)->rows == NULL ? gly_i : (call)->rows[gly_i]), true);                       \
         gly_i++)
#define GLY_CALL_ARG(call, j, type, row)                                                           \
    (((const type *)(call)->args[j].data)[(row) & (call)->masks[j]])
#define GLY_CALL_RESULT(call, type) ((type *)(call)->result->data)

static inline bool gly_call_arg_valid(const gly_call *call, uint32_t j, uint32_t row) {
    const uint64_t *validity = call->args[j].validity;
    return validity == NULL || gly_bit_get(validity, row & call->masks[j]);
}
static inline gly_str gly_call_text(const gly_call *call, uint32_t j, uint32_t row) {
    return gly_text_str(&GLY_CALL_ARG(call, j, gly_text, row));
}
/* The row counts: it is listed (the caller iterates) and its result is not NULL. */
static inline bool gly_call_row_valid(const gly_call *call, uint32_t row) {
    return call->result->validity == NULL || gly_bit_get(call->result->validity, row);
}
void gly_call_set_null(gly_call *call, uint32_t row);
/* Gives the result an all-valid bitmap if it has none. */
uint64_t *gly_call_need_validity(gly_call *call);
/* An integer argument of any integral kind. */
int64_t gly_call_integer(const gly_call *call, uint32_t j, uint32_t row);
/* A DECIMAL argument of either kind. */
gly_i128 gly_call_decimal(const gly_call *call, uint32_t j, uint32_t row);
void gly_call_put_decimal(gly_call *call, uint32_t row, gly_i128 value);
/* Room for size bytes of text in scratch. */
char *gly_call_room(gly_call *call, size_t size);
/* text as the result of row: copied into scratch if it is long. */
void gly_call_put_text(gly_call *call, uint32_t row, gly_str text);
/* The same without a copy: the bytes live as long as the arguments' or the scratch. */
static inline void gly_call_put_view(gly_call *call, uint32_t row, gly_str text) {
    gly_text *values = call->result->data;
    values[row] = gly_text_make(text.size == 0 ? "" : text.data, text.size);
}

/* "<what> in '<expression>' (line 3, column 12): <advice>"; advice may be NULL. */
gly_status gly_call_fail(const gly_call *call, gly_error *err, gly_status status,
                         const char *what, const char *advice);
enum { GLY_CALL_PLACE_SIZE = 48 };
/* " (line 3, column 12)", or "" when the place is not known. */
const char *gly_call_place(const gly_expr *expr, char buffer[GLY_CALL_PLACE_SIZE]);
/* A text argument for a message: cut after some bytes, between characters. */
gly_str gly_call_excerpt(gly_str text);

#endif
