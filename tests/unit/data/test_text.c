/* test_text.c - string views: every length around the borders, order and equality. */
#include "lib/data/text.h"
#include "tests/support/check.h"

GLY_TEST(views_of_all_lengths) {
    char bytes[40];
    for (int i = 0; i < 40; i++) {
        bytes[i] = (char)(i * 37 + 128);
    }
    for (size_t size = 0; size <= 40; size++) {
        char *exact = malloc(size == 0 ? 1 : size); /* so that reading beyond is noticed */
        memcpy(exact, bytes, size);
        gly_text text = gly_text_make(exact, size);
        GLY_CHECK_INT(text.size, size);
        GLY_CHECK(memcmp(gly_text_data(&text), bytes, size) == 0);
        if (size <= GLY_TEXT_INLINE) {
            static const char zeros[12];
            const char *inside = (const char *)&text + 4;
            GLY_CHECK(memcmp(inside + size, zeros, 12 - size) == 0);
        }
        free(exact);
    }
}

GLY_TEST(order_and_equality) {
    static const char *const sorted[] = {"",     "a",    "aa",           "aaaa",          "aaaab",
                                         "aaab", "ab",   "abcdefghijkl", "abcdefghijklm", "b",
                                         "ba",   "zzzz", "zzzzz",        "\xc3\xa4"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(sorted); i++) {
        for (size_t k = 0; k < GLY_ARRAY_LEN(sorted); k++) {
            gly_text a = gly_text_make(sorted[i], strlen(sorted[i]));
            gly_text b = gly_text_make(sorted[k], strlen(sorted[k]));
            int order = gly_text_compare(&a, &b);
            GLY_CHECK_INT((order > 0) - (order < 0), (i > k) - (i < k));
            GLY_CHECK_INT(gly_text_equal(&a, &b), i == k);
        }
    }
}

GLY_SUITE("text", views_of_all_lengths, order_and_equality)
