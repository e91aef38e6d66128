/* test_kernel_text.c - searching and dates against plain loops. */
#include "lib/data/date.h"
#include "lib/engine/kernel/k_date.h"
#include "lib/engine/kernel/k_gather.h"
#include "lib/engine/kernel/k_text.h"
#include "tests/support/check.h"

#include "lib/base/random.h"

GLY_TEST(finds_as_memmem) {
    gly_random random = {21};
    for (int i = 0; i < 20000; i++) {
        size_t size = gly_random_below(&random, 70), needle_size = gly_random_below(&random, 6);
        size_t from = gly_random_below(&random, size + 1);
        char *text = malloc(size + 1), needle[8]; /* exact, so that reading beyond is noticed */
        for (size_t k = 0; k < size; k++) {
            text[k] = (char)('a' + gly_random_below(&random, 2));
        }
        for (size_t k = 0; k < needle_size; k++) {
            needle[k] = (char)('a' + gly_random_below(&random, 2));
        }
        const char *found = memmem(text + from, size - from, needle, needle_size);
        size_t wanted = found == NULL ? SIZE_MAX : (size_t)(found - text);
        char *exact = malloc(size == 0 ? 1 : size);
        memcpy(exact, text, size);
        GLY_CHECK(gly_k_text_find(exact, size, from, needle, needle_size) == wanted);
        free(exact);
        free(text);
    }
}

GLY_TEST(counts_characters) {
    GLY_CHECK_INT(gly_k_text_count("Gr\xc3\xb6\xc3\x9f" "e", 7), 5);
    GLY_CHECK_INT(gly_k_text_count("", 0), 0);
    GLY_CHECK(gly_k_text_is_ascii("abcdefghijk", 11));
    GLY_CHECK(!gly_k_text_is_ascii("abcdefghij\xc3", 11));
    GLY_CHECK(!gly_k_text_is_ascii("\xc3" "bcdefgh", 8));
}

GLY_TEST(dates_as_one_by_one) {
    enum { COUNT = 1000 };
    static int32_t days[COUNT], parts[4][COUNT];
    gly_random random = {2};
    for (int round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            uint64_t any = gly_random_below(&random, round < 50 ? 100000 : 740000000);
            days[i] = round < 50 ? (int32_t)any - 50000 : (int32_t)any - 11900000;
        }
        for (int part = 0; part < 4; part++) {
            GLY_CHECK(gly_k_date_run(part, days, COUNT, parts[part]));
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            int32_t year, month, day;
            gly_date_to_civil(days[i], &year, &month, &day);
            GLY_CHECK(parts[GLY_K_DATE_YEAR][i] == year && parts[GLY_K_DATE_MONTH][i] == month &&
                      parts[GLY_K_DATE_DAY][i] == day &&
                      parts[GLY_K_DATE_QUARTER][i] == (month + 2) / 3);
        }
    }
    days[500] = INT32_MIN;
    GLY_CHECK(!gly_k_date_run(GLY_K_DATE_YEAR, days, COUNT, parts[0]));
}

GLY_TEST(flags_by_code) {
    gly_random random = {4};
    for (uint32_t entries = 1; entries < 200; entries += 7) {
        uint8_t flags[200], out[300];
        uint32_t codes[300];
        for (uint32_t i = 0; i < entries; i++) {
            flags[i] = gly_random_below(&random, 2) != 0;
        }
        for (uint32_t i = 0; i < 300; i++) {
            codes[i] = (uint32_t)gly_random_below(&random, entries);
        }
        gly_k_gather_flags(flags, entries, codes, 300, out);
        for (uint32_t i = 0; i < 300; i++) {
            GLY_CHECK(out[i] == flags[codes[i]]);
        }
    }
}

GLY_SUITE("kernel_text", finds_as_memmem, counts_characters, dates_as_one_by_one, flags_by_code)
