/* test_k8s_lease.c - never two leaders, soon a new one, judged by nobody's wall clock. */
#include "k8s/client/k8s_lease.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/check.h"
#include "tests/support/fake_k8s.h"

/* One Lease object with optimistic locking. */
typedef struct lease_server {
    gly_fake_k8s *fake;
    cJSON *object; /* NULL: it is not there */
    int version;
    int refuse; /* answer this instead, if not 0 */
    bool is_refusing_writes;
} lease_server;

typedef struct candidate {
    gly_k8s_client *client;
    gly_k8s_lease *lease;
    int gained, lost, troubles;
    char trouble[300];
} candidate;

static void keep(lease_server *server, cJSON *object, gly_builder *out) {
    char version[16];
    snprintf(version, sizeof version, "%d", ++server->version);
    cJSON *metadata = cJSON_GetObjectItem(object, "metadata");
    cJSON_DeleteItemFromObject(metadata, "resourceVersion");
    cJSON_AddStringToObject(metadata, "resourceVersion", version);
    cJSON_Delete(server->object);
    server->object = object;
    char *text = cJSON_PrintUnformatted(object);
    gly_builder_add_text(out, text);
    free(text);
}

static int answer(void *context, const char *method, const char *target, const char *body,
                  gly_builder *out) {
    lease_server *server = context;
    GLY_ASSERT(strncmp(target, "/apis/coordination.k8s.io/v1/namespaces/ns/leases", 49) == 0);
    bool is_write = strcmp(method, "GET") != 0;
    if (server->refuse != 0 && (is_write || !server->is_refusing_writes)) {
        gly_builder_add_text(out, "{\"reason\":\"No\",\"message\":\"not now\"}");
        return server->refuse;
    }
    if (strcmp(method, "POST") == 0) {
        if (server->object != NULL) {
            return 409;
        }
        keep(server, cJSON_Parse(body), out);
        return 201;
    }
    if (server->object == NULL) {
        return 404;
    }
    if (is_write) {
        cJSON *object = cJSON_Parse(body);
        const cJSON *old =
            cJSON_GetObjectItem(cJSON_GetObjectItem(server->object, "metadata"), "resourceVersion");
        const cJSON *given =
            cJSON_GetObjectItem(cJSON_GetObjectItem(object, "metadata"), "resourceVersion");
        if (!cJSON_IsString(given) || strcmp(given->valuestring, old->valuestring) != 0) {
            cJSON_Delete(object);
            return 409;
        }
        keep(server, object, out);
        return 200;
    }
    char *text = cJSON_PrintUnformatted(server->object);
    gly_builder_add_text(out, text);
    free(text);
    return 200;
}

static void open_server(lease_server *server, const char *object) {
    *server = (lease_server){.fake = gly_fake_k8s_start(), .version = 6};
    if (object != NULL) {
        server->object = cJSON_Parse(object);
        GLY_ASSERT(server->object != NULL);
    }
    gly_fake_k8s_rule(server->fake, &(gly_fake_rule){.answer = answer, .context = server});
}

static void close_server(lease_server *server) {
    gly_fake_k8s_stop(server->fake);
    cJSON_Delete(server->object);
}

static void on_change(void *context, bool is_leader) {
    candidate *self = context;
    *(is_leader ? &self->gained : &self->lost) += 1;
}

static void on_trouble(void *context, const char *message) {
    candidate *self = context;
    self->troubles++;
    snprintf(self->trouble, sizeof self->trouble, "%s", message);
}

static void enter(candidate *self, lease_server *server, const char *identity) {
    *self = (candidate){0};
    gly_error error;
    gly_k8s_config config = {.server = gly_fake_k8s_url(server->fake)};
    GLY_CHECK_OK(gly_k8s_client_make(&config, &self->client, &error), &error);
    gly_k8s_lease_options options = {.namespace_name = "ns",
                                     .name = "operator",
                                     .identity = identity,
                                     .duration_ms = 1000,
                                     .renew_deadline_ms = 600,
                                     .retry_ms = 100,
                                     .on_change = on_change,
                                     .on_trouble = on_trouble,
                                     .context = self};
    self->lease = gly_k8s_lease_start(self->client, &options);
}

static void leave(candidate *self) {
    gly_k8s_lease_stop(self->lease);
    gly_k8s_client_free(self->client);
}

/* Polls the candidates (b may be NULL) for so long, and checks that never both lead. */
static void poll_for(candidate *a, candidate *b, int64_t ms) {
    int64_t until_ms = gly_clock_ms() + ms;
    while (gly_clock_ms() < until_ms) {
        gly_k8s_client_poll(a->client, 5);
        if (b != NULL) {
            gly_k8s_client_poll(b->client, 5);
            GLY_ASSERT(!(gly_k8s_lease_is_held(a->lease) && gly_k8s_lease_is_held(b->lease)));
        }
    }
}

static void wait_until_held(candidate *self) {
    int64_t give_up_ms = gly_clock_ms() + 10000;
    while (!gly_k8s_lease_is_held(self->lease) && gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self->client, 5);
    }
    GLY_CHECK(gly_k8s_lease_is_held(self->lease));
}

/* A value of the object's spec (or of its metadata) as JSON text. */
static const char *value_of(lease_server *server, const char *part, const char *key) {
    static char text[256];
    gly_fake_k8s_lock(server->fake);
    const cJSON *value = cJSON_GetObjectItem(cJSON_GetObjectItem(server->object, part), key);
    char *printed = value != NULL ? cJSON_PrintUnformatted(value) : NULL;
    snprintf(text, sizeof text, "%s", printed != NULL ? printed : "nothing");
    gly_fake_k8s_unlock(server->fake);
    free(printed);
    return text;
}

static const char *spec_of(lease_server *server, const char *key) {
    return value_of(server, "spec", key);
}

static void refuse_writes(lease_server *server, int http_code) {
    gly_fake_k8s_lock(server->fake);
    server->is_refusing_writes = true;
    server->refuse = http_code;
    gly_fake_k8s_unlock(server->fake);
}

GLY_TEST(one_leads_and_hands_over) {
    lease_server server;
    candidate a, b;
    open_server(&server, NULL);
    enter(&a, &server, "a");
    wait_until_held(&a);
    enter(&b, &server, "b");
    poll_for(&a, &b, 1500); /* longer than the lease: it is renewed */
    GLY_CHECK(gly_k8s_lease_is_held(a.lease));
    GLY_CHECK_INT(a.gained, 1);
    GLY_CHECK_INT(a.lost + b.gained + b.lost, 0);
    GLY_CHECK_TEXT(spec_of(&server, "leaseDurationSeconds"), "1");
    GLY_CHECK_TEXT(spec_of(&server, "leaseTransitions"), "0");
    GLY_CHECK_INT(strlen(spec_of(&server, "renewTime")), strlen("\"2026-11-21T08:30:00.000000Z\""));
    leave(&a);
    GLY_CHECK_INT(a.lost, 0); /* who stops knows it */
    GLY_CHECK_TEXT(spec_of(&server, "holderIdentity"), "\"\"");
    int64_t start_ms = gly_clock_ms();
    wait_until_held(&b);
    GLY_CHECK(gly_clock_ms() - start_ms < 900); /* not only when it would have expired */
    GLY_CHECK_TEXT(spec_of(&server, "holderIdentity"), "\"b\"");
    GLY_CHECK_TEXT(spec_of(&server, "leaseTransitions"), "1");
    leave(&b);
    close_server(&server);
}

GLY_TEST(a_leader_that_froze) {
    lease_server server;
    candidate a, b;
    open_server(&server, NULL);
    enter(&a, &server, "a");
    wait_until_held(&a);
    enter(&b, &server, "b");
    int64_t start_ms = gly_clock_ms();
    wait_until_held(&b); /* a is not polled meanwhile */
    GLY_CHECK(gly_clock_ms() - start_ms >= 900);
    GLY_CHECK(!gly_k8s_lease_is_held(a.lease));
    poll_for(&a, &b, 300);
    GLY_CHECK_INT(a.lost, 1);
    GLY_CHECK(gly_k8s_lease_is_held(b.lease));
    leave(&a); /* must not take it from b */
    GLY_CHECK_TEXT(spec_of(&server, "holderIdentity"), "\"b\"");
    leave(&b);
    close_server(&server);
}

GLY_TEST(renewals_that_fail) {
    lease_server server;
    candidate a;
    open_server(&server, NULL);
    enter(&a, &server, "a");
    wait_until_held(&a);
    refuse_writes(&server, 503);
    poll_for(&a, NULL, 300);
    GLY_CHECK(gly_k8s_lease_is_held(a.lease)); /* within the deadline */
    GLY_CHECK_INT(a.lost, 0);
    poll_for(&a, NULL, 500);
    GLY_CHECK(!gly_k8s_lease_is_held(a.lease));
    GLY_CHECK_INT(a.lost, 1);
    GLY_CHECK_INT(a.gained, 1);
    GLY_CHECK(a.troubles >= 1);
    GLY_CHECK(strstr(a.trouble, "not now (No, HTTP 503)") != NULL);
    refuse_writes(&server, 0);
    wait_until_held(&a);
    GLY_CHECK_INT(a.gained, 2);
    leave(&a);
    close_server(&server);
}

GLY_TEST(a_lease_that_is_taken_or_deleted) {
    lease_server server;
    candidate a;
    open_server(&server, NULL);
    enter(&a, &server, "a");
    wait_until_held(&a);
    poll_for(&a, NULL, 150);
    gly_builder out = {0};
    gly_fake_k8s_lock(server.fake);
    cJSON *object = cJSON_Duplicate(server.object, true);
    cJSON *spec = cJSON_GetObjectItem(object, "spec");
    cJSON_ReplaceItemInObject(spec, "holderIdentity", cJSON_CreateString("a stranger"));
    keep(&server, object, &out);
    gly_fake_k8s_unlock(server.fake);
    gly_builder_clear(&out);
    poll_for(&a, NULL, 400);
    GLY_CHECK_INT(a.lost, 1);
    GLY_CHECK(!gly_k8s_lease_is_held(a.lease));
    wait_until_held(&a); /* the stranger never renews */
    gly_fake_k8s_lock(server.fake);
    cJSON_Delete(server.object);
    server.object = NULL;
    gly_fake_k8s_unlock(server.fake);
    poll_for(&a, NULL, 500);
    wait_until_held(&a);
    GLY_CHECK_TEXT(spec_of(&server, "holderIdentity"), "\"a\"");
    leave(&a);
    close_server(&server);
}

GLY_TEST(wall_clocks_do_not_matter) {
    lease_server server;
    candidate a;
    open_server(&server,
                "{\"metadata\":{\"name\":\"operator\",\"resourceVersion\":\"5\",\"labels\":{\"x\":"
                "\"y\"}},\"spec\":{\"holderIdentity\":\"dead\",\"leaseDurationSeconds\":1,"
                "\"leaseTransitions\":7,\"renewTime\":\"2999-01-01T00:00:00.000000Z\"}}");
    enter(&a, &server, "a");
    int64_t start_ms = gly_clock_ms();
    wait_until_held(&a);
    int64_t took_ms = gly_clock_ms() - start_ms;
    GLY_CHECK(took_ms >= 1000 && took_ms < 4000);
    GLY_CHECK_TEXT(spec_of(&server, "leaseTransitions"), "8");
    /* other people's parts stay */
    GLY_CHECK_TEXT(value_of(&server, "metadata", "labels"), "{\"x\":\"y\"}");
    leave(&a);
    close_server(&server);
    /* long expired by the wall clock, but we have only just seen it */
    open_server(&server,
                "{\"metadata\":{\"name\":\"operator\",\"resourceVersion\":\"5\"},\"spec\":{"
                "\"holderIdentity\":\"b\",\"leaseDurationSeconds\":30,"
                "\"renewTime\":\"1999-01-01T00:00:00.000000Z\"}}");
    enter(&a, &server, "a");
    poll_for(&a, NULL, 500);
    GLY_CHECK_INT(a.gained, 0);
    leave(&a);
    close_server(&server);
}

GLY_TEST(odd_objects_are_taken) {
    const char *objects[] = {
        "{\"metadata\":{\"resourceVersion\":\"5\"}}",
        "{\"metadata\":{\"resourceVersion\":\"5\"},\"spec\":7}",
        "{\"metadata\":{\"resourceVersion\":\"5\"},\"spec\":{\"holderIdentity\":null,"
        "\"leaseDurationSeconds\":\"x\"}}",
        "{\"metadata\":{\"resourceVersion\":\"5\"},\"spec\":{\"holderIdentity\":\"a\","
        "\"leaseDurationSeconds\":1000}}", /* our own, from before a restart */
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(objects); i++) {
        lease_server server;
        candidate a;
        open_server(&server, objects[i]);
        enter(&a, &server, "a");
        wait_until_held(&a);
        leave(&a);
        close_server(&server);
    }
}

GLY_TEST(no_right_to_leases) {
    lease_server server;
    candidate a;
    open_server(&server, NULL);
    gly_fake_k8s_lock(server.fake);
    server.refuse = 403;
    gly_fake_k8s_unlock(server.fake);
    enter(&a, &server, "a");
    for (int64_t end_ms = gly_clock_ms() + 5000; a.troubles == 0 && gly_clock_ms() < end_ms;) {
        poll_for(&a, NULL, 50);
    }
    poll_for(&a, NULL, 500);
    GLY_CHECK_INT(a.troubles, 1);
    GLY_CHECK(strstr(a.trouble, "leases/operator: not now (No, HTTP 403)") != NULL);
    GLY_CHECK_INT(a.gained, 0);
    leave(&a);
    close_server(&server);
}

GLY_TEST(stopping_does_not_hang) {
    lease_server server;
    candidate a;
    open_server(&server, NULL);
    enter(&a, &server, "a");
    wait_until_held(&a);
    gly_fake_k8s_set_away(server.fake, true);
    int64_t start_ms = gly_clock_ms();
    leave(&a);
    GLY_CHECK(gly_clock_ms() - start_ms < 2500);
    close_server(&server);
}

GLY_SUITE("k8s_lease", one_leads_and_hands_over, a_leader_that_froze, renewals_that_fail,
          a_lease_that_is_taken_or_deleted, wall_clocks_do_not_matter, odd_objects_are_taken,
          no_right_to_leases, stopping_does_not_hang)
