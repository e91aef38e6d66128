/* test_app_run.c - where an application's SQL comes from. */
#include "driver/application/app_run.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <unistd.h>

static void write_file(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "w");
    GLY_CHECK(file != NULL && fwrite(text, 1, size, file) == size && fclose(file) == 0);
}

GLY_TEST(three_sources) {
    char directory[] = "/tmp/galley-run-XXXXXX";
    GLY_CHECK(mkdtemp(directory) != NULL);
    char path[64];
    snprintf(path, sizeof path, "%s/a.sql", directory);
    write_file(path, "SELECT 2", 8);
    gly_error err = {0};
    gly_builder text = {0};
    gly_application inline_sql = {.sql = "SELECT 1"};
    GLY_CHECK_OK(gly_app_run_load(&inline_sql, directory, &text, &err), &err);
    GLY_CHECK_TEXT(text.data, "SELECT 1");
    gly_builder_reset(&text);
    gly_application file = {.sql_file = path};
    GLY_CHECK_OK(gly_app_run_load(&file, directory, &text, &err), &err);
    GLY_CHECK_TEXT(text.data, "SELECT 2");
    gly_builder_reset(&text);
    gly_application map = {.config_map = "jobs", .config_map_key = "a.sql"};
    GLY_CHECK_OK(gly_app_run_load(&map, directory, &text, &err), &err);
    GLY_CHECK_TEXT(text.data, "SELECT 2");
    write_file(path, "", 0);
    gly_builder_reset(&text);
    GLY_CHECK_OK(gly_app_run_load(&map, directory, &text, &err), &err);
    GLY_CHECK_INT(text.size, 0);
    gly_builder_clear(&text);
    unlink(path);
    rmdir(directory);
}

GLY_TEST(what_is_missing_is_named) {
    gly_error err = {0};
    gly_builder text = {0};
    gly_application map = {
        .config_map = "jobs", .config_map_key = "b.sql", .namespace_name = "shop"};
    GLY_CHECK(gly_app_run_load(&map, "/nonexistent", &text, &err) == GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_TEXT(err.message, "spec.configMap: there is no ConfigMap \"jobs\" with a key "
                                "\"b.sql\" in namespace shop");
    gly_application file = {.sql_file = "/nonexistent/c.sql"};
    GLY_CHECK(gly_app_run_load(&file, "", &text, &err) == GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(err.message, "spec.sqlFile: ") == err.message);
    gly_application none = {0};
    GLY_CHECK(gly_app_run_load(&none, "", &text, &err) == GLY_E_INVALID_ARGUMENT);
    gly_builder_clear(&text);
}

GLY_SUITE("app_run", three_sources, what_is_missing_is_named)
