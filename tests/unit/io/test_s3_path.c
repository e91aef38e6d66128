/* test_s3_path.c - buckets, keys, and the names of files that wait. */
#include "lib/io/fs/s3_path.h"
#include "tests/support/check.h"

GLY_TEST(paths) {
    gly_s3_path path;
    gly_error err;
    GLY_CHECK_OK(gly_s3_path_parse(GLY_STR("s3a://my.bucket-1/a b/dt=1/"), &path, &err), &err);
    GLY_CHECK(gly_str_equal(path.scheme, GLY_STR("s3a")));
    GLY_CHECK(gly_str_equal(path.bucket, GLY_STR("my.bucket-1")));
    GLY_CHECK(gly_str_equal(path.key, GLY_STR("a b/dt=1/")));
    GLY_CHECK_OK(gly_s3_path_parse(GLY_STR("s3://bucket"), &path, &err), &err);
    GLY_CHECK_INT(path.key.size, 0);
    GLY_CHECK_INT(gly_s3_path_parse(GLY_STR("s3:///key"), &path, &err), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(gly_s3_path_parse(GLY_STR("s3://b?cket/k"), &path, &err), GLY_E_INVALID_ARGUMENT);
    GLY_CHECK_INT(gly_s3_path_parse(GLY_STR("s3:/x"), &path, &err), GLY_E_INVALID_ARGUMENT);
}

GLY_TEST(prefixes) {
    gly_arena *arena = gly_arena_make();
    GLY_CHECK(gly_str_equal(gly_s3_path_prefix(arena, GLY_STR("a/b")), GLY_STR("a/b/")));
    GLY_CHECK(gly_str_equal(gly_s3_path_prefix(arena, GLY_STR("a/b//")), GLY_STR("a/b/")));
    GLY_CHECK_INT(gly_s3_path_prefix(arena, GLY_STR("/")).size, 0);
    gly_arena_free(arena);
}

GLY_TEST(pending_files) {
    gly_arena *arena = gly_arena_make();
    gly_str final;
    gly_str key = GLY_STR("out/x/_temporary/j1/0-1/part-00000-j1.parquet");
    GLY_CHECK(gly_s3_path_pending(arena, key, &final));
    GLY_CHECK(gly_str_equal(final, GLY_STR("out/x/part-00000-j1.parquet")));
    GLY_CHECK(gly_s3_path_pending(arena, GLY_STR("_temporary/j/t/n"), &final));
    GLY_CHECK(gly_str_equal(final, GLY_STR("n")));
    GLY_CHECK(!gly_s3_path_pending(arena, GLY_STR("out/_temporary/j1/owner"), &final));
    GLY_CHECK(!gly_s3_path_pending(arena, GLY_STR("out/_temporary/j1/0-1/"), &final));
    GLY_CHECK(!gly_s3_path_pending(arena, GLY_STR("out/x_temporary/j1/0-1/n"), &final));
    GLY_CHECK(!gly_s3_path_pending(arena, GLY_STR("n"), &final));
    gly_str record = gly_s3_path_record(arena, key);
    gly_str back;
    GLY_CHECK(gly_s3_path_of_record(record, &back) && gly_str_equal(back, key));
    GLY_CHECK(!gly_s3_path_of_record(key, &back));
    gly_arena_free(arena);
}

GLY_SUITE("s3_path", paths, prefixes, pending_files)
