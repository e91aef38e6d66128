/* test_k8s_mirror.c - each change is told once, nothing gone stays; lines cut at any place. */
#include "k8s/client/k8s_mirror.h"

#include "k8s/client/k8s_lines.h"
#include "lib/base/random.h"
#include "tests/support/check.h"

/* What was told, as "+name@version -name ". */
static gly_builder told;

static void on_object(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    (void)context;
    const cJSON *metadata = cJSON_GetObjectItem(object, "metadata");
    const cJSON *version = cJSON_GetObjectItem(metadata, "resourceVersion");
    GLY_CHECK(cJSON_IsObject(metadata));
    gly_builder_format(&told, "%c%s", event == GLY_K8S_WATCH_APPLIED ? '+' : '-',
                       cJSON_GetObjectItem(metadata, "name")->valuestring);
    if (event == GLY_K8S_WATCH_APPLIED) {
        gly_builder_format(&told, "@%s", version != NULL ? version->valuestring : "");
    }
    gly_builder_add_char(&told, ' ');
}

static void check_told(const char *expected) {
    GLY_CHECK_TEXT(told.data != NULL ? told.data : "", expected);
    gly_builder_reset(&told);
}

static gly_k8s_mirror *make(void) {
    gly_builder_reset(&told);
    return gly_k8s_mirror_make(on_object, NULL);
}

/* Objects as "name uid version", ended by NULL. */
static void add_page(gly_k8s_mirror *mirror, const char *const *objects) {
    gly_builder text = {0};
    gly_builder_add_text(&text, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
    for (size_t i = 0; objects[i] != NULL; i++) {
        char name[32], uid[32], version[32];
        GLY_ASSERT(sscanf(objects[i], "%31s %31s %31s", name, uid, version) == 3);
        gly_builder_format(&text,
                           "%s{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"uid\":\"%s\","
                           "\"resourceVersion\":\"%s\"}}",
                           i > 0 ? "," : "", name, uid, version);
    }
    gly_builder_add_text(&text, "]}");
    cJSON *list = cJSON_Parse(text.data);
    gly_k8s_mirror_add_page(mirror, list);
    cJSON_Delete(list);
    gly_builder_clear(&text);
}

#define LIST(mirror, version, ...)                                                                 \
    do {                                                                                           \
        const char *const gly_objects[] = {__VA_ARGS__};                                           \
        gly_k8s_mirror_begin_list(mirror);                                                         \
        add_page(mirror, gly_objects);                                                             \
        gly_k8s_mirror_end_list(mirror, version);                                                  \
    } while (0)

static gly_k8s_mirror_verdict event(gly_k8s_mirror *mirror, const char *type, const char *name,
                                    const char *uid, const char *version) {
    char line[512];
    snprintf(line, sizeof line,
             "{\"type\":\"%s\",\"object\":{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\","
             "\"uid\":\"%s\",\"resourceVersion\":\"%s\"}}}\n",
             type, name, uid, version);
    return gly_k8s_mirror_event(mirror, gly_str_of(line), NULL);
}

GLY_TEST(a_list_and_its_watch) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "10", "a 1 5", "b 2 7", NULL);
    check_told("+a@5 +b@7 ");
    GLY_CHECK_TEXT(gly_k8s_mirror_version(mirror), "10");
    event(mirror, "ADDED", "c", "3", "11");
    event(mirror, "MODIFIED", "a", "1", "12");
    event(mirror, "DELETED", "b", "2", "13");
    event(mirror, "BOOKMARK", "", "", "20");
    check_told("+c@11 +a@12 -b ");
    GLY_CHECK_TEXT(gly_k8s_mirror_version(mirror), "20");
    GLY_CHECK_INT(gly_k8s_mirror_count(mirror), 2);
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(stale_and_repeated_events_are_dropped) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "100", "a 1 90", NULL);
    check_told("+a@90 ");
    event(mirror, "MODIFIED", "a", "1", "90");
    event(mirror, "MODIFIED", "a", "1", "80");
    event(mirror, "DELETED", "a", "1", "85");
    event(mirror, "ADDED", "gone", "2", "95"); /* the list did not have it: it is gone already */
    event(mirror, "ADDED", "gone", "2", "100");
    check_told("");
    event(mirror, "MODIFIED", "a", "1", "101");
    event(mirror, "MODIFIED", "a", "1", "101");
    event(mirror, "MODIFIED", "a", "1", "100");
    event(mirror, "DELETED", "nobody", "3", "102");
    check_told("+a@101 ");
    event(mirror, "DELETED", "a", "another", "103");
    check_told("");
    event(mirror, "DELETED", "a", "1", "101"); /* as old servers did it */
    event(mirror, "DELETED", "a", "1", "104");
    check_told("-a ");
    GLY_CHECK_TEXT(gly_k8s_mirror_version(mirror), "104");
    event(mirror, "BOOKMARK", "", "", "50"); /* never backwards */
    GLY_CHECK_TEXT(gly_k8s_mirror_version(mirror), "104");
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(numbers_of_different_length) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "9", "a 1 9", NULL);
    event(mirror, "MODIFIED", "a", "1", "10");
    event(mirror, "MODIFIED", "a", "1", "9999999999999999999");
    event(mirror, "MODIFIED", "a", "1", "18446744073709551615");
    event(mirror, "MODIFIED", "a", "1", "18446744073709551616"); /* opaque: only equality counts */
    event(mirror, "MODIFIED", "a", "1", "18446744073709551616");
    check_told("+a@9 +a@10 +a@9999999999999999999 +a@18446744073709551615 "
               "+a@18446744073709551616 ");
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(opaque_versions) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "zz", "a 1 q", NULL);
    event(mirror, "MODIFIED", "a", "1", "q");
    event(mirror, "MODIFIED", "a", "1", "b");
    event(mirror, "MODIFIED", "a", "1", "b");
    event(mirror, "MODIFIED", "a", "1", "-5");
    check_told("+a@q +a@b +a@-5 ");
    GLY_CHECK(!gly_k8s_mirror_is_stale(mirror, "1"));
    GLY_CHECK_TEXT(gly_k8s_mirror_version(mirror), "-5");
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(what_vanished_while_nobody_looked) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "10", "a 1 5", "b 2 6", "c 3 7", NULL);
    check_told("+a@5 +b@6 +c@7 ");
    LIST(mirror, "30", "b 2 6", "c 4 25", NULL); /* c was made anew */
    check_told("-c +c@25 -a ");
    event(mirror, "MODIFIED", "c", "3", "29");
    check_told("");
    event(mirror, "ADDED", "b", "9", "31"); /* also in a watch, if events were lost */
    check_told("-b +b@31 ");
    LIST(mirror, "40", NULL);
    GLY_CHECK_INT(gly_k8s_mirror_count(mirror), 0);
    GLY_CHECK_INT(told.size, strlen("-b -c "));
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(pages_and_a_list_begun_again) {
    gly_k8s_mirror *mirror = make();
    const char *const first[] = {"a 1 5", NULL}, *const second[] = {"b 2 6", NULL};
    gly_k8s_mirror_begin_list(mirror);
    add_page(mirror, first);
    gly_k8s_mirror_begin_list(mirror); /* 410 on the second page */
    add_page(mirror, second);
    gly_k8s_mirror_end_list(mirror, "10");
    check_told("+a@5 +b@6 -a ");
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(a_restored_database) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "1000", "a 1 900", "b 2 950", NULL);
    check_told("+a@900 +b@950 ");
    GLY_CHECK(gly_k8s_mirror_is_stale(mirror, "999"));
    GLY_CHECK(!gly_k8s_mirror_is_stale(mirror, "1000"));
    LIST(mirror, "500", "a 1 400", NULL); /* versions went back: the list is right */
    check_told("+a@400 -b ");
    event(mirror, "MODIFIED", "a", "1", "501");
    check_told("+a@501 ");
    GLY_CHECK_TEXT(gly_k8s_mirror_version(mirror), "501");
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(errors_and_garbage) {
    static const struct {
        const char *line;
        gly_k8s_mirror_verdict verdict;
        const char *message;
    } cases[] = {
        {"{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\",\"message\":\"too "
         "old\"}}",
         GLY_K8S_MIRROR_GONE, "the watch ended: too old (Expired, HTTP 410)"},
        {"{\"type\":\"ERROR\",\"object\":{\"code\":500,\"message\":\"etcd\\u0007\"}}",
         GLY_K8S_MIRROR_REFUSED, "the watch ended: etcd  (HTTP 500)"},
        {"{\"type\":\"ERROR\"}", GLY_K8S_MIRROR_REFUSED,
         "the watch ended: the API server refused (HTTP 0)"},
        {"", GLY_K8S_MIRROR_FINE, ""},
        {" \r", GLY_K8S_MIRROR_FINE, ""},
        {"x", GLY_K8S_MIRROR_GARBAGE, "the watch sent 1 bytes that are no event"},
        {"[]", GLY_K8S_MIRROR_GARBAGE, "the watch sent 2 bytes that are no event"},
        {"{\"type\":\"ADDED\"}", GLY_K8S_MIRROR_GARBAGE,
         "the watch sent 16 bytes that are no event"},
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}", GLY_K8S_MIRROR_GARBAGE,
         NULL},
        {"{\"type\":\"WHAT\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}}",
         GLY_K8S_MIRROR_GARBAGE, NULL},
    };
    gly_k8s_mirror *mirror = make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        gly_builder message = {0};
        GLY_CHECK_INT(gly_k8s_mirror_event(mirror, gly_str_of(cases[i].line), &message),
                      cases[i].verdict);
        if (cases[i].message != NULL) {
            GLY_CHECK_TEXT(message.data != NULL ? message.data : "", cases[i].message);
        }
        gly_builder_clear(&message);
    }
    gly_k8s_mirror_list list;
    const char *no_lists[] = {"{}", "[]", "{\"metadata\":{}}", "{\"metadata\":{},\"items\":{}}"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(no_lists); i++) {
        cJSON *body = cJSON_Parse(no_lists[i]);
        GLY_CHECK_INT(gly_k8s_mirror_read_list(body, &list, NULL), GLY_E_PROTOCOL);
        cJSON_Delete(body);
    }
    GLY_CHECK_INT(gly_k8s_mirror_read_list(NULL, &list, NULL), GLY_E_PROTOCOL);
    cJSON *body = cJSON_Parse("{\"metadata\":{\"continue\":\"\"},\"items\":null}");
    GLY_CHECK_INT(gly_k8s_mirror_read_list(body, &list, NULL), GLY_OK);
    GLY_CHECK(list.continuation == NULL);
    cJSON_Delete(body);
    check_told("");
    gly_k8s_mirror_free(mirror);
}

GLY_TEST(a_halted_mirror_is_silent) {
    gly_k8s_mirror *mirror = make();
    LIST(mirror, "1", "a 1 1", NULL);
    check_told("+a@1 ");
    gly_k8s_mirror_halt(mirror);
    LIST(mirror, "9", "b 1 9", NULL);
    event(mirror, "ADDED", "c", "3", "11");
    check_told("");
    gly_k8s_mirror_free(mirror);
}

/* A watch that loses, repeats and reorders events of different objects, with lists in between, must
 * end with what is there.  Each object's own events keep their order, as the API server's do. */
GLY_TEST(random_histories_end_with_the_truth) {
    enum { OBJECTS = 12, STEPS = 300 };
    for (uint64_t seed = 1; seed <= 60; seed++) {
        gly_random random = {seed};
        gly_k8s_mirror *mirror = make();
        uint64_t now = 1, uid[OBJECTS] = {0}, version[OBJECTS] = {0}; /* uid 0: absent */
        for (int step = 0; step < STEPS; step++) {
            size_t i = gly_random_below(&random, OBJECTS);
            char name[16], uid_text[32], version_text[32];
            const char *type = "MODIFIED";
            version[i] = ++now;
            snprintf(name, sizeof name, "o%zu", i);
            if (uid[i] == 0) {
                uid[i] = now;
                type = "ADDED";
            }
            snprintf(uid_text, sizeof uid_text, "%llu", (unsigned long long)uid[i]);
            if (type[0] == 'M' && gly_random_below(&random, 3) == 0) {
                uid[i] = 0;
                type = "DELETED";
            }
            snprintf(version_text, sizeof version_text, "%llu", (unsigned long long)now);
            uint64_t fate = gly_random_below(&random, 10);
            for (uint64_t n = 0; n < (fate == 0 ? 0u : fate == 1 ? 2u : 1u); n++) {
                event(mirror, type, name, uid_text, version_text);
            }
        }
        gly_k8s_mirror_begin_list(mirror);
        for (size_t i = 0; i < OBJECTS; i++) {
            char object[96];
            snprintf(object, sizeof object, "o%zu %llu %llu", i, (unsigned long long)uid[i],
                     (unsigned long long)version[i]);
            const char *const page[] = {object, NULL};
            if (uid[i] != 0) {
                add_page(mirror, page);
            }
        }
        char last[32];
        snprintf(last, sizeof last, "%llu", (unsigned long long)now);
        gly_k8s_mirror_end_list(mirror, last);
        /* replay what was told */
        uint64_t is_there[OBJECTS] = {0};
        for (char *at = told.data; at != NULL && *at != '\0'; at = strchr(at, ' ') + 1) {
            size_t i = strtoul(at + 2, NULL, 10);
            if (*at == '+') {
                is_there[i] = strtoull(strchr(at, '@') + 1, NULL, 10);
            } else {
                GLY_ASSERT(is_there[i] != 0); /* nothing is deleted twice */
                is_there[i] = 0;
            }
        }
        for (size_t i = 0; i < OBJECTS; i++) {
            GLY_CHECK_INT(is_there[i], uid[i] != 0 ? version[i] : 0);
        }
        gly_k8s_mirror_free(mirror);
    }
    gly_builder_clear(&told);
}

/* --- lines --- */

GLY_TEST(lines_torn_anywhere) {
    const char text[] =
        "one\n\ntwo three\n0123456789\n01234567890\nlast\n01234567890123456789\nx\ny";
    const char expected[] = "one||two three|0123456789|!last|!x|";
    for (uint64_t seed = 0; seed < 500; seed++) {
        gly_random random = {seed};
        gly_k8s_lines lines = {.most = 10};
        gly_builder out = {0};
        for (size_t at = 0; at < sizeof text - 1;) {
            size_t size = gly_random_below(&random, seed % 25 + 2);
            size = GLY_MIN(size, sizeof text - 1 - at);
            gly_str bytes = {text + at, size}, line;
            at += size;
            gly_k8s_lines_result result;
            while ((result = gly_k8s_lines_next(&lines, &bytes, &line)) != GLY_K8S_LINES_MORE) {
                if (result == GLY_K8S_LINES_LINE) {
                    gly_builder_add_str(&out, line);
                    gly_builder_add_char(&out, '|');
                } else {
                    gly_builder_add_char(&out, '!');
                }
            }
            GLY_CHECK(lines.partial.size <= 10);
        }
        GLY_CHECK_TEXT(out.data, expected);
        gly_builder_clear(&out);
        gly_k8s_lines_clear(&lines);
    }
}

GLY_SUITE("k8s_mirror", a_list_and_its_watch, stale_and_repeated_events_are_dropped,
          numbers_of_different_length, opaque_versions, what_vanished_while_nobody_looked,
          pages_and_a_list_begun_again, a_restored_database, errors_and_garbage,
          a_halted_mirror_is_silent, random_histories_end_with_the_truth, lines_torn_anywhere)
