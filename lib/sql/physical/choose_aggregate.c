/* choose_aggregate.c - one aggregation becomes one or two operators.
 *
 *   rows already lie by (part of) the group keys, or in one partition -> COMPLETE
 *   else -> PARTIAL, exchange by the group columns (or to one partition), FINAL
 *
 * State columns and their types come from gly_function_states.  A partial aggregation may pass
 * rows through when it does not reduce them (skip_allowed), since FINAL does all the work again.
 * Not here: DISTINCT (choose_distinct.c).
 */
#include "lib/sql/physical/physical_internal.h"

gly_expr **gly_choose_aggregate_columns(gly_planner *planner, const gly_physical *node,
                                        uint32_t count) {
    gly_expr **columns = GLY_ARENA_ARRAY(planner->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = gly_bind_column(planner, node, i);
    }
    return columns;
}

static gly_type argument_type(const gly_expr *call) {
    return call->arg_count > 0 ? call->args[0]->type : GLY_TYPE_OF(NULL);
}

static uint32_t states_of(const gly_expr *call, gly_type states[GLY_FUNCTION_MAX_STATES]) {
    if (call->mode == GLY_AGGREGATE_PARTIAL) {
        return gly_function_states(call->function, argument_type(call), call->type, states);
    }
    for (uint32_t i = 0; i < call->arg_count; i++) {
        states[i] = call->args[i]->type;
    }
    return call->arg_count;
}

static bool makes_states(const gly_expr *call) {
    return call->mode == GLY_AGGREGATE_PARTIAL || call->mode == GLY_AGGREGATE_MERGE;
}

gly_physical *gly_choose_aggregate_make(gly_planner *planner, gly_physical *child,
                                        uint32_t group_count, gly_expr **groups,
                                        uint32_t call_count, gly_expr **calls,
                                        const gly_output *output) {
    gly_physical *node = gly_physical_make(planner->arena, GLY_PHYSICAL_AGGREGATE, 1);
    uint32_t width = group_count + call_count * GLY_FUNCTION_MAX_STATES;
    gly_field *fields = GLY_ARENA_ARRAY(planner->arena, gly_field, width);
    node->children[0] = child;
    node->partition_count = child->partition_count;
    node->row_estimate = child->row_estimate;
    node->aggregate.group_count = group_count;
    node->aggregate.groups = groups;
    node->aggregate.aggregate_count = call_count;
    node->aggregate.aggregates = calls;
    node->schema.fields = fields;
    for (uint32_t i = 0; i < group_count; i++) {
        fields[i] = (gly_field){output[i].name, groups[i]->type, groups[i]->nullable};
    }
    uint32_t at = group_count;
    for (uint32_t i = 0; i < call_count; i++) {
        gly_type states[GLY_FUNCTION_MAX_STATES];
        if (!makes_states(calls[i])) {
            fields[at++] = (gly_field){output[group_count + i].name, calls[i]->type,
                                       calls[i]->nullable};
            continue;
        }
        uint32_t count = states_of(calls[i], states);
        for (uint32_t k = 0; k < count; k++) {
            fields[at++] = (gly_field){calls[i]->name, states[k], true};
        }
    }
    node->schema.field_count = at;
    return node;
}

static gly_str name_of(gly_planner *planner, const gly_expr *call) {
    gly_builder text = {0};
    gly_expr_format(call, false, &text);
    gly_str name = gly_arena_str(planner->arena, gly_builder_str(&text));
    gly_builder_clear(&text);
    return name;
}

gly_status gly_choose_aggregate_first(gly_planner *planner, gly_expr *call,
                                      gly_aggregate_mode mode, const gly_planned *input,
                                      gly_expr **ret, gly_error *err) {
    gly_expr *bound;
    GLY_TRY(gly_bind_expr(planner, call, input, NULL, &bound, err));
    bound = gly_arena_copy(planner->arena, bound, sizeof *bound);
    bound->mode = (uint8_t)mode;
    if (bound->name.size == 0) {
        bound->name = name_of(planner, call);
    }
    bound->is_distinct = false;
    *ret = bound;
    return GLY_OK;
}

gly_expr *gly_choose_aggregate_next(gly_planner *planner, const gly_expr *call,
                                    gly_aggregate_mode mode, const gly_physical *child,
                                    uint32_t *column) {
    gly_type states[GLY_FUNCTION_MAX_STATES];
    uint32_t count = states_of(call, states);
    gly_expr *next = gly_arena_copy(planner->arena, call, sizeof *call);
    next->mode = (uint8_t)mode;
    next->filter = NULL;
    next->arg_count = count;
    next->args = GLY_ARENA_ARRAY(planner->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        next->args[i] = gly_bind_column(planner, child, (*column)++);
    }
    return next;
}

static bool has_distinct(const gly_logical *node) {
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        if (node->aggregate.aggregates[i]->is_distinct) {
            return true;
        }
    }
    return false;
}

static gly_status plan_complete(gly_planner *planner, const gly_logical *node,
                                const gly_planned *input, gly_planned *ret, gly_error *err) {
    uint32_t call_count = node->aggregate.aggregate_count;
    gly_expr **groups, **calls = GLY_ARENA_ARRAY(planner->arena, gly_expr *, call_count);
    GLY_TRY(gly_bind_exprs(planner, node->aggregate.group_count, node->aggregate.groups, input,
                           &groups, err));
    for (uint32_t i = 0; i < call_count; i++) {
        GLY_TRY(gly_choose_aggregate_first(planner, node->aggregate.aggregates[i],
                                           GLY_AGGREGATE_COMPLETE, input, &calls[i], err));
    }
    ret->node = gly_choose_aggregate_make(planner, input->node, node->aggregate.group_count,
                                          groups, call_count, calls, node->output);
    if (input->spread.is_hash) {
        ret->spread = gly_place_exchanges_rename(planner, &input->spread,
                                                 node->aggregate.group_count,
                                                 node->aggregate.groups, node->output);
    }
    return GLY_OK;
}

static gly_status plan_two_phases(gly_planner *planner, const gly_logical *node,
                                  const gly_planned *input, gly_planned *ret, gly_error *err) {
    uint32_t group_count = node->aggregate.group_count;
    uint32_t call_count = node->aggregate.aggregate_count;
    gly_expr **groups, **calls = GLY_ARENA_ARRAY(planner->arena, gly_expr *, call_count);
    gly_expr **finals = GLY_ARENA_ARRAY(planner->arena, gly_expr *, call_count);
    GLY_TRY(gly_bind_exprs(planner, group_count, node->aggregate.groups, input, &groups, err));
    for (uint32_t i = 0; i < call_count; i++) {
        GLY_TRY(gly_choose_aggregate_first(planner, node->aggregate.aggregates[i],
                                           GLY_AGGREGATE_PARTIAL, input, &calls[i], err));
    }
    gly_planned moved = {.node = gly_choose_aggregate_make(planner, input->node, group_count,
                                                           groups, call_count, calls,
                                                           node->output)};
    const gly_cardinality_estimate *estimate = gly_cardinality_of(planner->cardinality, node);
    uint64_t rows = gly_cardinality_round(estimate->rows);
    moved.node->aggregate.skip_allowed = group_count > 0;
    moved.node->row_estimate = GLY_MIN(moved.node->row_estimate,
                                       rows * moved.node->partition_count);
    if (group_count == 0) {
        gly_place_exchanges_single(planner, &moved);
    } else {
        gly_place_exchanges_hash_bound(
            planner, &moved, group_count,
            gly_choose_aggregate_columns(planner, moved.node, group_count),
            gly_place_exchanges_count(planner, gly_cardinality_bytes(estimate)));
    }
    uint32_t column = group_count;
    for (uint32_t i = 0; i < call_count; i++) {
        finals[i] = gly_choose_aggregate_next(planner, calls[i], GLY_AGGREGATE_FINAL, moved.node,
                                              &column);
    }
    ret->node = gly_choose_aggregate_make(
        planner, moved.node, group_count,
        gly_choose_aggregate_columns(planner, moved.node, group_count), call_count, finals,
        node->output);
    ret->spread.is_hash = group_count > 0;
    return GLY_OK;
}

/* The result lies by its group columns. */
static gly_spread spread_of_groups(gly_planner *planner, const gly_logical *node) {
    uint32_t count = node->aggregate.group_count;
    gly_expr **columns = GLY_ARENA_ARRAY(planner->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = gly_expr_column(planner->arena, node->output[i].id, node->output[i].type,
                                     node->output[i].nullable, node->output[i].name);
    }
    return gly_place_exchanges_spread(planner, count, columns);
}

gly_status gly_choose_aggregate_node(gly_planner *planner, const gly_logical *node,
                                     gly_planned *ret, gly_error *err) {
    gly_planned input;
    *ret = (gly_planned){.column_count = node->output_count, .columns = node->output};
    if (has_distinct(node)) {
        GLY_TRY(gly_choose_distinct_node(planner, node, ret, err));
    } else {
        GLY_TRY(gly_choose_physical_node(planner, node->children[0], &input, err));
        uint32_t count = node->aggregate.group_count;
        bool is_clustered = input.node->partition_count == 1 ||
                            (count > 0 && gly_place_exchanges_is_clustered(
                                              &input, count, node->aggregate.groups));
        if (!is_clustered && !planner->partial_aggregation) {
            if (count == 0) {
                gly_place_exchanges_single(planner, &input);
            } else {
                GLY_TRY(gly_place_exchanges_hash(planner, &input, count, node->aggregate.groups,
                                                 planner->shuffle_partitions, err));
            }
            is_clustered = true;
        }
        GLY_TRY(is_clustered ? plan_complete(planner, node, &input, ret, err)
                             : plan_two_phases(planner, node, &input, ret, err));
        if (!is_clustered && count > 0) {
            ret->spread = spread_of_groups(planner, node);
        }
    }
    ret->node->row_estimate =
        gly_cardinality_round(gly_cardinality_of(planner->cardinality, node)->rows);
    return GLY_OK;
}
