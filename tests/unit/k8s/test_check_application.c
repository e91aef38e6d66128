/* test_check_application.c - an application that appears, runs and ends, as the check sees it. */
#include "k8s/operator/check_application.h"

#include "tests/support/check.h"
#include "tests/support/fake_k8s.h"

#define APPLICATION(state, cause) "{\"status\":{\"state\":\"" state "\",\"cause\":\"" cause "\"}}"

static gly_status check(gly_fake_k8s *fake, int64_t timeout_ms, gly_error *err) {
    gly_k8s_config config = {.server = gly_fake_k8s_url(fake), .namespace_name = "default"};
    return gly_check_application(&config, "jobs", "a", timeout_ms, err);
}

static void add(gly_fake_k8s *fake, int times, int status, const char *body) {
    gly_fake_k8s_rule(fake, &(gly_fake_rule){.match = {"GET", "/namespaces/jobs/", "/a"},
                                             .times = times,
                                             .status = status,
                                             .pieces = {{0, body}}});
}

GLY_TEST(absent_running_succeeded) {
    gly_fake_k8s *fake = gly_fake_k8s_start();
    add(fake, 1, 404, "{\"kind\":\"Status\",\"reason\":\"NotFound\"}");
    add(fake, 1, 500, "{}");
    add(fake, 1, 200, APPLICATION("Running", ""));
    add(fake, 0, 200, APPLICATION("Succeeded", ""));
    gly_error error = {0};
    GLY_CHECK_OK(check(fake, 20000, &error), &error);
    GLY_CHECK_INT(gly_fake_k8s_count(fake, NULL), 4);
    gly_fake_k8s_stop(fake);
}

GLY_TEST(failed_says_why) {
    gly_fake_k8s *fake = gly_fake_k8s_start();
    add(fake, 0, 200, APPLICATION("Failed", "no such column"));
    gly_error error = {0};
    GLY_CHECK(check(fake, 20000, &error) != GLY_OK);
    GLY_CHECK(strstr(error.message, "no such column") != NULL);
    gly_fake_k8s_stop(fake);
}

GLY_TEST(too_late_says_what_it_is) {
    gly_fake_k8s *fake = gly_fake_k8s_start();
    add(fake, 0, 200, APPLICATION("Starting", "no node has room"));
    gly_error error = {0};
    GLY_CHECK_INT(check(fake, 600, &error), GLY_E_TIMEOUT);
    GLY_CHECK(strstr(error.message, "'Starting'") != NULL);
    GLY_CHECK(strstr(error.message, "no node has room") != NULL);
    gly_fake_k8s_stop(fake);
}

GLY_TEST(forbidden_is_final) {
    gly_fake_k8s *fake = gly_fake_k8s_start();
    add(fake, 0, 403, "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no\"}");
    gly_error error = {0};
    GLY_CHECK(check(fake, 20000, &error) != GLY_OK);
    GLY_CHECK_INT(gly_fake_k8s_count(fake, NULL), 1);
    gly_fake_k8s_stop(fake);
}

GLY_SUITE("check_application", absent_running_succeeded, failed_says_why, too_late_says_what_it_is,
          forbidden_is_final)
