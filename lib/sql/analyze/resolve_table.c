/* resolve_table.c - what a name in FROM stands for: a common table expression, a view, files,
 * range().
 *
 * A view made from a query is parsed and analyzed again at each use; one made from files is a scan
 * of the relation in the catalog; a cached one is read from the cache whatever it was made from.
 * Every use gets fresh column ids.
 */
#include "lib/io/source/source.h"
#include "lib/sql/analyze/analyzer.h"

static gly_status fail_table(gly_analyzer *an, const gly_ast_relation *relation, gly_str name) {
    gly_str near = {"", 0};
    size_t best = name.size <= 3 ? 2 : name.size / 3 + 2;
    for (const gly_cte_frame *frame = an->ctes; frame != NULL && name.size <= 128;
         frame = frame->next) {
        size_t distance =
            frame->cte->name.size > 128 ? SIZE_MAX : gly_str_distance(frame->cte->name, name);
        if (distance < best) {
            best = distance;
            near = frame->cte->name;
        }
    }
    if (near.size == 0 && an->options->catalog != NULL) {
        near = gly_catalog_suggest(an->options->catalog, name);
    }
    return gly_fail(an->err, GLY_E_TABLE_NOT_FOUND,
                    "Table or view '%.*s' does not exist (line %u, column %u)%s%.*s%s",
                    (int)GLY_MIN(name.size, (size_t)128), name.data, relation->line,
                    relation->position,
                    near.size > 0 ? ". Did you mean '" : "; SHOW VIEWS lists what there is",
                    GLY_STR_ARG(near), near.size > 0 ? "'?" : "");
}

static gly_status rename_outputs(gly_analyzer *an, gly_logical *plan, uint32_t count,
                                 const gly_str *names, const char *what, gly_str name,
                                 const gly_ast_relation *relation, gly_logical **ret) {
    if (count == 0) {
        *ret = plan;
        return GLY_OK;
    }
    if (count != plan->output_count) {
        return gly_analyze_fail(an, GLY_E_ANALYSIS, relation->line, relation->position,
                                "%s '%.*s' names %u columns, but its query has %u", what,
                                (int)GLY_MIN(name.size, (size_t)128), name.data, count,
                                plan->output_count);
    }
    gly_item *items = GLY_ARENA_ARRAY(an->arena, gly_item, count);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (gly_item){names[i], gly_analyze_column(an, &plan->output[i])};
    }
    return gly_node_build_project(an, plan, count, items, ret);
}

static gly_status resolve_cte(gly_analyzer *an, const gly_cte_frame *frame,
                              const gly_ast_relation *relation, gly_logical **ret) {
    const gly_cte_frame *before = an->ctes;
    const gly_scope *around = an->around;
    an->ctes = frame->visible;
    an->around = NULL;
    gly_logical *plan;
    GLY_TRY(gly_analyze_any_query(an, frame->cte->query, NULL, NULL, &plan));
    an->ctes = before;
    an->around = around;
    return rename_outputs(an, plan, frame->cte->column_count, frame->cte->columns,
                          "Common table expression", frame->cte->name, relation, ret);
}

/* A leaf over the fields of a schema, each with a new id. */
static gly_status make_leaf(gly_analyzer *an, gly_logical_kind kind, const gly_schema *schema,
                            uint32_t **ret_fields, gly_logical **ret) {
    GLY_TRY(gly_analyze_work(an, schema->field_count + 1));
    gly_logical *node = gly_logical_make(an->arena, kind, 0, schema->field_count);
    *ret_fields = GLY_ARENA_ARRAY(an->arena, uint32_t, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const gly_field *field = &schema->fields[i];
        node->output[i] = (gly_output){(*an->next_id)++, gly_arena_str(an->arena, field->name),
                                       field->type, field->nullable};
        (*ret_fields)[i] = i;
    }
    *ret = node;
    return GLY_OK;
}

static gly_status make_scan(gly_analyzer *an, const gly_relation *relation, gly_logical **ret) {
    uint32_t *fields;
    GLY_TRY(make_leaf(an, GLY_LOGICAL_SCAN, relation->schema, &fields, ret));
    (*ret)->scan.relation = relation;
    (*ret)->scan.fields = fields;
    return GLY_OK;
}

static gly_status make_cached(gly_analyzer *an, const gly_catalog_view *view, gly_logical **ret) {
    uint32_t *fields;
    GLY_TRY(make_leaf(an, GLY_LOGICAL_CACHED, view->cache_schema, &fields, ret));
    (*ret)->cached.table = gly_arena_str(an->arena, view->name);
    (*ret)->cached.cache_id = view->cache_id;
    (*ret)->cached.partition_count = view->cache_partition_count;
    (*ret)->cached.row_count = view->cache_row_count;
    (*ret)->cached.fields = fields;
    return GLY_OK;
}

static gly_status resolve_view_query(gly_analyzer *an, const gly_catalog_view *view,
                                     gly_logical **ret) {
    gly_statement *statements;
    uint32_t count;
    GLY_TRY(gly_parse_script(an->arena, view->query_text, &count, &statements, an->err));
    if (count != 1 || statements[0].query == NULL) {
        return gly_fail(an->err, GLY_E_ANALYSIS, "It is not made from one query");
    }
    const gly_cte_frame *ctes = an->ctes;
    const gly_view_frame *views = an->views;
    const gly_scope *around = an->around;
    gly_view_frame frame = {view->name, views};
    an->ctes = NULL;
    an->around = NULL;
    an->views = &frame;
    gly_status status = gly_analyze_any_query(an, statements[0].query, NULL, NULL, ret);
    an->ctes = ctes;
    an->views = views;
    an->around = around;
    return status;
}

static gly_status resolve_view(gly_analyzer *an, const gly_catalog_view *view,
                               const gly_ast_relation *relation, gly_logical **ret) {
    if (view->cache_id != 0 && view->cache_schema != NULL) {
        return make_cached(an, view, ret);
    }
    if (view->relation != NULL) {
        return make_scan(an, view->relation, ret);
    }
    for (const gly_view_frame *frame = an->views; frame != NULL; frame = frame->next) {
        if (gly_str_equal_ignore_case(frame->name, view->name)) {
            return gly_analyze_fail(an, GLY_E_ANALYSIS, relation->line, relation->position,
                                    "View '%.*s' uses itself", GLY_STR_ARG(view->name));
        }
    }
    gly_logical *plan;
    GLY_TRY_ADD(resolve_view_query(an, view, &plan), an->err, "In view '%.*s'",
                (int)GLY_MIN(view->name.size, (size_t)128), view->name.data);
    return rename_outputs(an, plan, view->column_count, view->columns, "View", view->name, relation,
                          ret);
}

gly_status gly_resolve_table_named(gly_analyzer *an, const gly_ast_relation *relation,
                                   gly_logical **ret) {
    gly_str name = relation->parts[relation->part_count - 1];
    if (relation->part_count > 1) {
        return gly_analyze_fail(an, GLY_E_TABLE_NOT_FOUND, relation->line, relation->position,
                                "There are no schemas yet: name the table '%.*s' alone",
                                (int)GLY_MIN(name.size, (size_t)128), name.data);
    }
    for (const gly_cte_frame *frame = an->ctes; frame != NULL; frame = frame->next) {
        if (gly_str_equal_ignore_case(frame->cte->name, name)) {
            return resolve_cte(an, frame, relation, ret);
        }
    }
    const gly_catalog_view *view =
        an->options->catalog == NULL ? NULL : gly_catalog_find(an->options->catalog, name);
    if (view == NULL) {
        return fail_table(an, relation, name);
    }
    return resolve_view(an, view, relation, ret);
}

gly_status gly_resolve_table_files(gly_analyzer *an, const gly_ast_relation *relation,
                                   gly_logical **ret) {
    if (an->options->files_refused) {
        return gly_analyze_fail(an, GLY_E_UNSUPPORTED, relation->line, relation->position,
                                "Files may not be named in FROM here");
    }
    static const char *const formats[] = {"parquet", "csv", "json", "text", "orc", "avro"};
    bool known = false;
    for (size_t i = 0; i < GLY_ARRAY_LEN(formats); i++) {
        known = known || gly_str_equal_ignore_case(relation->format, gly_str_of(formats[i]));
    }
    if (!known) {
        return gly_analyze_fail(
            an, GLY_E_TABLE_NOT_FOUND, relation->line, relation->position,
            "'%.*s.%.*s' does not exist: there are no schemas yet, and "
            "'%.*s' is not a format such as parquet.`path`",
            (int)GLY_MIN(relation->format.size, (size_t)64), relation->format.data,
            (int)GLY_MIN(relation->path.size, (size_t)64), relation->path.data,
            (int)GLY_MIN(relation->format.size, (size_t)64), relation->format.data);
    }
    gly_relation *opened;
    gly_status status = gly_source_open(an->arena, relation->format, relation->path, 1,
                                        &relation->path, 0, NULL, &opened, an->err);
    if (status != GLY_OK) {
        return gly_analyze_place(an, status, relation->line, relation->position);
    }
    return make_scan(an, opened, ret);
}

gly_status gly_resolve_table_function(gly_analyzer *an, const gly_ast_relation *relation,
                                      gly_logical **ret) {
    static const char *const what[] = {"The start of range()", "The end of range()",
                                       "The step of range()", "The partitions of range()"};
    if (!gly_str_equal_ignore_case(relation->name, GLY_STR("range"))) {
        return gly_analyze_fail(an, GLY_E_FUNCTION_NOT_FOUND, relation->line, relation->position,
                                "Table function '%.*s' does not exist; there is range(start, end, "
                                "step, partitions)",
                                (int)GLY_MIN(relation->name.size, (size_t)128),
                                relation->name.data);
    }
    if (relation->arg_count < 1 || relation->arg_count > 4) {
        return gly_analyze_fail(an, GLY_E_WRONG_ARGUMENTS, relation->line, relation->position,
                                "Function range takes 1 to 4 arguments, but was given %u",
                                relation->arg_count);
    }
    int64_t values[4] = {0, 0, 1, 0};
    uint32_t first = relation->arg_count == 1 ? 1 : 0;
    for (uint32_t i = 0; i < relation->arg_count; i++) {
        GLY_TRY(
            gly_resolve_expr_constant(an, relation->args[i], what[first + i], &values[first + i]));
    }
    if (values[2] == 0 || values[3] < 0 || values[3] > 1000000 ||
        (relation->arg_count == 4 && values[3] == 0)) {
        return gly_analyze_fail(an, GLY_E_INVALID_ARGUMENT, relation->line, relation->position,
                                values[2] == 0 ? "The step of range() must not be 0"
                                               : "range() may have 1 to 1000000 partitions");
    }
    GLY_TRY(gly_analyze_work(an, 2));
    gly_logical *node = gly_logical_make(an->arena, GLY_LOGICAL_RANGE, 0, 1);
    node->output[0] = (gly_output){(*an->next_id)++, GLY_STR("id"), GLY_TYPE_OF(BIGINT), false};
    node->range.start = values[0];
    node->range.end = values[1];
    node->range.step = values[2];
    node->range.partition_count = (uint32_t)values[3];
    *ret = node;
    return GLY_OK;
}
