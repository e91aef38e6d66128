/* sql_explain.c - galley-sql-explain "SQL": parses, analyzes and prints the logical plan.
 *
 * For people who work on lib/sql.  Several statements may be given; CREATE TEMPORARY VIEW fills a
 * catalog for the ones behind it.  With -t, tables of TPC-H's shape (without data) are there.
 * Nothing is run.
 */
#include "lib/base/config.h"
#include "lib/io/source/source.h"
#include "lib/plan/explain.h"
#include "lib/sql/catalog/catalog.h"
#include "lib/sql/sql.h"

#include <stdio.h>
#include <time.h>

static const struct {
    const char *name, *columns;
} tpch[] = {
    {"lineitem",
     "l_orderkey bigint,l_partkey bigint,l_suppkey bigint,l_linenumber int,l_quantity "
     "decimal(15;2),l_extendedprice decimal(15;2),l_discount decimal(15;2),l_tax "
     "decimal(15;2),l_returnflag string,l_linestatus string,l_shipdate date,l_commitdate "
     "date,l_receiptdate date,l_shipinstruct string,l_shipmode string,l_comment string"},
    {"orders", "o_orderkey bigint,o_custkey bigint,o_orderstatus string,o_totalprice "
               "decimal(15;2),o_orderdate date,o_orderpriority string,o_clerk "
               "string,o_shippriority int,o_comment string"},
    {"customer", "c_custkey bigint,c_name string,c_address string,c_nationkey int,c_phone "
                 "string,c_acctbal decimal(15;2),c_mktsegment string,c_comment string"},
    {"part", "p_partkey bigint,p_name string,p_mfgr string,p_brand string,p_type string,p_size "
             "int,p_container string,p_retailprice decimal(15;2),p_comment string"},
    {"supplier", "s_suppkey bigint,s_name string,s_address string,s_nationkey int,s_phone "
                 "string,s_acctbal decimal(15;2),s_comment string"},
    {"partsupp", "ps_partkey bigint,ps_suppkey bigint,ps_availqty int,ps_supplycost "
                 "decimal(15;2),ps_comment string"},
    {"nation", "n_nationkey int,n_name string,n_regionkey int,n_comment string"},
    {"region", "r_regionkey int,r_name string,r_comment string"},
};

/* "a int,b decimal(15;2)": the semicolon stands for a comma inside a type. */
static gly_schema *make_schema(gly_arena *arena, const char *columns) {
    gly_schema *schema = GLY_ARENA_NEW(arena, gly_schema);
    schema->fields = GLY_ARENA_ARRAY(arena, gly_field, 32);
    char *text = gly_arena_string(arena, columns);
    for (char *rest = text; *rest != '\0';) {
        size_t size = strcspn(rest, ",");
        size_t name = strcspn(rest, " ");
        for (size_t i = 0; i < size; i++) {
            rest[i] = rest[i] == ';' ? ',' : rest[i];
        }
        gly_field *field = &schema->fields[schema->field_count++];
        field->name = (gly_str){rest, name};
        field->nullable = true;
        GLY_ASSERT(gly_type_parse((gly_str){rest + name + 1, size - name - 1}, &field->type));
        rest += size;
        rest += *rest == ',' ? 1 : 0;
    }
    return schema;
}

static gly_status add_tpch(gly_arena *arena, gly_catalog *catalog, gly_error *err) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(tpch); i++) {
        gly_relation relation = {.format = GLY_STR("parquet"),
                                 .name = gly_str_of(tpch[i].name),
                                 .schema = make_schema(arena, tpch[i].columns),
                                 .row_count = 1000};
        gly_catalog_view view = {.name = gly_str_of(tpch[i].name), .relation = &relation};
        GLY_TRY(gly_catalog_put(catalog, &view, true, err));
    }
    return GLY_OK;
}

static gly_status create_view(gly_arena *arena, gly_catalog *catalog,
                              const gly_statement *statement, gly_error *err) {
    gly_catalog_view view = {.name = statement->name,
                             .query_text = statement->query_text,
                             .column_count = statement->column_count};
    view.columns = GLY_ARENA_ARRAY(arena, gly_str, statement->column_count);
    for (uint32_t i = 0; i < statement->column_count; i++) {
        view.columns[i] = statement->columns[i].name;
    }
    if (statement->query == NULL) {
        view.column_count = 0;
        GLY_TRY(gly_source_open(arena, statement->format, statement->name, 1, &statement->path,
                                statement->option_count, statement->options, &view.relation, err));
    }
    return gly_catalog_put(catalog, &view, statement->or_replace, err);
}

static gly_status explain(gly_arena *arena, const gly_analyze_options *options,
                          const gly_statement *statement, gly_error *err) {
    uint32_t next_id = 1;
    gly_logical *plan;
    if (statement->kind == GLY_STATEMENT_INSERT_DIRECTORY) {
        GLY_TRY(gly_analyze_insert(arena, options, statement, &next_id, &plan, err));
    } else {
        GLY_TRY(gly_analyze_query(arena, options, statement->query, &next_id, &plan, err));
    }
    gly_builder text = {0};
    gly_explain_logical(plan, &text);
    for (uint32_t i = 0; i < plan->output_count; i++) {
        char type[GLY_TYPE_TEXT_SIZE];
        const gly_output *output = &plan->output[i];
        gly_builder_format(&text, "%s%.*s %s%s", i == 0 ? "-> " : ", ", GLY_STR_ARG(output->name),
                           gly_type_format(output->type, type, sizeof type),
                           output->nullable ? "" : " not null");
    }
    printf("%s\n", text.data == NULL ? "" : text.data);
    gly_builder_clear(&text);
    return GLY_OK;
}

static gly_status run(gly_arena *arena, const gly_analyze_options *options, gly_catalog *catalog,
                      const char *sql, gly_error *err) {
    uint32_t count;
    gly_statement *statements;
    GLY_TRY(gly_parse_script(arena, gly_str_of(sql), &count, &statements, err));
    for (uint32_t i = 0; i < count; i++) {
        const gly_statement *statement = &statements[i];
        if (statement->kind == GLY_STATEMENT_EXPLAIN) {
            statement = statement->inner;
        }
        if (statement->kind == GLY_STATEMENT_CREATE_VIEW) {
            GLY_TRY(create_view(arena, catalog, statement, err));
        } else if (statement->query != NULL) {
            GLY_TRY(explain(arena, options, statement, err));
        } else {
            printf("(statement of kind %d)\n", (int)statement->kind);
        }
    }
    return GLY_OK;
}

int main(int argc, char **argv) {
    int first = argc > 1 && strcmp(argv[1], "-t") == 0 ? 2 : 1;
    if (argc <= first) {
        fprintf(stderr, "usage: galley-sql-explain [-t] \"SQL\" ...\n");
        return 2;
    }
    gly_arena *arena = gly_arena_make();
    gly_config *config = gly_config_make(NULL);
    gly_catalog *catalog = gly_catalog_make();
    gly_error err;
    gly_analyze_options options = {
        .config = config, .catalog = catalog, .now_us = (int64_t)time(NULL) * 1000000};
    gly_status status = first == 2 ? add_tpch(arena, catalog, &err) : GLY_OK;
    for (int i = first; i < argc && status == GLY_OK; i++) {
        status = run(arena, &options, catalog, argv[i], &err);
    }
    if (status != GLY_OK) {
        fprintf(stderr, "%s: %s\n", gly_error_name(status), err.message);
    }
    gly_catalog_free(catalog);
    gly_config_free(config);
    gly_arena_free(arena);
    return status == GLY_OK ? 0 : 1;
}
