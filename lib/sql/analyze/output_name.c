/* output_name.c - what Spark calls a column that has no alias: its expression as text.
 *
 * Made from what was written, not from the bound expression, because Spark shows no casts that it
 * put in itself: (a + 1), count(1), CASE WHEN (a = 1) THEN x ELSE y END.  Strings stand without
 * quotes, columns without their table.
 */
#include "lib/sql/analyze/analyzer.h"

static void put(const gly_ast_expr *ast, gly_builder *out);

static void put_list(const gly_ast_expr *ast, uint32_t first, gly_builder *out) {
    for (uint32_t i = first; i < ast->arg_count; i++) {
        if (i > first) {
            gly_builder_add_text(out, ", ");
        }
        put(ast->args[i], out);
    }
}

static void put_upper(const char *text, gly_builder *out) {
    for (; *text != '\0'; text++) {
        gly_builder_add_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text);
    }
}

static void put_lower(gly_str text, gly_builder *out) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        gly_builder_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
}

static void put_literal(const gly_value *value, gly_builder *out) {
    if (value->is_null) {
        gly_builder_add_text(out, "NULL");
    } else if (value->type.id == GLY_TYPE_DATE || value->type.id == GLY_TYPE_BINARY ||
               value->type.id == GLY_TYPE_TIMESTAMP || value->type.id == GLY_TYPE_TIMESTAMP_NTZ) {
        gly_value_format_sql(value, out);
    } else {
        gly_value_format(value, out);
    }
}

/* ((a AND b) AND c); concat(concat(a, b), c) */
static void put_chain(const gly_ast_expr *ast, const char *open, const char *between,
                      gly_builder *out) {
    for (uint32_t i = 1; i < ast->arg_count; i++) {
        gly_builder_add_text(out, open);
    }
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        if (i > 0) {
            gly_builder_add_text(out, between);
        }
        put(ast->args[i], out);
        if (i > 0) {
            gly_builder_add_char(out, ')');
        }
    }
}

static bool is_interval(const gly_ast_expr *ast) {
    return ast->kind == GLY_AST_LITERAL && !ast->value.is_null &&
           (ast->value.type.id == GLY_TYPE_INTERVAL_DAY ||
            ast->value.type.id == GLY_TYPE_INTERVAL_MONTH);
}

/* Operators whose functions have a name of their own. */
static const char *symbol_of(gly_function_id function) {
    switch (function) {
    case GLY_FN_MODULO:
        return "%";
    case GLY_FN_SHIFT_LEFT:
        return "<<";
    case GLY_FN_SHIFT_RIGHT:
        return ">>";
    case GLY_FN_SHIFT_RIGHT_UNSIGNED:
        return ">>>";
    default:
        return gly_function_label(function);
    }
}

/* long: one case per operator */
static void put_operator(const gly_ast_expr *ast, gly_builder *out) {
    switch (ast->function) {
    case GLY_FN_AND:
        put_chain(ast, "(", " AND ", out);
        return;
    case GLY_FN_OR:
        put_chain(ast, "(", " OR ", out);
        return;
    case GLY_FN_CONCAT:
        put_chain(ast, "concat(", ", ", out);
        return;
    case GLY_FN_NOT:
        gly_builder_add_text(out, "(NOT ");
        put(ast->args[0], out);
        gly_builder_add_char(out, ')');
        return;
    case GLY_FN_NEGATE:
        gly_builder_add_text(out, "(- ");
        put(ast->args[0], out);
        gly_builder_add_char(out, ')');
        return;
    case GLY_FN_BIT_NOT:
        gly_builder_add_char(out, '~');
        put(ast->args[0], out);
        return;
    case GLY_FN_IS_NULL:
    case GLY_FN_IS_NOT_NULL:
        gly_builder_add_char(out, '(');
        put(ast->args[0], out);
        gly_builder_add_text(out, ast->function == GLY_FN_IS_NULL ? " IS NULL)" : " IS NOT NULL)");
        return;
    case GLY_FN_NOT_EQUAL:
        gly_builder_add_text(out, "(NOT (");
        put(ast->args[0], out);
        gly_builder_add_text(out, " = ");
        put(ast->args[1], out);
        gly_builder_add_text(out, "))");
        return;
    case GLY_FN_IN:
        gly_builder_add_char(out, '(');
        put(ast->args[0], out);
        gly_builder_add_text(out, " IN (");
        put_list(ast, 1, out);
        gly_builder_add_text(out, "))");
        return;
    case GLY_FN_LIKE:
        if (ast->args[0]->kind == GLY_AST_OPERATOR && ast->args[0]->function == GLY_FN_LOWER) {
            gly_builder_add_text(out, "ilike("); /* lower() as an operator is what ILIKE made */
            put_list(ast, 0, out);
            gly_builder_add_char(out, ')');
            return;
        }
        put(ast->args[0], out);
        gly_builder_add_text(out, " LIKE ");
        put(ast->args[1], out);
        if (ast->arg_count > 2) {
            gly_builder_add_text(out, " ESCAPE '");
            put(ast->args[2], out);
            gly_builder_add_char(out, '\'');
        }
        return;
    case GLY_FN_RLIKE:
        gly_builder_add_text(out, "RLIKE(");
        put_list(ast, 0, out);
        gly_builder_add_char(out, ')');
        return;
    case GLY_FN_LOWER: /* what ILIKE made */
        put(ast->args[0], out);
        return;
    default:
        break;
    }
    const char *label = symbol_of(ast->function);
    bool bare = is_interval(ast->args[1]) && !is_interval(ast->args[0]);
    gly_builder_add_text(out, bare ? "" : "(");
    put(ast->args[0], out);
    gly_builder_format(out, " %s ", label);
    put(ast->args[1], out);
    gly_builder_add_text(out, bare ? "" : ")");
}

/* Calls that Spark prints otherwise: upper case, or with the arguments that were left out. */
typedef struct call_name {
    const char *name;
    uint32_t arg_count;
    const char *before, *behind;
} call_name;

static const call_name call_names[] = {
    {"acos", 1, "ACOS(", ")"},
    {"acosh", 1, "ACOSH(", ")"},
    {"asin", 1, "ASIN(", ")"},
    {"asinh", 1, "ASINH(", ")"},
    {"atan", 1, "ATAN(", ")"},
    {"atan2", 2, "ATAN2(", ")"},
    {"atanh", 1, "ATANH(", ")"},
    {"bround", 1, "bround(", ", 0)"},
    {"cbrt", 1, "CBRT(", ")"},
    {"ceil", 1, "CEIL(", ")"},
    {"cos", 1, "COS(", ")"},
    {"cosh", 1, "COSH(", ")"},
    {"cot", 1, "COT(", ")"},
    {"csc", 1, "CSC(", ")"},
    {"dateadd", 2, "date_add(", ")"},
    {"degrees", 1, "DEGREES(", ")"},
    {"e", 0, "E(", ")"},
    {"exp", 1, "EXP(", ")"},
    {"expm1", 1, "EXPM1(", ")"},
    {"floor", 1, "FLOOR(", ")"},
    {"from_unixtime", 1, "from_unixtime(", ", yyyy-MM-dd HH:mm:ss)"},
    {"hypot", 2, "HYPOT(", ")"},
    {"if", 3, "(IF(", "))"},
    {"isnotnull", 1, "(", " IS NOT NULL)"},
    {"isnull", 1, "(", " IS NULL)"},
    {"locate", 2, "locate(", ", 1)"},
    {"log", 1, "LOG(E(), ", ")"},
    {"log", 2, "LOG(", ")"},
    {"log10", 1, "LOG10(", ")"},
    {"log1p", 1, "LOG1P(", ")"},
    {"log2", 1, "LOG2(", ")"},
    {"lpad", 2, "lpad(", ",  )"},
    {"months_between", 2, "months_between(", ", true)"},
    {"overlay", 3, "overlay(", ", -1)"},
    {"pi", 0, "PI(", ")"},
    {"position", 2, "position(", ", 1)"},
    {"power", 2, "POWER(", ")"},
    {"radians", 1, "RADIANS(", ")"},
    {"regexp_extract", 2, "regexp_extract(", ", 1)"},
    {"regexp_instr", 2, "regexp_instr(", ", 0)"},
    {"regexp_replace", 3, "regexp_replace(", ", 1)"},
    {"replace", 2, "replace(", ", )"},
    {"rlike", 2, "RLIKE(", ")"},
    {"round", 1, "round(", ", 0)"},
    {"rpad", 2, "rpad(", ",  )"},
    {"sec", 1, "SEC(", ")"},
    {"signum", 1, "SIGNUM(", ")"},
    {"sin", 1, "SIN(", ")"},
    {"sinh", 1, "SINH(", ")"},
    {"sqrt", 1, "SQRT(", ")"},
    {"substr", 2, "substr(", ", 2147483647)"},
    {"substring", 2, "substring(", ", 2147483647)"},
    {"tan", 1, "TAN(", ")"},
    {"tanh", 1, "TANH(", ")"},
    {"unix_timestamp", 1, "unix_timestamp(", ", yyyy-MM-dd HH:mm:ss)"},
};

static const call_name *find_call_name(const gly_ast_expr *ast) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(call_names); i++) {
        if (call_names[i].arg_count == ast->arg_count &&
            gly_str_equal_ignore_case(ast->name, gly_str_of(call_names[i].name))) {
            return &call_names[i];
        }
    }
    return NULL;
}

/* TRIM(BOTH x FROM s) */
static bool put_trim(const gly_ast_expr *ast, gly_builder *out) {
    static const char *const names[] = {"trim", "ltrim", "rtrim"};
    static const char *const words[] = {"BOTH", "LEADING", "TRAILING"};
    for (size_t i = 0; i < 3 && ast->arg_count == 2; i++) {
        if (gly_str_equal_ignore_case(ast->name, gly_str_of(names[i]))) {
            gly_builder_format(out, "TRIM(%s ", words[i]);
            put(ast->args[1], out);
            gly_builder_add_text(out, " FROM ");
            put(ast->args[0], out);
            gly_builder_add_char(out, ')');
            return true;
        }
    }
    return false;
}

static void put_call(const gly_ast_expr *ast, gly_builder *out) {
    if (put_trim(ast, out)) {
        return;
    }
    const call_name *special = find_call_name(ast);
    if (special == NULL) {
        put_lower(ast->name, out);
        gly_builder_add_char(out, '(');
    } else {
        gly_builder_add_text(out, special->before);
    }
    if (ast->is_distinct) {
        gly_builder_add_text(out, "DISTINCT ");
    }
    if (ast->is_star) {
        gly_builder_add_char(out, '1');
    }
    put_list(ast, 0, out);
    gly_builder_add_text(out, special == NULL ? ")" : special->behind);
    if (ast->filter != NULL) {
        gly_builder_add_text(out, " FILTER (WHERE ");
        put(ast->filter, out);
        gly_builder_add_char(out, ')');
    }
}

static void put_case(const gly_ast_expr *ast, gly_builder *out) {
    gly_builder_add_text(out, "CASE");
    uint32_t i = ast->has_operand ? 1 : 0;
    for (; i + 1 < ast->arg_count; i += 2) {
        gly_builder_add_text(out, " WHEN ");
        if (ast->has_operand) {
            gly_builder_add_char(out, '(');
            put(ast->args[0], out);
            gly_builder_add_text(out, " = ");
            put(ast->args[i], out);
            gly_builder_add_char(out, ')');
        } else {
            put(ast->args[i], out);
        }
        gly_builder_add_text(out, " THEN ");
        put(ast->args[i + 1], out);
    }
    if (i < ast->arg_count) {
        gly_builder_add_text(out, " ELSE ");
        put(ast->args[i], out);
    }
    gly_builder_add_text(out, " END");
}

static void put_cast(const gly_ast_expr *ast, gly_builder *out) {
    char type[GLY_TYPE_TEXT_SIZE];
    gly_builder_add_text(out, ast->is_try ? "TRY_CAST(" : "CAST(");
    put(ast->args[0], out);
    gly_builder_add_text(out, " AS ");
    put_upper(gly_type_format(ast->type, type, sizeof type), out);
    gly_builder_add_char(out, ')');
}

/* The operand of a CASE is repeated for each WHEN and may hold another such CASE, so what is put
 * out is bounded. */
enum { LONGEST_NAME = 1 << 16 };

static void put(const gly_ast_expr *ast, gly_builder *out) {
    if (out->size > LONGEST_NAME) {
        return;
    }
    switch ((gly_ast_kind)ast->kind) {
    case GLY_AST_LITERAL:
        if (ast->name.size > 0) {
            gly_builder_add_str(out, ast->name);
        } else {
            put_literal(&ast->value, out);
        }
        return;
    case GLY_AST_NAME:
        gly_builder_add_str(out, ast->parts[ast->part_count - 1]);
        return;
    case GLY_AST_STAR:
        gly_builder_add_char(out, '*');
        return;
    case GLY_AST_CALL:
        put_call(ast, out);
        return;
    case GLY_AST_OPERATOR:
        put_operator(ast, out);
        return;
    case GLY_AST_CAST:
        put_cast(ast, out);
        return;
    case GLY_AST_CASE:
        put_case(ast, out);
        return;
    case GLY_AST_BETWEEN:
        gly_builder_add_text(out, "between(");
        put_list(ast, 0, out);
        gly_builder_add_char(out, ')');
        return;
    case GLY_AST_EXTRACT:
        gly_builder_format(out, "extract(%.*s FROM ", GLY_STR_ARG(ast->name));
        put(ast->args[0], out);
        gly_builder_add_char(out, ')');
        return;
    case GLY_AST_SUBQUERY:
        gly_builder_add_text(out, "scalarsubquery()");
        return;
    case GLY_AST_EXISTS:
        gly_builder_add_text(out, "exists()");
        return;
    case GLY_AST_IN_QUERY:
        gly_builder_add_char(out, '(');
        put_list(ast, 0, out);
        gly_builder_add_text(out, " IN (listquery()))");
        return;
    }
}

/* date + 5 is date_add(date, 5). */
static bool put_days(const gly_ast_expr *ast, const gly_expr *bound, gly_builder *out) {
    if (ast->kind != GLY_AST_OPERATOR || bound == NULL || bound->kind != GLY_EXPR_CALL ||
        bound->arg_count != 2 || bound->args[0]->type.id != GLY_TYPE_DATE ||
        bound->args[1]->type.id != GLY_TYPE_INT ||
        (bound->function != GLY_FN_ADD && bound->function != GLY_FN_SUBTRACT)) {
        return false;
    }
    bool swapped =
        ast->args[0]->kind == GLY_AST_LITERAL && ast->args[0]->value.type.id == GLY_TYPE_INT;
    gly_builder_add_text(out, bound->function == GLY_FN_ADD ? "date_add(" : "date_sub(");
    put(ast->args[swapped ? 1 : 0], out);
    gly_builder_add_text(out, ", ");
    put(ast->args[swapped ? 0 : 1], out);
    gly_builder_add_char(out, ')');
    return true;
}

gly_str gly_output_name_make(gly_analyzer *an, const gly_ast_expr *ast, const gly_expr *bound) {
    gly_builder out = {0};
    if (ast->kind == GLY_AST_CAST && ast->arg_count == 1 && ast->args[0]->kind == GLY_AST_NAME) {
        ast = ast->args[0]; /* a cast of a column is called as the column */
    }
    if (!put_days(ast, bound, &out)) {
        put(ast, &out);
    }
    gly_str name = gly_arena_str(an->arena, gly_builder_str(&out));
    gly_builder_clear(&out);
    return name;
}
