/* test_application.c - applications read from JSON: defaults, every field, and errors that name the
 * field. */
#include "tests/unit/k8s/pod_support.h"

GLY_TEST(a_small_one_gets_defaults) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'SELECT 1'}");
    gly_application app;
    read_application(arena, object, &app);
    GLY_CHECK_TEXT(app.name, "shopflow");
    GLY_CHECK_TEXT(app.namespace_name, "shop");
    GLY_CHECK_TEXT(app.uid, "uid-1");
    GLY_CHECK_INT(app.generation, 7);
    GLY_CHECK(!app.is_deleting);
    GLY_CHECK_TEXT(app.sql, "SELECT 1");
    GLY_CHECK(app.sql_file == NULL && app.config_map == NULL);
    GLY_CHECK_TEXT(app.driver.image, "galley-driver:dev");
    GLY_CHECK_INT(app.driver.cores, 1);
    GLY_CHECK_INT(app.driver.memory_bytes, 512 << 20);
    GLY_CHECK_INT(app.driver.local_disk_bytes, 1 << 30);
    GLY_CHECK_TEXT(app.executor.image, "galley-executor:dev");
    GLY_CHECK(app.executor.image_pull_policy == NULL && app.executor.template == NULL);
    GLY_CHECK_INT(app.executor.memory_bytes, 1 << 30);
    GLY_CHECK_INT(app.executor.local_disk_bytes, INT64_C(10) << 30);
    GLY_CHECK_INT(app.executors, 2);
    GLY_CHECK(!app.allocation.is_dynamic);
    GLY_CHECK_INT(app.restart_type, GLY_RESTART_NEVER);
    GLY_CHECK_INT(app.max_attempts, 3);
    GLY_CHECK_INT(app.backoff_ms, 30000);
    GLY_CHECK_INT(app.ttl_ms, -1);
    GLY_CHECK(!app.suspend);
    GLY_CHECK(app.s3.path_style && app.s3.endpoint == NULL);
    GLY_CHECK_INT(app.conf_count, 0);
    GLY_CHECK_TEXT(app.output, "table");
    GLY_CHECK_TEXT(app.service_account, "galley-driver");
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(every_field_is_read) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of(
        "{'image': {'driver': 'd', 'executor': 'e', 'pullPolicy': 'Never'}, 'sqlFile': 's3://a/b',"
        " 'output': 'csv', 'driver': {'cores': 2, 'memory': '1Gi', 'localDisk': '2G'},"
        " 'executor': {'cores': 4, 'memory': 67108864, 'localDisk': '0.5Gi', 'template': {'spec': "
        "{}}},"
        " 'executors': 8, 's3': {'endpoint': 'http://h:9000', 'region': 'r', 'credentialsSecret': "
        "'s',"
        " 'pathStyle': false}, 'conf': {'spark.a': '1', 'galley.b': ''},"
        " 'restartPolicy': {'type': 'OnInfrastructureFailure', 'maxAttempts': 5, 'backoff': "
        "'1m30s'},"
        " 'suspend': true, 'ttlAfterFinished': '1h', 'serviceAccount': 'me', 'unknown': [1]}");
    cJSON_AddStringToObject(cJSON_GetObjectItem(object, "metadata"), "deletionTimestamp", "now");
    gly_application app;
    read_application(arena, object, &app);
    GLY_CHECK(app.is_deleting);
    GLY_CHECK_TEXT(app.driver.image, "d");
    GLY_CHECK_TEXT(app.executor.image, "e");
    GLY_CHECK_TEXT(app.executor.image_pull_policy, "Never");
    GLY_CHECK_TEXT(app.sql_file, "s3://a/b");
    GLY_CHECK_INT(app.driver.local_disk_bytes, 2000000000);
    GLY_CHECK_INT(app.executor.cores, 4);
    GLY_CHECK_INT(app.executor.memory_bytes, 64 << 20);
    GLY_CHECK_INT(app.executor.local_disk_bytes, 1 << 29);
    GLY_CHECK(app.executor.template != NULL);
    GLY_CHECK_INT(app.executors, 8);
    GLY_CHECK_TEXT(app.s3.endpoint, "http://h:9000");
    GLY_CHECK_TEXT(app.s3.region, "r");
    GLY_CHECK_TEXT(app.s3.credentials_secret, "s");
    GLY_CHECK(!app.s3.path_style);
    GLY_CHECK_INT(app.conf_count, 2);
    GLY_CHECK_TEXT(app.conf[0].key, "spark.a");
    GLY_CHECK_TEXT(app.conf[1].value, "");
    GLY_CHECK_INT(app.restart_type, GLY_RESTART_ON_INFRASTRUCTURE_FAILURE);
    GLY_CHECK_INT(app.max_attempts, 5);
    GLY_CHECK_INT(app.backoff_ms, 90000);
    GLY_CHECK(app.suspend);
    GLY_CHECK_INT(app.ttl_ms, 3600000);
    GLY_CHECK_TEXT(app.service_account, "me");
    GLY_CHECK_TEXT(app.output, "csv");
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(dynamic_allocation_has_spark_s_defaults) {
    gly_arena *arena = gly_arena_make();
    gly_application app;
    cJSON *bare = application_of("{'sql': 'x', 'dynamicAllocation': {}}");
    read_application(arena, bare, &app);
    GLY_CHECK(app.allocation.is_dynamic);
    GLY_CHECK_INT(app.allocation.min, 0);
    GLY_CHECK_INT(app.allocation.initial, 0);
    GLY_CHECK_INT(app.allocation.max, 10);
    GLY_CHECK_INT(app.allocation.backlog_ms, 1000);
    GLY_CHECK_INT(app.allocation.sustained_backlog_ms, 1000);
    GLY_CHECK_INT(app.allocation.idle_ms, 60000);
    cJSON *full =
        application_of("{'sql': 'x', 'executors': null, 'dynamicAllocation': {'min': 2, 'max': 4, "
                       "'backlogTimeout': '250ms', 'idleTimeout': '5s'}}");
    read_application(arena, full, &app);
    GLY_CHECK_INT(app.allocation.initial, 2);
    GLY_CHECK_INT(app.allocation.sustained_backlog_ms, 250);
    GLY_CHECK_INT(app.allocation.idle_ms, 5000);
    cJSON_Delete(bare);
    cJSON_Delete(full);
    gly_arena_free(arena);
}

GLY_TEST(a_template_s_service_account_stands_below_the_spec_s) {
    gly_arena *arena = gly_arena_make();
    gly_application app;
    cJSON *object = application_of(
        "{'sql': 'x', 'driver': {'template': {'spec': {'serviceAccountName': 'mine'}}}}");
    read_application(arena, object, &app);
    GLY_CHECK_TEXT(app.service_account, "mine");
    cJSON_AddStringToObject(cJSON_GetObjectItem(object, "spec"), "serviceAccount", "other");
    read_application(arena, object, &app);
    GLY_CHECK_TEXT(app.service_account, "other");
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(errors_name_the_field) {
    static const char *const cases[][2] = {
        {"{}", "spec: exactly one of sql, sqlFile and configMap"},
        {"{'sql': ''}", "none is given"},
        {"{'sql': 'x', 'sqlFile': 'y'}", "more than one is given"},
        {"{'sql': 1}", "spec.sql: must be a text"},
        {"{'configMap': 'x'}", "spec.configMap: must be an object"},
        {"{'configMap': {'name': 'x'}}", "spec.configMap.key: the key in ConfigMap 'x' is missing"},
        {"{'configMap': {'key': 'x'}}", "spec.configMap.name: "},
        {"{'sql': 'x', 'output': 'xml'}", "spec.output: must be table, csv or json, not 'xml'"},
        {"{'sql': 'x', 'executor': {'memory': '12 apples'}}",
         "spec.executor.memory: '12 apples' is no quantity; write 512Mi or 2Gi"},
        {"{'sql': 'x', 'executor': {'memory': '512m'}}",
         "spec.executor.memory: 512m is 1 bytes, at least 32.0 MiB"},
        {"{'sql': 'x', 'driver': {'memory': true}}", "spec.driver.memory: '' is no quantity"},
        {"{'sql': 'x', 'driver': {'memory': -5}}", "spec.driver.memory: '-5' is no quantity"},
        {"{'sql': 'x', 'driver': {'memory': 1e300}}", "spec.driver.memory: "},
        {"{'sql': 'x', 'driver': {'localDisk': '9000Pi'}}", "more than there can be"},
        {"{'sql': 'x', 'driver': {'cores': 0}}",
         "spec.driver.cores: must be a whole number from 1 to 1024, not 0"},
        {"{'sql': 'x', 'driver': {'cores': 1.5}}", "spec.driver.cores: must be a whole number"},
        {"{'sql': 'x', 'driver': {'cores': '1'}}", "spec.driver.cores: must be a number"},
        {"{'sql': 'x', 'driver': []}", "spec.driver: must be an object"},
        {"{'sql': 'x', 'executors': -1}", "spec.executors: "},
        {"{'sql': 'x', 'executors': 1, 'dynamicAllocation': {}}",
         "spec.executors: cannot be given together"},
        {"{'sql': 'x', 'dynamicAllocation': {'min': 11}}",
         "spec.dynamicAllocation.min: 11 is more than max, which is 10"},
        {"{'sql': 'x', 'dynamicAllocation': {'initial': 11}}",
         "spec.dynamicAllocation.initial: 11 is not between"},
        {"{'sql': 'x', 'dynamicAllocation': {'idleTimeout': '60'}}",
         "spec.dynamicAllocation.idleTimeout: '60' is no duration"},
        {"{'sql': 'x', 'dynamicAllocation': {'idleTimeout': 60}}",
         "spec.dynamicAllocation.idleTimeout: "},
        {"{'sql': 'x', 'dynamicAllocation': {'idleTimeout': '0s'}}",
         "spec.dynamicAllocation.idleTimeout: must be more than 0"},
        {"{'sql': 'x', 's3': {'endpoint': 'minio:9000'}}",
         "spec.s3.endpoint: 'minio:9000' must begin with http"},
        {"{'sql': 'x', 's3': {'pathStyle': 'yes'}}", "spec.s3.pathStyle: must be true or false"},
        {"{'sql': 'x', 'conf': {'spark.x': 5}}",
         "spec.conf.spark.x: must be a text; put quotes around it"},
        {"{'sql': 'x', 'restartPolicy': {'type': 'Maybe'}}",
         "spec.restartPolicy.type: must be Never, OnFailure, OnInfrastructureFailure or Always, "
         "not 'Maybe'"},
        {"{'sql': 'x', 'restartPolicy': {'maxAttempts': 0}}", "spec.restartPolicy.maxAttempts: "},
        {"{'sql': 'x', 'suspend': 'true'}", "spec.suspend: must be true or false"},
        {"{'sql': 'x', 'ttlAfterFinished': 'soon'}",
         "spec.ttlAfterFinished: 'soon' is no duration"},
        {"{'sql': 'x', 'driver': {'template': 'y'}}", "spec.driver.template: must be an object"},
        {"{'sql': 'x', 'driver': {'template': {'spec': []}}}",
         "spec.driver.template.spec: must be an object"},
        {"{'sql': 'x', 'driver': {'template': {'spec': {'containers': {}}}}}",
         "spec.driver.template.spec.containers: must be a list"},
        {"{'sql': 'x', 'driver': {'template': {'spec': {'containers': [{}, 5]}}}}",
         "spec.driver.template.spec.containers: entry 1 must be an object"},
        {"{'sql': 'x', 'driver': {'template': {'spec': {'containers': [{'env': [1]}]}}}}",
         "spec.driver.template.spec.containers[0].env: entry 0 must be an object"},
        {"{'sql': 'x', 'driver': {'template': {'spec': {'containers': [{'resources': {'limits': "
         "1}}]}}}}",
         "spec.driver.template.spec.containers[0].resources.limits: must be an object"},
        {"{'sql': 'x', 'driver': {'template': {'metadata': {'labels': {'a': 1}}}}}",
         "spec.driver.template.metadata.labels.a: must be a text"},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        gly_arena *arena = gly_arena_make();
        cJSON *object = application_of(cases[i][0]);
        gly_application app;
        gly_error err = {0};
        GLY_CHECK_INT(gly_application_read(arena, object, &DEFAULTS, &app, &err),
                      GLY_E_INVALID_ARGUMENT);
        if (strstr(err.message, cases[i][1]) == NULL) {
            fprintf(stderr, "%s: %s\n", cases[i][0], err.message);
        }
        GLY_CHECK(strstr(err.message, cases[i][1]) != NULL);
        cJSON_Delete(object);
        gly_arena_free(arena);
    }
}

GLY_TEST(what_is_no_application_is_refused) {
    static const char *const texts[] = {"5",
                                        "[]",
                                        "{}",
                                        "{'metadata': {'name': 'a'}}",
                                        "{'metadata': [], 'spec': {'sql': 'x'}}",
                                        "{'metadata': {'name': 7}, 'spec': {'sql': 'x'}}"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(texts); i++) {
        gly_arena *arena = gly_arena_make();
        cJSON *object = parse_json(texts[i]);
        gly_application app;
        gly_error err = {0};
        GLY_CHECK(gly_application_read(arena, object, &DEFAULTS, &app, &err) != GLY_OK);
        GLY_CHECK(err.message[0] != '\0');
        cJSON_Delete(object);
        gly_arena_free(arena);
    }
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'x'}");
    gly_application_defaults none = {0};
    gly_application app;
    gly_error err;
    GLY_CHECK(gly_application_read(arena, object, &none, &app, &err) != GLY_OK);
    GLY_CHECK_TEXT(err.message,
                   "spec.image.driver: no image is given, and the operator has no default for it");
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(quantities) {
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"1k", 1000},
        {"1Ki", 1024},
        {"1.5Ki", 1536},
        {"0.5", 1},
        {"1500m", 2},
        {"2000m", 2},
        {"1Gi", UINT64_C(1) << 30},
        {"1.25G", 1250000000},
        {"7Pi", UINT64_C(7) << 50},
        {"0.1Ki", 103},
        {"0000000000000000000001", 1},
        {"0.0000000000001", 1},
        {"18446744073709551", UINT64_C(18446744073709551)},
        {"16383Pi", UINT64_C(16383) << 50},
    };
    static const char *const bad[] = {"",        "Gi",   "1g",   "-1",
                                      "+1",      "1 Gi", "1.Gi", ".5",
                                      "1e3",     "0x10", "1KiB", "99999999999999999999",
                                      "16384Pi", "1..5", "1Gi ", "\t1"};
    uint64_t value;
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        GLY_CHECK(gly_application_parse_quantity(gly_str_of(good[i].text), &value));
        if (value != good[i].value) {
            fprintf(stderr, "%s\n", good[i].text);
        }
        GLY_CHECK_INT(value, good[i].value);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        bool is_read = gly_application_parse_quantity(gly_str_of(bad[i]), &value);
        if (is_read) {
            fprintf(stderr, "'%s' is read\n", bad[i]);
        }
        GLY_CHECK(!is_read);
    }
}

GLY_TEST(durations) {
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},
                {"0s", 0},
                {"500ms", 500},
                {"30s", 30000},
                {"1.5s", 1500},
                {"1h30m", 5400000},
                {"2h3m4s5ms", 7384005},
                {"0.1ms", 1},
                {"876000h", INT64_C(3153600000000)}};
    static const char *const bad[] = {
        "", "1", "s", "-1s", "1d", "1h 30m", "1us", "1sec", "999999999999h", "1h1", "1.s", "s1"};
    int64_t ms;
    for (size_t i = 0; i < GLY_ARRAY_LEN(good); i++) {
        GLY_CHECK(gly_application_parse_duration(gly_str_of(good[i].text), &ms));
        GLY_CHECK_INT(ms, good[i].ms);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        GLY_CHECK(!gly_application_parse_duration(gly_str_of(bad[i]), &ms));
    }
}

GLY_SUITE("application", a_small_one_gets_defaults, every_field_is_read,
          dynamic_allocation_has_spark_s_defaults,
          a_template_s_service_account_stands_below_the_spec_s, errors_name_the_field,
          what_is_no_application_is_refused, quantities, durations)
