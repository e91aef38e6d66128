/* test_catalog.c - temporary views: copies, replacing, names without case, caches. */
#include "lib/sql/catalog/catalog.h"
#include "tests/support/check.h"

static gly_catalog_view query_view(const char *name, const char *text) {
    return (gly_catalog_view){.name = gly_str_of(name), .query_text = gly_str_of(text)};
}

GLY_TEST(puts_and_finds) {
    gly_catalog *catalog = gly_catalog_make();
    gly_error err;
    gly_catalog_view view = query_view("Sales", "SELECT 1");
    GLY_CHECK_OK(gly_catalog_put(catalog, &view, false, &err), &err);
    GLY_CHECK(gly_catalog_find(catalog, GLY_STR("sALES")) != NULL);
    GLY_CHECK(gly_catalog_find(catalog, GLY_STR("sale")) == NULL);
    GLY_CHECK_INT(gly_catalog_put(catalog, &view, false, &err), GLY_E_ANALYSIS);
    GLY_CHECK_TEXT(err.message, "View 'Sales' already exists; write CREATE OR REPLACE TEMPORARY "
                                "VIEW to replace it");
    view = query_view("SALES", "SELECT 2");
    GLY_CHECK_OK(gly_catalog_put(catalog, &view, true, &err), &err);
    GLY_CHECK_INT(gly_catalog_count(catalog), 1);
    GLY_CHECK(gly_str_equal(gly_catalog_at(catalog, 0)->query_text, GLY_STR("SELECT 2")));
    GLY_CHECK(gly_str_equal(gly_catalog_suggest(catalog, GLY_STR("salse")), GLY_STR("SALES")));
    GLY_CHECK_INT(gly_catalog_suggest(catalog, GLY_STR("zebra")).size, 0);
    GLY_CHECK(gly_catalog_drop(catalog, GLY_STR("sales")));
    GLY_CHECK(!gly_catalog_drop(catalog, GLY_STR("sales")));
    GLY_CHECK_INT(gly_catalog_count(catalog), 0);
    gly_catalog_free(catalog);
    gly_catalog_free(NULL);
}

GLY_TEST(owns_copies) {
    gly_catalog *catalog = gly_catalog_make();
    gly_error err;
    gly_arena *arena = gly_arena_make();
    gly_field field = {gly_arena_str(arena, GLY_STR("a")), GLY_TYPE_OF(STRING), true};
    gly_schema schema = {1, &field};
    gly_value part = gly_value_text(GLY_TYPE_OF(STRING), gly_arena_str(arena, GLY_STR("p")));
    gly_relation_file file = {gly_arena_str(arena, GLY_STR("/x/file")), 10, &part, 0, NULL};
    gly_option option = {gly_arena_str(arena, GLY_STR("k")), gly_arena_str(arena, GLY_STR("v"))};
    gly_column_statistics statistics = {.has_bounds = true, .min = part, .max = part};
    gly_relation relation = {.format = gly_arena_str(arena, GLY_STR("csv")),
                             .name = gly_arena_str(arena, GLY_STR("t")),
                             .option_count = 1,
                             .options = &option,
                             .schema = &schema,
                             .partition_column_count = 1,
                             .file_count = 1,
                             .files = &file,
                             .statistics = &statistics};
    gly_catalog_view view = {.name = gly_arena_str(arena, GLY_STR("t")), .relation = &relation};
    GLY_CHECK_OK(gly_catalog_put(catalog, &view, false, &err), &err);
    gly_arena_free(arena); /* what was given is gone */
    const gly_catalog_view *found = gly_catalog_find(catalog, GLY_STR("t"));
    GLY_CHECK(gly_str_equal(found->relation->files[0].path, GLY_STR("/x/file")));
    GLY_CHECK(gly_str_equal(found->relation->files[0].partition_values[0].text, GLY_STR("p")));
    GLY_CHECK(gly_str_equal(found->relation->options[0].value, GLY_STR("v")));
    GLY_CHECK(gly_str_equal(found->relation->statistics[0].max.text, GLY_STR("p")));
    GLY_CHECK(gly_str_equal(found->relation->schema->fields[0].name, GLY_STR("a")));
    /* replacing a view by itself copies before it frees */
    GLY_CHECK_OK(gly_catalog_put(catalog, found, true, &err), &err);
    found = gly_catalog_find(catalog, GLY_STR("t"));
    GLY_CHECK(gly_str_equal(found->relation->files[0].path, GLY_STR("/x/file")));
    gly_catalog_free(catalog);
}

GLY_TEST(marks_caches) {
    gly_catalog *catalog = gly_catalog_make();
    gly_error err;
    gly_catalog_view view = query_view("v", "SELECT 1 AS a");
    GLY_CHECK_OK(gly_catalog_put(catalog, &view, false, &err), &err);
    gly_field field = {GLY_STR("a"), GLY_TYPE_OF(INT), false};
    gly_schema schema = {1, &field};
    gly_catalog_set_cache(catalog, GLY_STR("V"), 3, &schema, 2, 10, 100);
    gly_catalog_view *found = gly_catalog_find(catalog, GLY_STR("v"));
    GLY_CHECK_INT(found->cache_id, 3);
    GLY_CHECK_INT(found->cache_partition_count, 2);
    GLY_CHECK(found->cache_schema != &schema && found->cache_schema->field_count == 1);
    gly_catalog_set_cache(catalog, GLY_STR("v"), 4, found->cache_schema, 2, 10, 100);
    GLY_CHECK_INT(found->cache_id, 4);
    GLY_CHECK_OK(gly_catalog_put(catalog, found, true, &err), &err); /* by itself, cache and all */
    found = gly_catalog_find(catalog, GLY_STR("v"));
    GLY_CHECK(found->cache_id == 4 && found->cache_schema->field_count == 1);
    gly_catalog_set_cache(catalog, GLY_STR("v"), 0, NULL, 0, 0, 0);
    GLY_CHECK(found->cache_id == 0 && found->cache_schema == NULL);
    gly_catalog_set_cache(catalog, GLY_STR("absent"), 9, &schema, 1, 1, 1); /* nothing happens */
    gly_catalog_free(catalog);
}

GLY_SUITE("catalog", puts_and_finds, owns_copies, marks_caches)
