/* plan_test.h - SQL text to plan text over tables that exist only as statistics.
 *
 *   sales   1,000,000 rows in 4 files: s_id bigint, s_item int (1..1000), s_day date (2020),
 *           s_price decimal(15,2), s_note string, s_big bigint
 *   items   1,000 rows: i_id int (1..1000), i_name string, i_kind string (5 values)
 *   events  2,000,000 rows in 4 files: e_id bigint, e_sale bigint (1..1000000), e_code int (0..9)
 *   tiny    3 rows: t_id int, t_word string
 *   logs    partitioned by dt (3 days, a file each): l_id bigint, dt date
 */
#ifndef GLY_PLAN_TEST_H
#define GLY_PLAN_TEST_H

#include "lib/plan/explain.h"
#include "lib/plan/plan_check.h"
#include "lib/sql/catalog/catalog.h"
#include "tests/support/check.h"

typedef struct plan_test {
    gly_arena *arena;
    gly_config *config;
    gly_catalog *catalog;
    gly_builder text;
} plan_test;

typedef struct plan_test_column {
    const char *name;
    uint8_t type, precision, scale;
    int64_t low, high; /* bounds when low < high */
    uint64_t distinct;
} plan_test_column;

static gly_relation *plan_test_relation(plan_test *t, const char *name, uint64_t rows,
                                        uint32_t files, uint32_t partition_columns,
                                        uint32_t count, const plan_test_column *columns) {
    gly_relation *relation = GLY_ARENA_NEW(t->arena, gly_relation);
    relation->format = GLY_STR("parquet");
    relation->name = gly_str_of(name);
    relation->partition_column_count = partition_columns;
    relation->row_count = rows;
    relation->size_bytes = rows * 20;
    relation->schema = GLY_ARENA_NEW(t->arena, gly_schema);
    relation->schema->field_count = count;
    relation->schema->fields = GLY_ARENA_ARRAY(t->arena, gly_field, count);
    relation->statistics = GLY_ARENA_ARRAY(t->arena, gly_column_statistics, count);
    for (uint32_t i = 0; i < count; i++) {
        gly_type type = {columns[i].type, columns[i].precision, (int8_t)columns[i].scale};
        relation->schema->fields[i] = (gly_field){gly_str_of(columns[i].name), type, true};
        gly_column_statistics *statistics = &relation->statistics[i];
        statistics->has_bounds = columns[i].low < columns[i].high;
        statistics->min = gly_value_i64(type, columns[i].low);
        statistics->max = gly_value_i64(type, columns[i].high);
        statistics->distinct_count = columns[i].distinct;
    }
    relation->file_count = files;
    relation->files = GLY_ARENA_ARRAY(t->arena, gly_relation_file, files);
    for (uint32_t i = 0; i < files; i++) {
        relation->files[i].path = gly_str_of(gly_arena_format(t->arena, "/%s/%u.parquet", name, i));
        relation->files[i].size_bytes = 1 << 20; /* one piece: the file is never opened */
        if (partition_columns > 0) {
            relation->files[i].partition_values = GLY_ARENA_NEW(t->arena, gly_value);
            *relation->files[i].partition_values =
                gly_value_i64(GLY_TYPE_OF(DATE), 18262 + (int64_t)i);
        }
    }
    return relation;
}

static void plan_test_add(plan_test *t, gly_relation *relation) {
    gly_error err = {0};
    gly_catalog_view view = {.name = relation->name, .relation = relation};
    GLY_CHECK_OK(gly_catalog_put(t->catalog, &view, false, &err), &err);
}

#define PLAN_TEST_TABLE(test, name, rows, files, partitions, columns)                              \
    plan_test_add((test), plan_test_relation((test), name, rows, files, partitions,                \
                                             (uint32_t)GLY_ARRAY_LEN(columns), columns))

static plan_test plan_test_make(void) {
    static const plan_test_column sales[] = {
        {"s_id", GLY_TYPE_BIGINT, 0, 0, 1, 1000000, 0},
        {"s_item", GLY_TYPE_INT, 0, 0, 1, 1000, 0},
        {"s_day", GLY_TYPE_DATE, 0, 0, 18262, 18627, 0},
        {"s_price", GLY_TYPE_DECIMAL, 15, 2, 100, 100000, 0},
        {"s_note", GLY_TYPE_STRING, 0, 0, 0, 0, 0},
        {"s_big", GLY_TYPE_BIGINT, 0, 0, 0, 0, 0},
    };
    static const plan_test_column items[] = {
        {"i_id", GLY_TYPE_INT, 0, 0, 1, 1000, 0},
        {"i_name", GLY_TYPE_STRING, 0, 0, 0, 0, 0},
        {"i_kind", GLY_TYPE_STRING, 0, 0, 0, 0, 5},
    };
    static const plan_test_column events[] = {
        {"e_id", GLY_TYPE_BIGINT, 0, 0, 1, 2000000, 0},
        {"e_sale", GLY_TYPE_BIGINT, 0, 0, 1, 1000000, 0},
        {"e_code", GLY_TYPE_INT, 0, 0, 0, 9, 0},
    };
    static const plan_test_column tiny[] = {
        {"t_id", GLY_TYPE_INT, 0, 0, 1, 3, 0},
        {"t_word", GLY_TYPE_STRING, 0, 0, 0, 0, 0},
    };
    static const plan_test_column logs[] = {
        {"l_id", GLY_TYPE_BIGINT, 0, 0, 1, 30000, 0},
        {"dt", GLY_TYPE_DATE, 0, 0, 18262, 18264, 0},
    };
    plan_test t = {.arena = gly_arena_make(), .config = gly_config_make(NULL),
                   .catalog = gly_catalog_make()};
    PLAN_TEST_TABLE(&t, "sales", 1000000, 4, 0, sales);
    PLAN_TEST_TABLE(&t, "items", 1000, 1, 0, items);
    PLAN_TEST_TABLE(&t, "events", 2000000, 4, 0, events);
    PLAN_TEST_TABLE(&t, "tiny", 3, 1, 0, tiny);
    PLAN_TEST_TABLE(&t, "logs", 30000, 3, 1, logs);
    return t;
}

static void plan_test_free(plan_test *t) {
    gly_builder_clear(&t->text);
    gly_catalog_free(t->catalog);
    gly_config_free(t->config);
    gly_arena_free(t->arena);
}

GLY_UNUSED static void plan_test_set(plan_test *t, const char *pair) {
    gly_error err = {0};
    GLY_CHECK_OK(gly_config_set_pair(t->config, gly_str_of(pair), &err), &err);
}

static gly_logical *plan_test_analyze(plan_test *t, const char *sql, uint32_t *next_id) {
    gly_error err = {0};
    uint32_t count = 0;
    gly_statement *statements = NULL;
    gly_logical *plan = NULL;
    gly_analyze_options options = {.config = t->config, .catalog = t->catalog};
    GLY_CHECK_OK(gly_parse_script(t->arena, gly_str_of(sql), &count, &statements, &err), &err);
    GLY_CHECK_OK(gly_analyze_query(t->arena, &options, statements[0].query, next_id, &plan, &err),
                 &err);
    return plan;
}

static gly_logical *plan_test_optimize(plan_test *t, const char *sql) {
    gly_error err = {0};
    uint32_t next_id = 1;
    gly_logical *plan = plan_test_analyze(t, sql, &next_id);
    GLY_CHECK_OK(gly_optimize(t->arena, t->config, plan, &next_id, &plan, &err), &err);
    return plan;
}

/* With 2 slots; checked for being well formed. */
static gly_physical *plan_test_physical(plan_test *t, const char *sql) {
    gly_error err = {0};
    gly_physical *plan = NULL;
    gly_physical_options options = {.config = t->config, .slot_count = 2};
    GLY_CHECK_OK(gly_choose_physical(t->arena, &options, plan_test_optimize(t, sql), &plan, &err),
                 &err);
    GLY_CHECK_OK(gly_plan_check(plan, &err), &err);
    return plan;
}

/* The physical plan as text, without its heading; valid until the next call. */
GLY_UNUSED static const char *plan_test_text(plan_test *t, const char *sql) {
    gly_builder_reset(&t->text);
    gly_explain_physical(plan_test_physical(t, sql), &t->text);
    return strchr(t->text.data, '\n') + 1;
}

/* With one rule left out. */
GLY_UNUSED static const char *plan_test_without(plan_test *t, const char *rule, const char *sql) {
    plan_test_set(t, gly_arena_format(t->arena, "spark.sql.optimizer.excludedRules=%s", rule));
    const char *text = plan_test_text(t, sql);
    gly_config_unset(t->config, GLY_STR("spark.sql.optimizer.excludedRules"));
    return text;
}

#define PLAN_CHECK_HAS(text, part)                                                                 \
    do {                                                                                           \
        const char *plan_text = (text);                                                            \
        bool plan_has = strstr(plan_text, (part)) != NULL;                                         \
        if (!plan_has) {                                                                           \
            fprintf(stderr, "%s:%d: no '%s' in\n%s", __FILE__, __LINE__, (part), plan_text);       \
        }                                                                                          \
        CU_ASSERT(plan_has);                                                                       \
    } while (0)
#define PLAN_CHECK_LACKS(text, part)                                                               \
    do {                                                                                           \
        const char *plan_text = (text);                                                            \
        bool plan_has = strstr(plan_text, (part)) != NULL;                                         \
        if (plan_has) {                                                                            \
            fprintf(stderr, "%s:%d: '%s' is in\n%s", __FILE__, __LINE__, (part), plan_text);       \
        }                                                                                          \
        CU_ASSERT(!plan_has);                                                                      \
    } while (0)

#endif
