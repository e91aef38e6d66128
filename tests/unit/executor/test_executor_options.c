/* test_executor_options.c - the executor's command line and what control groups say. */
#include "executor/cgroup.h"
#include "executor/executor.h"
#include "tests/support/check.h"

#include <stdlib.h>

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

GLY_TEST(finds_its_group) {
    static const char text[] = "12:cpu,cpuacct:/kubepods/pod1\n5:memory:/m\n1:name=systemd:/x\n"
                               "0::/unified\njunk\n7:broken\n8:blkio:relative\n";
    static const struct {
        const char *controller, *path;
    } groups[] = {{"cpu", "/kubepods/pod1"},
                  {"cpuacct", "/kubepods/pod1"},
                  {"memory", "/m"},
                  {"", "/unified"},
                  {"cpua", NULL},
                  {"blkio", NULL}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(groups); i++) {
        gly_str path = {NULL, 0};
        bool found =
            gly_cgroup_parse_path(gly_str_of(text), gly_str_of(groups[i].controller), &path);
        GLY_CHECK_INT(found, groups[i].path != NULL);
        GLY_CHECK(!found || gly_str_equal(path, gly_str_of(groups[i].path)));
    }
    gly_str none;
    GLY_CHECK(!gly_cgroup_parse_path(GLY_STR(""), GLY_STR("cpu"), &none));
    GLY_CHECK(gly_cgroup_parse_cpu(GLY_STR("-1 100000\n")) == 0); /* version 1: no quota */
}

GLY_TEST(reads_what_a_pod_is_given) {
    gly_executor_options options;
    gly_error error;
    GLY_CHECK_OK(PARSE(NEEDED, "--disk", "2g", "--grace-ms", "7000", "--host", "10.1.2.3"), &error);
    GLY_CHECK_INT(options.disk_bytes, 2ll << 30);
    GLY_CHECK_INT(options.grace_ms, 7000);
    GLY_CHECK_TEXT(options.host, "10.1.2.3");
    GLY_CHECK(!options.is_bootstrap);
    unsetenv("GALLEY_POD_UID");
    GLY_CHECK_INT(PARSE(NEEDED, "--bootstrap", "--tls-dir", "/d"), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK(strstr(error.message, "GALLEY_POD_UID") != NULL);
    setenv("GALLEY_POD_UID", "1-2-3", 1);
    GLY_CHECK_INT(PARSE("--bootstrap", NEEDED), GLY_E_INVALID_ARGUMENT); /* no --tls-dir */
    GLY_CHECK_INT(PARSE("--bootstrap", NEEDED, "--tls-dir", "/no/such"), GLY_E_PATH_NOT_FOUND);
    unsetenv("GALLEY_POD_UID");
    GLY_CHECK_OK(PARSE(NEEDED, "--memory", "1000g"), &error);
    GLY_CHECK(options.memory_bytes < 1000ull << 30); /* what there is, not what was asked for */
}

GLY_SUITE("executor options", reads_values, reads_what_a_pod_is_given, finds_its_group,
          refuses_mistakes, understands_control_groups)
