/* test_endpoint_identity.c - how an executor in a pod gets its certificate, and who does not get
 * one. */
#include "driver/cluster/executor_endpoint.h"
#include "executor/identify.h"
#include "lib/base/clock.h"
#include "lib/net/host_identity.h"
#include "tests/support/check.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct world {
    gly_tls_authority *authority;
    gly_executor_endpoint *endpoint;
    gly_tls_identity bootstrap;
    atomic_uint asked;
    uint32_t knows_after; /* questions that come before the pod is known */
} world;

static bool may_identify(void *context, uint32_t executor_id, const char *pod_uid) {
    world *self = context;
    bool is_known = atomic_fetch_add(&self->asked, 1) >= self->knows_after;
    return is_known && executor_id == 5 && strcmp(pod_uid, "uid-5") == 0;
}

static void open_world(world *self, bool with_callback, uint32_t knows_after) {
    gly_error error;
    *self = (world){.knows_after = knows_after};
    GLY_CHECK_OK(gly_tls_authority_make(&self->authority, &error), &error);
    GLY_CHECK_OK(
        gly_tls_identity_issue(self->authority, GLY_TLS_BOOTSTRAP_NAME, &self->bootstrap, &error),
        &error);
    gly_executor_endpoint_options options = {
        .listen_address = "0.0.0.0:0",
        .advertised_host = "127.0.0.1",
        .authority = self->authority,
        .application = "shop-etl",
        .callbacks = {.context = self, .may_identify = with_callback ? may_identify : NULL}};
    GLY_CHECK_OK(gly_executor_endpoint_make(&options, &self->endpoint, &error), &error);
}

static void close_world(world *self) {
    gly_executor_endpoint_free(self->endpoint);
    gly_tls_identity_clear(&self->bootstrap);
    gly_tls_authority_free(self->authority);
}

static gly_status identify(world *self, const gly_tls_identity *with, uint32_t id, const char *uid,
                           int64_t refused_ms, gly_tls_identity *ret, gly_error *err) {
    gly_identify_options options = {.driver_address = gly_executor_endpoint_address(self->endpoint),
                                    .bootstrap = with,
                                    .executor_id = id,
                                    .pod_uid = uid,
                                    .timeout_ms = 5000,
                                    .refused_ms = refused_ms,
                                    .stop_fd = -1};
    return gly_identify_run(&options, ret, err);
}

static void check_certificate(const gly_tls_identity *identity) {
    BIO *bio = BIO_new_mem_buf(identity->certificate_pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    char organisation[64] = "";
    GLY_CHECK_INT(X509_check_host(certificate, "galley-executor-5", 0, 0, NULL), 1);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_organizationName,
                              organisation, sizeof organisation);
    GLY_CHECK_TEXT(organisation, "shop-etl");
    X509_free(certificate);
}

GLY_TEST(the_right_pod_gets_its_own_certificate) {
    world self;
    gly_error error;
    gly_tls_identity identity = {0};
    open_world(&self, true, 0);
    GLY_CHECK_OK(identify(&self, &self.bootstrap, 5, "uid-5", 1, &identity, &error), &error);
    check_certificate(&identity);
    GLY_CHECK(strstr(identity.key_pem, "PRIVATE KEY") != NULL);
    GLY_CHECK_TEXT(identity.authority_pem, self.bootstrap.authority_pem);
    gly_tls_identity_clear(&identity);
    close_world(&self);
}

GLY_TEST(a_pod_that_is_not_known_yet_asks_again) {
    world self;
    gly_error error;
    gly_tls_identity identity = {0};
    open_world(&self, true, 3);
    GLY_CHECK_OK(identify(&self, &self.bootstrap, 5, "uid-5", 5000, &identity, &error), &error);
    GLY_CHECK_INT(atomic_load(&self.asked), 4);
    gly_tls_identity_clear(&identity);
    close_world(&self);
}

GLY_TEST(others_are_refused) {
    world self;
    gly_error error;
    gly_tls_identity identity = {0}, executor, stranger;
    gly_tls_authority *other;
    open_world(&self, true, 0);
    GLY_CHECK_INT(identify(&self, &self.bootstrap, 5, "uid-6", 1, &identity, &error), GLY_E_TLS);
    GLY_CHECK(strstr(error.message, "uid-6") != NULL);
    GLY_CHECK_INT(identify(&self, &self.bootstrap, 6, "uid-5", 1, &identity, &error), GLY_E_TLS);
    uint32_t asked = atomic_load(&self.asked);
    /* An executor's own certificate does not get another one. */
    GLY_CHECK_OK(gly_tls_identity_issue(self.authority, "galley-executor-4", &executor, &error),
                 &error);
    GLY_CHECK_INT(identify(&self, &executor, 5, "uid-5", 1, &identity, &error), GLY_E_TLS);
    GLY_CHECK(strstr(error.message, "galley-executor-4") != NULL);
    GLY_CHECK_INT(atomic_load(&self.asked), asked);
    /* Another application's bootstrap certificate does not even get through the handshake. */
    GLY_CHECK_OK(gly_tls_authority_make(&other, &error), &error);
    GLY_CHECK_OK(gly_tls_identity_issue(other, GLY_TLS_BOOTSTRAP_NAME, &stranger, &error), &error);
    gly_identify_options options = {.driver_address = gly_executor_endpoint_address(self.endpoint),
                                    .bootstrap = &stranger,
                                    .executor_id = 5,
                                    .pod_uid = "uid-5",
                                    .timeout_ms = 300,
                                    .stop_fd = -1};
    GLY_CHECK(gly_identify_run(&options, &identity, &error) != GLY_OK);
    GLY_CHECK_INT(atomic_load(&self.asked), asked);
    gly_tls_identity_clear(&executor);
    gly_tls_identity_clear(&stranger);
    gly_tls_authority_free(other);
    close_world(&self);
}

GLY_TEST(nobody_is_identified_where_no_pods_are_made) {
    world self;
    gly_error error;
    gly_tls_identity identity = {0};
    open_world(&self, false, 0);
    GLY_CHECK_INT(identify(&self, &self.bootstrap, 5, "uid-5", 1, &identity, &error), GLY_E_TLS);
    close_world(&self);
}

GLY_TEST(stops_asking_when_told) {
    world self;
    gly_error error;
    gly_tls_identity identity = {0};
    open_world(&self, true, UINT32_MAX);
    int stop = eventfd(1, EFD_CLOEXEC);
    gly_identify_options options = {.driver_address = gly_executor_endpoint_address(self.endpoint),
                                    .bootstrap = &self.bootstrap,
                                    .executor_id = 5,
                                    .pod_uid = "uid-5",
                                    .timeout_ms = 20000,
                                    .refused_ms = 20000,
                                    .stop_fd = stop};
    int64_t begin = gly_clock_ms();
    GLY_CHECK_INT(gly_identify_run(&options, &identity, &error), GLY_E_CANCELLED);
    GLY_CHECK(gly_clock_ms() - begin < 3000);
    close(stop);
    close_world(&self);
}

GLY_TEST(pods_share_no_files) {
    char mine[GLY_HOST_IDENTITY_SIZE], pod_1[GLY_HOST_IDENTITY_SIZE], pod_2[GLY_HOST_IDENTITY_SIZE];
    char alone[GLY_HOST_IDENTITY_SIZE];
    unsetenv("GALLEY_POD_UID");
    unsetenv("GALLEY_HOST_IDENTITY");
    gly_host_identity_read(mine);
    setenv("GALLEY_POD_UID", "8a7e7f4e-52b9-4b52-8d6c-2f5e2d9d6f11", 1);
    gly_host_identity_read(pod_1);
    setenv("GALLEY_POD_UID", "8a7e7f4e-52b9-4b52-8d6c-2f5e2d9d6f12", 1);
    gly_host_identity_read(pod_2);
    setenv("GALLEY_HOST_IDENTITY", "process", 1);
    gly_host_identity_read(alone);
    unsetenv("GALLEY_POD_UID");
    unsetenv("GALLEY_HOST_IDENTITY");
    GLY_CHECK(strcmp(mine, pod_1) != 0 && strcmp(pod_1, pod_2) != 0 && strcmp(alone, pod_2) != 0);
}

GLY_SUITE("endpoint identity", the_right_pod_gets_its_own_certificate,
          a_pod_that_is_not_known_yet_asks_again, others_are_refused,
          nobody_is_identified_where_no_pods_are_made, stops_asking_when_told, pods_share_no_files)
