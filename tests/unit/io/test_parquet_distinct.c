/* test_parquet_distinct.c - estimates from dictionary sizes. */
#include "lib/io/parquet/parquet_distinct.h"
#include "tests/unit/io/parquet_support.h"

static bool is_near(uint64_t have, double wanted) {
    bool near = (double)have > wanted * 0.85 && (double)have < wanted * 1.15;
    if (!near) {
        fprintf(stderr, "%llu is not near %g\n", (unsigned long long)have, wanted);
    }
    return near;
}

GLY_TEST(samples_are_scaled) {
    GLY_CHECK_INT(gly_parquet_distinct_scale(7, 100000, 6000000), 7);
    GLY_CHECK_INT(gly_parquet_distinct_scale(1, 100000, 6000000), 1);
    GLY_CHECK_INT(gly_parquet_distinct_scale(100000, 100000, 6000000), 6000000);
    /* 100,000 draws from 200,000 values show 78,694 of them. */
    GLY_CHECK(is_near(gly_parquet_distinct_scale(78694, 100000, 6000000), 200000));
    GLY_CHECK_INT(gly_parquet_distinct_scale(50, 100, 100), 50);
}

GLY_TEST(files_are_estimated) {
    gly_arena *arena = gly_arena_make();
    gly_str root = gly_io_directory(arena);
    gly_str path = gly_io_path(arena, root, "t.parquet");
    gly_option options[] = {{GLY_STR("row_group_rows"), GLY_STR("4000")}};
    enum { ROWS = GLY_BATCH_ROWS == 2 ? 4000 : 20000 };
    gly_cell_write(path, ROWS, 1, options, NULL);
    gly_relation *relation = gly_cell_open(arena, path);
    const gly_column_statistics *statistics = relation->statistics;
    GLY_CHECK(is_near(statistics[0].distinct_count, ROWS));
    GLY_CHECK_INT(statistics[2].distinct_count, 2);
    GLY_CHECK(is_near(statistics[3].distinct_count, 256));
    GLY_CHECK_INT(statistics[13].distinct_count, 37);
    GLY_CHECK(is_near(statistics[14].distinct_count, ROWS * 0.8));
    gly_io_remove(root);
    gly_arena_free(arena);
}

GLY_SUITE("parquet_distinct", samples_are_scaled, files_are_estimated)
