/* test_glob.c - wildcards in paths. */
#include "lib/io/fs/glob.h"
#include "tests/support/check.h"

static bool matches(const char *pattern, const char *name) {
    return gly_glob_match(gly_str_of(pattern), gly_str_of(name));
}

GLY_TEST(stars_and_question_marks) {
    GLY_CHECK(matches("*", ""));
    GLY_CHECK(matches("*.parquet", "a.parquet"));
    GLY_CHECK(!matches("*.parquet", "a.parquet2"));
    GLY_CHECK(matches("a*b*c", "aXXbYYc"));
    GLY_CHECK(matches("a*b*c", "abcbc"));
    GLY_CHECK(!matches("a*b*c", "aXXbYY"));
    GLY_CHECK(matches("part-????", "part-0001"));
    GLY_CHECK(!matches("part-????", "part-001"));
    GLY_CHECK(!matches("", "a"));
    GLY_CHECK(matches("", ""));
}

GLY_TEST(sets_and_escapes) {
    GLY_CHECK(matches("[abc]1", "b1"));
    GLY_CHECK(!matches("[abc]1", "d1"));
    GLY_CHECK(matches("[a-f0-9]", "7"));
    GLY_CHECK(!matches("[^a-f]", "c"));
    GLY_CHECK(matches("[!a-f]", "x"));
    GLY_CHECK(matches("[]]", "]"));
    GLY_CHECK(matches("[", "["));
    GLY_CHECK(matches("a\\*", "a*"));
    GLY_CHECK(!matches("a\\*", "ab"));
    GLY_CHECK(matches("[-a]", "-"));
}

GLY_TEST(does_not_explode) {
    char pattern[201];
    char name[201];
    for (int i = 0; i < 200; i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
        name[i] = 'a';
    }
    pattern[200] = '\0';
    name[200] = '\0';
    name[199] = 'b';
    GLY_CHECK(!matches(pattern, name));
}

GLY_TEST(matches_the_start_of_paths) {
    GLY_CHECK(gly_glob_match_start(GLY_STR("/a/*"), GLY_STR("/a/b/c.parquet")));
    GLY_CHECK(gly_glob_match_start(GLY_STR("/a/*/c.parquet"), GLY_STR("/a/b/c.parquet")));
    GLY_CHECK(!gly_glob_match_start(GLY_STR("/a/*/d*"), GLY_STR("/a/b/c.parquet")));
    GLY_CHECK(!gly_glob_match_start(GLY_STR("/a/b/c/d"), GLY_STR("/a/b/c")));
    GLY_CHECK(gly_glob_match_start(GLY_STR("/a//b/"), GLY_STR("/a/b")));
    GLY_CHECK_INT(gly_glob_depth(GLY_STR("//a/b//c/")), 3);
}

GLY_TEST(finds_the_base) {
    GLY_CHECK(gly_str_equal(gly_glob_base(GLY_STR("/a/b*/c")), GLY_STR("/a")));
    GLY_CHECK(gly_str_equal(gly_glob_base(GLY_STR("/*")), GLY_STR("/")));
    GLY_CHECK(gly_str_equal(gly_glob_base(GLY_STR("x*")), GLY_STR(".")));
    GLY_CHECK(gly_str_equal(gly_glob_base(GLY_STR("a/b/[c]")), GLY_STR("a/b")));
    GLY_CHECK(!gly_glob_has_wildcard(GLY_STR("/a/b")));
    GLY_CHECK(!gly_glob_has_wildcard(GLY_STR("/a/\\*")));
    GLY_CHECK(gly_glob_has_wildcard(GLY_STR("/a/{b,c}")));
}

static void check_braces(const char *pattern, uint32_t wanted_count, const char *const *wanted) {
    gly_arena *arena = gly_arena_make();
    uint32_t count = 0;
    gly_str *found = NULL;
    gly_error err;
    GLY_CHECK_OK(gly_glob_braces(arena, gly_str_of(pattern), &count, &found, &err), &err);
    GLY_CHECK_INT(count, wanted_count);
    for (uint32_t i = 0; i < wanted_count; i++) {
        bool is_there = false;
        for (uint32_t k = 0; k < count; k++) {
            is_there |= gly_str_equal(found[k], gly_str_of(wanted[i]));
        }
        GLY_CHECK(is_there);
    }
    gly_arena_free(arena);
}

GLY_TEST(expands_braces) {
    check_braces("/a/b", 1, (const char *[]){"/a/b"});
    check_braces("/a/{b,c}/d", 2, (const char *[]){"/a/b/d", "/a/c/d"});
    check_braces("{a,b}{1,2}", 4, (const char *[]){"a1", "a2", "b1", "b2"});
    check_braces("{a,{b,c}d}", 3, (const char *[]){"a", "bd", "cd"});
    check_braces("{a,}", 2, (const char *[]){"a", ""});
    check_braces("{a", 1, (const char *[]){"{a"});
    check_braces("a\\{b,c}", 1, (const char *[]){"a\\{b,c}"});
}

GLY_TEST(refuses_too_many_alternatives) {
    gly_arena *arena = gly_arena_make();
    uint32_t count;
    gly_str *found;
    gly_error err;
    gly_status status =
        gly_glob_braces(arena,
                        GLY_STR("{1,2,3,4,5,6,7,8,9,0}{1,2,3,4,5,6,7,8,9,0}{1,2,3,4,5,6,7,8,9,0}"
                                "{1,2,3,4,5,6,7,8,9,0}{1,2,3,4,5,6,7,8,9,0}"),
                        &count, &found, &err);
    GLY_CHECK_INT(status, GLY_E_INVALID_ARGUMENT);
    gly_arena_free(arena);
}

GLY_SUITE("glob", stars_and_question_marks, sets_and_escapes, does_not_explode,
          matches_the_start_of_paths, finds_the_base, expands_braces, refuses_too_many_alternatives)
