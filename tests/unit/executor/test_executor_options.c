/* test_executor_options.c - the executor's command line and what control groups say. */
#include "executor/cgroup.h"
#include "executor/executor.h"
#include "tests/support/check.h"

static gly_status parse(gly_executor_options *ret, gly_error *err, int count, char **arguments) {
    char *all[32] = {(char[]){"galley-executor"}};
    memcpy(all + 1, arguments, (size_t)count * sizeof *arguments);
    return gly_executor_parse(count + 1, all, ret, err);
}
#define PARSE(...)                                                                                 \
    parse(&options, &error, (int)GLY_ARRAY_LEN(((char *[]){__VA_ARGS__})), (char *[]){__VA_ARGS__})
#define NEEDED "--driver", "h:1", "--id", "4", "--local-dir", "/d"

GLY_TEST(reads_values) {
    gly_executor_options options;
    gly_error error;
    GLY_CHECK_OK(PARSE(NEEDED, "--cores", "3", "--memory", "1g", "--heartbeat-ms", "250"), &error);
    GLY_CHECK_TEXT(options.driver_address, "h:1");
    GLY_CHECK_TEXT(options.local_dir, "/d");
    GLY_CHECK_INT(options.id, 4);
    GLY_CHECK_INT(options.cores, 3);
    GLY_CHECK_INT(options.memory_bytes, 1 << 30);
    GLY_CHECK_INT(options.heartbeat_ms, 250);
    GLY_CHECK(!options.encrypted);
    GLY_CHECK_OK(PARSE(NEEDED), &error);
    GLY_CHECK(options.cores >= 1 && options.memory_bytes > 32 << 20);
}

GLY_TEST(refuses_mistakes) {
    gly_executor_options options;
    gly_error error;
    GLY_CHECK_INT(PARSE("--driver", "h:1"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--core", "2"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK(strstr(error.message, "\"--core\"") != NULL);
    GLY_CHECK_INT(PARSE(NEEDED, "--cores"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--cores", "0"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--cores", "two"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--memory", "1m"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--memory", "lots"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--id", "4294967296"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(PARSE(NEEDED, "--tls-dir", "/no/such/place"), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK(strstr(gly_executor_help(), "--local-dir") != NULL);
}

GLY_TEST(understands_control_groups) {
    GLY_CHECK(gly_cgroup_parse_limit(GLY_STR("max\n")) == UINT64_MAX);
    GLY_CHECK_INT(gly_cgroup_parse_limit(GLY_STR("536870912\n")), 536870912);
    GLY_CHECK(gly_cgroup_parse_cpu(GLY_STR("max 100000\n")) == 0);
    GLY_CHECK(gly_cgroup_parse_cpu(GLY_STR("250000 100000\n")) == 2.5);
    GLY_CHECK(gly_cgroup_parse_cpu(GLY_STR("1 0\n")) == 0);
    GLY_CHECK(gly_cgroup_parse_cpu(GLY_STR("junk")) == 0);
    GLY_CHECK(gly_cgroup_resident_bytes() > 100000);
    GLY_CHECK(gly_cgroup_cores() >= 1);
}

GLY_SUITE("executor options", reads_values, refuses_mistakes, understands_control_groups)
