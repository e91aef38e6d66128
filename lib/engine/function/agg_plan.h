/* agg_plan.h - a list of aggregate calls as steps over states: update, merge, put out.
 *
 *   calls:  sum(x)          avg(x)             count(*)
 *   steps:  ADD x -> s0     (s0), COUNT x -> s1     COUNT -> s2        equal steps are shared
 *   row:    | keys | s0 | s1 | s2 | flags |
 *
 * A flag byte per step says "has a value" (else NULL).  Most inputs have no NULLs, and then every
 * group has a value: such plans are laid out without flags (gly_agg_plan_layout), and the owner
 * lays out again when gly_agg_run_needs_flags says that a batch brings NULLs.
 *
 * Immutable after layout; shared by workers.
 */
#ifndef GLY_AGG_PLAN_H
#define GLY_AGG_PLAN_H

#include "lib/engine/function/agg_step.h"
#include "lib/plan/expr.h"

enum { GLY_AGG_NONE = 0xffff };

typedef struct gly_agg_step {
    uint8_t op;           /* gly_agg_op */
    bool wants_flag;      /* may be NULL when no value came */
    bool always_flag;     /* FIRST, text */
    uint16_t input;       /* the (first) input column; GLY_AGG_NONE: count(*) */
    uint16_t filter;      /* BOOLEAN input column, or GLY_AGG_NONE */
    gly_type input_type;  /* of the first input */
    gly_type type;        /* of the (first) state column */
    uint32_t offset;      /* in the state area */
    uint32_t flag;        /* offset of the flag byte; UINT32_MAX: none */
    const gly_expr *call; /* for error messages */
    gly_agg_step_loop loop;
    gly_agg_step_one one;
} gly_agg_step;

typedef struct gly_agg_call {
    const gly_expr *call;
    uint8_t state_count;
    gly_type states[GLY_FUNCTION_MAX_STATES];
    uint16_t step[GLY_FUNCTION_MAX_STATES]; /* which step keeps the state ... */
    uint8_t part[GLY_FUNCTION_MAX_STATES];  /* ... and as which of its columns */
    bool puts_states;                       /* PARTIAL, MERGE */
} gly_agg_call;

typedef struct gly_agg_plan {
    uint32_t call_count;
    gly_agg_call *calls;
    uint32_t step_count;
    gly_agg_step *steps;
    uint32_t input_count;
    gly_expr **inputs; /* what update wants evaluated: arguments and filters, each once */
    bool has_flags;
    bool has_filter;
    bool has_text; /* states keep text in the heap */
    uint32_t state_size;
    uint8_t *state_template;    /* NULL: zeros */
    uint32_t step_column_count; /* all steps' state columns: the spill format */
} gly_agg_plan;

/* aggregates: calls with a mode.  UNSUPPORTED for combinations without loops. */
GLY_NODISCARD gly_status gly_agg_plan_make(gly_arena *arena, gly_expr *const *aggregates,
                                           uint32_t count, gly_agg_plan *ret, gly_error *err);
/* Gives steps their offsets. */
void gly_agg_plan_layout(gly_arena *arena, gly_agg_plan *plan, bool with_flags);
/* The plan whose inputs are `plan`'s step columns, in order: for spilled and other workers' groups.
 * Same layout. */
gly_agg_plan *gly_agg_plan_merger(gly_arena *arena, const gly_agg_plan *plan);
/* The types of all steps' state columns (step_column_count). */
void gly_agg_plan_step_types(const gly_agg_plan *plan, gly_type *ret);

/* How many columns gly_agg_run_output writes. */
uint32_t gly_agg_plan_output_count(const gly_agg_plan *plan);
#endif
