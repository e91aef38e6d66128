/* choose_physical.c - a logical plan becomes operators with algorithms and exchanges.
 *
 * One walk from the root: each logical node plans its children, asks for the exchanges it needs
 * (place_exchanges.c) and puts its operator on top.  Column ids become column indexes on the way
 * (bind.c).  Invariant: the planned node puts out exactly the logical node's columns, in order.
 * Plans are refused beyond a depth (plan_depth.c) before anything here recurses.
 * Not here: joins, aggregations, sorts, scans (choose_*.c); stages (driver/scheduler).
 */
#include "lib/sql/physical/physical_internal.h"

#include "lib/engine/evaluate.h"
#include "lib/sql/optimize/optimize.h"
#include "lib/sql/optimize/plan_depth.h"

gly_planned gly_choose_physical_make(gly_planner *planner, gly_physical_kind kind,
                                     uint32_t child_count, const gly_logical *logical) {
    gly_physical *node = gly_physical_make(planner->arena, kind, child_count);
    node->schema = *gly_logical_schema(planner->arena, logical);
    node->row_estimate =
        gly_cardinality_round(gly_cardinality_of(planner->cardinality, logical)->rows);
    return (gly_planned){.node = node,
                         .column_count = logical->output_count,
                         .columns = logical->output};
}

/* A node over one planned child, partitioned as it is. */
static gly_planned make_over(gly_planner *planner, gly_physical_kind kind,
                             const gly_logical *logical, const gly_planned *input) {
    gly_planned planned = gly_choose_physical_make(planner, kind, 1, logical);
    planned.node->children[0] = input->node;
    planned.node->partition_count = input->node->partition_count;
    return planned;
}

static gly_status plan_values(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                              gly_error *err) {
    *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_VALUES, 0, node);
    gly_physical *values = ret->node;
    values->partition_count = 1;
    values->values.row_count = node->values.row_count;
    values->values.rows = GLY_ARENA_ARRAY(planner->arena, gly_value *, node->values.row_count);
    for (uint32_t r = 0; r < node->values.row_count; r++) {
        values->values.rows[r] = GLY_ARENA_ARRAY(planner->arena, gly_value, node->output_count);
        for (uint32_t c = 0; c < node->output_count; c++) {
            gly_expr *expr = node->values.rows[r][c];
            gly_value *value = &values->values.rows[r][c];
            if (!gly_type_equal(expr->type, node->output[c].type)) {
                expr = gly_expr_cast(planner->arena, expr, node->output[c].type, false);
            }
            if (expr->kind == GLY_EXPR_LITERAL) {
                *value = expr->value;
            } else {
                GLY_TRY_ADD(gly_evaluate(planner->arena, expr, value, err), err,
                            "VALUES, row %u, column %u", r + 1, c + 1);
            }
            value->type = node->output[c].type;
        }
    }
    return GLY_OK;
}

static gly_status plan_range(gly_planner *planner, const gly_logical *node, gly_planned *ret) {
    enum { ROWS_PER_TASK = 4096 };
    *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_RANGE, 0, node);
    int64_t setting = gly_config_int(planner->config, GLY_CONFIG_DEFAULT_PARALLELISM);
    uint64_t count = setting > 0 ? (uint64_t)setting : planner->slot_count;
    if (node->range.partition_count > 0) {
        count = node->range.partition_count;
    } else {
        count = GLY_MIN(count, ret->node->row_estimate / ROWS_PER_TASK + 1);
    }
    ret->node->partition_count = (uint32_t)GLY_MAX(count, 1);
    ret->node->range.start = node->range.start;
    ret->node->range.end = node->range.end;
    ret->node->range.step = node->range.step;
    return GLY_OK;
}

static gly_status plan_cached(gly_planner *planner, const gly_logical *node, gly_planned *ret) {
    *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_CACHED, 0, node);
    ret->node->partition_count = GLY_MAX(node->cached.partition_count, 1);
    ret->node->cached.cache_id = node->cached.cache_id;
    ret->node->cached.table = node->cached.table;
    ret->node->cached.fields = node->cached.fields;
    return GLY_OK;
}

static gly_status plan_filter(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                              gly_error *err) {
    gly_planned input;
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], &input, err));
    *ret = make_over(planner, GLY_PHYSICAL_FILTER, node, &input);
    ret->spread = input.spread;
    return gly_bind_expr(planner, node->filter.condition, &input, NULL,
                         &ret->node->filter.condition, err);
}

static gly_status plan_project(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                               gly_error *err) {
    gly_planned input;
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], &input, err));
    *ret = make_over(planner, GLY_PHYSICAL_PROJECT, node, &input);
    if (input.spread.is_hash) {
        ret->spread = gly_place_exchanges_rename(planner, &input.spread, node->output_count,
                                    node->project.exprs, node->output);
    }
    return gly_bind_exprs(planner, node->output_count, node->project.exprs, &input,
                          &ret->node->project.exprs, err);
}

static gly_status plan_union(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                             gly_error *err) {
    *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_UNION, node->child_count, node);
    uint64_t count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        gly_planned child;
        GLY_TRY(gly_choose_physical_node(planner, node->children[i], &child, err));
        ret->node->children[i] = child.node;
        count += child.node->partition_count;
        if (!gly_schema_equal_types(&child.node->schema, &ret->node->schema)) {
            return gly_fail(err, GLY_E_INTERNAL,
                            "Branch %u of a UNION has other column types than the first; please "
                            "report this query.",
                            i + 1);
        }
    }
    if (count > INT32_MAX) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "A UNION of %llu partitions is too large.",
                        (unsigned long long)count);
    }
    ret->node->partition_count = (uint32_t)count;
    return GLY_OK;
}

static gly_status plan_repartition(gly_planner *planner, const gly_logical *node,
                                   gly_planned *ret, gly_error *err) {
    uint32_t count = node->repartition.partition_count;
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], ret, err));
    count = count > 0 ? count : planner->shuffle_partitions;
    if (node->repartition.expr_count == 0) {
        gly_place_exchanges_round_robin(planner, ret, count);
        return GLY_OK;
    }
    return gly_place_exchanges_hash(planner, ret, node->repartition.expr_count,
                                    node->repartition.exprs, count, err);
}

static gly_status plan_write(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                             gly_error *err) {
    static const struct {
        const char *name;
        uint8_t type;
    } columns[] = {{"path", GLY_TYPE_STRING}, {"rows", GLY_TYPE_BIGINT}, {"bytes", GLY_TYPE_BIGINT}};
    gly_planned input;
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], &input, err));
    *ret = make_over(planner, GLY_PHYSICAL_FILE_WRITE, node, &input);
    gly_physical *write = ret->node;
    write->schema.field_count = GLY_ARRAY_LEN(columns);
    write->schema.fields = GLY_ARENA_ARRAY(planner->arena, gly_field, GLY_ARRAY_LEN(columns));
    for (size_t i = 0; i < GLY_ARRAY_LEN(columns); i++) {
        write->schema.fields[i] = (gly_field){.name = gly_str_of(columns[i].name),
                                              .type = {.id = columns[i].type}};
    }
    write->file_write.format = node->write.format;
    write->file_write.path = node->write.path;
    write->file_write.option_count = node->write.option_count;
    write->file_write.options = node->write.options;
    write->file_write.mode = node->write.mode;
    return GLY_OK;
}

gly_status gly_choose_physical_node(gly_planner *planner, const gly_logical *node,
                                    gly_planned *ret, gly_error *err) {
    switch (node->kind) {
    case GLY_LOGICAL_SCAN:
        return gly_choose_scan_node(planner, node, ret, err);
    case GLY_LOGICAL_CACHED:
        return plan_cached(planner, node, ret);
    case GLY_LOGICAL_VALUES:
        return plan_values(planner, node, ret, err);
    case GLY_LOGICAL_RANGE:
        return plan_range(planner, node, ret);
    case GLY_LOGICAL_FILTER:
        return plan_filter(planner, node, ret, err);
    case GLY_LOGICAL_PROJECT:
        return plan_project(planner, node, ret, err);
    case GLY_LOGICAL_AGGREGATE:
        return gly_choose_aggregate_node(planner, node, ret, err);
    case GLY_LOGICAL_JOIN:
        return gly_choose_join_node(planner, node, ret, err);
    case GLY_LOGICAL_SORT:
        return gly_choose_sort_node(planner, node, ret, err);
    case GLY_LOGICAL_LIMIT:
        return gly_choose_sort_limit(planner, node, ret, err);
    case GLY_LOGICAL_UNION:
        return plan_union(planner, node, ret, err);
    case GLY_LOGICAL_REPARTITION:
        return plan_repartition(planner, node, ret, err);
    case GLY_LOGICAL_WRITE:
        return plan_write(planner, node, ret, err);
    case GLY_LOGICAL_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}

/* The setting is kept to the letter, unless small inputs may have fewer partitions. */
static void read_shuffle_partitions(gly_planner *planner) {
    int64_t count = gly_config_int(planner->config, GLY_CONFIG_SHUFFLE_PARTITIONS);
    planner->shuffle_partitions = (uint32_t)GLY_MIN(GLY_MAX(count, 1), INT32_MAX);
    planner->is_shuffle_fixed = !gly_config_bool(planner->config, GLY_CONFIG_COALESCE_PARTITIONS);
}

gly_status gly_choose_physical(gly_arena *arena, const gly_physical_options *options,
                               gly_logical *plan, gly_physical **ret, gly_error *err) {
    gly_planner planner = {
        .arena = arena,
        .config = options->config,
        .slot_count = GLY_MAX(options->slot_count, 1),
        .cardinality = gly_cardinality_make(arena),
        .broadcast_limit =
            (double)GLY_MAX(gly_config_int(options->config, GLY_CONFIG_BROADCAST_THRESHOLD), 0),
        .partial_aggregation = !gly_optimize_is_excluded(options->config, "partial_aggregation"),
        .choose_build_side = !gly_optimize_is_excluded(options->config, "choose_build_side"),
        .share_exchanges = !gly_optimize_is_excluded(options->config, "share_exchanges"),
        .reduce_join_sides = !gly_optimize_is_excluded(options->config, "reduce_join_sides"),
    };
    gly_planned planned;
    read_shuffle_partitions(&planner);
    GLY_TRY(gly_plan_depth_check(plan, err));
    GLY_TRY(gly_choose_physical_node(&planner, plan, &planned, err));
    gly_physical *root = planned.node;
    if (root->kind != GLY_PHYSICAL_FILE_WRITE) {
        root = gly_physical_make(arena, GLY_PHYSICAL_RESULT, 1);
        root->children[0] = planned.node;
        root->schema = planned.node->schema;
        root->partition_count = planned.node->partition_count;
        root->row_estimate = planned.node->row_estimate;
    }
    if (planner.share_exchanges) {
        gly_share_exchanges_in(root);
    }
    (void)gly_physical_number(root, 1);
    *ret = root;
    return GLY_OK;
}
