/* test_parallel.c - every index once, whatever the number of threads. */
#include "lib/io/fs/parallel.h"
#include "tests/support/check.h"

#include <stdatomic.h>

enum { MOST = 1000 };

static atomic_uint seen[MOST];

static void see(void *context, uint32_t index) {
    (void)context;
    atomic_fetch_add(&seen[index], 1);
}

GLY_TEST(every_index_once) {
    static const uint32_t threads[] = {0, 1, 2, 32, 10000};
    static const uint32_t counts[] = {0, 1, 31, MOST};
    for (size_t t = 0; t < GLY_ARRAY_LEN(threads); t++) {
        for (size_t c = 0; c < GLY_ARRAY_LEN(counts); c++) {
            gly_parallel_each(counts[c], threads[t], see, NULL);
            for (uint32_t i = 0; i < MOST; i++) {
                GLY_CHECK_INT(atomic_exchange(&seen[i], 0), i < counts[c] ? 1 : 0);
            }
        }
    }
}

GLY_SUITE("parallel", every_index_once)
