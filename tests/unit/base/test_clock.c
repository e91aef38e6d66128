/* test_clock.c - how old this process is. */
#include "lib/base/clock.h"
#include "tests/support/check.h"

GLY_TEST(process_age) {
    int64_t before = gly_clock_process_ms();
    GLY_CHECK(before >= 0 && before < 300 * 1000);
    gly_clock_sleep_ms(60);
    int64_t after = gly_clock_process_ms();
    GLY_CHECK(after >= before + 40 && after < before + 60 * 1000);
}

GLY_SUITE("clock", process_age)
