/* choose_scan.c - leaves that read: which files, which splits, which task reads what.
 *
 * Files whose partition values (dt=2024-01-01/...) make a pushed filter false or NULL are left out
 * here, before splits are made; everything finer (row groups, rows) is the scan's own business.
 */
#include "lib/sql/physical/physical_internal.h"

#include "lib/engine/evaluate.h"
#include "lib/io/source/source.h"

typedef struct pruning {
    const gly_logical *scan;
    const gly_relation_file *file;
    bool all_known; /* every column is a partition column */
} pruning;

/* A partition column becomes the file's value of it. */
static gly_expr *put_value(void *context, gly_arena *arena, gly_expr *expr) {
    pruning *p = context;
    if (expr->kind != GLY_EXPR_COLUMN) {
        return NULL;
    }
    const gly_relation *relation = p->scan->scan.relation;
    uint32_t output = gly_logical_find(p->scan, expr->column);
    uint32_t first = relation->schema->field_count - relation->partition_column_count;
    if (output == p->scan->output_count || p->scan->scan.fields[output] < first ||
        p->file->partition_values == NULL) {
        p->all_known = false;
        return NULL;
    }
    gly_value value = p->file->partition_values[p->scan->scan.fields[output] - first];
    if (value.is_null) {
        value = gly_value_null(expr->type);
    }
    if (!gly_type_equal(value.type, expr->type)) {
        p->all_known = false;
        return NULL;
    }
    return gly_expr_literal(arena, value);
}

static bool file_may_match(gly_planner *planner, const gly_logical *scan,
                           const gly_relation_file *file) {
    for (uint32_t i = 0; i < scan->scan.filter_count; i++) {
        pruning p = {scan, file, true};
        gly_expr *condition =
            gly_expr_rewrite(planner->arena, scan->scan.filters[i], put_value, &p);
        gly_value value;
        if (p.all_known && gly_expr_is_deterministic(condition) &&
            gly_evaluate(planner->arena, condition, &value, NULL) == GLY_OK &&
            (value.is_null || value.i64 == 0)) {
            return false;
        }
    }
    return true;
}

static const gly_relation *prune_files(gly_planner *planner, const gly_logical *scan) {
    const gly_relation *relation = scan->scan.relation;
    if (relation->partition_column_count == 0 || scan->scan.filter_count == 0) {
        return relation;
    }
    gly_relation *pruned = gly_arena_copy(planner->arena, relation, sizeof *relation);
    pruned->files = GLY_ARENA_ARRAY(planner->arena, gly_relation_file, relation->file_count);
    pruned->file_count = 0;
    for (uint32_t i = 0; i < relation->file_count; i++) {
        if (file_may_match(planner, scan, &relation->files[i])) {
            pruned->files[pruned->file_count++] = relation->files[i];
        }
    }
    return pruned;
}

/* Several tasks a slot, so that a slow or lost one costs little and slots end together. */
enum { TASKS_PER_SLOT = 4 };

gly_status gly_choose_scan_node(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                                gly_error *err) {
    const gly_relation *relation = prune_files(planner, node);
    gly_source_splits splits;
    GLY_TRY(gly_source_plan_splits(
        planner->arena, relation,
        (uint64_t)gly_config_int(planner->config, GLY_CONFIG_MAX_PARTITION_BYTES),
        (uint64_t)gly_config_int(planner->config, GLY_CONFIG_OPEN_COST_BYTES),
        planner->slot_count * TASKS_PER_SLOT, &splits, err));
    if (splits.partition_count == 0) {
        *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_VALUES, 0, node);
        ret->node->partition_count = 1;
        ret->node->row_estimate = 0;
        return GLY_OK;
    }
    *ret = gly_choose_physical_make(planner, GLY_PHYSICAL_SCAN, 0, node);
    gly_physical *scan = ret->node;
    scan->partition_count = splits.partition_count;
    scan->scan.format = relation->format;
    scan->scan.name = relation->name;
    scan->scan.option_count = relation->option_count;
    scan->scan.options = relation->options;
    scan->scan.file_count = relation->file_count;
    scan->scan.files = relation->files;
    scan->scan.file_schema = relation->schema;
    scan->scan.partition_column_count = relation->partition_column_count;
    scan->scan.fields = node->scan.fields;
    scan->scan.split_count = splits.split_count;
    scan->scan.splits = splits.splits;
    scan->scan.first_split = splits.first_split;
    scan->scan.filter_count = node->scan.filter_count;
    return gly_bind_exprs(planner, node->scan.filter_count, node->scan.filters, ret,
                          &scan->scan.filters, err);
}
