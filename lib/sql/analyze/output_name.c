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
    } else if (value->type.id == GLY_TYPE_DATE || value->type.id == GLY_TYPE_TIMESTAMP ||
               value->type.id == GLY_TYPE_TIMESTAMP_NTZ) {
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
    const char *label = ast->function == GLY_FN_MODULO ? "%" : gly_function_label(ast->function);
    gly_builder_add_char(out, '(');
    put(ast->args[0], out);
    gly_builder_format(out, " %s ", label);
    put(ast->args[1], out);
    gly_builder_add_char(out, ')');
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
    put_lower(ast->name, out);
    gly_builder_add_char(out, '(');
    if (ast->is_distinct) {
        gly_builder_add_text(out, "DISTINCT ");
    }
    if (ast->is_star) {
        gly_builder_add_char(out, '1');
    }
    put_list(ast, 0, out);
    gly_builder_add_char(out, ')');
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
        put_literal(&ast->value, out);
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

gly_str gly_output_name_make(gly_analyzer *an, const gly_ast_expr *ast) {
    gly_builder out = {0};
    put(ast, &out);
    gly_str name = gly_arena_str(an->arena, gly_builder_str(&out));
    gly_builder_clear(&out);
    return name;
}
