/* choose_join.c - which join algorithm, which side is built, and what must move for it.
 *
 *   keys and a small allowed side   -> BroadcastHashJoin: that side to every executor
 *   keys                            -> ShuffledHashJoin: both sides by the keys' hash
 *   no keys                         -> NESTED_JOIN with the other side in memory
 *
 * Kinds after flipping are drawn in lib/plan/physical.h.  The preserved side of an outer join is
 * never broadcast (each reader would put its unmatched rows out); NOT IN's right side always is,
 * because one NULL in it decides about all rows.
 * Invariant: output columns are the logical left's, then the logical right's.
 */
#include "lib/sql/physical/physical_internal.h"

typedef struct joining {
    gly_planner *planner;
    const gly_logical *node;
    uint8_t kind; /* logical */
    gly_planned left, right;
    double left_bytes, right_bytes;
    uint32_t key_count;
    gly_expr **left_keys, **right_keys; /* over logical ids */
    uint32_t residual_count;
    gly_expr **residual;
    uint32_t capacity;
} joining;

static bool is_over(const gly_planned *side, const gly_expr *expr, bool *has_column) {
    if (expr->kind == GLY_EXPR_COLUMN) {
        *has_column = true;
        for (uint32_t i = 0; i < side->column_count; i++) {
            if (side->columns[i].id == expr->column) {
                return true;
            }
        }
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!is_over(side, expr->args[i], has_column)) {
            return false;
        }
    }
    return true;
}

static bool is_key_of(const gly_planned *side, const gly_expr *expr) {
    bool has_column = false;
    return is_over(side, expr, &has_column) && has_column && gly_expr_is_deterministic(expr);
}

static void add_key(joining *j, gly_expr *left, gly_expr *right) {
    for (uint32_t i = 0; i < j->key_count; i++) {
        if (gly_expr_equal(j->left_keys[i], left) && gly_expr_equal(j->right_keys[i], right)) {
            return;
        }
    }
    j->left_keys[j->key_count] = left;
    j->right_keys[j->key_count++] = right;
}

static gly_expr *call_one(gly_arena *arena, gly_function_id function, gly_type type,
                          uint32_t arg_count, gly_expr *first, gly_expr *second) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, arg_count);
    args[0] = first;
    if (arg_count > 1) {
        args[1] = second;
    }
    return gly_expr_call(arena, function, type, false, arg_count, args);
}

/* a <=> b becomes the keys coalesce(a, zero) = coalesce(b, zero) and isnull(a) = isnull(b). */
static void add_null_safe_key(joining *j, gly_expr *left, gly_expr *right) {
    gly_arena *arena = j->planner->arena;
    gly_value zero = {.type = left->type};
    if (gly_type_is_text(left->type)) {
        zero.text = GLY_STR("");
    } else if (left->type.id == GLY_TYPE_DECIMAL) {
        zero = gly_value_decimal(left->type, 0);
    } else if (left->type.id == GLY_TYPE_FLOAT || left->type.id == GLY_TYPE_DOUBLE) {
        zero.f64 = 0;
    }
    gly_expr *literal = gly_expr_literal(arena, zero);
    add_key(j, call_one(arena, GLY_FN_COALESCE, left->type, 2, left, literal),
            call_one(arena, GLY_FN_COALESCE, right->type, 2, right, literal));
    add_key(j, call_one(arena, GLY_FN_IS_NULL, GLY_TYPE_OF(BOOLEAN), 1, left, NULL),
            call_one(arena, GLY_FN_IS_NULL, GLY_TYPE_OF(BOOLEAN), 1, right, NULL));
}

static void count_conjunct(void *context, gly_expr *conjunct) {
    (void)conjunct;
    ((joining *)context)->capacity++;
}

static void sort_conjunct(void *context, gly_expr *conjunct) {
    joining *j = context;
    if (conjunct->kind == GLY_EXPR_CALL && conjunct->arg_count == 2 &&
        gly_type_equal(conjunct->args[0]->type, conjunct->args[1]->type) &&
        (conjunct->function == GLY_FN_EQUAL || conjunct->function == GLY_FN_NULL_SAFE_EQUAL)) {
        gly_expr *left = conjunct->args[0], *right = conjunct->args[1];
        if (!is_key_of(&j->left, left) || !is_key_of(&j->right, right)) {
            left = conjunct->args[1];
            right = conjunct->args[0];
        }
        if (is_key_of(&j->left, left) && is_key_of(&j->right, right)) {
            if (conjunct->function == GLY_FN_EQUAL || (!left->nullable && !right->nullable)) {
                add_key(j, left, right);
            } else {
                add_null_safe_key(j, left, right);
            }
            return;
        }
    }
    j->residual[j->residual_count++] = conjunct;
}

static void find_keys(joining *j) {
    gly_arena *arena = j->planner->arena;
    if (j->node->join.condition == NULL) {
        return;
    }
    gly_expr_each_conjunct(j->node->join.condition, count_conjunct, j);
    j->left_keys = GLY_ARENA_ARRAY(arena, gly_expr *, 2 * j->capacity);
    j->right_keys = GLY_ARENA_ARRAY(arena, gly_expr *, 2 * j->capacity);
    j->residual = GLY_ARENA_ARRAY(arena, gly_expr *, j->capacity);
    gly_expr_each_conjunct(j->node->join.condition, sort_conjunct, j);
}

static bool is_left_only(uint8_t kind) {
    return kind == GLY_JOIN_SEMI || kind == GLY_JOIN_ANTI || kind == GLY_JOIN_NULL_AWARE_ANTI;
}

static bool may_broadcast_right(uint8_t kind) {
    return kind == GLY_JOIN_INNER || kind == GLY_JOIN_LEFT || is_left_only(kind);
}

static bool may_broadcast_left(uint8_t kind) {
    return kind == GLY_JOIN_INNER || kind == GLY_JOIN_RIGHT;
}

/* The join's kind seen from the other side. */
static uint8_t flip_kind(uint8_t kind) {
    return kind == GLY_JOIN_LEFT ? GLY_JOIN_RIGHT : kind == GLY_JOIN_RIGHT ? GLY_JOIN_LEFT : kind;
}

/* 1: the right side, -1: the left, 0: neither is small enough or allowed. */
static int choose_broadcast(const joining *j) {
    double limit = j->planner->broadcast_limit;
    bool right = may_broadcast_right(j->kind), left = may_broadcast_left(j->kind);
    if (j->kind == GLY_JOIN_NULL_AWARE_ANTI) {
        return 1;
    }
    if (right && j->node->join.hint == GLY_JOIN_HINT_BROADCAST_RIGHT) {
        return 1;
    }
    if (left && j->node->join.hint == GLY_JOIN_HINT_BROADCAST_LEFT) {
        return -1;
    }
    right = right && j->right_bytes <= limit;
    left = left && j->left_bytes <= limit && j->planner->choose_build_side;
    if (right && left) {
        return j->left_bytes < j->right_bytes ? -1 : 1;
    }
    return right ? 1 : left ? -1 : 0;
}

/* Which side a join within partitions builds: the smaller one, the right when in doubt. */
static bool should_build_left(const joining *j) {
    return j->planner->choose_build_side && !is_left_only(j->kind) &&
           j->left_bytes * 1.2 < j->right_bytes;
}

static void add_alternatives(joining *j, gly_spread *spread, gly_expr *const *have,
                             gly_expr *const *same) {
    for (uint32_t k = 0; k < spread->key_count; k++) {
        gly_spread_key *key = &spread->keys[k];
        for (uint32_t i = 0; i < j->key_count; i++) {
            for (uint32_t a = 0; a < key->count; a++) {
                if (gly_expr_equal(key->alternatives[a], have[i])) {
                    gly_expr **wider =
                        GLY_ARENA_ARRAY(j->planner->arena, gly_expr *, key->count + 1);
                    memcpy(wider, key->alternatives, key->count * sizeof *wider);
                    wider[key->count++] = same[i];
                    key->alternatives = wider;
                    break;
                }
            }
        }
    }
}

static gly_spread copy_spread(gly_planner *planner, const gly_spread *spread) {
    gly_spread copy = *spread;
    if (spread->key_count > 0) {
        copy.keys =
            gly_arena_copy(planner->arena, spread->keys, spread->key_count * sizeof *spread->keys);
    }
    return copy;
}

/* How the result lies: rows come from the probe's partitions (broadcast) or from both sides'. */
static gly_spread spread_of_result(joining *j, bool build_left, bool is_broadcast) {
    gly_planner *planner = j->planner;
    gly_spread spread = {0};
    switch (j->kind) {
    case GLY_JOIN_INNER:
        spread = copy_spread(planner, build_left ? &j->right.spread : &j->left.spread);
        add_alternatives(j, &spread, build_left ? j->right_keys : j->left_keys,
                         build_left ? j->left_keys : j->right_keys);
        return spread;
    case GLY_JOIN_RIGHT:
        return j->right.spread;
    case GLY_JOIN_FULL:
        return spread; /* rows without a partner have NULL keys on the other side */
    default:
        return is_broadcast && build_left ? spread : j->left.spread;
    }
}

static gly_status bind_residual(joining *j, const gly_planned *probe, const gly_planned *build,
                                gly_expr **ret, gly_error *err) {
    gly_expr *condition = gly_expr_and(j->planner->arena, j->residual_count, j->residual);
    *ret = NULL;
    return condition == NULL ? GLY_OK
                             : gly_bind_expr(j->planner, condition, probe, build, ret, err);
}

static gly_status make_hash_join(joining *j, bool build_left, bool is_broadcast, gly_planned *ret,
                                 gly_error *err) {
    gly_planned *probe = build_left ? &j->right : &j->left;
    gly_planned *build = build_left ? &j->left : &j->right;
    gly_spread spread = spread_of_result(j, build_left, is_broadcast);
    *ret = gly_choose_physical_make(j->planner, GLY_PHYSICAL_HASH_JOIN, 2, j->node);
    gly_physical *join = ret->node;
    join->children[0] = probe->node;
    join->children[1] = build->node;
    join->partition_count = probe->node->partition_count;
    join->join.kind = build_left ? flip_kind(j->kind) : j->kind;
    join->join.is_flipped = build_left;
    join->join.is_broadcast = is_broadcast;
    join->join.key_count = j->key_count;
    ret->spread = spread;
    GLY_TRY(gly_bind_exprs(j->planner, j->key_count, build_left ? j->right_keys : j->left_keys,
                           probe, &join->join.probe_keys, err));
    GLY_TRY(gly_bind_exprs(j->planner, j->key_count, build_left ? j->left_keys : j->right_keys,
                           build, &join->join.build_keys, err));
    return bind_residual(j, probe, build, &join->join.condition, err);
}

/* The keys that side must be spread by so that it meets `fixed`, which lies by indexes of keys. */
static gly_status spread_like(joining *j, gly_planned *side, gly_expr *const *keys,
                              const gly_planned *fixed, const uint32_t *indexes, gly_error *err) {
    uint32_t count = fixed->spread.key_count;
    gly_expr **exprs = GLY_ARENA_ARRAY(j->planner->arena, gly_expr *, count);
    for (uint32_t k = 0; k < count; k++) {
        exprs[k] = keys[indexes[k]];
    }
    return gly_place_exchanges_hash(j->planner, side, count, exprs, fixed->node->partition_count,
                                    err);
}

static bool same_indexes(const uint32_t *a, const uint32_t *b, uint32_t count) {
    return memcmp(a, b, count * sizeof *a) == 0;
}

static bool lies_by_keys(const gly_planned *side, uint32_t count, gly_expr *const *keys,
                         uint32_t *indexes) {
    return side->node->partition_count > 1 && side->spread.key_count <= count &&
           gly_place_exchanges_match(side, count, keys, indexes);
}

/* Brings equal keys of both sides into the same partition, with as few exchanges as possible. */
static gly_status shuffle_sides(joining *j, gly_error *err) {
    gly_planner *planner = j->planner;
    uint32_t *left_indexes = GLY_ARENA_ARRAY(planner->arena, uint32_t, j->key_count);
    uint32_t *right_indexes = GLY_ARENA_ARRAY(planner->arena, uint32_t, j->key_count);
    bool left_lies = lies_by_keys(&j->left, j->key_count, j->left_keys, left_indexes);
    bool right_lies = lies_by_keys(&j->right, j->key_count, j->right_keys, right_indexes);
    if (left_lies && right_lies &&
        j->left.node->partition_count == j->right.node->partition_count &&
        j->left.spread.key_count == j->right.spread.key_count &&
        same_indexes(left_indexes, right_indexes, j->left.spread.key_count)) {
        return GLY_OK;
    }
    if (left_lies && (!right_lies || j->left_bytes >= j->right_bytes)) {
        return spread_like(j, &j->right, j->right_keys, &j->left, left_indexes, err);
    }
    if (right_lies) {
        return spread_like(j, &j->left, j->left_keys, &j->right, right_indexes, err);
    }
    uint32_t count = gly_place_exchanges_count(planner, j->left_bytes + j->right_bytes);
    GLY_TRY(gly_place_exchanges_hash(planner, &j->left, j->key_count, j->left_keys, count, err));
    return gly_place_exchanges_hash(planner, &j->right, j->key_count, j->right_keys, count, err);
}

/* Is the plan a scan with at most filters and projections, so that running it twice costs little? */
static bool is_cheap(const gly_logical *node) {
    while (node->kind == GLY_LOGICAL_FILTER || node->kind == GLY_LOGICAL_PROJECT) {
        node = node->children[0];
    }
    return node->kind == GLY_LOGICAL_SCAN || node->kind == GLY_LOGICAL_VALUES;
}

/* How many rows of large have a partner in small. */
static double rows_with_partner(joining *j, const gly_cardinality_estimate *large,
                                const gly_cardinality_estimate *small) {
    gly_arena *arena = j->planner->arena;
    gly_expr **equal = GLY_ARENA_ARRAY(arena, gly_expr *, j->key_count);
    for (uint32_t i = 0; i < j->key_count; i++) {
        equal[i] = call_one(arena, GLY_FN_EQUAL, GLY_TYPE_OF(BOOLEAN), 2, j->left_keys[i],
                            j->right_keys[i]);
    }
    return gly_cardinality_join(j->planner->cardinality, GLY_JOIN_SEMI, large, small,
                                gly_expr_and(arena, j->key_count, equal))
        ->rows;
}

/* Do the left side's keys, broadcast, spare much of the right side's way? */
static bool should_reduce_right(joining *j, double *ret_rows_after) {
    enum { LEAST_SAVED_BYTES = 4 << 20 };
    static const double MOST_LEFT_OVER = 0.5;
    gly_cardinality *cardinality = j->planner->cardinality;
    if (!j->planner->reduce_join_sides || j->kind == GLY_JOIN_RIGHT || j->kind == GLY_JOIN_FULL ||
        j->kind == GLY_JOIN_NULL_AWARE_ANTI) {
        return false;
    }
    const gly_cardinality_estimate *left = gly_cardinality_of(cardinality, j->node->children[0]);
    const gly_cardinality_estimate *right = gly_cardinality_of(cardinality, j->node->children[1]);
    double key_width = 8;
    for (uint32_t i = 0; i < j->key_count; i++) {
        key_width += (double)gly_type_width(j->left_keys[i]->type);
    }
    if (left->rows * key_width > j->planner->broadcast_limit) {
        return false;
    }
    *ret_rows_after = rows_with_partner(j, right, left);
    return *ret_rows_after <= MOST_LEFT_OVER * right->rows &&
           j->right_bytes * (1 - *ret_rows_after / right->rows) >= LEAST_SAVED_BYTES;
}

/* The exchange that left's rows come from, if only semi and anti joins are between: it has all of
 * left's rows (and perhaps more) in the same columns.  NULL if there is none. */
static gly_physical *exchange_below(const gly_planned *left) {
    gly_physical *node = left->node;
    while (node->kind == GLY_PHYSICAL_HASH_JOIN &&
           !gly_physical_join_puts_out_build(node->join.kind)) {
        node = node->children[0];
    }
    return node->kind == GLY_PHYSICAL_EXCHANGE ? node : NULL;
}

/* The keys of a cheap left side are computed a second time; of another, read from its exchange. */
static gly_status reduce_right(joining *j, double rows_after, gly_error *err) {
    double rows_before =
        gly_cardinality_of(j->planner->cardinality, j->node->children[1])->rows;
    uint32_t *indexes = GLY_ARENA_ARRAY(j->planner->arena, uint32_t, j->key_count);
    gly_planned small = j->left;
    if (!is_cheap(j->node->children[0])) {
        if (!lies_by_keys(&j->left, j->key_count, j->left_keys, indexes)) {
            GLY_TRY(gly_place_exchanges_hash(
                j->planner, &j->left, j->key_count, j->left_keys,
                gly_place_exchanges_count(j->planner, j->left_bytes + j->right_bytes), err));
        }
        small = j->left;
        small.node = exchange_below(&j->left);
        if (small.node == NULL) {
            return GLY_OK;
        }
    }
    GLY_TRY(gly_reduce_side_by_keys(j->planner, &j->right, j->right_keys, &small, j->left_keys,
                                    j->key_count, rows_after, err));
    j->right_bytes *= rows_after / GLY_MAX(rows_before, 1);
    return GLY_OK;
}

static gly_status plan_hash_join(joining *j, gly_planned *ret, gly_error *err) {
    if (j->left.node->partition_count == 1 && j->right.node->partition_count == 1) {
        return make_hash_join(j, should_build_left(j), false, ret, err);
    }
    int broadcast = choose_broadcast(j);
    if (broadcast != 0) {
        gly_place_exchanges_broadcast(j->planner, broadcast > 0 ? &j->right : &j->left);
        return make_hash_join(j, broadcast < 0, true, ret, err);
    }
    double rows_after;
    if (should_reduce_right(j, &rows_after)) {
        GLY_TRY(reduce_right(j, rows_after, err));
        if (is_cheap(j->node->children[0]) && choose_broadcast(j) > 0) {
            gly_place_exchanges_broadcast(j->planner, &j->right);
            return make_hash_join(j, false, true, ret, err);
        }
    }
    GLY_TRY(shuffle_sides(j, err));
    return make_hash_join(j, should_build_left(j), false, ret, err);
}

/* NOT IN with more than one plain key: no match means that no row makes the condition true or
 * NULL. */
static void relax_null_aware(joining *j) {
    gly_arena *arena = j->planner->arena;
    gly_expr *condition = j->node->join.condition;
    gly_expr *yes = gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(BOOLEAN), 1));
    j->kind = GLY_JOIN_ANTI;
    j->key_count = 0;
    j->residual_count = condition == NULL ? 0 : 1;
    if (condition != NULL) {
        j->residual[0] = call_one(arena, GLY_FN_COALESCE, GLY_TYPE_OF(BOOLEAN), 2, condition, yes);
    }
}

/* Puts the columns of a nested join whose children were swapped back in order. */
static void swap_back(joining *j, gly_planned *planned) {
    gly_physical *join = planned->node;
    uint32_t right_count = j->right.column_count, left_count = j->left.column_count;
    *planned = gly_choose_physical_make(j->planner, GLY_PHYSICAL_PROJECT, 1, j->node);
    planned->node->children[0] = join;
    planned->node->partition_count = join->partition_count;
    planned->node->project.exprs =
        GLY_ARENA_ARRAY(j->planner->arena, gly_expr *, planned->column_count);
    for (uint32_t i = 0; i < planned->column_count; i++) {
        uint32_t from = i < left_count ? right_count + i : i - left_count;
        planned->node->project.exprs[i] = gly_bind_column(j->planner, join, from);
    }
}

static gly_schema join_schemas(gly_planner *planner, const gly_schema *wanted, uint32_t first) {
    /* wanted: left's, then right's columns; returns them with the first `first` moved behind. */
    gly_schema schema = {.field_count = wanted->field_count};
    schema.fields = GLY_ARENA_ARRAY(planner->arena, gly_field, wanted->field_count);
    for (uint32_t i = 0; i < wanted->field_count; i++) {
        schema.fields[i] = wanted->fields[(i + first) % wanted->field_count];
    }
    return schema;
}

static gly_status plan_nested_join(joining *j, gly_planned *ret, gly_error *err) {
    bool is_single = j->left.node->partition_count == 1 && j->right.node->partition_count == 1;
    bool swap = j->kind == GLY_JOIN_RIGHT ||
                (j->kind == GLY_JOIN_INNER && j->left_bytes < j->right_bytes);
    gly_planned *stream = swap ? &j->right : &j->left, *held = swap ? &j->left : &j->right;
    if (j->kind == GLY_JOIN_FULL) {
        gly_place_exchanges_single(j->planner, stream);
        gly_place_exchanges_single(j->planner, held);
    } else if (!is_single) {
        gly_place_exchanges_broadcast(j->planner, held);
    }
    *ret = gly_choose_physical_make(j->planner, GLY_PHYSICAL_NESTED_JOIN, 2, j->node);
    ret->node->children[0] = stream->node;
    ret->node->children[1] = held->node;
    ret->node->partition_count = stream->node->partition_count;
    ret->node->nested_join.kind = swap ? flip_kind(j->kind) : j->kind;
    GLY_TRY(bind_residual(j, stream, held, &ret->node->nested_join.condition, err));
    if (swap && ret->column_count > 0) {
        ret->node->schema = join_schemas(j->planner, &ret->node->schema, j->left.column_count);
        swap_back(j, ret);
    }
    ret->spread = j->kind == GLY_JOIN_FULL ? (gly_spread){0} : stream->spread;
    return GLY_OK;
}

gly_status gly_choose_join_node(gly_planner *planner, const gly_logical *node, gly_planned *ret,
                                gly_error *err) {
    joining j = {.planner = planner, .node = node, .kind = (uint8_t)node->join.kind};
    GLY_TRY(gly_choose_physical_node(planner, node->children[0], &j.left, err));
    GLY_TRY(gly_choose_physical_node(planner, node->children[1], &j.right, err));
    j.left_bytes =
        gly_cardinality_bytes(gly_cardinality_of(planner->cardinality, node->children[0]));
    j.right_bytes =
        gly_cardinality_bytes(gly_cardinality_of(planner->cardinality, node->children[1]));
    find_keys(&j);
    if (j.kind == GLY_JOIN_NULL_AWARE_ANTI && (j.key_count != 1 || j.residual_count > 0)) {
        relax_null_aware(&j);
    }
    return j.key_count > 0 ? plan_hash_join(&j, ret, err) : plan_nested_join(&j, ret, err);
}
