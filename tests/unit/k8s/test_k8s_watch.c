/* test_k8s_watch.c - lists and watches against a server that tears, drops, forgets and lies. */
#include "k8s/client/k8s_watch.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "tests/support/check.h"
#include "tests/support/fake_k8s.h"

typedef struct world {
    gly_fake_k8s *fake;
    gly_k8s_client *client;
    gly_k8s_watch *watch;
    gly_builder told; /* "+name@version -name ~ " ; ~ is on_synced */
    gly_builder trouble;
    int troubles;
    char stop_at; /* stop the watch in the callback that tells this */
} world;

static void stop_watch(world *self, char why) {
    if (self->stop_at == why) {
        gly_k8s_watch_stop(self->watch);
        self->watch = NULL;
    }
}

static void on_object(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    world *self = context;
    const cJSON *metadata = cJSON_GetObjectItem(object, "metadata");
    const cJSON *version = cJSON_GetObjectItem(metadata, "resourceVersion");
    bool is_applied = event == GLY_K8S_WATCH_APPLIED;
    gly_builder_format(&self->told, "%c%s%s%s ", is_applied ? '+' : '-',
                       cJSON_GetObjectItem(metadata, "name")->valuestring, is_applied ? "@" : "",
                       is_applied ? version->valuestring : "");
    stop_watch(self, is_applied ? '+' : '-');
}

static void on_synced(void *context) {
    world *self = context;
    gly_builder_add_text(&self->told, "~ ");
    stop_watch(self, '~');
}

static void on_trouble(void *context, const char *message) {
    world *self = context;
    self->troubles++;
    gly_builder_reset(&self->trouble);
    gly_builder_add_text(&self->trouble, message);
    stop_watch(self, '!');
}

static void open_world(world *self) {
    *self = (world){.fake = gly_fake_k8s_start()};
    gly_error error;
    gly_k8s_config config = {.server = gly_fake_k8s_url(self->fake)};
    GLY_CHECK_OK(gly_k8s_client_make(&config, &self->client, &error), &error);
}

static void start(world *self, const gly_k8s_watch_options *options) {
    gly_k8s_watch_options own = *options;
    own.kind = &GLY_K8S_PODS;
    own.on_object = on_object;
    own.on_synced = on_synced;
    own.on_trouble = on_trouble;
    own.context = self;
    self->watch = gly_k8s_watch_start(self->client, &own);
}

static void close_world(world *self) {
    gly_k8s_watch_stop(self->watch);
    gly_k8s_client_free(self->client);
    gly_fake_k8s_stop(self->fake);
    gly_builder_clear(&self->told);
    gly_builder_clear(&self->trouble);
}

static void poll_for(world *self, int64_t ms) {
    int64_t until_ms = gly_clock_ms() + ms;
    while (gly_clock_ms() < until_ms) {
        gly_k8s_client_poll(self->client, until_ms - gly_clock_ms());
    }
}

/* Polls until exactly this was told, which is then forgotten. */
static void check_told(world *self, const char *expected) {
    int64_t give_up_ms = gly_clock_ms() + 10000;
    while (self->told.size < strlen(expected) && gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self->client, 100);
    }
    GLY_CHECK_TEXT(self->told.data != NULL ? self->told.data : "", expected);
    gly_builder_reset(&self->told);
}

static void wait_for_requests(world *self, const char *match, size_t count) {
    int64_t give_up_ms = gly_clock_ms() + 10000;
    while (gly_fake_k8s_count(self->fake, match) < count && gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self->client, 10);
    }
    GLY_CHECK(gly_fake_k8s_count(self->fake, match) >= count);
}

static void check_request(world *self, const char *match, size_t n, const char *words) {
    char *text = gly_fake_k8s_request(self->fake, match, n);
    if (strstr(text, words) == NULL) {
        fprintf(stderr, "'%s' is not in\n%s\n", words, text);
    }
    GLY_CHECK(strstr(text, words) != NULL);
    free(text);
}

#define OBJECT(name, version)                                                                      \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"u" name                   \
    "\",\"resourceVersion\":\"" version "\"}}"
#define ITEMS(version, items)                                                                      \
    "{\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define BOOKMARK(version)                                                                          \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"

static void add_list(world *self, int times, const char *body) {
    gly_fake_k8s_rule(self->fake, &(gly_fake_rule){.match = {"GET /api/v1/"},
                                                   .not_match = "watch=true",
                                                   .times = times,
                                                   .pieces = {{0, body}}});
}

static void add_watch(world *self, int times, gly_fake_end end, const char *lines) {
    gly_fake_k8s_rule(self->fake, &(gly_fake_rule){.match = {"watch=true"},
                                                   .times = times,
                                                   .pieces = {{0, lines}},
                                                   .end = end});
}

/* --- when all goes well --- */

GLY_TEST(lists_then_watches) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", OBJECT("a", "5") "," OBJECT("b", "6")));
    add_watch(&self, 1, GLY_FAKE_HANG,
              EVENT("ADDED", "c", "11") EVENT("MODIFIED", "a", "12") EVENT("DELETED", "b", "13"));
    start(&self, &(gly_k8s_watch_options){.namespace_name = "ns",
                                          .label_selector = "app in (x, y)",
                                          .field_selector = "metadata.name=a"});
    GLY_CHECK(!gly_k8s_watch_is_synced(self.watch));
    check_told(&self, "+a@5 +b@6 ~ +c@11 +a@12 -b ");
    GLY_CHECK(gly_k8s_watch_is_synced(self.watch));
    const char selectors[] =
        "labelSelector=app%20in%20%28x%2C%20y%29&fieldSelector=metadata.name%3Da";
    check_request(&self, "GET", 0, "GET /api/v1/namespaces/ns/pods?");
    check_request(&self, "GET", 0, selectors);
    check_request(&self, "GET", 0, "&limit=500 HTTP");
    check_request(&self, "watch=true", 0, selectors);
    check_request(&self, "watch=true", 0,
                  "&watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=10 ");
    GLY_CHECK_INT(self.troubles, 0);
    close_world(&self);
}

GLY_TEST(asks_for_metadata_only) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", ""));
    add_watch(&self, 1, GLY_FAKE_HANG, "");
    start(&self, &(gly_k8s_watch_options){.metadata_only = true});
    wait_for_requests(&self, "watch=true", 1);
    check_request(&self, "limit", 0,
                  "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\r\n");
    check_request(&self, "watch=true", 0,
                  "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\r\n");
    close_world(&self);
}

GLY_TEST(lists_in_pages) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"continue=a%2Fb"},
                                                  .pieces = {{0, ITEMS("10", OBJECT("c", "7"))}}});
    add_list(&self, 0,
             "{\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"a/b\"},\"items\":[" OBJECT(
                 "a", "5") "," OBJECT("b", "6") "]}");
    add_watch(&self, 1, GLY_FAKE_HANG, "");
    start(&self, &(gly_k8s_watch_options){.page_size = 2});
    check_told(&self, "+a@5 +b@6 +c@7 ~ ");
    check_request(&self, "limit", 0, "limit=2 HTTP");
    close_world(&self);
}

GLY_TEST(begins_again_when_pages_expired) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"continue="}, .status = 410});
    add_list(&self, 1,
             "{\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"x\"},\"items\":[" OBJECT(
                 "a", "5") "]}");
    add_list(&self, 1, ITEMS("12", OBJECT("b", "6")));
    add_watch(&self, 1, GLY_FAKE_HANG, "");
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "+a@5 +b@6 -a ~ ");
    GLY_CHECK_INT(self.troubles, 0);
    close_world(&self);
}

GLY_TEST(goes_on_when_a_watch_ends) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", OBJECT("a", "5")));
    add_watch(&self, 1, GLY_FAKE_CLEAN, EVENT("MODIFIED", "a", "11") BOOKMARK("50"));
    add_watch(&self, 1, GLY_FAKE_CLEAN, EVENT("MODIFIED", "a", "51") "{\"type\":\"torn");
    add_watch(&self, 1, GLY_FAKE_HANG, EVENT("MODIFIED", "a", "51") EVENT("MODIFIED", "a", "52"));
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "+a@5 ~ +a@11 +a@51 +a@52 ");
    check_request(&self, "watch=true", 1, "resourceVersion=50 ");
    check_request(&self, "watch=true", 2, "resourceVersion=51 ");
    GLY_CHECK_INT(self.troubles, 0);
    close_world(&self);
}

GLY_TEST(lines_come_in_pieces) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", ""));
    gly_fake_k8s_rule(
        self.fake,
        &(gly_fake_rule){.match = {"watch=true"},
                         .pieces = {{0, "{\"type\":\"ADDED\",\"obj"},
                                    {30, "ect\":{\"metadata\":{\"name\":\"a\",\"resourceVers"},
                                    {30, "ion\":\"11\"}}}"},
                                    {30, "\n" EVENT("ADDED", "b", "12") "{\"type\":"},
                                    {30, "\"BOOKMARK\",\"object\":{\"metadata\":{"
                                         "\"resourceVersion\":\"40\"}}}\n"}},
                         .end = GLY_FAKE_HANG});
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "~ +a@11 +b@12 ");
    GLY_CHECK_INT(self.troubles, 0);
    close_world(&self);
}

/* --- when it does not --- */

GLY_TEST(too_old_a_version_means_a_new_list) {
    for (int by_event = 0; by_event <= 1; by_event++) {
        world self;
        open_world(&self);
        add_list(&self, 1, ITEMS("10", OBJECT("a", "5") "," OBJECT("b", "6")));
        add_list(&self, 1, ITEMS("30", OBJECT("b", "6") "," OBJECT("c", "20")));
        if (by_event) {
            add_watch(&self, 1, GLY_FAKE_CLEAN,
                      "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\"}}\n");
        } else {
            gly_fake_k8s_rule(self.fake,
                              &(gly_fake_rule){.match = {"watch=true"}, .times = 1, .status = 410});
        }
        add_watch(&self, 1, GLY_FAKE_HANG, EVENT("ADDED", "d", "31"));
        start(&self, &(gly_k8s_watch_options){0});
        check_told(&self, "+a@5 +b@6 ~ +c@20 -a ~ +d@31 ");
        check_request(&self, "watch=true", 1, "resourceVersion=30 ");
        GLY_CHECK_INT(self.troubles, 0);
        close_world(&self);
    }
}

GLY_TEST(an_error_event_is_not_the_end) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", ""));
    add_watch(&self, 1, GLY_FAKE_HANG,
              EVENT("ADDED", "a", "11") "{\"type\":\"ERROR\",\"object\":{\"code\":500,"
                                        "\"message\":\"etcd\"}}\n" EVENT("ADDED", "x", "99"));
    add_watch(&self, 1, GLY_FAKE_HANG, EVENT("ADDED", "b", "12"));
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "~ +a@11 +b@12 ");
    check_request(&self, "watch=true", 1, "resourceVersion=11 ");
    GLY_CHECK_INT(self.troubles, 1);
    GLY_CHECK_TEXT(self.trouble.data, "the watch ended: etcd (HTTP 500)");
    close_world(&self);
}

GLY_TEST(garbage_means_a_new_list) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", OBJECT("a", "5")));
    add_list(&self, 1, ITEMS("11", OBJECT("a", "5") "," OBJECT("b", "11")));
    add_watch(&self, 1, GLY_FAKE_HANG, "<html>bad gateway</html>\n" EVENT("ADDED", "x", "99"));
    add_watch(&self, 1, GLY_FAKE_HANG, "");
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "+a@5 ~ +b@11 ~ ");
    GLY_CHECK_INT(self.troubles, 1);
    close_world(&self);
}

GLY_TEST(what_is_no_list) {
    world self;
    open_world(&self);
    add_list(&self, 1, "{\"kind\":\"Pod\"}");
    add_list(&self, 1, "no JSON");
    add_list(&self, 1, ITEMS("11", "{\"metadata\":{}},7,null," OBJECT("b", "11")));
    add_watch(&self, 1, GLY_FAKE_HANG, "");
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "+b@11 ~ ");
    GLY_CHECK_INT(self.troubles, 1); /* of two failures in a row */
    GLY_CHECK_TEXT(self.trouble.data, "the API server's answer is not a list of objects");
    close_world(&self);
}

GLY_TEST(an_object_too_large_is_left_out) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", ""));
    gly_builder lines = {0};
    gly_builder_add_text(&lines,
                         EVENT("ADDED", "a", "11") "{\"type\":\"ADDED\",\"object\":{\"x\":\"");
    gly_builder_add_repeat(&lines, 'x', 3000000);
    gly_builder_add_text(&lines, "\"}}\n" EVENT("ADDED", "b", "12"));
    add_watch(&self, 1, GLY_FAKE_HANG, lines.data);
    gly_builder_clear(&lines);
    start(&self, &(gly_k8s_watch_options){.max_object_bytes = 2000});
    check_told(&self, "~ +a@11 +b@12 ");
    GLY_CHECK_INT(self.troubles, 1);
    GLY_CHECK(strstr(self.trouble.data, "pods has more than 2000 bytes") != NULL);
    close_world(&self);
}

GLY_TEST(a_dropped_connection) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", ""));
    add_watch(&self, 1, GLY_FAKE_DROP, EVENT("ADDED", "a", "11") "{\"type\":\"ADD");
    add_watch(&self, 1, GLY_FAKE_RESET, EVENT("ADDED", "b", "12"));
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"watch=true"},
                                                  .times = 2,
                                                  .says_nothing = true,
                                                  .end = GLY_FAKE_DROP});
    add_watch(&self, 1, GLY_FAKE_HANG, EVENT("ADDED", "c", "13"));
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "~ +a@11 +b@12 +c@13 ");
    check_request(&self, "watch=true", 1, "resourceVersion=11 ");
    GLY_CHECK_INT(self.troubles, 2); /* b ended the first row */
    close_world(&self);
}

GLY_TEST(a_server_that_is_away) {
    world self;
    open_world(&self);
    add_list(&self, 0, ITEMS("10", OBJECT("a", "5")));
    add_watch(&self, 0, GLY_FAKE_HANG, BOOKMARK("20"));
    start(&self, &(gly_k8s_watch_options){0});
    check_told(&self, "+a@5 ~ ");
    wait_for_requests(&self, "watch=true", 1);
    poll_for(&self, 50);
    gly_fake_k8s_set_away(self.fake, true);
    poll_for(&self, 1500);
    GLY_CHECK_INT(self.troubles, 1);
    GLY_CHECK(gly_k8s_watch_is_synced(self.watch));
    gly_fake_k8s_set_away(self.fake, false);
    wait_for_requests(&self, "watch=true", 2);
    check_request(&self, "watch=true", 1, "resourceVersion=20 ");
    GLY_CHECK_INT(gly_fake_k8s_count(self.fake, "limit="), 1); /* nothing is listed again */
    poll_for(&self, 50);
    GLY_CHECK_INT(self.troubles, 1);
    close_world(&self);
}

GLY_TEST(failing_for_ever_is_cheap) {
    for (int which = 0; which < 3; which++) {
        world self;
        open_world(&self);
        if (which == 0) {
            gly_fake_k8s_rule(self.fake,
                              &(gly_fake_rule){.status = 403,
                                               .pieces = {{0, "{\"reason\":\"Forbidden\","
                                                              "\"message\":\"no\"}"}}});
        } else {
            add_list(&self, 0, ITEMS("10", ""));
            if (which == 1) { /* ends at once, in good order */
                add_watch(&self, 0, GLY_FAKE_CLEAN, "");
            } else {
                gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.status = 410});
            }
        }
        start(&self, &(gly_k8s_watch_options){0});
        poll_for(&self, 1500);
        size_t requests = gly_fake_k8s_count(self.fake, NULL);
        GLY_CHECK(requests >= 3 && requests <= 12);
        GLY_CHECK_INT(self.troubles, which == 0 ? 1 : 0);
        if (which == 0) {
            GLY_CHECK_TEXT(self.trouble.data,
                           "GET /api/v1/pods?limit=500: no (Forbidden, HTTP 403)");
        }
        close_world(&self);
    }
}

GLY_TEST(a_busy_server_says_when) {
    world self;
    open_world(&self);
    add_list(&self, 1, ITEMS("10", ""));
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"watch=true"},
                                                  .times = 1,
                                                  .status = 429,
                                                  .headers = "Retry-After: 1\r\n"});
    add_watch(&self, 1, GLY_FAKE_HANG, EVENT("ADDED", "a", "11"));
    start(&self, &(gly_k8s_watch_options){0});
    int64_t start_ms = gly_clock_ms();
    check_told(&self, "~ +a@11 ");
    GLY_CHECK(gly_clock_ms() - start_ms >= 1000);
    GLY_CHECK_INT(self.troubles, 1);
    close_world(&self);
}

/* --- the safety net --- */

GLY_TEST(a_lost_event_is_found) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"resourceVersion=0"},
                                                  .not_match = "watch",
                                                  .times = 1,
                                                  .pieces = {{0, ITEMS("9", OBJECT("old", "1"))}}});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"resourceVersion=0"},
                                                  .not_match = "watch",
                                                  .pieces = {{0, ITEMS("40", OBJECT("c", "20"))}}});
    add_list(&self, 1, ITEMS("10", OBJECT("a", "5") "," OBJECT("b", "6")));
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"watch=true"},
                                                  .pieces = {{0, EVENT("MODIFIED", "a", "11")},
                                                             {1500, EVENT("ADDED", "x", "39")},
                                                             {0, EVENT("ADDED", "d", "41")}},
                                                  .end = GLY_FAKE_HANG});
    start(&self, &(gly_k8s_watch_options){.relist_ms = 100});
    /* the first cached list (9) is older than what the watch said: dropped, asked again soon */
    int64_t give_up_ms = gly_clock_ms() + 15000;
    while (strstr(self.told.data != NULL ? self.told.data : "", "+d@41") == NULL &&
           gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self.client, 100);
    }
    GLY_CHECK(strncmp(self.told.data, "+a@5 +b@6 ~ +a@11 +c@20 ", 24) == 0);
    GLY_CHECK(strstr(self.told.data, "old") == NULL);
    GLY_CHECK(strstr(self.told.data, "-a ") != NULL && strstr(self.told.data, "-b ") != NULL);
    GLY_CHECK(strstr(self.told.data, "+x@39") == NULL); /* the list at 40 did not have it */
    GLY_CHECK_INT(gly_fake_k8s_count(self.fake, "watch=true"), 1);
    GLY_CHECK_INT(self.troubles, 0);
    close_world(&self);
}

/* A watch that fails while the cached list beside it is under way gives that list up, but not all
 * that should come after it. */
GLY_TEST(a_failing_watch_does_not_end_the_relisting) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake,
                      &(gly_fake_rule){.match = {"resourceVersion=0"},
                                       .not_match = "watch",
                                       .times = 1,
                                       .pieces = {{3000, ITEMS("30", OBJECT("late", "30"))}}});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"resourceVersion=0"},
                                                  .not_match = "watch",
                                                  .pieces = {{0, ITEMS("40", OBJECT("c", "20"))}}});
    add_list(&self, 1, ITEMS("10", OBJECT("a", "5")));
    gly_fake_k8s_rule(
        self.fake,
        &(gly_fake_rule){
            .match = {"watch=true"},
            .times = 1,
            .pieces = {{500, "{\"type\":\"ERROR\",\"object\":{\"code\":500,\"message\":\"x\"}}\n"}},
            .end = GLY_FAKE_HANG});
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"watch=true"}, .end = GLY_FAKE_HANG});
    start(&self, &(gly_k8s_watch_options){.relist_ms = 100});
    int64_t give_up_ms = gly_clock_ms() + 15000;
    while (strstr(self.told.data != NULL ? self.told.data : "", "+c@20") == NULL &&
           gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(self.client, 100);
    }
    GLY_CHECK(strstr(self.told.data, "+c@20") != NULL);
    GLY_CHECK(strstr(self.told.data, "late") == NULL);
    close_world(&self);
}

GLY_TEST(a_cached_list_in_pages_stops_the_watch) {
    world self;
    open_world(&self);
    gly_fake_k8s_rule(self.fake, &(gly_fake_rule){.match = {"continue=n"},
                                                  .pieces = {{0, ITEMS("30", OBJECT("b", "25"))}}});
    gly_fake_k8s_rule(
        self.fake, &(gly_fake_rule){
                       .match = {"resourceVersion=0"},
                       .not_match = "watch",
                       .times = 1,
                       .pieces = {{0, "{\"metadata\":{\"resourceVersion\":\"30\","
                                      "\"continue\":\"n\"},\"items\":[" OBJECT("a", "20") "]}"}}});
    add_list(&self, 0, ITEMS("30", OBJECT("a", "20") "," OBJECT("b", "25")));
    add_watch(&self, 0, GLY_FAKE_HANG, "");
    start(&self, &(gly_k8s_watch_options){.relist_ms = 200});
    wait_for_requests(&self, "continue=n", 1);
    wait_for_requests(&self, "watch=true", 2);
    GLY_CHECK(gly_fake_k8s_count(self.fake, "resourceVersion=30") >= 2);
    GLY_CHECK_INT(self.troubles, 0);
    close_world(&self);
}

/* --- stopping --- */

GLY_TEST(stopped_by_its_own_callbacks) {
    const char kinds[] = {'+', '-', '~', '!'};
    for (size_t i = 0; i < sizeof kinds; i++) {
        world self;
        open_world(&self);
        self.stop_at = kinds[i];
        add_list(&self, 1, ITEMS("10", OBJECT("a", "5") "," OBJECT("b", "6")));
        add_watch(&self, 0, GLY_FAKE_CLEAN,
                  EVENT("DELETED", "a", "11") EVENT("DELETED", "b", "12") "garbage\n");
        start(&self, &(gly_k8s_watch_options){.relist_ms = 50});
        int64_t give_up_ms = gly_clock_ms() + 5000;
        while (self.watch != NULL && gly_clock_ms() < give_up_ms) {
            gly_k8s_client_poll(self.client, 100);
        }
        GLY_CHECK(self.watch == NULL);
        size_t told = self.told.size;
        int troubles = self.troubles;
        poll_for(&self, 300);
        GLY_CHECK_INT(self.told.size, told);
        GLY_CHECK_INT(self.troubles, troubles);
        close_world(&self);
    }
}

GLY_TEST(stopped_at_any_time) {
    for (int steps = 0; steps < 12; steps++) {
        world self;
        open_world(&self);
        add_list(&self, 1, ITEMS("10", OBJECT("a", "5")));
        add_watch(&self, 2, GLY_FAKE_CLEAN, "");
        add_watch(&self, 0, GLY_FAKE_HANG, EVENT("ADDED", "b", "11"));
        start(&self, &(gly_k8s_watch_options){.relist_ms = 20});
        for (int i = 0; i < steps; i++) {
            gly_k8s_client_poll(self.client, 30);
        }
        gly_k8s_watch_stop(self.watch);
        self.watch = NULL;
        gly_builder_reset(&self.told);
        poll_for(&self, 30);
        GLY_CHECK_INT(self.told.size, 0);
        close_world(&self);
    }
}

/* --- all of it at once --- */

/* The server's truth: a log of changes; lists and watches are answered from it, badly. */
typedef struct change {
    uint64_t version, uid;
    int object;
    bool is_deleted;
} change;

enum { CHAOS_OBJECTS = 15 };

typedef struct truth {
    gly_random random;
    GLY_ARRAY(change) log;
    bool is_calm;
    uint64_t told[CHAOS_OBJECTS]; /* versions by what the watch told; 0: absent */
    int twice;
} truth;

static uint64_t parameter(const char *target, const char *key) {
    const char *found = strstr(target, key);
    return found != NULL ? strtoull(found + strlen(key), NULL, 10) : 0;
}

static void add_object(gly_builder *out, const change *now) {
    gly_builder_format(out,
                       "{\"metadata\":{\"name\":\"o%d\",\"uid\":\"%llu\","
                       "\"resourceVersion\":\"%llu\"}}",
                       now->object, (unsigned long long)now->uid, (unsigned long long)now->version);
}

static int answer_badly(void *context, const char *method, const char *target, const char *body,
                        gly_builder *out) {
    (void)method, (void)body;
    truth *self = context;
    uint64_t fate = self->is_calm ? 99 : gly_random_below(&self->random, 20);
    if (fate == 0) {
        return 500;
    }
    if (strstr(target, "watch=true") != NULL) {
        uint64_t after = parameter(target, "resourceVersion=");
        if (fate == 1) {
            return 410;
        }
        for (size_t i = 0; i < self->log.count; i++) {
            const change *now = &self->log.items[i];
            if (now->version <= after) {
                continue;
            }
            uint64_t mishap = self->is_calm ? 99 : gly_random_below(&self->random, 60);
            if (mishap == 0) {
                gly_builder_add_text(out, "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n");
            }
            for (uint64_t n = mishap == 1 ? 0 : mishap == 2 ? 2 : 1; n > 0; n--) { /* lost, twice */
                gly_builder_format(
                    out, "{\"type\":\"%s\",\"object\":", now->is_deleted ? "DELETED" : "MODIFIED");
                add_object(out, now);
                gly_builder_add_text(out, mishap == 3 ? "}" : "}\n");
            }
        }
        if (fate == 2 && out->size > 10) {
            out->size -= 7; /* torn */
        }
        return 200;
    }
    bool is_cached = strstr(target, "resourceVersion=0") != NULL;
    size_t known = self->log.count;
    if (is_cached && !self->is_calm && known > 0) {
        known -= gly_random_below(&self->random, GLY_MIN(known, 40)); /* an old cache */
    }
    uint64_t version = known > 0 ? self->log.items[known - 1].version : 1;
    gly_builder_format(out, "{\"metadata\":{\"resourceVersion\":\"%llu\"},\"items\":[",
                       (unsigned long long)version);
    bool is_first = true;
    for (int object = 0; object < CHAOS_OBJECTS; object++) {
        const change *last = NULL;
        for (size_t i = 0; i < known; i++) {
            last = self->log.items[i].object == object ? &self->log.items[i] : last;
        }
        if (last != NULL && !last->is_deleted) {
            gly_builder_add_text(out, is_first ? "" : ",");
            add_object(out, last);
            is_first = false;
        }
    }
    gly_builder_add_text(out, "]}");
    return 200;
}

static void on_chaos(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    truth *self = context;
    const cJSON *metadata = cJSON_GetObjectItem(object, "metadata");
    long which = strtol(cJSON_GetObjectItem(metadata, "name")->valuestring + 1, NULL, 10);
    if (event == GLY_K8S_WATCH_DELETED) {
        self->twice += self->told[which] == 0;
        self->told[which] = 0;
    } else {
        uint64_t version =
            strtoull(cJSON_GetObjectItem(metadata, "resourceVersion")->valuestring, NULL, 10);
        self->twice += self->told[which] == version;
        self->told[which] = version;
    }
}

static void change_something(truth *self, uint64_t version) {
    change next = {.version = version,
                   .object = (int)gly_random_below(&self->random, CHAOS_OBJECTS),
                   .uid = version};
    for (size_t i = self->log.count; i > 0; i--) {
        const change *last = &self->log.items[i - 1];
        if (last->object == next.object) {
            if (!last->is_deleted) {
                next.uid = last->uid;
                next.is_deleted = gly_random_below(&self->random, 4) == 0;
            }
            break;
        }
    }
    gly_array_push(&self->log, next);
}

static bool agrees(gly_fake_k8s *fake, const truth *self) {
    uint64_t expected[CHAOS_OBJECTS] = {0};
    gly_fake_k8s_lock(fake);
    for (size_t i = 0; i < self->log.count; i++) {
        const change *now = &self->log.items[i];
        expected[now->object] = now->is_deleted ? 0 : now->version;
    }
    gly_fake_k8s_unlock(fake);
    return memcmp(expected, self->told, sizeof expected) == 0;
}

/* One thread answers, another looks: the log only changes between answers, under the server's lock,
 * which gly_fake_k8s_count takes too; so changes are made by an answer itself. */
static int answer_and_change(void *context, const char *method, const char *target,
                             const char *body, gly_builder *out) {
    truth *self = context;
    int status = answer_badly(context, method, target, body, out);
    for (uint64_t n = self->is_calm ? 0 : gly_random_below(&self->random, 6); n > 0; n--) {
        change_something(self, 10 + self->log.count);
    }
    return status;
}

static int calm_down(void *context, const char *method, const char *target, const char *body,
                     gly_builder *out) {
    (void)method, (void)target, (void)body, (void)out;
    ((truth *)context)->is_calm = true;
    return 200;
}

GLY_TEST(chaos_ends_with_the_truth) {
    for (uint64_t seed = 1; seed <= 6; seed++) {
        world self;
        open_world(&self);
        truth server = {.random = {seed}};
        gly_fake_k8s_rule(
            self.fake,
            &(gly_fake_rule){.match = {"/calm"}, .answer = calm_down, .context = &server});
        gly_fake_k8s_rule(self.fake,
                          &(gly_fake_rule){.answer = answer_and_change, .context = &server});
        gly_k8s_watch_options options = {
            .kind = &GLY_K8S_PODS, .relist_ms = 60, .on_object = on_chaos, .context = &server};
        self.watch = gly_k8s_watch_start(self.client, &options);
        poll_for(&self, 1500);
        gly_k8s_request request = {.method = "GET", .path = GLY_STR("/calm")};
        GLY_CHECK(gly_k8s_client_call(self.client, &request, NULL, NULL, NULL) == GLY_OK);
        int64_t give_up_ms = gly_clock_ms() + 45000;
        while (!agrees(self.fake, &server) && gly_clock_ms() < give_up_ms) {
            gly_k8s_client_poll(self.client, 100);
        }
        GLY_CHECK(agrees(self.fake, &server));
        GLY_CHECK_INT(server.twice, 0);
        GLY_CHECK(server.log.count > 20);
        printf("seed %llu: %zu changes, %zu requests\n", (unsigned long long)seed, server.log.count,
               gly_fake_k8s_count(self.fake, NULL));
        close_world(&self);
        gly_array_clear(&server.log);
    }
}

GLY_SUITE("k8s_watch", lists_then_watches, asks_for_metadata_only, lists_in_pages,
          begins_again_when_pages_expired, goes_on_when_a_watch_ends, lines_come_in_pieces,
          too_old_a_version_means_a_new_list, an_error_event_is_not_the_end,
          garbage_means_a_new_list, what_is_no_list, an_object_too_large_is_left_out,
          a_dropped_connection, a_server_that_is_away, failing_for_ever_is_cheap,
          a_busy_server_says_when, a_lost_event_is_found,
          a_failing_watch_does_not_end_the_relisting, a_cached_list_in_pages_stops_the_watch,
          stopped_by_its_own_callbacks, stopped_at_any_time, chaos_ends_with_the_truth)
