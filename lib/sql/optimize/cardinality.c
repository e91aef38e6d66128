/* cardinality.c - estimates of row counts, from statistics where there are any, else by guesses.
 *
 * The classical model (Selinger et al., SIGMOD 1979): uniform values, independent conditions,
 * contained key sets.  Conjuncts are applied one after the other and tighten the column's bounds,
 * so a >= x AND a < y comes out right.  A join on keys divides the product of the inputs by the
 * larger distinct count; of several keys, none unique, the product is capped by the smaller side (a
 * composite foreign key).  Statistics of Parquet have bounds but rarely distinct counts: for
 * integers and dates the width of the range bounds them, for texts there is a guess.
 *
 * Invariant: estimates of nodes are remembered by node, and nodes are immutable.
 * Not here: selectivity of one condition (selectivity.c); join order (rule_reorder_joins.c).
 */
#include "lib/sql/optimize/cardinality.h"

#include "lib/base/map.h"
#include "lib/data/decimal.h"
#include "lib/sql/optimize/selectivity.h"

#include <math.h>

struct gly_cardinality {
    gly_arena *arena;
    gly_map known; /* node -> gly_cardinality_estimate */
};

enum { TEXT_WIDTH = 24, GUESSED_TEXTS = 40, UNKNOWN_CACHED_ROWS = 1000000 };

static void forget(void *context) { gly_map_clear(&((gly_cardinality *)context)->known); }

gly_cardinality *gly_cardinality_make(gly_arena *arena) {
    gly_cardinality *cardinality = GLY_ARENA_NEW(arena, gly_cardinality);
    cardinality->arena = arena;
    gly_arena_on_free(arena, forget, cardinality);
    return cardinality;
}

uint64_t gly_cardinality_round(double rows) {
    return rows >= 1e18 || isnan(rows) ? UINT64_C(1000000000000000000) : (uint64_t)(rows + 0.5);
}

bool gly_cardinality_number(const gly_value *value, double *ret) {
    if (value->is_null) {
        return false;
    }
    switch (gly_type_kind(value->type)) {
    case GLY_KIND_TEXT:
        return false;
    case GLY_KIND_F32:
    case GLY_KIND_F64:
        *ret = value->f64;
        return isfinite(value->f64);
    default:
        *ret = value->type.id == GLY_TYPE_DECIMAL
                   ? gly_decimal_to_double(gly_value_unscaled(value), value->type.scale)
                   : (double)value->i64;
        return true;
    }
}

static double width_of(gly_type type) {
    return gly_type_is_text(type) ? TEXT_WIDTH : (double)gly_type_width(type);
}

/* Values a column of rows rows has when nobody counted them. */
static double guess_distinct(gly_type type, double rows, const gly_cardinality_column *column) {
    double guess = rows;
    if (type.id == GLY_TYPE_BOOLEAN) {
        guess = 2;
    } else if (column->has_bounds && (gly_type_is_integral(type) || type.id == GLY_TYPE_DATE)) {
        guess = column->high - column->low + 1;
    } else if (gly_type_is_text(type)) {
        guess = GLY_MAX((double)GUESSED_TEXTS, sqrt(rows));
    } else if (!gly_type_is_integral(type)) {
        guess = rows / 10;
    }
    return GLY_MAX(1, GLY_MIN(guess, rows));
}

static gly_cardinality_estimate *make_estimate(gly_cardinality *c, uint32_t column_count) {
    gly_cardinality_estimate *estimate = GLY_ARENA_NEW(c->arena, gly_cardinality_estimate);
    estimate->column_count = column_count;
    estimate->columns = GLY_ARENA_ARRAY(c->arena, gly_cardinality_column, column_count);
    return estimate;
}

/* The column is as its table has it: remember what filters will take away. */
static void set_source(gly_cardinality_column *column, double rows) {
    column->source_distinct = column->distinct;
    column->is_key = rows > 1 && column->distinct >= 0.9 * rows;
}

static void set_unknown(gly_cardinality_column *column, const gly_output *output, double rows) {
    *column = (gly_cardinality_column){.id = output->id, .width = width_of(output->type)};
    column->is_guess = true;
    column->distinct = guess_distinct(output->type, rows, column);
    column->source_distinct = column->distinct;
}

/* Distinct values of any expression over the estimate's rows. */
static double distinct_of(const gly_cardinality_estimate *input, const gly_expr *expr) {
    if (expr->kind == GLY_EXPR_LITERAL) {
        return 1;
    }
    const gly_cardinality_column *column = gly_selectivity_column(input, expr);
    double distinct = input->rows;
    if (column != NULL) {
        distinct = column->distinct;
    } else if (expr->kind == GLY_EXPR_CALL) {
        bool is_year = expr->function == GLY_FN_YEAR;
        distinct = 1;
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            distinct *= distinct_of(input, expr->args[i]);
        }
        distinct = is_year ? distinct / 365 + 1 : distinct;
        distinct = expr->type.id == GLY_TYPE_BOOLEAN ? GLY_MIN(distinct, 2) : distinct;
    }
    return GLY_MAX(1, GLY_MIN(distinct, input->rows));
}

double gly_cardinality_bytes(const gly_cardinality_estimate *estimate) {
    double width = 8;
    for (uint32_t i = 0; i < estimate->column_count; i++) {
        width += estimate->columns[i].width;
    }
    return estimate->rows * width;
}

double gly_cardinality_groups(const gly_cardinality_estimate *estimate, uint32_t count,
                              gly_expr *const *exprs) {
    double groups = 1;
    for (uint32_t i = 0; i < count; i++) {
        groups *= distinct_of(estimate, exprs[i]);
    }
    return GLY_MIN(groups, estimate->rows);
}

/* Fewer rows: no column can have more values than rows. */
static void cap_distinct(gly_cardinality_estimate *estimate) {
    for (uint32_t i = 0; i < estimate->column_count; i++) {
        estimate->columns[i].distinct =
            GLY_MAX(1, GLY_MIN(estimate->columns[i].distinct, estimate->rows));
    }
}

typedef struct filtering {
    gly_cardinality_estimate *estimate;
} filtering;

static void apply_conjunct(void *context, gly_expr *conjunct) {
    filtering *f = context;
    f->estimate->rows *= gly_selectivity_apply(f->estimate, conjunct);
}

const gly_cardinality_estimate *gly_cardinality_filter(gly_cardinality *cardinality,
                                                       const gly_cardinality_estimate *input,
                                                       gly_expr *condition) {
    gly_cardinality_estimate *result = make_estimate(cardinality, input->column_count);
    memcpy(result->columns, input->columns, input->column_count * sizeof *input->columns);
    result->rows = input->rows;
    result->source_rows = input->source_rows;
    filtering f = {result};
    gly_expr_each_conjunct(condition, apply_conjunct, &f);
    result->rows = input->rows == 0 ? 0 : GLY_MAX(result->rows, 1);
    cap_distinct(result);
    return result;
}

static void set_statistics(gly_cardinality_column *column, const gly_relation *relation,
                           uint32_t field, double rows) {
    const gly_column_statistics *statistics = &relation->statistics[field];
    column->has_bounds = statistics->has_bounds &&
                         gly_cardinality_number(&statistics->min, &column->low) &&
                         gly_cardinality_number(&statistics->max, &column->high) &&
                         column->low <= column->high;
    column->null_fraction =
        statistics->null_count == UINT64_MAX || rows < 1
            ? 0
            : GLY_MIN(1, (double)statistics->null_count / rows);
    double guess = guess_distinct(relation->schema->fields[field].type, rows, column);
    column->is_guess = statistics->distinct_count == 0;
    column->distinct = guess;
    if (!column->is_guess) {
        double counted = GLY_MAX(1, GLY_MIN((double)statistics->distinct_count, rows));
        column->distinct = column->has_bounds && guess < counted ? guess : counted;
    }
    if (statistics->has_bounds && gly_type_is_text(statistics->min.type)) {
        column->width = 16 + (double)(statistics->min.text.size + statistics->max.text.size) / 4;
    }
}

static const gly_cardinality_estimate *estimate_scan(gly_cardinality *c, const gly_logical *node) {
    const gly_relation *relation = node->scan.relation;
    gly_cardinality_estimate *result = make_estimate(c, node->output_count);
    double rows = (double)relation->row_count;
    if (relation->row_count == UINT64_MAX) {
        double width = 1; /* text formats: digits are about as long as the binary value */
        for (uint32_t i = 0; i < relation->schema->field_count; i++) {
            width += GLY_MIN(10, width_of(relation->schema->fields[i].type));
        }
        rows = (double)relation->size_bytes / width;
    }
    result->rows = result->source_rows = rows;
    for (uint32_t i = 0; i < node->output_count; i++) {
        set_unknown(&result->columns[i], &node->output[i], rows);
        if (relation->statistics != NULL) {
            set_statistics(&result->columns[i], relation, node->scan.fields[i], rows);
        }
        set_source(&result->columns[i], rows);
    }
    const gly_cardinality_estimate *filtered = result;
    for (uint32_t i = 0; i < node->scan.filter_count; i++) {
        filtered = gly_cardinality_filter(c, filtered, node->scan.filters[i]);
    }
    return filtered;
}

static const gly_cardinality_estimate *estimate_leaf(gly_cardinality *c, const gly_logical *node,
                                                     double rows) {
    gly_cardinality_estimate *result = make_estimate(c, node->output_count);
    result->rows = result->source_rows = rows;
    for (uint32_t i = 0; i < node->output_count; i++) {
        set_unknown(&result->columns[i], &node->output[i], rows);
    }
    return result;
}

static const gly_cardinality_estimate *estimate_range(gly_cardinality *c,
                                                      const gly_logical *node) {
    double span = (double)node->range.end - (double)node->range.start;
    double rows = ceil(span / (double)(node->range.step == 0 ? 1 : node->range.step));
    gly_cardinality_estimate *result =
        (gly_cardinality_estimate *)estimate_leaf(c, node, GLY_MAX(rows, 0));
    for (uint32_t i = 0; i < node->output_count; i++) {
        gly_cardinality_column *column = &result->columns[i];
        column->has_bounds = rows > 0;
        column->low = (double)GLY_MIN(node->range.start, node->range.end);
        column->high = (double)GLY_MAX(node->range.start, node->range.end);
        column->distinct = GLY_MAX(rows, 1);
        column->is_guess = false;
        set_source(column, rows);
    }
    return result;
}

static void set_from_expr(gly_cardinality_column *column, const gly_output *output,
                          const gly_cardinality_estimate *input, const gly_expr *expr) {
    const gly_cardinality_column *source =
        expr->kind == GLY_EXPR_COLUMN ? gly_selectivity_column(input, expr) : NULL;
    set_unknown(column, output, input->rows);
    if (source != NULL) {
        *column = *source;
        column->id = output->id;
    } else {
        column->distinct = distinct_of(input, expr);
    }
}

static const gly_cardinality_estimate *estimate_project(gly_cardinality *c,
                                                        const gly_logical *node) {
    const gly_cardinality_estimate *input = gly_cardinality_of(c, node->children[0]);
    gly_cardinality_estimate *result = make_estimate(c, node->output_count);
    result->rows = input->rows;
    result->source_rows = input->source_rows;
    for (uint32_t i = 0; i < node->output_count; i++) {
        set_from_expr(&result->columns[i], &node->output[i], input, node->project.exprs[i]);
    }
    return result;
}

static const gly_cardinality_estimate *estimate_aggregate(gly_cardinality *c,
                                                          const gly_logical *node) {
    const gly_cardinality_estimate *input = gly_cardinality_of(c, node->children[0]);
    gly_cardinality_estimate *result = make_estimate(c, node->output_count);
    uint32_t groups = node->aggregate.group_count;
    result->rows = groups == 0 ? 1 : gly_cardinality_groups(input, groups, node->aggregate.groups);
    result->source_rows = input->source_rows;
    for (uint32_t i = 0; i < node->output_count; i++) {
        set_unknown(&result->columns[i], &node->output[i], result->rows);
        if (i < groups) {
            set_from_expr(&result->columns[i], &node->output[i], input, node->aggregate.groups[i]);
            result->columns[i].is_key = groups == 1;
        }
    }
    cap_distinct(result);
    return result;
}

static const gly_cardinality_estimate *estimate_union(gly_cardinality *c,
                                                      const gly_logical *node) {
    gly_cardinality_estimate *result = make_estimate(c, node->output_count);
    for (uint32_t k = 0; k < node->child_count; k++) {
        const gly_cardinality_estimate *input = gly_cardinality_of(c, node->children[k]);
        result->rows += input->rows;
        result->source_rows = GLY_MAX(result->source_rows, input->source_rows);
        for (uint32_t i = 0; i < node->output_count; i++) {
            gly_cardinality_column *column = &result->columns[i];
            double distinct = column->distinct + input->columns[i].distinct;
            if (k == 0) {
                *column = input->columns[i];
                continue;
            }
            column->distinct = distinct;
            column->low = GLY_MIN(column->low, input->columns[i].low);
            column->high = GLY_MAX(column->high, input->columns[i].high);
            column->has_bounds &= input->columns[i].has_bounds;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        result->columns[i].id = node->output[i].id;
    }
    return result;
}

static const gly_cardinality_estimate *estimate_limit(gly_cardinality *c,
                                                      const gly_logical *node) {
    const gly_cardinality_estimate *input = gly_cardinality_of(c, node->children[0]);
    gly_cardinality_estimate *result = make_estimate(c, input->column_count);
    memcpy(result->columns, input->columns, input->column_count * sizeof *input->columns);
    double left = GLY_MAX(0, input->rows - (double)node->limit.offset);
    result->rows = GLY_MIN(left, (double)node->limit.limit);
    result->source_rows = input->source_rows;
    cap_distinct(result);
    return result;
}

static const gly_cardinality_estimate *estimate(gly_cardinality *c, const gly_logical *node) {
    switch (node->kind) {
    case GLY_LOGICAL_SCAN:
        return estimate_scan(c, node);
    case GLY_LOGICAL_CACHED:
        return estimate_leaf(c, node,
                             node->cached.row_count == 0 ? UNKNOWN_CACHED_ROWS
                                                         : (double)node->cached.row_count);
    case GLY_LOGICAL_VALUES:
        return estimate_leaf(c, node, node->values.row_count);
    case GLY_LOGICAL_RANGE:
        return estimate_range(c, node);
    case GLY_LOGICAL_FILTER:
        return gly_cardinality_filter(c, gly_cardinality_of(c, node->children[0]),
                                      node->filter.condition);
    case GLY_LOGICAL_PROJECT:
        return estimate_project(c, node);
    case GLY_LOGICAL_AGGREGATE:
        return estimate_aggregate(c, node);
    case GLY_LOGICAL_JOIN:
        return gly_cardinality_join(c, (uint8_t)node->join.kind,
                                    gly_cardinality_of(c, node->children[0]),
                                    gly_cardinality_of(c, node->children[1]),
                                    node->join.condition);
    case GLY_LOGICAL_UNION:
        return estimate_union(c, node);
    case GLY_LOGICAL_LIMIT:
        return estimate_limit(c, node);
    case GLY_LOGICAL_SORT:
    case GLY_LOGICAL_REPARTITION:
    case GLY_LOGICAL_WRITE:
        return gly_cardinality_of(c, node->children[0]);
    case GLY_LOGICAL_COUNT:
        break;
    }
    GLY_UNREACHABLE();
}

const gly_cardinality_estimate *gly_cardinality_of(gly_cardinality *cardinality,
                                                   const gly_logical *node) {
    uint64_t key = (uint64_t)(uintptr_t)node;
    const gly_cardinality_estimate *known = gly_map_get(&cardinality->known, key);
    if (known == NULL) {
        known = estimate(cardinality, node);
        gly_map_put(&cardinality->known, key, (void *)known);
    }
    return known;
}

/* joins */

typedef struct join_keys {
    const gly_cardinality_estimate *left, *right;
    double left_product, right_product; /* of the keys' distinct counts */
    double largest;                     /* of any key of either side */
    double unique;  /* largest distinct count of a key that identifies a side's rows; 0: none */
    double filters; /* selectivity of the other keys, if there is one */
    uint32_t key_count;
    uint32_t seen_count;
    const gly_expr *seen[16];    /* both sides: a = c AND b = c is one restriction of c */
    double other_selectivity;    /* of the conjuncts that are no keys */
    gly_cardinality_estimate *both; /* may be NULL */
} join_keys;

static void add_key(join_keys *keys, const gly_expr *left, const gly_expr *right) {
    for (uint32_t i = 0; i < keys->seen_count; i++) {
        if (gly_expr_equal(keys->seen[i], left) || gly_expr_equal(keys->seen[i], right)) {
            return;
        }
    }
    if (keys->seen_count + 1 < GLY_ARRAY_LEN(keys->seen)) {
        keys->seen[keys->seen_count++] = left;
        keys->seen[keys->seen_count++] = right;
    }
    const gly_cardinality_column *a = gly_selectivity_column(keys->left, left);
    const gly_cardinality_column *b = gly_selectivity_column(keys->right, right);
    double left_distinct = distinct_of(keys->left, left);
    double right_distinct = distinct_of(keys->right, right);
    if ((a == NULL || a->is_guess) && (b == NULL || b->is_guess) &&
        (a == NULL || !a->has_bounds) && (b == NULL || !b->has_bounds)) {
        /* Nothing is known: a foreign key to the smaller table. */
        double smaller = GLY_MIN(keys->left->source_rows, keys->right->source_rows);
        left_distinct = right_distinct = GLY_MAX(smaller, 1);
    }
    /* A foreign key has no more values than the key it refers to. */
    if (b != NULL && b->is_key) {
        left_distinct = GLY_MIN(left_distinct, b->source_distinct);
    }
    if (a != NULL && a->is_key) {
        right_distinct = GLY_MIN(right_distinct, a->source_distinct);
    }
    double distinct = GLY_MAX(left_distinct, right_distinct);
    if ((a != NULL && a->is_key) || (b != NULL && b->is_key)) {
        keys->unique = GLY_MAX(keys->unique, distinct);
    } else {
        keys->filters /= distinct;
    }
    keys->left_product *= left_distinct;
    keys->right_product *= right_distinct;
    keys->largest = GLY_MAX(keys->largest, distinct);
    keys->key_count++;
}

static bool is_over(const gly_cardinality_estimate *side, const gly_expr *expr) {
    if (expr->kind == GLY_EXPR_COLUMN) {
        return gly_selectivity_column(side, expr) != NULL;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!is_over(side, expr->args[i])) {
            return false;
        }
    }
    return expr->kind != GLY_EXPR_LITERAL;
}

static void add_join_conjunct(void *context, gly_expr *conjunct) {
    join_keys *keys = context;
    if (conjunct->kind == GLY_EXPR_CALL && conjunct->arg_count == 2 &&
        (conjunct->function == GLY_FN_EQUAL || conjunct->function == GLY_FN_NULL_SAFE_EQUAL)) {
        const gly_expr *a = conjunct->args[0], *b = conjunct->args[1];
        if (is_over(keys->left, a) && is_over(keys->right, b)) {
            add_key(keys, a, b);
            return;
        }
        if (is_over(keys->left, b) && is_over(keys->right, a)) {
            add_key(keys, b, a);
            return;
        }
    }
    keys->other_selectivity *=
        keys->both == NULL ? 1.0 / 3 : gly_selectivity_apply(keys->both, conjunct);
}

static gly_cardinality_estimate *put_together(gly_cardinality *c,
                                              const gly_cardinality_estimate *left,
                                              const gly_cardinality_estimate *right) {
    gly_cardinality_estimate *both = make_estimate(c, left->column_count + right->column_count);
    memcpy(both->columns, left->columns, left->column_count * sizeof *left->columns);
    memcpy(both->columns + left->column_count, right->columns,
           right->column_count * sizeof *right->columns);
    both->rows = left->rows * right->rows;
    both->source_rows = GLY_MAX(left->source_rows, right->source_rows);
    return both;
}

static double left_key_count(const join_keys *keys) {
    return GLY_MIN(keys->left_product, GLY_MAX(keys->left->source_rows, 1));
}

static double right_key_count(const join_keys *keys) {
    return GLY_MIN(keys->right_product, GLY_MAX(keys->right->source_rows, 1));
}

static join_keys find_keys(const gly_cardinality_estimate *left,
                           const gly_cardinality_estimate *right, gly_expr *condition,
                           gly_cardinality_estimate *both) {
    join_keys keys = {.left = left, .right = right, .left_product = 1, .right_product = 1,
                      .largest = 1, .filters = 1, .other_selectivity = 1, .both = both};
    if (condition != NULL) {
        gly_expr_each_conjunct(condition, add_join_conjunct, &keys);
    }
    return keys;
}

static double inner_rows(const join_keys *keys) {
    double divisor =
        GLY_MAX(keys->largest, GLY_MIN(left_key_count(keys), right_key_count(keys)));
    if (keys->unique > 0) { /* one key finds the row, the others only filter */
        divisor = keys->unique / keys->filters;
    }
    return keys->left->rows * keys->right->rows / divisor * keys->other_selectivity;
}

double gly_cardinality_join_rows(const gly_cardinality_estimate *left,
                                 const gly_cardinality_estimate *right, gly_expr *condition) {
    join_keys keys = find_keys(left, right, condition, NULL);
    return GLY_MAX(inner_rows(&keys), 1);
}

const gly_cardinality_estimate *gly_cardinality_join(gly_cardinality *cardinality, uint8_t kind,
                                                     const gly_cardinality_estimate *left,
                                                     const gly_cardinality_estimate *right,
                                                     gly_expr *condition) {
    gly_cardinality_estimate *both = put_together(cardinality, left, right);
    join_keys keys = find_keys(left, right, condition, both);
    double matches = inner_rows(&keys);
    if (kind == GLY_JOIN_SEMI || kind == GLY_JOIN_ANTI || kind == GLY_JOIN_NULL_AWARE_ANTI) {
        double fraction = GLY_MIN(1, right_key_count(&keys) / GLY_MAX(left_key_count(&keys), 1)) *
                          GLY_MIN(1, right->rows) * GLY_MAX(keys.other_selectivity, 0.3);
        fraction = kind == GLY_JOIN_SEMI ? fraction : GLY_MAX(1 - fraction, 0.1);
        both->column_count = left->column_count;
        both->rows = left->rows * fraction;
    } else {
        both->rows = matches;
        if (kind == GLY_JOIN_LEFT || kind == GLY_JOIN_FULL) {
            both->rows = GLY_MAX(both->rows, left->rows);
        }
        if (kind == GLY_JOIN_RIGHT || kind == GLY_JOIN_FULL) {
            both->rows = GLY_MAX(both->rows, right->rows);
        }
    }
    bool is_empty = left->rows == 0 && right->rows == 0;
    both->rows = is_empty ? 0 : GLY_MAX(both->rows, 1);
    cap_distinct(both);
    return both;
}
