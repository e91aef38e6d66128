/* test_time_zone.c - every zone of this machine against the C library's reading of it, and broken
 * files. */
#include "k8s/api/time_zone.h"
#include "lib/base/hash.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <time.h>

/* The C library's offset, by TZ; what the code under test does without. */
static int64_t library_offset(const char *name, int64_t utc) {
    setenv("TZ", name, 1);
    tzset();
    time_t time = (time_t)utc;
    struct tm local;
    localtime_r(&time, &local);
    return local.tm_gmtoff;
}

static void compare(const char *name, uint64_t seed) {
    gly_arena *arena = gly_arena_make();
    const gly_time_zone *zone;
    gly_error err;
    GLY_CHECK_OK(gly_time_zone_load(arena, name, NULL, &zone, &err), &err);
    int64_t utc = -1500000000 + (int64_t)(seed % 1000000);                 /* 1922 */
    for (int step = 0; utc < INT64_C(6000000000) && step < 4000; step++) { /* to 2160 */
        gly_time_zone_span span = gly_time_zone_at(zone, utc);
        int64_t expected = library_offset(name, utc);
        if (span.offset != expected) {
            fprintf(stderr, "%s at %lld\n", name, (long long)utc);
        }
        GLY_CHECK_INT(span.offset, expected);
        GLY_CHECK(span.until > utc);
        if (span.until < INT64_C(6000000000)) { /* up to its last second */
            GLY_CHECK_INT(library_offset(name, span.until - 1), span.offset);
        }
        utc = step % 2 == 0 ? span.until
                            : utc + 1 + (int64_t)(gly_hash_u64(seed ^ (uint64_t)utc) % 40000000);
    }
    gly_arena_free(arena);
}

GLY_TEST(all_zones_are_read_as_the_c_library_reads_them) {
    static const char *const regions[] = {"Africa",   "America",   "Antarctica", "Asia",
                                          "Atlantic", "Australia", "Europe",     "Indian",
                                          "Pacific",  "Etc"};
    int count = 0;
    for (size_t i = 0; i < GLY_ARRAY_LEN(regions); i++) {
        char path[300];
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", regions[i]);
        DIR *directory = opendir(path);
        GLY_CHECK(directory != NULL);
        for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
            if (entry->d_type != DT_DIR && entry->d_name[0] != '.') {
                char name[300];
                snprintf(name, sizeof name, "%s/%s", regions[i], entry->d_name);
                compare(name, (uint64_t)count++);
            }
        }
        if (directory != NULL) {
            closedir(directory);
        }
    }
    GLY_CHECK(count > 300);
}

GLY_TEST(utc_needs_no_file) {
    gly_arena *arena = gly_arena_make();
    const gly_time_zone *zone;
    gly_error err;
    GLY_CHECK_OK(gly_time_zone_load(arena, "UTC", "/nowhere", &zone, &err), &err);
    GLY_CHECK_INT(gly_time_zone_at(zone, 1700000000).offset, 0);
    GLY_CHECK(gly_time_zone_at(zone, 1700000000).until == INT64_MAX);
    GLY_CHECK_OK(gly_time_zone_load(arena, "", "/nowhere", &zone, &err), &err);
    gly_arena_free(arena);
}

GLY_TEST(other_names_are_refused_with_a_sentence) {
    static const char *const names[][2] = {
        {"Mars/Olympus", "there is no time zone 'Mars/Olympus'; write UTC or Europe/Zurich"},
        {"../../../etc/passwd",
         "'../../../etc/passwd' is no time zone; write UTC or Europe/Zurich"},
        {"/etc/passwd", "'/etc/passwd' is no time zone"},
        {"Europe/", "'Europe/' is no time zone"},
        {"Europe//Zurich", "is no time zone"},
        {"Europe", "time zone 'Europe'"},
        {"zone.tab", "is no time zone"},
        {"leapseconds", "'leapseconds'"},
        {"right/Europe/Zurich", "right/Europe/Zurich"},
    };
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(names); i++) {
        const gly_time_zone *zone;
        gly_error err = {0};
        GLY_CHECK(gly_time_zone_load(arena, names[i][0], NULL, &zone, &err) != GLY_OK);
        if (strstr(err.message, names[i][1]) == NULL) {
            fprintf(stderr, "%s: %s\n", names[i][0], err.message);
        }
        GLY_CHECK(strstr(err.message, names[i][1]) != NULL);
    }
    gly_arena_free(arena);
}

/* A small file made by hand: version 2, no transitions, only a rule. */
static gly_str rule_file(gly_builder *bytes, const char *rule) {
    static const char header[44] = "TZif2"; /* all counts 0 */
    char second[44] = "TZif2";
    gly_builder_reset(bytes);
    gly_builder_add(bytes, header, sizeof header);
    second[20 + 16 + 3] = 1; /* one type */
    gly_builder_add(bytes, second, sizeof second);
    gly_builder_add(bytes, "\0\0\0\0\0\0", 6);
    gly_builder_format(bytes, "\n%s\n", rule);
    return gly_builder_str(bytes);
}

GLY_TEST(rules) {
    static const struct {
        const char *rule;
        int64_t utc, offset;
    } cases[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600}, /* 2026-03-29T00:59:59Z */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 7200}, /* 2026-10-25T00:59:59Z */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 39600}, /* January is summer */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1782864000, 36000},
        {"<-03>3", 0, -10800},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1767225600, 39600},
        {"EST5EDT4,J60/0,J300/0", 1772323200,
         -18000}, /* 2026-03-01T00:00Z, before local midnight */
        {"EST5EDT4,J60/0,J300/0", 1772341200, -14400},
        {"XXX0YYY,0/0,J365/25", 1772341200, 3600}, /* summer all year */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999, -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600},
    };
    static const char *const bad[] = {"CE-1",
                                      "CET",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-999",
                                      "CET-1:99",
                                      "CET-1CEST,J0,J5",
                                      "CET-1CEST,366,5",
                                      "<CET-1",
                                      "CET-1CEST,M3.5.0,M10.5.0/3x"};
    gly_builder bytes = {0};
    gly_arena *arena = gly_arena_make();
    const gly_time_zone *zone;
    gly_error err;
    for (size_t i = 0; i < GLY_ARRAY_LEN(cases); i++) {
        GLY_CHECK_OK(gly_time_zone_parse(arena, rule_file(&bytes, cases[i].rule), &zone, &err),
                     &err);
        if (gly_time_zone_at(zone, cases[i].utc).offset != cases[i].offset) {
            fprintf(stderr, "%s at %lld\n", cases[i].rule, (long long)cases[i].utc);
        }
        GLY_CHECK_INT(gly_time_zone_at(zone, cases[i].utc).offset, cases[i].offset);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        GLY_CHECK(gly_time_zone_parse(arena, rule_file(&bytes, bad[i]), &zone, &err) != GLY_OK);
    }
    gly_str whole = rule_file(&bytes, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t size = 0; size < whole.size; size++) {
        GLY_CHECK(gly_time_zone_parse(arena, (gly_str){whole.data, size}, &zone, &err) != GLY_OK);
    }
    gly_builder_clear(&bytes);
    gly_arena_free(arena);
}

GLY_SUITE("time_zone", all_zones_are_read_as_the_c_library_reads_them, utc_needs_no_file,
          other_names_are_refused_with_a_sentence, rules)
