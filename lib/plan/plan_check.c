/* plan_check.c - the invariants of physical plans, checked one node at a time.
 *
 * Operators index columns, files and splits without looking twice; this file is why they may.
 * Invariant: a node that passes, over children that passed, can be opened by the engine without
 * reading outside an array.  Whether a function accepts its argument types is the analyzer's
 * business and checked again where expressions are compiled.
 */
#include "lib/plan/plan_check.h"

#include "lib/base/array.h"

#include <stdio.h>

typedef struct place {
    const gly_physical *node;
    gly_error *err;
} place;


static gly_status GLY_PRINTF(2, 3) refuse(const place *where, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return gly_fail(where->err, GLY_E_PROTOCOL, "The plan's %s node %u is not valid: %s.",
                    gly_physical_name(where->node->kind), where->node->id, text);
}

bool gly_plan_check_type(gly_type type) {
    if (type.id >= GLY_TYPE_COUNT) {
        return false;
    }
    if (type.id == GLY_TYPE_DECIMAL) {
        return type.precision >= 1 && type.precision <= GLY_DECIMAL_MAX_PRECISION &&
               type.scale >= 0 && type.scale <= type.precision;
    }
    return type.precision == 0 && type.scale == 0;
}

static gly_status check_call(const gly_expr *expr, bool may_aggregate, gly_error *err) {
    if ((unsigned)expr->function >= GLY_FN_COUNT_OF_FUNCTIONS) {
        return gly_fail(err, GLY_E_PROTOCOL, "function number %d does not exist", expr->function);
    }
    const gly_function *function = gly_function_get(expr->function);
    bool is_aggregate = (function->flags & GLY_FUNCTION_AGGREGATE) != 0;
    if (is_aggregate && !may_aggregate) {
        return gly_fail(err, GLY_E_PROTOCOL, "aggregate %s stands where none may", function->name);
    }
    int least = function->min_args, most = function->max_args;
    if (is_aggregate &&
        (expr->mode == GLY_AGGREGATE_MERGE || expr->mode == GLY_AGGREGATE_FINAL)) {
        gly_type states[GLY_FUNCTION_MAX_STATES];
        gly_type argument = expr->arg_count > 0 ? expr->args[0]->type : GLY_TYPE_OF(NULL);
        least = most = (int)gly_function_states(expr->function, argument, expr->type, states);
    }
    if (expr->arg_count > INT32_MAX || (int)expr->arg_count < least ||
        (most >= 0 && (int)expr->arg_count > most)) {
        return gly_fail(err, GLY_E_PROTOCOL, "%s has %u arguments", function->name,
                        expr->arg_count);
    }
    if (expr->filter != NULL && expr->filter->type.id != GLY_TYPE_BOOLEAN) {
        return gly_fail(err, GLY_E_PROTOCOL, "the filter of %s is not boolean", function->name);
    }
    return GLY_OK;
}

static gly_status check_one(const gly_expr *expr, const gly_schema *input, bool may_aggregate,
                            gly_error *err) {
    if (!gly_plan_check_type(expr->type)) {
        return gly_fail(err, GLY_E_PROTOCOL, "type number %d does not exist", expr->type.id);
    }
    switch ((gly_expr_kind)expr->kind) {
    case GLY_EXPR_LITERAL:
        if (!gly_type_equal(expr->value.type, expr->type)) {
            return gly_fail(err, GLY_E_PROTOCOL, "a literal has two types");
        }
        return GLY_OK;
    case GLY_EXPR_COLUMN:
        if (expr->column >= input->field_count) {
            return gly_fail(err, GLY_E_PROTOCOL, "column %u of %u does not exist", expr->column,
                            input->field_count);
        }
        if (!gly_type_equal(expr->type, input->fields[expr->column].type)) {
            char have[GLY_TYPE_TEXT_SIZE], want[GLY_TYPE_TEXT_SIZE];
            return gly_fail(err, GLY_E_PROTOCOL, "column %u (%.*s) is %s, not %s", expr->column,
                            GLY_STR_ARG(expr->name),
                            gly_type_format(input->fields[expr->column].type, have, sizeof have),
                            gly_type_format(expr->type, want, sizeof want));
        }
        return GLY_OK;
    case GLY_EXPR_CALL:
        return check_call(expr, may_aggregate, err);
    case GLY_EXPR_CAST:
        if (expr->arg_count != 1) {
            return gly_fail(err, GLY_E_PROTOCOL, "a cast has %u arguments", expr->arg_count);
        }
        return GLY_OK;
    }
    return gly_fail(err, GLY_E_PROTOCOL, "expression kind %d does not exist", expr->kind);
}

gly_status gly_plan_check_expr(const gly_expr *expr, const gly_schema *input, bool is_aggregate,
                               gly_error *err) {
    GLY_ARRAY(const gly_expr *) stack = {0};
    gly_status status = GLY_OK;
    gly_array_push(&stack, expr);
    while (stack.count > 0 && status == GLY_OK) {
        const gly_expr *one = stack.items[--stack.count];
        status = check_one(one, input, is_aggregate && one == expr, err);
        for (uint32_t i = 0; i < one->arg_count; i++) {
            gly_array_push(&stack, one->args[i]);
        }
        if (one->filter != NULL) {
            gly_array_push(&stack, one->filter);
        }
    }
    gly_array_clear(&stack);
    return status;
}

static gly_status check_expr(const place *where, const gly_expr *expr, const gly_schema *input) {
    GLY_TRY_ADD(gly_plan_check_expr(expr, input, false, where->err), where->err,
                "The plan's %s node %u is not valid", gly_physical_name(where->node->kind),
                where->node->id);
    return GLY_OK;
}

static gly_status check_condition(const place *where, const gly_expr *expr,
                                  const gly_schema *input) {
    if (expr->type.id != GLY_TYPE_BOOLEAN) {
        return refuse(where, "its condition is not boolean");
    }
    return check_expr(where, expr, input);
}

static gly_status check_scan(const place *where) {
    const gly_physical *node = where->node;
    uint32_t width = node->scan.file_schema->field_count;
    if (node->scan.partition_column_count > width) {
        return refuse(where, "it has more partition columns than columns");
    }
    for (uint32_t i = 0; i < node->schema.field_count; i++) {
        if (node->scan.fields[i] >= width) {
            return refuse(where, "file column %u of %u does not exist", node->scan.fields[i],
                            width);
        }
    }
    for (uint32_t i = 0; i < node->scan.filter_count; i++) {
        GLY_TRY(check_condition(where, node->scan.filters[i], &node->schema));
    }
    for (uint32_t i = 0; i < node->scan.file_count; i++) {
        const gly_relation_file *file = &node->scan.files[i];
        for (uint32_t k = 0; k < node->scan.partition_column_count; k++) {
            gly_type type = node->scan.file_schema
                                ->fields[width - node->scan.partition_column_count + k].type;
            if (file->partition_values == NULL ||
                (!file->partition_values[k].is_null &&
                 !gly_type_equal(file->partition_values[k].type, type))) {
                return refuse(where, "file %u has no value for a partition column", i);
            }
        }
    }
    for (uint32_t i = 0; i < node->scan.split_count; i++) {
        if (node->scan.splits[i].file >= node->scan.file_count) {
            return refuse(where, "split %u is of a file that does not exist", i);
        }
    }
    for (uint32_t p = 0; p <= node->partition_count; p++) {
        uint32_t least = p == 0 ? 0 : node->scan.first_split[p - 1];
        if (node->scan.first_split[p] < least ||
            node->scan.first_split[p] > node->scan.split_count) {
            return refuse(where, "the splits of partition %u are not in order", p);
        }
    }
    return GLY_OK;
}

static gly_status check_aggregate(const place *where) {
    const gly_physical *node = where->node;
    const gly_schema *input = &node->children[0]->schema;
    uint32_t groups = node->aggregate.group_count;
    uint64_t width = groups;
    if (groups > node->schema.field_count) {
        return refuse(where, "it has more groups than columns");
    }
    for (uint32_t i = 0; i < groups; i++) {
        GLY_TRY(check_expr(where, node->aggregate.groups[i], input));
        if (!gly_type_equal(node->aggregate.groups[i]->type, node->schema.fields[i].type)) {
            return refuse(where, "group %u has two types", i);
        }
    }
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        const gly_expr *call = node->aggregate.aggregates[i];
        GLY_TRY_ADD(gly_plan_check_expr(call, input, true, where->err), where->err,
                    "The plan's %s node %u is not valid", gly_physical_name(node->kind), node->id);
        if (call->kind != GLY_EXPR_CALL ||
            (gly_function_get(call->function)->flags & GLY_FUNCTION_AGGREGATE) == 0) {
            return refuse(where, "aggregate %u is none", i);
        }
        gly_type states[GLY_FUNCTION_MAX_STATES] = {call->type};
        gly_type argument = call->arg_count > 0 ? call->args[0]->type : GLY_TYPE_OF(NULL);
        bool is_state = call->mode == GLY_AGGREGATE_PARTIAL || call->mode == GLY_AGGREGATE_MERGE;
        uint32_t count = !is_state ? 1
                                   : gly_function_states(call->function, argument, call->type,
                                                         states);
        for (uint32_t k = 0; k < count; k++, width++) {
            if (width >= node->schema.field_count ||
                !gly_type_equal(node->schema.fields[width].type,
                                call->mode == GLY_AGGREGATE_MERGE ? call->args[k]->type
                                                                  : states[k])) {
                return refuse(where, "the columns of aggregate %u do not fit", i);
            }
        }
    }
    return width == node->schema.field_count ? GLY_OK : refuse(where, "it has too many columns");
}

/* The columns of a and b as a join's condition (probe, build) or output sees them. */
static gly_status check_join_output(const place *where, const gly_schema *left,
                                    const gly_schema *right) {
    const gly_schema *schema = &where->node->schema;
    uint32_t right_count = right == NULL ? 0 : right->field_count;
    if ((uint64_t)left->field_count + right_count != schema->field_count) {
        return refuse(where, "it has %u columns", schema->field_count);
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        gly_type type = i < left->field_count ? left->fields[i].type
                                              : right->fields[i - left->field_count].type;
        if (!gly_type_equal(type, schema->fields[i].type)) {
            return refuse(where, "column %u has two types", i);
        }
    }
    return GLY_OK;
}

static gly_status check_join_condition(const place *where, const gly_expr *condition) {
    if (condition == NULL) {
        return GLY_OK;
    }
    const gly_schema *probe = &where->node->children[0]->schema;
    const gly_schema *build = &where->node->children[1]->schema;
    gly_schema both = {.field_count = probe->field_count + build->field_count};
    both.fields = GLY_NEW_ARRAY(gly_field, (size_t)both.field_count + 1);
    for (uint32_t i = 0; i < both.field_count; i++) {
        both.fields[i] = i < probe->field_count ? probe->fields[i]
                                                : build->fields[i - probe->field_count];
    }
    gly_status status = check_condition(where, condition, &both);
    free(both.fields);
    return status;
}

static gly_status check_hash_join(const place *where) {
    const gly_physical *node = where->node;
    const gly_schema *probe = &node->children[0]->schema;
    const gly_schema *build = &node->children[1]->schema;
    bool puts_out_build = gly_physical_join_puts_out_build(node->join.kind);
    if (node->join.kind > GLY_JOIN_NULL_AWARE_ANTI || node->join.key_count == 0 ||
        (node->join.is_flipped && !puts_out_build)) {
        return refuse(where, "its kind is unknown or it has no keys");
    }
    for (uint32_t i = 0; i < node->join.key_count; i++) {
        GLY_TRY(check_expr(where, node->join.probe_keys[i], probe));
        GLY_TRY(check_expr(where, node->join.build_keys[i], build));
        if (!gly_type_equal(node->join.probe_keys[i]->type, node->join.build_keys[i]->type)) {
            return refuse(where, "the two sides of key %u differ in type", i);
        }
    }
    GLY_TRY(check_join_condition(where, node->join.condition));
    if (!puts_out_build) {
        return check_join_output(where, probe, NULL);
    }
    return node->join.is_flipped ? check_join_output(where, build, probe)
                                 : check_join_output(where, probe, build);
}

static gly_status check_nested_join(const place *where) {
    const gly_physical *node = where->node;
    if (node->nested_join.kind > GLY_JOIN_ANTI) {
        return refuse(where, "its kind is unknown");
    }
    GLY_TRY(check_join_condition(where, node->nested_join.condition));
    return check_join_output(where, &node->children[0]->schema,
                             gly_physical_join_puts_out_build(node->nested_join.kind)
                                 ? &node->children[1]->schema
                                 : NULL);
}

static gly_status check_exchange(const place *where) {
    const gly_partitioning *partitioning = &where->node->exchange.partitioning;
    if (partitioning->kind > GLY_PARTITIONING_BROADCAST || partitioning->partition_count == 0 ||
        (partitioning->kind == GLY_PARTITIONING_HASH) != (partitioning->expr_count > 0)) {
        return refuse(where, "its partitioning is not complete");
    }
    if ((partitioning->kind == GLY_PARTITIONING_SINGLE ||
         partitioning->kind == GLY_PARTITIONING_BROADCAST) &&
        partitioning->partition_count != 1) {
        return refuse(where, "it makes %u partitions of one", partitioning->partition_count);
    }
    for (uint32_t i = 0; i < partitioning->expr_count; i++) {
        GLY_TRY(check_expr(where, partitioning->exprs[i], &where->node->children[0]->schema));
    }
    return GLY_OK;
}

/* A node that hands its child's columns on. */
static gly_status check_same_schema(const place *where) {
    for (uint32_t i = 0; i < where->node->child_count; i++) {
        if (!gly_schema_equal_types(&where->node->schema, &where->node->children[i]->schema)) {
            return refuse(where, "its columns are not its child's");
        }
    }
    return GLY_OK;
}

static gly_status check_values(const place *where) {
    const gly_physical *node = where->node;
    for (uint32_t r = 0; r < node->values.row_count; r++) {
        for (uint32_t c = 0; c < node->schema.field_count; c++) {
            if (!gly_type_equal(node->values.rows[r][c].type, node->schema.fields[c].type)) {
                return refuse(where, "row %u, column %u has another type", r, c);
            }
        }
    }
    return GLY_OK;
}

static gly_status check_project(const place *where) {
    const gly_physical *node = where->node;
    for (uint32_t i = 0; i < node->schema.field_count; i++) {
        GLY_TRY(check_expr(where, node->project.exprs[i], &node->children[0]->schema));
        if (!gly_type_equal(node->project.exprs[i]->type, node->schema.fields[i].type)) {
            return refuse(where, "column %u has two types", i);
        }
    }
    return GLY_OK;
}

static gly_status check_sort(const place *where) {
    for (uint32_t i = 0; i < where->node->sort.key_count; i++) {
        GLY_TRY(check_expr(where, where->node->sort.keys[i].expr,
                           &where->node->children[0]->schema));
    }
    return check_same_schema(where);
}

static gly_status check_file_write(const place *where) {
    static const uint8_t columns[] = {GLY_TYPE_STRING, GLY_TYPE_BIGINT, GLY_TYPE_BIGINT};
    const gly_schema *schema = &where->node->schema;
    if (where->node->file_write.mode > GLY_WRITE_IGNORE ||
        schema->field_count != GLY_ARRAY_LEN(columns)) {
        return refuse(where, "its mode or its columns are not known");
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].type.id != columns[i]) {
            return refuse(where, "its columns are not path, rows, bytes");
        }
    }
    return GLY_OK;
}

/* How many children a kind has; -1: any number. */
static int child_count_of(gly_physical_kind kind) {
    switch (kind) {
    case GLY_PHYSICAL_SCAN:
    case GLY_PHYSICAL_CACHED:
    case GLY_PHYSICAL_VALUES:
    case GLY_PHYSICAL_RANGE:
    case GLY_PHYSICAL_SHUFFLE_READ:
        return 0;
    case GLY_PHYSICAL_HASH_JOIN:
    case GLY_PHYSICAL_NESTED_JOIN:
        return 2;
    case GLY_PHYSICAL_UNION:
        return -1;
    default:
        return 1;
    }
}

static gly_status check_shape(const place *where) {
    const gly_physical *node = where->node;
    if ((unsigned)node->kind >= GLY_PHYSICAL_COUNT) {
        return gly_fail(where->err, GLY_E_PROTOCOL, "Operator number %d does not exist.",
                        node->kind);
    }
    int wanted = child_count_of(node->kind);
    if (wanted >= 0 ? node->child_count != (uint32_t)wanted : node->child_count == 0) {
        return refuse(where, "it has %u children", node->child_count);
    }
    if (node->partition_count == 0) {
        return refuse(where, "it has no partitions");
    }
    for (uint32_t i = 0; i < node->schema.field_count; i++) {
        if (!gly_plan_check_type(node->schema.fields[i].type)) {
            return refuse(where, "column %u has no type", i);
        }
    }
    return GLY_OK;
}

gly_status gly_plan_check_node(const gly_physical *node, gly_error *err) {
    place where = {node, err};
    GLY_TRY(check_shape(&where));
    switch (node->kind) {
    case GLY_PHYSICAL_SCAN:
        return check_scan(&where);
    case GLY_PHYSICAL_VALUES:
        return check_values(&where);
    case GLY_PHYSICAL_RANGE:
        if (node->range.step == 0 || node->schema.field_count > 1 ||
            (node->schema.field_count == 1 &&
             node->schema.fields[0].type.id != GLY_TYPE_BIGINT)) {
            return refuse(&where, "its step is 0 or its column is not a bigint");
        }
        return GLY_OK;
    case GLY_PHYSICAL_FILTER:
        GLY_TRY(check_condition(&where, node->filter.condition, &node->children[0]->schema));
        return check_same_schema(&where);
    case GLY_PHYSICAL_PROJECT:
        return check_project(&where);
    case GLY_PHYSICAL_AGGREGATE:
        return check_aggregate(&where);
    case GLY_PHYSICAL_HASH_JOIN:
        return check_hash_join(&where);
    case GLY_PHYSICAL_NESTED_JOIN:
        return check_nested_join(&where);
    case GLY_PHYSICAL_SORT:
    case GLY_PHYSICAL_TOPN:
        return check_sort(&where);
    case GLY_PHYSICAL_EXCHANGE:
    case GLY_PHYSICAL_SHUFFLE_WRITE:
        GLY_TRY(check_exchange(&where));
        return check_same_schema(&where);
    case GLY_PHYSICAL_LIMIT:
    case GLY_PHYSICAL_UNION:
    case GLY_PHYSICAL_RESULT:
    case GLY_PHYSICAL_CACHE_WRITE:
        return check_same_schema(&where);
    case GLY_PHYSICAL_FILE_WRITE:
        return check_file_write(&where);
    case GLY_PHYSICAL_CACHED:
    case GLY_PHYSICAL_SHUFFLE_READ:
    case GLY_PHYSICAL_COUNT:
        break;
    }
    return GLY_OK;
}

gly_status gly_plan_check(const gly_physical *plan, gly_error *err) {
    GLY_ARRAY(const gly_physical *) stack = {0};
    gly_status status = GLY_OK;
    gly_array_push(&stack, plan);
    while (stack.count > 0 && status == GLY_OK) {
        const gly_physical *node = stack.items[--stack.count];
        status = gly_plan_check_node(node, err);
        for (uint32_t i = 0; i < node->child_count && status == GLY_OK; i++) {
            gly_array_push(&stack, node->children[i]);
        }
    }
    gly_array_clear(&stack);
    return status;
}
