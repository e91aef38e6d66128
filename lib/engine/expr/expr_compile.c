/* expr_compile.c - expression trees to blocks of steps over registers.
 *
 * Value numbering: a node is looked up by its function, type and argument registers, so a common
 * sub-expression becomes one step.  Branches of LAZY functions get blocks of their own; what is
 * computed in a branch can be found from inside it only (its scope), because elsewhere its rows
 * were not computed.  The first argument of a LAZY function is always needed and is compiled into
 * the surrounding block.  Running is expr_run.c, branches expr_lazy.c.
 * Invariant: expressions must outlive the program; nothing in a program is written after compile.
 */
#include "lib/base/array.h"
#include "lib/engine/expr/expr_program.h"
#include "lib/engine/kernel/kernel.h"

enum { DEEPEST = 4000, BUCKETS = 1024, ALWAYS = 0 };

typedef struct known { /* a value number */
    struct known *next;
    uint32_t scope;
    uint32_t reg;
    const gly_expr *expr;
    uint32_t arg_count;
    const uint32_t *args;
} known;

typedef GLY_ARRAY(gly_step *) step_list;

typedef struct compiler {
    gly_arena *arena;
    gly_expr_program *program;
    gly_error *err;
    GLY_ARRAY(gly_register_info) registers;
    GLY_ARRAY(bool) scope_open;
    GLY_ARRAY(uint32_t) scopes; /* the open ones, innermost last */
    known *buckets[BUCKETS];
    step_list *steps; /* of the block being built */
    uint32_t depth;
} compiler;

static gly_status compile_node(compiler *c, const gly_expr *expr, uint32_t *ret);

static uint32_t add_register(compiler *c, const gly_register_info *info) {
    gly_array_push(&c->registers, *info);
    return (uint32_t)c->registers.count - 1;
}

/* value numbers */

static uint32_t hash_node(const gly_expr *expr, uint32_t arg_count, const uint32_t *args) {
    uint32_t hash = expr->kind * 31u + expr->function * 131u + expr->type.id * 7u;
    hash += expr->kind == GLY_EXPR_COLUMN ? expr->column * 2654435761u : 0;
    if (expr->kind == GLY_EXPR_LITERAL && !expr->value.is_null) {
        if (gly_type_is_text(expr->type)) {
            hash += (uint32_t)expr->value.text.size * 97u;
        } else {
            hash += (uint32_t)expr->value.i64 * 2654435761u;
        }
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        hash = (hash ^ args[i]) * 16777619u;
    }
    return (hash ^ (hash >> 15)) % BUCKETS;
}

static bool literals_equal(const gly_expr *a, const gly_expr *b) {
    if (a->type.id == GLY_TYPE_DOUBLE || a->type.id == GLY_TYPE_FLOAT) {
        /* -0.0 and 0.0 are equal but print differently */
        return a->value.is_null == b->value.is_null &&
               (a->value.is_null || memcmp(&a->value.f64, &b->value.f64, sizeof(double)) == 0);
    }
    return gly_value_equal(&a->value, &b->value);
}

static bool same_node(const known *item, const gly_expr *expr, uint32_t arg_count,
                      const uint32_t *args) {
    const gly_expr *other = item->expr;
    if (other->kind != expr->kind || !gly_type_equal(other->type, expr->type) ||
        item->arg_count != arg_count ||
        (arg_count > 0 && memcmp(item->args, args, arg_count * sizeof *args) != 0)) {
        return false;
    }
    switch ((gly_expr_kind)expr->kind) {
    case GLY_EXPR_LITERAL:
        return literals_equal(other, expr);
    case GLY_EXPR_COLUMN:
        return other->column == expr->column;
    case GLY_EXPR_CAST:
        return other->is_try == expr->is_try;
    case GLY_EXPR_CALL:
        /* arguments that are not in registers (lists of IN, branches) are compared as trees */
        return other->function == expr->function &&
               (arg_count == expr->arg_count || gly_expr_equal(other, expr));
    }
    return false;
}

static bool find_known(compiler *c, const gly_expr *expr, uint32_t arg_count, const uint32_t *args,
                       uint32_t *ret) {
    for (const known *item = c->buckets[hash_node(expr, arg_count, args)]; item != NULL;
         item = item->next) {
        if (c->scope_open.items[item->scope] && same_node(item, expr, arg_count, args)) {
            *ret = item->reg;
            return true;
        }
    }
    return false;
}

static void remember(compiler *c, uint32_t scope, const gly_expr *expr, uint32_t arg_count,
                     const uint32_t *args, uint32_t reg) {
    known *item = GLY_ARENA_NEW(c->arena, known);
    uint32_t bucket = hash_node(expr, arg_count, args);
    *item = (known){c->buckets[bucket], scope, reg, expr, arg_count, args};
    c->buckets[bucket] = item;
}

static uint32_t open_scope(compiler *c) {
    gly_array_push(&c->scope_open, true);
    gly_array_push(&c->scopes, (uint32_t)c->scope_open.count - 1);
    return (uint32_t)c->scope_open.count - 1;
}

static void close_scope(compiler *c) {
    c->scope_open.items[c->scopes.items[--c->scopes.count]] = false;
}

/* leaves and steps */

static uint32_t compile_leaf(compiler *c, const gly_expr *expr) {
    uint32_t reg;
    if (find_known(c, expr, 0, NULL, &reg)) {
        return reg;
    }
    gly_register_info info = {.type = expr->type};
    if (expr->kind == GLY_EXPR_COLUMN) {
        info.source = GLY_REGISTER_COLUMN;
        info.column = expr->column;
    } else {
        info.source = GLY_REGISTER_LITERAL;
        gly_value value = expr->value;
        value.type = expr->type;
        gly_column_constant(c->arena, &value, 1, &info.literal);
    }
    reg = add_register(c, &info);
    remember(c, ALWAYS, expr, 0, NULL, reg);
    return reg;
}

static uint32_t null_register(compiler *c, gly_type type) {
    gly_expr *null = gly_expr_literal(c->arena, gly_value_null(type));
    return compile_leaf(c, null);
}

static bool is_foldable(const compiler *c, const gly_step *step) {
    if (step->block_count > 0 || step->kind == GLY_STEP_PASS ||
        (step->kernel->flags & GLY_KERNEL_NONDET) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < step->arg_count; i++) {
        const gly_register_info *info = &c->registers.items[step->args[i]];
        if (info->source == GLY_REGISTER_COLUMN ||
            (info->source == GLY_REGISTER_STEP && !info->step->is_foldable)) {
            return false;
        }
    }
    return true;
}

static uint32_t add_step(compiler *c, const gly_step *form) {
    gly_step *step = gly_arena_copy(c->arena, form, sizeof *form);
    step->index = c->program->step_count++;
    step->is_foldable = is_foldable(c, step);
    gly_register_info info = {.type = step->expr->type, .source = GLY_REGISTER_STEP, .step = step};
    step->result = add_register(c, &info);
    gly_array_push(c->steps, step);
    return step->result;
}

static void finish_block(compiler *c, step_list *list, uint32_t result, gly_block *ret) {
    ret->step_count = (uint32_t)list->count;
    ret->steps = gly_arena_copy(c->arena, list->items, list->count * sizeof *list->items);
    ret->result = result;
    gly_array_clear(list);
}

/* An expression in a block of its own. */
static gly_status compile_block(compiler *c, const gly_expr *expr, gly_block *ret) {
    step_list own = {0};
    step_list *outer = c->steps;
    uint32_t result = 0;
    c->steps = &own;
    open_scope(c);
    gly_status status = compile_node(c, expr, &result);
    close_scope(c);
    c->steps = outer;
    finish_block(c, &own, result, ret);
    return status;
}

/* LAZY functions: the first argument here, the others in blocks. */
static gly_status compile_lazy(compiler *c, gly_step_kind kind, const gly_expr *expr,
                               uint32_t arg_count, gly_expr *const *args, uint32_t *ret) {
    gly_step step = {.kind = (uint8_t)kind, .expr = expr, .block_count = arg_count};
    step.blocks = GLY_ARENA_ARRAY(c->arena, gly_block, arg_count);
    GLY_TRY(compile_node(c, args[0], &step.blocks[0].result));
    for (uint32_t i = 1; i < arg_count; i++) {
        GLY_TRY(compile_block(c, args[i], &step.blocks[i]));
    }
    *ret = add_step(c, &step);
    return GLY_OK;
}

static gly_status compile_nvl2(compiler *c, const gly_expr *expr, uint32_t *ret) {
    gly_expr *args[3] = {NULL, expr->args[1], expr->args[2]};
    args[0] = gly_expr_call(c->arena, GLY_FN_IS_NOT_NULL, GLY_TYPE_OF(BOOLEAN), false, 1,
                            gly_arena_copy(c->arena, &expr->args[0], sizeof(gly_expr *)));
    return compile_lazy(c, GLY_STEP_CASE, expr, 3, args, ret);
}

/* Cheap and never raising: computing it for rows that do not need it beats splitting rows. */
static bool is_cheap(const gly_expr *expr, int depth) {
    if (expr->kind == GLY_EXPR_COLUMN || expr->kind == GLY_EXPR_LITERAL) {
        return true;
    }
    if (expr->kind == GLY_EXPR_CAST || depth == 0) {
        return false;
    }
    switch (expr->function) {
    case GLY_FN_EQUAL:
    case GLY_FN_NOT_EQUAL:
    case GLY_FN_LESS:
    case GLY_FN_LESS_EQUAL:
    case GLY_FN_GREATER:
    case GLY_FN_GREATER_EQUAL:
    case GLY_FN_IS_NULL:
    case GLY_FN_IS_NOT_NULL:
    case GLY_FN_NOT:
    case GLY_FN_AND:
    case GLY_FN_OR:
    case GLY_FN_IN:
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!is_cheap(expr->args[i], depth - 1)) {
            return false;
        }
    }
    return true;
}

/* Same column and types in the same memory: only the name of the type changes. */
static bool is_pass(gly_type from, gly_type to) {
    bool from_stamp = from.id == GLY_TYPE_TIMESTAMP || from.id == GLY_TYPE_TIMESTAMP_NTZ;
    bool to_stamp = to.id == GLY_TYPE_TIMESTAMP || to.id == GLY_TYPE_TIMESTAMP_NTZ;
    return gly_type_equal(from, to) || (from_stamp && to_stamp) ||
           (gly_type_is_text(from) && gly_type_is_text(to)) ||
           (from.id == GLY_TYPE_DECIMAL && to.id == GLY_TYPE_DECIMAL &&
            from.scale == to.scale && from.precision <= to.precision &&
            gly_type_kind(from) == gly_type_kind(to));
}

static bool has_flag(const gly_expr *expr, unsigned flag) {
    return expr->kind == GLY_EXPR_CAST
               ? flag == GLY_FUNCTION_STRICT
               : (gly_function_get(expr->function)->flags & flag) != 0;
}

/* How many arguments go through registers: all, but a list of literals is IN's own business. */
static uint32_t register_args(const gly_expr *expr) {
    if (expr->kind != GLY_EXPR_CALL || expr->function != GLY_FN_IN) {
        return expr->arg_count;
    }
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (!gly_expr_is_literal(expr->args[i])) {
            return expr->arg_count;
        }
    }
    return 1;
}

static gly_status compile_strict(compiler *c, const gly_expr *expr, uint32_t *ret) {
    gly_step step = {.kind = GLY_STEP_CALL, .expr = expr, .arg_count = register_args(expr)};
    step.is_strict = has_flag(expr, GLY_FUNCTION_STRICT);
    step.args = GLY_ARENA_ARRAY(c->arena, uint32_t, step.arg_count);
    for (uint32_t i = 0; i < step.arg_count; i++) {
        GLY_TRY(compile_node(c, expr->args[i], &step.args[i]));
    }
    if (expr->kind == GLY_EXPR_CAST) {
        if (expr->args[0]->type.id == GLY_TYPE_NULL) {
            *ret = null_register(c, expr->type);
            return GLY_OK;
        }
        if (is_pass(expr->args[0]->type, expr->type)) {
            step.kind = GLY_STEP_PASS;
        }
    }
    bool deterministic = true;
    if (step.kind == GLY_STEP_CALL) {
        GLY_TRY(gly_function_table_find(expr, &step.kernel, c->err));
        deterministic = (step.kernel->flags & GLY_KERNEL_NONDET) == 0;
    }
    if (deterministic && find_known(c, expr, step.arg_count, step.args, ret)) {
        return GLY_OK;
    }
    if (step.kind == GLY_STEP_CALL && step.kernel->prepare != NULL) {
        GLY_TRY(step.kernel->prepare(c->arena, expr, &step.prepared, c->err));
    }
    *ret = add_step(c, &step);
    if (deterministic) {
        remember(c, c->scopes.items[c->scopes.count - 1], expr, step.arg_count, step.args, *ret);
    }
    return GLY_OK;
}

static gly_status compile_call(compiler *c, const gly_expr *expr, uint32_t *ret) {
    if (has_flag(expr, GLY_FUNCTION_AGGREGATE)) {
        return gly_fail(c->err, GLY_E_INTERNAL,
                        "The aggregate function %s was left in a scalar expression",
                        gly_function_get(expr->function)->name);
    }
    switch (expr->function) {
    case GLY_FN_AND:
    case GLY_FN_OR:
        if (!is_cheap(expr, 4)) {
            return compile_lazy(c, expr->function == GLY_FN_AND ? GLY_STEP_AND : GLY_STEP_OR,
                                expr, expr->arg_count, expr->args, ret);
        }
        break;
    case GLY_FN_CASE:
    case GLY_FN_IF:
        return compile_lazy(c, GLY_STEP_CASE, expr, expr->arg_count, expr->args, ret);
    case GLY_FN_COALESCE:
    case GLY_FN_NVL:
        return compile_lazy(c, GLY_STEP_COALESCE, expr, expr->arg_count, expr->args, ret);
    case GLY_FN_NVL2:
        return compile_nvl2(c, expr, ret);
    default:
        break;
    }
    return compile_strict(c, expr, ret);
}

static gly_status compile_node(compiler *c, const gly_expr *expr, uint32_t *ret) {
    if (expr->kind == GLY_EXPR_COLUMN || expr->kind == GLY_EXPR_LITERAL) {
        *ret = compile_leaf(c, expr);
        return GLY_OK;
    }
    if (c->depth >= DEEPEST) {
        return gly_fail(c->err, GLY_E_UNSUPPORTED,
                        "An expression is nested more than %d levels deep; split it up", DEEPEST);
    }
    c->depth++;
    gly_status status = expr->kind == GLY_EXPR_CALL ? compile_call(c, expr, ret)
                                                    : compile_strict(c, expr, ret);
    c->depth--;
    return status;
}

/* conjuncts */

static bool is_column_of(const compiler *c, uint32_t reg, uint8_t source) {
    return c->registers.items[reg].source == source;
}

static bool find_compare(const gly_expr *expr, uint8_t *ret) {
    if (expr->kind != GLY_EXPR_CALL || expr->function < GLY_FN_EQUAL ||
        expr->function > GLY_FN_GREATER_EQUAL) {
        return false;
    }
    static const uint8_t ops[] = {GLY_K_EQUAL,      GLY_K_NOT_EQUAL, GLY_K_LESS,
                                  GLY_K_LESS_EQUAL, GLY_K_GREATER,   GLY_K_GREATER_EQUAL};
    _Static_assert(GLY_FN_GREATER_EQUAL - GLY_FN_EQUAL == 5, "order of functions.def");
    *ret = ops[expr->function - GLY_FN_EQUAL];
    return true;
}

/* column op literal, or literal op column; both of one type. */
static bool compile_compare(compiler *c, const gly_expr *expr, gly_conjunct *ret) {
    static const uint8_t swapped[] = {
        [GLY_K_EQUAL] = GLY_K_EQUAL,     [GLY_K_NOT_EQUAL] = GLY_K_NOT_EQUAL,
        [GLY_K_LESS] = GLY_K_GREATER,    [GLY_K_LESS_EQUAL] = GLY_K_GREATER_EQUAL,
        [GLY_K_GREATER] = GLY_K_LESS,    [GLY_K_GREATER_EQUAL] = GLY_K_LESS_EQUAL,
    };
    uint8_t op;
    if (!find_compare(expr, &op)) {
        return false;
    }
    const gly_expr *a = expr->args[0], *b = expr->args[1];
    if (a->kind == GLY_EXPR_LITERAL) {
        const gly_expr *other = a;
        a = b;
        b = other;
        op = swapped[op];
    }
    if (a->kind != GLY_EXPR_COLUMN || b->kind != GLY_EXPR_LITERAL || b->value.is_null ||
        gly_type_kind(a->type) != gly_type_kind(b->type) || a->type.scale != b->type.scale) {
        return false;
    }
    ret->kind = GLY_CONJUNCT_COMPARE;
    ret->op = op;
    ret->column = compile_leaf(c, a);
    ret->literal = compile_leaf(c, b);
    return true;
}

static gly_status compile_conjunct(compiler *c, const gly_expr *expr, gly_conjunct *ret) {
    ret->can_fail = gly_expr_can_fail(expr) || !gly_expr_is_deterministic(expr);
    if (compile_compare(c, expr, ret)) {
        return compile_block(c, expr, &ret->block); /* for shapes other than FLAT */
    }
    bool is_null_test = expr->kind == GLY_EXPR_CALL && (expr->function == GLY_FN_IS_NULL ||
                                                        expr->function == GLY_FN_IS_NOT_NULL);
    if (is_null_test && expr->args[0]->kind == GLY_EXPR_COLUMN) {
        ret->kind = expr->function == GLY_FN_IS_NULL ? GLY_CONJUNCT_NULL : GLY_CONJUNCT_NOT_NULL;
        ret->column = compile_leaf(c, expr->args[0]);
        GLY_ASSERT(is_column_of(c, ret->column, GLY_REGISTER_COLUMN));
        return GLY_OK;
    }
    ret->kind = GLY_CONJUNCT_BLOCK;
    return compile_block(c, expr, &ret->block);
}

typedef struct conjunct_list {
    GLY_ARRAY(gly_expr *) items;
} conjunct_list;

static void add_conjunct(void *context, gly_expr *conjunct) {
    conjunct_list *list = context;
    gly_array_push(&list->items, conjunct);
}

static gly_status compile_conjuncts(compiler *c, uint32_t expr_count, gly_expr *const *exprs) {
    conjunct_list list = {0};
    gly_status status = GLY_OK;
    for (uint32_t i = 0; i < expr_count; i++) {
        gly_expr_each_conjunct(exprs[i], add_conjunct, &list);
    }
    gly_expr_program *program = c->program;
    program->conjuncts = GLY_ARENA_ARRAY(c->arena, gly_conjunct, list.items.count);
    program->conjunct_count = (uint32_t)list.items.count;
    for (uint32_t i = 0; i < program->conjunct_count && status == GLY_OK; i++) {
        status = compile_conjunct(c, list.items.items[i], &program->conjuncts[i]);
    }
    gly_array_clear(&list.items);
    return status;
}

/* the whole */

static void mark_result(compiler *c, uint32_t reg) {
    while (c->registers.items[reg].source == GLY_REGISTER_STEP) {
        gly_step *step = c->registers.items[reg].step;
        step->is_result = true;
        if (step->kind == GLY_STEP_PASS) {
            reg = step->args[0];
        } else if (step->kind == GLY_STEP_COALESCE) {
            reg = step->blocks[0].result; /* passed on when it has no NULLs */
        } else {
            return;
        }
    }
}

static gly_status compile_main(compiler *c, uint32_t expr_count, gly_expr *const *exprs) {
    step_list list = {0};
    gly_status status = GLY_OK;
    c->steps = &list;
    open_scope(c);
    c->program->results = GLY_ARENA_ARRAY(c->arena, uint32_t, expr_count);
    bool all_boolean = true;
    for (uint32_t i = 0; i < expr_count && status == GLY_OK; i++) {
        all_boolean = all_boolean && exprs[i]->type.id == GLY_TYPE_BOOLEAN;
        status = compile_node(c, exprs[i], &c->program->results[i]);
    }
    close_scope(c);
    finish_block(c, &list, 0, &c->program->main);
    c->steps = NULL;
    if (status == GLY_OK && all_boolean && expr_count > 0) {
        status = compile_conjuncts(c, expr_count, exprs);
    }
    for (uint32_t i = 0; i < expr_count && status == GLY_OK; i++) {
        mark_result(c, c->program->results[i]);
    }
    return status;
}

gly_status gly_expr_compile(gly_arena *arena, uint32_t expr_count, gly_expr *const *exprs,
                            gly_expr_program **ret, gly_error *err) {
    gly_expr_program *program = GLY_ARENA_NEW(arena, gly_expr_program);
    compiler *c = GLY_NEW(compiler);
    c->arena = arena;
    c->program = program;
    c->err = err;
    program->expr_count = expr_count;
    gly_array_push(&c->scope_open, true); /* ALWAYS */
    gly_status status = compile_main(c, expr_count, exprs);
    program->register_count = (uint32_t)c->registers.count;
    program->registers = gly_arena_copy(arena, c->registers.items,
                                        c->registers.count * sizeof *c->registers.items);
    gly_array_clear(&c->registers);
    gly_array_clear(&c->scope_open);
    gly_array_clear(&c->scopes);
    free(c);
    if (status == GLY_OK) {
        *ret = program;
    }
    return status;
}
