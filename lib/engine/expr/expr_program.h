/* expr_program.h - the inside of compiled expressions; for this folder only.
 *
 * Registers hold one column each: batch columns first asked for, literals, and one result per step.
 * A block is a list of steps that run over one set of rows; LAZY functions own a block for each
 * argument.  Steps of an inner block may read registers of the blocks around it, never the other
 * way: the rows of an inner block are a subset.
 */
#ifndef GLY_EXPR_PROGRAM_H
#define GLY_EXPR_PROGRAM_H

#include "lib/engine/expr/expr_run.h"
#include "lib/engine/function/function_table.h"

typedef enum gly_step_kind {
    GLY_STEP_CALL, /* kernel->run */
    GLY_STEP_PASS, /* the argument under another type name: no work */
    GLY_STEP_AND,
    GLY_STEP_OR,
    GLY_STEP_CASE,     /* blocks: when, then, when, then, ..., [else] */
    GLY_STEP_COALESCE, /* blocks: one per argument */
} gly_step_kind;

typedef struct gly_step gly_step;

typedef struct gly_block {
    uint32_t step_count;
    gly_step **steps;
    uint32_t result; /* register */
} gly_block;

struct gly_step {
    uint8_t kind;        /* gly_step_kind */
    bool is_strict;      /* NULL if any argument is */
    bool is_result;      /* its column leaves the program: memory from scratch */
    bool is_foldable;    /* all arguments are literals: computed once per state */
    uint32_t index;      /* among all steps: memo slots */
    uint32_t result;     /* register */
    uint32_t arg_count;
    uint32_t *args;      /* registers */
    uint32_t block_count;
    gly_block *blocks;
    const gly_expr *expr;
    const gly_function_kernel *kernel;
    const void *prepared;
};

typedef struct gly_register_info {
    gly_type type;
    uint8_t source;      /* gly_register_source */
    uint32_t column;     /* COLUMN */
    gly_column literal;  /* LITERAL: CONSTANT, count 1 */
    gly_step *step;      /* STEP */
} gly_register_info;

typedef enum gly_register_source {
    GLY_REGISTER_COLUMN,
    GLY_REGISTER_LITERAL,
    GLY_REGISTER_STEP,
} gly_register_source;

/* What a conjunct is, so that the common ones need no register. */
typedef enum gly_conjunct_kind {
    GLY_CONJUNCT_BLOCK,
    GLY_CONJUNCT_COMPARE,  /* column op literal */
    GLY_CONJUNCT_NOT_NULL, /* column IS NOT NULL */
    GLY_CONJUNCT_NULL,
} gly_conjunct_kind;

typedef struct gly_conjunct {
    uint8_t kind;
    uint8_t op; /* gly_k_compare_op */
    bool can_fail;
    uint32_t column;    /* register of the column */
    uint32_t literal;   /* register of the literal */
    gly_block block;
} gly_conjunct;

struct gly_expr_program {
    uint32_t register_count;
    gly_register_info *registers;
    uint32_t step_count;
    uint32_t expr_count;
    uint32_t *results; /* registers */
    gly_block main;
    uint32_t conjunct_count; /* 0: not all expressions are BOOLEAN */
    gly_conjunct *conjuncts;
};

typedef struct gly_register {
    gly_column column;
    gly_column flat;     /* decoded copy, when has_flat */
    bool has_flat;
    bool needs_widening; /* a DECIMAL whose values are in narrow only; column.data is NULL */
    void *wide;          /* where they go when somebody needs them */
    int64_t *narrow;     /* the values as 64 bits, or NULL; FLAT columns only */
    void *buffer;        /* this register's own memory, kept between batches */
    int64_t *narrow_buffer;
    uint64_t *validity_buffer;
} gly_register;

/* A step computed over the entries of a dictionary. */
typedef struct gly_memo {
    uint64_t key;       /* of the dictionary (or dictionaries) it was computed for; 0: none */
    uint64_t candidate; /* a dictionary seen, but not long enough */
    uint64_t seen;      /* rows of the candidate */
    bool failed;        /* some entry raises: rows decide for themselves */
    gly_arena *arena;
    gly_column entries; /* FLAT, one row per entry */
} gly_memo;

typedef struct gly_conjunct_state {
    double rows_in, rows_out, cost_ns; /* decayed */
} gly_conjunct_state;

struct gly_expr_state {
    const gly_expr_program *program;
    uint32_t partition;
    gly_arena *arena;          /* as long as the state */
    gly_register *registers;
    gly_memo *memos;           /* per step */
    void **locals;             /* per step: the function's own */
    uint64_t *row_numbers;     /* per step */
    gly_column *folded;        /* per step: constants, once known (data NULL: not yet) */
    uint64_t identity;         /* mixed into derived dictionary ids */
    /* of the batch being run */
    const gly_batch *batch;
    gly_arena *scratch;
    /* gly_expr_select */
    uint32_t *order;
    gly_conjunct_state *conjuncts;
    uint32_t batches_since_order;
    uint16_t *selection; /* GLY_BATCH_ROWS + 8 */
    uint64_t *bits;
    uint8_t *bytes;
};

/* rows NULL: 0 to row_count-1.  row_count > 0. */
typedef struct gly_rows {
    const uint16_t *rows;
    uint32_t count;
} gly_rows;

/* expr_run.c */
gly_status gly_expr_run_block(gly_expr_state *state, const gly_block *block, gly_rows rows,
                              gly_error *err);
void gly_expr_run_begin(gly_expr_state *state, const gly_batch *batch, gly_arena *scratch);
/* The register's column in any shape, values in place (not narrow only). */
const gly_column *gly_expr_run_column(gly_expr_state *state, uint32_t reg);
/* FLAT or CONSTANT, right at least for rows. */
const gly_column *gly_expr_run_flat(gly_expr_state *state, uint32_t reg, gly_rows rows);
/* Memory for a step's FLAT result of batch->count rows. */
void gly_expr_run_make_result(gly_expr_state *state, const gly_step *step, gly_column *ret);
bool gly_expr_run_is_dense(const gly_expr_state *state, gly_rows rows);
/* A CONSTANT NULL of count rows. */
void gly_expr_run_null(gly_expr_state *state, gly_type type, gly_column *ret);

/* expr_lazy.c */
gly_status gly_expr_lazy_run(gly_expr_state *state, const gly_step *step, gly_rows rows,
                             gly_error *err);

/* expr_dictionary.c: *ret_done false: the step has to be run over rows. */
gly_status gly_expr_dictionary_run(gly_expr_state *state, const gly_step *step, gly_rows rows,
                                   bool *ret_done, gly_error *err);
#endif
