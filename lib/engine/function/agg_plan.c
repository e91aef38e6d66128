/* agg_plan.c - aggregate calls compiled to shared steps, and their states laid out.
 *
 * Invariant: states that start as zeros are the rule; only MIN and MAX of numbers and BIT_AND need
 * a template. Not here: running (agg_run.c), the loops (agg_step.c).
 */
#include "lib/engine/function/agg_plan.h"

#include "lib/base/alloc.h"

typedef struct maker {
    gly_arena *arena;
    gly_agg_plan *plan;
    const gly_expr *call;
    bool is_raw; /* inputs are arguments, not states */
} maker;

static uint16_t add_input(maker *m, gly_expr *expr) {
    gly_agg_plan *plan = m->plan;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (plan->inputs[i] == expr ||
            (gly_expr_is_deterministic(expr) && gly_expr_equal(plan->inputs[i], expr))) {
            return (uint16_t)i;
        }
    }
    plan->inputs[plan->input_count] = expr;
    return (uint16_t)plan->input_count++;
}

/* MERGE inputs are never shared: states of different calls are different columns. */
static gly_status add_step(maker *m, gly_agg_op op, uint16_t input, gly_type input_type,
                           gly_type type, bool wants_flag, uint16_t *ret, gly_error *err) {
    gly_agg_plan *plan = m->plan;
    gly_agg_step step = {.op = (uint8_t)op,
                         .input = input,
                         .filter = GLY_AGG_NONE,
                         .input_type = input_type,
                         .type = type,
                         .wants_flag = wants_flag,
                         .call = m->call};
    if (m->is_raw && m->call->filter != NULL) {
        step.filter = add_input(m, m->call->filter);
        plan->has_filter = true;
    }
    bool is_text = gly_type_kind(type) == GLY_KIND_TEXT;
    step.always_flag = op == GLY_AGG_FIRST || op == GLY_AGG_FIRST_MERGE || is_text;
    plan->has_text = plan->has_text || is_text;
    bool needs_loop = !is_text && op != GLY_AGG_FIRST && op != GLY_AGG_FIRST_MERGE &&
                      op != GLY_AGG_VARIANCE_MERGE;
    if (needs_loop) {
        gly_kind kind = op == GLY_AGG_VARIANCE ? GLY_KIND_F64 : gly_type_kind(type);
        step.loop = gly_agg_step_find(op, gly_type_kind(input_type), kind);
        step.one = gly_agg_step_find_one(op, gly_type_kind(input_type), kind);
        if (step.loop == NULL) {
            char text[GLY_TYPE_TEXT_SIZE];
            return gly_fail(err, GLY_E_UNSUPPORTED, "%s of %s is not supported",
                            gly_function_get(m->call->function)->name,
                            gly_type_format(input_type, text, sizeof text));
        }
    }
    for (uint32_t i = 0; m->is_raw && i < plan->step_count; i++) {
        gly_agg_step *other = &plan->steps[i];
        if (other->op == op && other->input == input && other->filter == step.filter &&
            gly_type_equal(other->type, type)) {
            other->wants_flag = other->wants_flag || wants_flag;
            *ret = (uint16_t)i;
            return GLY_OK;
        }
    }
    plan->steps[plan->step_count] = step;
    *ret = (uint16_t)plan->step_count++;
    return GLY_OK;
}

static void keep(gly_agg_call *call, uint32_t state, uint16_t step, uint8_t part) {
    call->step[state] = step;
    call->part[state] = part;
}

/* The step of a function whose state is a value like its argument, and which merges as it updates.
 */
static gly_agg_op simple_op_of(gly_function_id function) {
    switch (function) {
    case GLY_FN_MIN:
    case GLY_FN_BOOL_AND:
        return GLY_AGG_MIN;
    case GLY_FN_BITS_AND:
        return GLY_AGG_BIT_AND;
    case GLY_FN_BITS_OR:
        return GLY_AGG_BIT_OR;
    case GLY_FN_BITS_XOR:
        return GLY_AGG_BIT_XOR;
    default:
        return GLY_AGG_MAX;
    }
}

/* Its states do not start as zeros. */
static bool has_identity(const gly_agg_step *step) {
    return (step->op == GLY_AGG_MIN || step->op == GLY_AGG_MAX || step->op == GLY_AGG_BIT_AND) &&
           gly_type_kind(step->type) != GLY_KIND_TEXT;
}

/* count(a, b) counts the rows in which neither is NULL: count(if(a IS NOT NULL AND b IS NOT NULL,
 * true, NULL)). */
static const gly_expr *count_of_one(gly_arena *arena, const gly_expr *call) {
    gly_type type = GLY_TYPE_OF(BOOLEAN);
    gly_expr **parts = GLY_ARENA_ARRAY(arena, gly_expr *, call->arg_count);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
        args[0] = call->args[i];
        parts[i] = gly_expr_call(arena, GLY_FN_IS_NOT_NULL, type, false, 1, args);
    }
    gly_expr **choice = GLY_ARENA_ARRAY(arena, gly_expr *, 3);
    choice[0] = gly_expr_and(arena, call->arg_count, parts);
    choice[1] = gly_expr_literal(arena, gly_value_i64(type, 1));
    choice[2] = gly_expr_literal(arena, gly_value_null(type));
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
    args[0] = gly_expr_call(arena, GLY_FN_IF, type, true, 3, choice);
    gly_expr *copy = gly_arena_copy(arena, call, sizeof *call);
    copy->arg_count = 1;
    copy->args = args;
    return copy;
}

static gly_status add_raw_call(maker *m, gly_agg_call *call, gly_error *err) {
    const gly_expr *expr = m->call;
    if (expr->function == GLY_FN_COUNT && expr->arg_count > 1) {
        expr = count_of_one(m->arena, expr);
    }
    uint16_t step = 0;
    gly_type argument = expr->arg_count > 0 ? expr->args[0]->type : GLY_TYPE_OF(NULL);
    uint16_t input = GLY_AGG_NONE;
    if (expr->arg_count > 0 && (expr->function != GLY_FN_COUNT || expr->args[0]->nullable)) {
        input = add_input(m, expr->args[0]);
    }
    if (expr->arg_count > 1) {
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "%s of several columns is not supported: combine them to one",
                        gly_function_get(expr->function)->name);
    }
    switch (expr->function) {
    case GLY_FN_COUNT:
        GLY_TRY(add_step(m, GLY_AGG_COUNT, input, argument, call->states[0], false, &step, err));
        keep(call, 0, step, 0);
        return GLY_OK;
    case GLY_FN_SUM:
        GLY_TRY(add_step(m, GLY_AGG_ADD, input, argument, call->states[0], true, &step, err));
        keep(call, 0, step, 0);
        return GLY_OK;
    case GLY_FN_AVG:
        GLY_TRY(add_step(m, GLY_AGG_ADD, input, argument, call->states[0], false, &step, err));
        keep(call, 0, step, 0);
        GLY_TRY(add_step(m, GLY_AGG_COUNT, expr->args[0]->nullable ? input : GLY_AGG_NONE, argument,
                         call->states[1], false, &step, err));
        keep(call, 1, step, 0);
        return GLY_OK;
    case GLY_FN_FIRST:
        GLY_TRY(add_step(m, GLY_AGG_FIRST, input, argument, call->states[0], true, &step, err));
        keep(call, 0, step, 0);
        keep(call, 1, step, 1);
        return GLY_OK;
    case GLY_FN_STDDEV_SAMP:
    case GLY_FN_STDDEV_POP:
    case GLY_FN_VAR_SAMP:
    case GLY_FN_VAR_POP:
        GLY_TRY(add_step(m, GLY_AGG_VARIANCE, input, argument, call->states[0], false, &step, err));
        for (uint8_t part = 0; part < 3; part++) {
            keep(call, part, step, part);
        }
        return GLY_OK;
    default: /* min, max, bool_and, bool_or, bit_and, bit_or, bit_xor */
        GLY_TRY(add_step(m, simple_op_of(expr->function), input, argument, call->states[0], true,
                         &step, err));
        keep(call, 0, step, 0);
        return GLY_OK;
    }
}

/* Three state columns must be neighbours in inputs: add them without looking for equals. */
static uint16_t add_state_inputs(maker *m) {
    uint16_t first = (uint16_t)m->plan->input_count;
    for (uint32_t i = 0; i < m->call->arg_count; i++) {
        m->plan->inputs[m->plan->input_count++] = m->call->args[i];
    }
    return first;
}

static gly_status add_merge_call(maker *m, gly_agg_call *call, gly_error *err) {
    const gly_expr *expr = m->call;
    uint16_t step = 0;
    uint16_t input = add_state_inputs(m);
    const gly_type *states = call->states;
    switch (expr->function) {
    case GLY_FN_COUNT:
        GLY_TRY(add_step(m, GLY_AGG_ADD, input, states[0], states[0], false, &step, err));
        keep(call, 0, step, 0);
        return GLY_OK;
    case GLY_FN_AVG:
        for (uint8_t i = 0; i < 2; i++) {
            GLY_TRY(add_step(m, GLY_AGG_ADD, (uint16_t)(input + i), states[i], states[i], false,
                             &step, err));
            keep(call, i, step, 0);
        }
        return GLY_OK;
    case GLY_FN_FIRST:
        GLY_TRY(add_step(m, GLY_AGG_FIRST_MERGE, input, states[0], states[0], true, &step, err));
        keep(call, 0, step, 0);
        keep(call, 1, step, 1);
        return GLY_OK;
    case GLY_FN_STDDEV_SAMP:
    case GLY_FN_STDDEV_POP:
    case GLY_FN_VAR_SAMP:
    case GLY_FN_VAR_POP:
        GLY_TRY(
            add_step(m, GLY_AGG_VARIANCE_MERGE, input, states[0], states[0], false, &step, err));
        for (uint8_t part = 0; part < 3; part++) {
            keep(call, part, step, part);
        }
        return GLY_OK;
    default:
        GLY_TRY(add_step(m,
                         expr->function == GLY_FN_SUM ? GLY_AGG_ADD : simple_op_of(expr->function),
                         input, states[0], states[0], true, &step, err));
        keep(call, 0, step, 0);
        return GLY_OK;
    }
}

static uint32_t step_columns(const gly_agg_step *step) {
    switch ((gly_agg_op)step->op) {
    case GLY_AGG_FIRST:
    case GLY_AGG_FIRST_MERGE:
        return 2;
    case GLY_AGG_VARIANCE:
    case GLY_AGG_VARIANCE_MERGE:
        return 3;
    default:
        return 1;
    }
}

gly_status gly_agg_plan_make(gly_arena *arena, gly_expr *const *aggregates, uint32_t count,
                             gly_agg_plan *ret, gly_error *err) {
    gly_agg_plan plan = {.call_count = count};
    plan.calls = GLY_ARENA_ARRAY(arena, gly_agg_call, count);
    plan.steps = GLY_ARENA_ARRAY(arena, gly_agg_step, count * GLY_FUNCTION_MAX_STATES);
    plan.inputs = GLY_ARENA_ARRAY(arena, gly_expr *, count * (GLY_FUNCTION_MAX_STATES + 1));
    GLY_ASSERT(count < GLY_AGG_NONE / (GLY_FUNCTION_MAX_STATES + 1));
    for (uint32_t i = 0; i < count; i++) {
        const gly_expr *expr = aggregates[i];
        gly_agg_call *call = &plan.calls[i];
        bool is_raw = expr->mode == GLY_AGGREGATE_COMPLETE || expr->mode == GLY_AGGREGATE_PARTIAL;
        maker m = {arena, &plan, expr, is_raw};
        call->call = expr;
        call->puts_states =
            expr->mode == GLY_AGGREGATE_PARTIAL || expr->mode == GLY_AGGREGATE_MERGE;
        if (is_raw) {
            gly_type argument = expr->arg_count > 0 ? expr->args[0]->type : GLY_TYPE_OF(NULL);
            call->state_count =
                (uint8_t)gly_function_states(expr->function, argument, expr->type, call->states);
            GLY_TRY(add_raw_call(&m, call, err));
        } else {
            call->state_count = (uint8_t)GLY_MIN(expr->arg_count, GLY_FUNCTION_MAX_STATES);
            for (uint32_t s = 0; s < call->state_count; s++) {
                call->states[s] = expr->args[s]->type;
            }
            GLY_TRY(add_merge_call(&m, call, err));
        }
    }
    for (uint32_t i = 0; i < plan.step_count; i++) {
        plan.step_column_count += step_columns(&plan.steps[i]);
    }
    gly_agg_plan_layout(arena, &plan, true);
    *ret = plan;
    return GLY_OK;
}

void gly_agg_plan_layout(gly_arena *arena, gly_agg_plan *plan, bool with_flags) {
    uint32_t at = 0;
    bool needs_template = false;
    plan->steps = gly_arena_copy(arena, plan->steps, plan->step_count * sizeof *plan->steps);
    for (size_t width = 16; width > 0; width /= 2) { /* 24 counts as 16: aligned to 8 */
        for (uint32_t i = 0; i < plan->step_count; i++) {
            gly_agg_step *step = &plan->steps[i];
            bool is_variance = step->op == GLY_AGG_VARIANCE || step->op == GLY_AGG_VARIANCE_MERGE;
            size_t own = is_variance ? 16 : gly_type_width(step->type);
            if (own == width) {
                step->offset = at;
                at += is_variance ? 24 : (uint32_t)own;
            }
        }
    }
    for (uint32_t i = 0; i < plan->step_count; i++) {
        gly_agg_step *step = &plan->steps[i];
        step->flag = UINT32_MAX;
        if (step->always_flag || (step->wants_flag && with_flags)) {
            step->flag = at++;
        }
        needs_template = needs_template || has_identity(step);
    }
    plan->has_flags = with_flags;
    plan->state_size = (uint32_t)GLY_ALIGN_UP(at, 8);
    plan->state_template = NULL;
    if (needs_template) {
        plan->state_template = gly_arena_alloc_zero(arena, 1, plan->state_size);
        for (uint32_t i = 0; i < plan->step_count; i++) {
            const gly_agg_step *step = &plan->steps[i];
            if (has_identity(step)) {
                gly_agg_step_identity((gly_agg_op)step->op, gly_type_kind(step->type),
                                      plan->state_template + step->offset);
            }
        }
    }
}

gly_agg_plan *gly_agg_plan_merger(gly_arena *arena, const gly_agg_plan *plan) {
    gly_agg_plan *merger = gly_arena_copy(arena, plan, sizeof *plan);
    merger->steps = gly_arena_copy(arena, plan->steps, plan->step_count * sizeof *plan->steps);
    merger->inputs = NULL;
    merger->input_count = plan->step_column_count;
    merger->has_filter = false;
    uint16_t column = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        gly_agg_step *step = &merger->steps[i];
        step->input = column;
        column = (uint16_t)(column + step_columns(step));
        step->filter = GLY_AGG_NONE;
        step->input_type = step->type;
        gly_kind kind = gly_type_kind(step->type);
        switch ((gly_agg_op)step->op) {
        case GLY_AGG_COUNT:
            step->op = GLY_AGG_ADD;
            break;
        case GLY_AGG_FIRST:
            step->op = GLY_AGG_FIRST_MERGE;
            break;
        case GLY_AGG_VARIANCE:
            step->op = GLY_AGG_VARIANCE_MERGE;
            break;
        default:
            break;
        }
        step->loop = gly_agg_step_find((gly_agg_op)step->op, kind, kind);
        step->one = gly_agg_step_find_one((gly_agg_op)step->op, kind, kind);
    }
    return merger;
}

void gly_agg_plan_step_types(const gly_agg_plan *plan, gly_type *ret) {
    uint32_t column = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const gly_agg_step *step = &plan->steps[i];
        uint32_t columns = step_columns(step);
        ret[column] = step->type;
        for (uint32_t part = 1; part < columns; part++) {
            ret[column + part] = columns == 2 ? GLY_TYPE_OF(BOOLEAN) : GLY_TYPE_OF(DOUBLE);
        }
        column += columns;
    }
}

uint32_t gly_agg_plan_output_count(const gly_agg_plan *plan) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        count += plan->calls[i].puts_states ? plan->calls[i].state_count : 1;
    }
    return count;
}
