/* choose_distinct.c - count(DISTINCT x) and its like, beside plain aggregates: Spark's rewrite.
 *
 *   AGGREGATE k           distinct: COMPLETE over x | plain: FINAL          (or PARTIAL and MERGE,
 *     AGGREGATE k, x      plain: MERGE                 exchange by k, FINAL, when x was needed to
 *       exchange                                       spread the rows)
 *         AGGREGATE k, x  plain: PARTIAL
 *
 * Grouping by the keys and x first leaves each x once; the plain aggregates travel as states.
 * Several different sets of DISTINCT arguments: the input is repeated for each set, marked with
 * the set's number, and the other sets' columns are NULL; the mark is one more group key, and each
 * aggregate looks at its own mark only (Spark: Expand).  min, max, bool_and and bool_or do not
 * care about DISTINCT.
 * Invariant: whatever the sets, the steps above see (keys, [mark], all arguments) as first groups.
 */
#include "lib/sql/physical/physical_internal.h"

typedef struct distinct_set {
    uint32_t count;
    gly_expr **exprs;
} distinct_set;

typedef struct distincts {
    gly_planner *planner;
    const gly_logical *node;
    gly_planned input;
    uint32_t group_count;
    gly_expr **groups; /* over input's ids, as calls are */
    uint32_t call_count;
    gly_expr **calls;
    bool *is_distinct;
    uint32_t *set_of; /* per distinct call */
    uint32_t set_count;
    distinct_set *sets;
    gly_expr *mark; /* with several sets: which one a row is for */
    uint32_t key_count;
    gly_expr **keys; /* groups, mark, arguments of all sets */
} distincts;

enum { FIRST_OWN_ID = 0x80000000U }; /* ids the planner makes, apart from the query's */

static gly_expr *make_call(gly_arena *arena, gly_function_id function, gly_type type,
                           uint32_t count, gly_expr *const *args) {
    return gly_expr_call(arena, function, type, true, count,
                         gly_arena_copy(arena, args, count * sizeof *args));
}

static bool ignores_distinct(const gly_expr *call) {
    return call->function == GLY_FN_MIN || call->function == GLY_FN_MAX ||
           call->function == GLY_FN_BOOL_AND || call->function == GLY_FN_BOOL_OR ||
           call->function == GLY_FN_FIRST;
}

/* FILTER of a DISTINCT aggregate becomes if(condition, argument, NULL): NULLs are not counted. */
static gly_expr *fold_filter(distincts *d, gly_expr *call) {
    gly_arena *arena = d->planner->arena;
    if (call->filter == NULL) {
        return call;
    }
    gly_expr *copy = gly_arena_copy(arena, call, sizeof *call);
    copy->args = GLY_ARENA_ARRAY(arena, gly_expr *, call->arg_count);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        gly_type type = call->args[i]->type;
        gly_expr *args[] = {call->filter, call->args[i],
                            gly_expr_literal(arena, gly_value_null(type))};
        copy->args[i] = make_call(arena, GLY_FN_IF, type, 3, args);
    }
    copy->filter = NULL;
    return copy;
}

static bool contains(uint32_t count, gly_expr *const *exprs, const gly_expr *expr) {
    for (uint32_t i = 0; i < count; i++) {
        if (gly_expr_equal(exprs[i], expr)) {
            return true;
        }
    }
    return false;
}

static uint32_t find_set(distincts *d, const gly_expr *call) {
    for (uint32_t s = 0; s < d->set_count; s++) {
        bool same = true;
        for (uint32_t i = 0; i < call->arg_count && same; i++) {
            same = contains(d->sets[s].count, d->sets[s].exprs, call->args[i]);
        }
        for (uint32_t i = 0; i < d->sets[s].count && same; i++) {
            same = contains(call->arg_count, call->args, d->sets[s].exprs[i]);
        }
        if (same) {
            return s;
        }
    }
    d->sets[d->set_count] = (distinct_set){
        call->arg_count,
        gly_arena_copy(d->planner->arena, call->args, call->arg_count * sizeof *call->args)};
    return d->set_count++;
}

static gly_str name_of(distincts *d, const gly_expr *call) {
    gly_builder text = {0};
    gly_expr_format(call, false, &text);
    gly_str name = gly_arena_str(d->planner->arena, gly_builder_str(&text));
    gly_builder_clear(&text);
    return name;
}

static void sort_calls(distincts *d) {
    gly_arena *arena = d->planner->arena;
    d->group_count = d->node->aggregate.group_count;
    d->groups = d->node->aggregate.groups;
    d->call_count = d->node->aggregate.aggregate_count;
    d->calls = GLY_ARENA_ARRAY(arena, gly_expr *, d->call_count);
    d->is_distinct = GLY_ARENA_ARRAY(arena, bool, d->call_count);
    d->set_of = GLY_ARENA_ARRAY(arena, uint32_t, d->call_count);
    d->sets = GLY_ARENA_ARRAY(arena, distinct_set, d->call_count);
    for (uint32_t i = 0; i < d->call_count; i++) {
        gly_expr *call = d->node->aggregate.aggregates[i];
        d->is_distinct[i] = call->is_distinct && !ignores_distinct(call) && call->arg_count > 0;
        if (d->is_distinct[i]) {
            call = fold_filter(d, call);
            d->set_of[i] = find_set(d, call);
        }
        d->calls[i] = gly_arena_copy(arena, call, sizeof *call);
        d->calls[i]->name = name_of(d, d->node->aggregate.aggregates[i]);
    }
}

/* several sets: the marked copies of the input */

typedef struct copies {
    uint32_t column_count;
    gly_output *output;
    gly_expr **exprs;    /* what each column holds in the copy of its set */
    uint32_t *set;       /* which copy: 0 plain, s + 1, or ALL */
} copies;

enum { ALL_COPIES = UINT32_MAX };

static gly_expr *add_column(distincts *d, copies *c, gly_expr *expr, uint32_t set) {
    for (uint32_t i = 0; i < c->column_count; i++) {
        if (c->set[i] == set && gly_expr_equal(c->exprs[i], expr)) {
            return gly_expr_column(d->planner->arena, c->output[i].id, expr->type, true,
                                   c->output[i].name);
        }
    }
    uint32_t at = c->column_count++;
    gly_str name = expr->kind == GLY_EXPR_COLUMN ? expr->name : name_of(d, expr);
    c->exprs[at] = expr;
    c->set[at] = set;
    c->output[at] = (gly_output){FIRST_OWN_ID + at, name, expr->type, true};
    return gly_expr_column(d->planner->arena, c->output[at].id, expr->type, true, name);
}

/* call with its arguments (and filter) read from the copies' columns. */
static gly_expr *over_copies(distincts *d, copies *c, gly_expr *call, uint32_t set) {
    gly_expr *copy = gly_arena_copy(d->planner->arena, call, sizeof *call);
    copy->args = GLY_ARENA_ARRAY(d->planner->arena, gly_expr *, call->arg_count);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        copy->args[i] = add_column(d, c, call->args[i], set);
    }
    if (call->filter != NULL) {
        copy->filter = add_column(d, c, call->filter, set);
    }
    return copy;
}

static gly_expr *mark_is(distincts *d, uint32_t set) {
    gly_value number = gly_value_i64(GLY_TYPE_OF(INT), set);
    gly_expr *args[] = {d->mark, gly_expr_literal(d->planner->arena, number)};
    return make_call(d->planner->arena, GLY_FN_EQUAL, GLY_TYPE_OF(BOOLEAN), 2, args);
}

static gly_logical *make_copy(distincts *d, const copies *c, uint32_t set) {
    gly_arena *arena = d->planner->arena;
    gly_logical *project = gly_logical_make(arena, GLY_LOGICAL_PROJECT, 1, c->column_count);
    project->children[0] = d->node->children[0];
    project->project.exprs = GLY_ARENA_ARRAY(arena, gly_expr *, c->column_count);
    for (uint32_t i = 0; i < c->column_count; i++) {
        project->output[i] = c->output[i];
        project->project.exprs[i] =
            c->set[i] == ALL_COPIES || c->set[i] == set
                ? c->exprs[i]
                : gly_expr_literal(arena, gly_value_null(c->output[i].type));
    }
    for (uint32_t i = 0; i < c->column_count; i++) {
        if (c->output[i].id == d->mark->column) {
            project->project.exprs[i] =
                gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(INT), set));
        }
    }
    return project;
}

static gly_status repeat_input(distincts *d, gly_error *err) {
    gly_arena *arena = d->planner->arena;
    uint32_t most = d->group_count + 1;
    bool has_plain = false;
    for (uint32_t i = 0; i < d->call_count; i++) {
        most += d->calls[i]->arg_count + 1;
        has_plain |= !d->is_distinct[i];
    }
    copies c = {.output = GLY_ARENA_ARRAY(arena, gly_output, most),
                .exprs = GLY_ARENA_ARRAY(arena, gly_expr *, most),
                .set = GLY_ARENA_ARRAY(arena, uint32_t, most)};
    gly_expr **groups = GLY_ARENA_ARRAY(arena, gly_expr *, d->group_count);
    for (uint32_t i = 0; i < d->group_count; i++) {
        groups[i] = add_column(d, &c, d->groups[i], ALL_COPIES);
    }
    d->groups = groups;
    gly_expr *zero = gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(INT), 0));
    d->mark = add_column(d, &c, zero, ALL_COPIES - 1);
    d->mark->name = c.output[c.column_count - 1].name = GLY_STR("set");
    for (uint32_t i = 0; i < d->call_count; i++) {
        uint32_t set = d->is_distinct[i] ? d->set_of[i] + 1 : 0;
        gly_expr *call = over_copies(d, &c, d->calls[i], set);
        gly_expr *both[] = {mark_is(d, set), call->filter};
        call->filter = gly_expr_and(arena, call->filter == NULL ? 1 : 2, both);
        d->calls[i] = call;
    }
    for (uint32_t s = 0; s < d->set_count; s++) {
        for (uint32_t i = 0; i < d->sets[s].count; i++) {
            d->sets[s].exprs[i] = add_column(d, &c, d->sets[s].exprs[i], s + 1);
        }
    }
    uint32_t first = has_plain ? 0 : 1;
    gly_logical *all = gly_logical_make(arena, GLY_LOGICAL_UNION, d->set_count + 1 - first,
                                        c.column_count);
    memcpy(all->output, c.output, c.column_count * sizeof *c.output);
    for (uint32_t s = first; s <= d->set_count; s++) {
        all->children[s - first] = make_copy(d, &c, s);
    }
    return gly_choose_physical_node(d->planner, all, &d->input, err);
}

/* the steps */

static void collect_keys(distincts *d) {
    uint32_t most = d->group_count + 1;
    for (uint32_t s = 0; s < d->set_count; s++) {
        most += d->sets[s].count;
    }
    d->keys = GLY_ARENA_ARRAY(d->planner->arena, gly_expr *, most);
    for (uint32_t i = 0; i < d->group_count; i++) {
        d->keys[d->key_count++] = d->groups[i]; /* equal groups stay apart: one column each */
    }
    if (d->mark != NULL) {
        d->keys[d->key_count++] = d->mark;
    }
    for (uint32_t s = 0; s < d->set_count; s++) {
        for (uint32_t i = 0; i < d->sets[s].count; i++) {
            if (!contains(d->key_count, d->keys, d->sets[s].exprs[i])) {
                d->keys[d->key_count++] = d->sets[s].exprs[i];
            }
        }
    }
}

static gly_expr *key_column(distincts *d, const gly_physical *node, const gly_expr *expr) {
    for (uint32_t i = 0; i < d->key_count; i++) {
        if (gly_expr_equal(d->keys[i], expr)) {
            return gly_bind_column(d->planner, node, i);
        }
    }
    GLY_UNREACHABLE();
}

/* Names of the first steps' columns: the groups', then whatever the arguments are called. */
static gly_output *key_names(distincts *d) {
    gly_output *names = GLY_ARENA_ARRAY(d->planner->arena, gly_output, d->key_count);
    for (uint32_t i = 0; i < d->key_count; i++) {
        names[i].name = i < d->group_count                       ? d->node->output[i].name
                        : d->keys[i]->kind == GLY_EXPR_COLUMN ? d->keys[i]->name
                                                              : name_of(d, d->keys[i]);
    }
    return names;
}

/* Groups by all keys: each combination of arguments is left once in each partition. */
static gly_status add_first_step(distincts *d, gly_planned *planned, gly_error *err) {
    gly_planner *planner = d->planner;
    gly_expr **keys, **calls = GLY_ARENA_ARRAY(planner->arena, gly_expr *, d->call_count);
    uint32_t count = 0;
    GLY_TRY(gly_bind_exprs(planner, d->key_count, d->keys, &d->input, &keys, err));
    for (uint32_t i = 0; i < d->call_count; i++) {
        if (!d->is_distinct[i]) {
            GLY_TRY(gly_choose_aggregate_first(planner, d->calls[i], GLY_AGGREGATE_PARTIAL,
                                               &d->input, &calls[count++], err));
        }
    }
    planned->node = gly_choose_aggregate_make(planner, d->input.node, d->key_count, keys, count,
                                              calls, key_names(d));
    return GLY_OK;
}

/* Again by all keys: after rows moved, or because a PARTIAL may put a key out more than once. */
static void add_merge_step(distincts *d, gly_planned *planned) {
    gly_physical *below = planned->node;
    gly_physical *first = below->kind == GLY_PHYSICAL_EXCHANGE ? below->children[0] : below;
    uint32_t count = first->aggregate.aggregate_count, column = d->key_count;
    gly_expr **calls = GLY_ARENA_ARRAY(d->planner->arena, gly_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        calls[i] = gly_choose_aggregate_next(d->planner, first->aggregate.aggregates[i],
                                             GLY_AGGREGATE_MERGE, below, &column);
    }
    planned->node = gly_choose_aggregate_make(
        d->planner, below, d->key_count,
        gly_choose_aggregate_columns(d->planner, below, d->key_count), count, calls,
        key_names(d));
}

static gly_expr *distinct_call(distincts *d, uint32_t index, gly_aggregate_mode mode,
                               const gly_physical *below) {
    gly_expr *call = gly_arena_copy(d->planner->arena, d->calls[index], sizeof *call);
    call->args = GLY_ARENA_ARRAY(d->planner->arena, gly_expr *, call->arg_count);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        call->args[i] = key_column(d, below, d->calls[index]->args[i]);
    }
    if (call->filter != NULL) { /* mark = set */
        gly_expr *args[] = {key_column(d, below, d->mark), call->filter->args[1]};
        call->filter = make_call(d->planner->arena, GLY_FN_EQUAL, GLY_TYPE_OF(BOOLEAN), 2, args);
    }
    call->mode = (uint8_t)mode;
    call->is_distinct = false;
    return call;
}

/* By the groups: the DISTINCT aggregates see each combination once. */
static void add_group_step(distincts *d, bool is_last, gly_planned *planned) {
    gly_physical *below = planned->node;
    gly_expr **calls = GLY_ARENA_ARRAY(d->planner->arena, gly_expr *, d->call_count);
    uint32_t plain = 0, column = d->key_count;
    for (uint32_t i = 0; i < d->call_count; i++) {
        if (d->is_distinct[i]) {
            calls[i] = distinct_call(
                d, i, is_last ? GLY_AGGREGATE_COMPLETE : GLY_AGGREGATE_PARTIAL, below);
        } else {
            calls[i] = gly_choose_aggregate_next(
                d->planner, below->aggregate.aggregates[plain++],
                is_last ? GLY_AGGREGATE_FINAL : GLY_AGGREGATE_MERGE, below, &column);
        }
    }
    planned->node = gly_choose_aggregate_make(
        d->planner, below, d->group_count,
        gly_choose_aggregate_columns(d->planner, below, d->group_count), d->call_count, calls,
        d->node->output);
}

static void add_final_step(distincts *d, gly_planned *planned) {
    gly_physical *below = planned->node, *first = below->children[0];
    gly_expr **calls = GLY_ARENA_ARRAY(d->planner->arena, gly_expr *, d->call_count);
    uint32_t column = d->group_count;
    for (uint32_t i = 0; i < d->call_count; i++) {
        calls[i] = gly_choose_aggregate_next(d->planner, first->aggregate.aggregates[i],
                                             GLY_AGGREGATE_FINAL, below, &column);
    }
    planned->node = gly_choose_aggregate_make(
        d->planner, below, d->group_count,
        gly_choose_aggregate_columns(d->planner, below, d->group_count), d->call_count, calls,
        d->node->output);
}

static void exchange_by(distincts *d, gly_planned *planned, uint32_t count) {
    gly_planner *planner = d->planner;
    if (count == 0) {
        gly_place_exchanges_single(planner, planned);
        return;
    }
    const gly_cardinality_estimate *estimate =
        gly_cardinality_of(planner->cardinality, d->node->children[0]);
    gly_place_exchanges_hash_bound(
        planner, planned, count, gly_choose_aggregate_columns(planner, planned->node, count),
        gly_place_exchanges_count(planner, gly_cardinality_bytes(estimate) / 4));
}

/* Many groups spread well by themselves; then one exchange is enough. */
static bool has_many_groups(distincts *d) {
    enum { GROUPS_PER_PARTITION = 16 };
    const gly_cardinality_estimate *estimate =
        gly_cardinality_of(d->planner->cardinality, d->node);
    return d->group_count > 0 &&
           estimate->rows >= (double)GROUPS_PER_PARTITION * d->planner->shuffle_partitions;
}

gly_status gly_choose_distinct_node(gly_planner *planner, const gly_logical *node,
                                    gly_planned *ret, gly_error *err) {
    distincts d = {.planner = planner, .node = node};
    sort_calls(&d);
    if (d.set_count > 1) {
        GLY_TRY(repeat_input(&d, err));
    } else {
        GLY_TRY(gly_choose_physical_node(planner, node->children[0], &d.input, err));
    }
    collect_keys(&d);
    bool is_single = d.input.node->partition_count == 1;
    bool is_clustered =
        is_single || (d.group_count > 0 &&
                      gly_place_exchanges_is_clustered(&d.input, d.group_count, d.groups));
    GLY_TRY(add_first_step(&d, ret, err));
    ret->node->aggregate.skip_allowed =
        !is_clustered || ret->node->aggregate.aggregate_count > 0;
    if (is_clustered) {
        if (ret->node->aggregate.skip_allowed) {
            add_merge_step(&d, ret);
        }
        add_group_step(&d, true, ret);
        return GLY_OK;
    }
    bool one_exchange = has_many_groups(&d);
    exchange_by(&d, ret, one_exchange ? d.group_count : d.key_count);
    add_merge_step(&d, ret);
    if (one_exchange || ret->node->partition_count == 1) {
        add_group_step(&d, true, ret);
        return GLY_OK;
    }
    add_group_step(&d, false, ret);
    exchange_by(&d, ret, d.group_count);
    add_final_step(&d, ret);
    return GLY_OK;
}
