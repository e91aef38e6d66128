/* test_tls_secret.c - the Secrets of an application's identity, and their texts read back. */
#include "k8s/pod/tls_secret.h"
#include "tests/unit/k8s/pod_support.h"

GLY_TEST(both_secrets) {
    gly_arena *arena = gly_arena_make();
    cJSON *object = application_of("{'sql': 'x'}");
    gly_application app;
    read_application(arena, object, &app);
    cJSON *driver = gly_tls_secret_driver(&app, "CA", "CAKEY");
    GLY_CHECK_TEXT(text_at(driver, "kind"), "Secret");
    GLY_CHECK_TEXT(text_at(driver, "metadata/name"), "shopflow-driver-tls");
    GLY_CHECK_TEXT(text_at(driver, "metadata/namespace"), "shop");
    GLY_CHECK_TEXT(text_at(driver, "metadata/labels/galley.dev~application-uid"), "uid-1");
    GLY_CHECK_TEXT(text_at(driver, "metadata/ownerReferences/0/uid"), "uid-1");
    GLY_CHECK_TEXT(text_at(driver, "immutable"), "true");
    GLY_CHECK_TEXT(text_at(driver, "stringData"), "{\"ca.crt\":\"CA\",\"ca.key\":\"CAKEY\"}");
    cJSON *executor = gly_tls_secret_executor(&app, "CA", "CERT", "KEY");
    GLY_CHECK_TEXT(text_at(executor, "metadata/name"), "shopflow-executor-tls");
    GLY_CHECK_TEXT(text_at(executor, "stringData"),
                   "{\"ca.crt\":\"CA\",\"tls.crt\":\"CERT\",\"tls.key\":\"KEY\"}");
    GLY_CHECK_TEXT(gly_tls_secret_text(arena, executor, "tls.key"), "KEY");
    GLY_CHECK(gly_tls_secret_text(arena, executor, "ca.key") == NULL);
    cJSON_Delete(driver);
    cJSON_Delete(executor);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

GLY_TEST(texts_are_read_back_from_base64) {
    static const char *const cases[][2] = {
        {"", ""},        {"Zg==", "f"},          {"Zm8=", "fo"},
        {"Zm9v", "foo"}, {"Zm9vYmFy", "foobar"}, {"w7wvKz4/", "\xc3\xbc/+>?"}};
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v!mFy", "Zm 9", "Zg=v"};
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        cJSON *secret = cJSON_CreateObject();
        cJSON_AddStringToObject(cJSON_AddObjectToObject(secret, "data"), "k", cases[i][0]);
        const char *text = gly_tls_secret_text(arena, secret, "k");
        GLY_CHECK_TEXT(text == NULL ? "(none)" : text, cases[i][1]);
        cJSON_Delete(secret);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        cJSON *secret = cJSON_CreateObject();
        cJSON_AddStringToObject(cJSON_AddObjectToObject(secret, "data"), "k", bad[i]);
        GLY_CHECK(gly_tls_secret_text(arena, secret, "k") == NULL);
        cJSON_Delete(secret);
    }
    GLY_CHECK(gly_tls_secret_text(arena, NULL, "k") == NULL);
    gly_arena_free(arena);
}

GLY_SUITE("tls_secret", both_secrets, texts_are_read_back_from_base64)
