/* test_app_config.c - a spec as settings, and the command line of galley-driver. */
#include "driver/application/app_config.h"
#include "driver/application/app_link.h"
#include "driver/application/app_options.h"
#include "driver/driver.h"
#include "tests/support/check.h"

static gly_application application(void) {
    return (gly_application){.name = "shopflow",
                             .executors = 4,
                             .executor = {.cores = 2, .memory_bytes = UINT64_C(2) << 30}};
}

GLY_TEST(the_spec_wins_over_conf) {
    static const gly_application_conf conf[] = {{"spark.executor.cores", "9"},
                                                {"spark.sql.shuffle.partitions", "17"},
                                                {"spark.unknown.key", "kept"}};
    gly_application given = application();
    given.conf = conf;
    given.conf_count = GLY_ARRAY_LEN(conf);
    gly_config *config = gly_config_make(NULL);
    gly_error err;
    GLY_CHECK_OK(gly_app_config_fill(&given, config, &err), &err);
    GLY_CHECK_INT(gly_config_int(config, GLY_CONFIG_EXECUTOR_CORES), 2);
    GLY_CHECK_INT(gly_config_int(config, GLY_CONFIG_EXECUTOR_MEMORY), INT64_C(2) << 30);
    GLY_CHECK_INT(gly_config_int(config, GLY_CONFIG_SHUFFLE_PARTITIONS), 17);
    gly_str value;
    GLY_CHECK(gly_config_get(config, GLY_STR("spark.unknown.key"), &value));
    gly_allocation_rules rules;
    gly_driver_read_allocation(config, &rules);
    GLY_CHECK(!rules.is_dynamic && rules.fixed == 4 && rules.slots == 2);
    gly_config_free(config);
}

GLY_TEST(dynamic_allocation_is_read) {
    gly_application given = application();
    given.allocation = (gly_application_allocation){true, 1, 2, 20, 1500, 500, 7000};
    gly_config *config = gly_config_make(NULL);
    gly_error err;
    GLY_CHECK_OK(gly_app_config_fill(&given, config, &err), &err);
    gly_allocation_rules rules;
    gly_driver_read_allocation(config, &rules);
    GLY_CHECK(rules.is_dynamic && rules.min == 1 && rules.initial == 2 && rules.max == 20);
    GLY_CHECK(rules.backlog_ms == 1500 && rules.sustained_ms == 500 && rules.idle_ms == 7000);
    GLY_CHECK(rules.admitted == GLY_ALLOCATION_NO_CAP);
    gly_config_free(config);
}

GLY_TEST(a_bad_setting_names_its_key) {
    static const gly_application_conf conf[] = {{"spark.sql.shuffle.partitions", "many"}};
    gly_application given = application();
    given.conf = conf;
    given.conf_count = 1;
    gly_config *config = gly_config_make(NULL);
    gly_error err = {0};
    GLY_CHECK(gly_app_config_fill(&given, config, &err) == GLY_E_CONFIG);
    GLY_CHECK(strstr(err.message, "spec.conf: spark.sql.shuffle.partitions cannot be 'many'") !=
              NULL);
    gly_config_free(config);
}

GLY_TEST(admitted_is_a_count_or_nothing) {
    static const struct {
        const char *text;
        uint32_t admitted;
    } cases[] = {{"{\"status\":{\"executors\":{\"admitted\":3}}}", 3},
                 {"{\"status\":{\"executors\":{\"admitted\":0}}}", 0},
                 {"{\"status\":{\"executors\":{\"admitted\":-1}}}", UINT32_MAX},
                 {"{\"status\":{\"executors\":{\"admitted\":\"3\"}}}", UINT32_MAX},
                 {"{\"status\":{\"executors\":{\"admitted\":1e300}}}", UINT32_MAX},
                 {"{\"status\":{}}", UINT32_MAX},
                 {"[]", UINT32_MAX}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        cJSON *object = cJSON_Parse(cases[i].text);
        GLY_CHECK_INT(gly_app_link_admitted(object), cases[i].admitted);
        GLY_CHECK_INT(gly_app_link_attempt(object), 0);
        cJSON_Delete(object);
    }
    cJSON *object = cJSON_Parse("{\"status\":{\"driver\":{\"attempt\":4,\"pod\":\"a\"}}}");
    GLY_CHECK_INT(gly_app_link_attempt(object), 4);
    cJSON_Delete(object);
}

GLY_TEST(options) {
    char *good[] = {
        "galley-driver", "--application", "a", "--namespace", "n", "--attempt", "3", "--pod-ip",
        "::1",           "--port",        "0"};
    gly_app_options options;
    gly_error err = {0};
    GLY_CHECK_OK(gly_app_options_parse((int)GLY_ARRAY_LEN(good), good, &options, &err), &err);
    GLY_CHECK_TEXT(options.application, "a");
    GLY_CHECK_TEXT(options.namespace_name, "n");
    GLY_CHECK(options.attempt == 3 && options.port == 0);
    GLY_CHECK_TEXT(options.termination_log, "/dev/termination-log");
    static const struct {
        char *arguments[4];
        const char *expected;
    } bad[] = {{{"d", "--attempt", "0"}, "--attempt cannot be '0'"},
               {{"d", "--port", "70000"}, "--port cannot be '70000'"},
               {{"d", "--sql", "x"}, "There is no option '--sql'"},
               {{"d", "--application"}, "--application needs a value"},
               {{"d", "--pod-ip", "1.2.3.4"}, "--application is missing"}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        int count = 0;
        while (count < 4 && bad[i].arguments[count] != NULL) {
            count++;
        }
        GLY_CHECK(gly_app_options_parse(count, bad[i].arguments, &options, &err) == GLY_E_CONFIG);
        GLY_CHECK(strstr(err.message, bad[i].expected) != NULL);
    }
}

GLY_SUITE("app_config", the_spec_wins_over_conf, dynamic_allocation_is_read,
          a_bad_setting_names_its_key, admitted_is_a_count_or_nothing, options)
