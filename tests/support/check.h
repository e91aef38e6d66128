/* check.h - CUnit with less typing.  A test file is one suite and one process:
 *
 *   GLY_TEST(adds_numbers) { GLY_CHECK_INT(1 + 1, 2); }
 *   GLY_SUITE("sum", adds_numbers, ...)
 */
#ifndef GLY_CHECK_H
#define GLY_CHECK_H

#include "lib/base/base.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

/* A size for tests that are quadratic or worse, where sanitizers would make minutes of it. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define GLY_CHECK_SIZE(size, with_sanitizers) (with_sanitizers)
#else
#define GLY_CHECK_SIZE(size, with_sanitizers) (size)
#endif

#define GLY_TEST(name) static void name(void)

#define GLY_CHECK(condition)                                                                       \
    do {                                                                                           \
        bool gly_check_holds = (condition);                                                        \
        if (!gly_check_holds) {                                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
        }                                                                                          \
        CU_ASSERT(gly_check_holds);                                                                \
    } while (0)
#define GLY_CHECK_INT(actual, expected)                                                            \
    do {                                                                                           \
        long long gly_a = (long long)(actual), gly_e = (long long)(expected);                      \
        if (gly_a != gly_e) {                                                                      \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, gly_a,   \
                    gly_e);                                                                        \
        }                                                                                          \
        CU_ASSERT(gly_a == gly_e);                                                                 \
    } while (0)
#define GLY_CHECK_TEXT(actual, expected)                                                           \
    do {                                                                                           \
        const char *gly_a = (actual), *gly_e = (expected);                                         \
        if (strcmp(gly_a, gly_e) != 0) {                                                           \
            fprintf(stderr, "%s:%d: %s is\n  '%s', not\n  '%s'\n", __FILE__, __LINE__, #actual,    \
                    gly_a, gly_e);                                                                 \
        }                                                                                          \
        CU_ASSERT(strcmp(gly_a, gly_e) == 0);                                                      \
    } while (0)
/* A status that must be OK; prints the error and ends the test program if it is not. */
#define GLY_CHECK_OK(expression, err)                                                              \
    do {                                                                                           \
        if ((expression) != GLY_OK) {                                                              \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #expression, (err)->message);   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define GLY_SUITE(title, ...)                                                                      \
    int main(void) {                                                                               \
        static void (*const gly_tests[])(void) = {__VA_ARGS__};                                    \
        CU_initialize_registry();                                                                  \
        CU_pSuite gly_suite = CU_add_suite(title, NULL, NULL);                                     \
        static const char *gly_names[] = {#__VA_ARGS__};                                           \
        (void)gly_names;                                                                           \
        for (size_t i = 0; i < GLY_ARRAY_LEN(gly_tests); i++) {                                    \
            char gly_name[64];                                                                     \
            snprintf(gly_name, sizeof gly_name, "%s %zu", title, i + 1);                           \
            CU_add_test(gly_suite, gly_name, gly_tests[i]);                                        \
        }                                                                                          \
        CU_basic_set_mode(CU_BRM_NORMAL);                                                          \
        CU_basic_run_tests();                                                                      \
        unsigned gly_failures = CU_get_number_of_failures();                                       \
        CU_cleanup_registry();                                                                     \
        return gly_failures == 0 ? 0 : 1;                                                          \
    }

#endif
