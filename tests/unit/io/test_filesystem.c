/* test_filesystem.c - local files: whole or absent, listings, expansion of paths. */
#include "tests/unit/io/io_support.h"

static gly_str root;
static gly_arena *arena;

static void begin(void) {
    arena = gly_arena_make();
    root = gly_io_directory(arena);
}

static void end(void) {
    gly_io_remove(root);
    GLY_CHECK(!gly_io_exists(root));
    gly_arena_free(arena);
}

static void touch(const char *name) { gly_io_write(gly_io_path(arena, root, name), name, 3); }

/* Names below root that path expands to, joined by spaces. */
static const char *expand(const char *name) {
    uint32_t count = 0;
    gly_file_info *files = NULL;
    gly_error err = {0};
    gly_str path = name[0] == '\0' ? root : gly_io_path(arena, root, name);
    gly_status status = gly_filesystem_expand(arena, path, &count, &files, &err);
    if (status != GLY_OK) {
        return gly_error_name(status);
    }
    gly_builder text = {0};
    for (uint32_t i = 0; i < count; i++) {
        gly_builder_format(&text, "%s%.*s", i == 0 ? "" : " ",
                           (int)(files[i].path.size - root.size - 1),
                           files[i].path.data + root.size + 1);
    }
    const char *result = gly_arena_string(arena, text.data);
    gly_builder_clear(&text);
    return result;
}

GLY_TEST(writes_and_reads) {
    begin();
    gly_str path = gly_io_path(arena, root, "new/deep/file");
    gly_error err;
    gly_file_writer *writer = NULL;
    GLY_CHECK_OK(gly_io_filesystem()->create(path, &writer, &err), &err);
    char *bytes = gly_arena_alloc(arena, 700000);
    for (int i = 0; i < 700000; i++) {
        bytes[i] = (char)(i * 7);
    }
    size_t sizes[] = {0, 1, 10, 300000, 5, 399984};
    size_t at = 0;
    for (size_t i = 0; i < GLY_ARRAY_LEN(sizes); i++) {
        GLY_CHECK_OK(writer->write(writer, bytes + at, sizes[i], &err), &err);
        at += sizes[i];
    }
    GLY_CHECK_INT(at, 700000);
    GLY_CHECK_INT(writer->size_bytes, 700000);
    GLY_CHECK(!gly_io_exists(path)); /* not before finish */
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
    gly_str back = gly_io_read(arena, path);
    GLY_CHECK(gly_str_equal(back, (gly_str){bytes, 700000}));
    gly_file *file = NULL;
    char part[10];
    GLY_CHECK_OK(gly_io_filesystem()->open(path, &file, &err), &err);
    GLY_CHECK_OK(file->read_at(file, 699990, 10, part, &err), &err);
    GLY_CHECK(memcmp(part, bytes + 699990, 10) == 0);
    GLY_CHECK_INT(file->read_at(file, 699991, 10, part, &err), GLY_E_IO);
    file->close(file);
    end();
}

GLY_TEST(aborted_files_leave_nothing) {
    begin();
    gly_error err;
    gly_file_writer *writer = NULL;
    gly_str path = gly_io_path(arena, root, "x");
    GLY_CHECK_OK(gly_io_filesystem()->create(path, &writer, &err), &err);
    GLY_CHECK_OK(writer->write(writer, "abc", 3, &err), &err);
    writer->abort(writer);
    GLY_CHECK(!gly_io_exists(path));
    GLY_CHECK_TEXT(expand(""), "PATH_NOT_FOUND");
    gly_io_write(path, "old", 3);
    GLY_CHECK_OK(gly_io_filesystem()->create(path, &writer, &err), &err);
    GLY_CHECK_OK(writer->write(writer, "newer", 5, &err), &err);
    GLY_CHECK(gly_str_equal(gly_io_read(arena, path), GLY_STR("old")));
    GLY_CHECK_OK(writer->finish(writer, &err), &err);
    GLY_CHECK(gly_str_equal(gly_io_read(arena, path), GLY_STR("newer")));
    end();
}

GLY_TEST(expands_paths) {
    begin();
    touch("t/b.parquet");
    touch("t/a.parquet");
    touch("t/sub/c.parquet");
    touch("t/dt=1/d.parquet");
    touch("t/_SUCCESS");
    touch("t/.hidden");
    touch("t/_temporary/x/e.parquet");
    touch("t/_dt=5/f.parquet");
    touch("u/a.csv");
    GLY_CHECK_TEXT(expand("t"),
                   "t/_dt=5/f.parquet t/a.parquet t/b.parquet t/dt=1/d.parquet t/sub/c.parquet");
    GLY_CHECK_TEXT(expand("t/a.parquet"), "t/a.parquet");
    GLY_CHECK_TEXT(expand("t/*.parquet"), "t/a.parquet t/b.parquet");
    GLY_CHECK_TEXT(expand("t/s*"), "t/sub/c.parquet");
    GLY_CHECK_TEXT(expand("*/a.*"), "t/a.parquet u/a.csv");
    GLY_CHECK_TEXT(expand("{t,u}/a.*"), "t/a.parquet u/a.csv");
    GLY_CHECK_TEXT(expand("{t,t}/a.*"), "t/a.parquet");
    GLY_CHECK_TEXT(expand("t/[ab].parquet"), "t/a.parquet t/b.parquet");
    GLY_CHECK_TEXT(expand("t/z*"), "PATH_NOT_FOUND");
    GLY_CHECK_TEXT(expand("nothing"), "PATH_NOT_FOUND");
    GLY_CHECK_TEXT(expand("nothing/*"), "PATH_NOT_FOUND");
    touch("t/odd[1].parquet");
    GLY_CHECK_TEXT(expand("t/odd[1].parquet"), "t/odd[1].parquet");
    end();
}

GLY_TEST(speaks_clearly) {
    begin();
    gly_error err;
    uint32_t count;
    gly_file_info *files;
    gly_str path = gly_io_path(arena, root, "nothing");
    GLY_CHECK_INT(gly_filesystem_expand(arena, path, &count, &files, &err), GLY_E_PATH_NOT_FOUND);
    GLY_CHECK_TEXT(err.message,
                   gly_arena_format(arena, "path %.*s does not exist", GLY_STR_ARG(path)));
    const gly_filesystem *filesystem;
    GLY_CHECK_INT(gly_filesystem_find(GLY_STR("hdfs://host/x"), &filesystem, &err),
                  GLY_E_UNSUPPORTED);
    GLY_CHECK(strstr(err.message, "hdfs") != NULL);
    gly_file *file;
    GLY_CHECK_INT(gly_io_filesystem()->open(root, &file, &err), GLY_E_IO);
    GLY_CHECK_INT(gly_io_filesystem()->open(path, &file, &err), GLY_E_PATH_NOT_FOUND);
    end();
}

GLY_TEST(accepts_the_file_scheme) {
    begin();
    touch("a.txt");
    gly_str path = gly_str_of(gly_arena_format(arena, "file://%.*s/a.txt", GLY_STR_ARG(root)));
    const gly_filesystem *filesystem;
    gly_error err;
    GLY_CHECK_OK(gly_filesystem_find(path, &filesystem, &err), &err);
    uint32_t count = 0;
    gly_file_info *files = NULL;
    GLY_CHECK_OK(gly_filesystem_expand(arena, path, &count, &files, &err), &err);
    GLY_CHECK_INT(count, 1);
    GLY_CHECK(gly_str_equal(files[0].path, path));
    GLY_CHECK_INT(gly_io_read(arena, files[0].path).size, 3);
    end();
}

GLY_TEST(renames_and_removes) {
    begin();
    gly_error err;
    touch("a/x");
    touch("b/y");
    const gly_filesystem *filesystem = gly_io_filesystem();
    GLY_CHECK_OK(filesystem->rename(gly_io_path(arena, root, "a/x"),
                                    gly_io_path(arena, root, "b/c/d/y"), &err),
                 &err);
    GLY_CHECK_TEXT(expand(""), "b/c/d/y b/y");
    GLY_CHECK_OK(filesystem->rename(gly_io_path(arena, root, "b/c/d/y"),
                                    gly_io_path(arena, root, "b/y"), &err),
                 &err);
    GLY_CHECK_TEXT(expand(""), "b/y");
    GLY_CHECK_OK(filesystem->remove_all(gly_io_path(arena, root, "b"), &err), &err);
    GLY_CHECK_OK(filesystem->remove_all(gly_io_path(arena, root, "b"), &err), &err);
    GLY_CHECK(!gly_io_exists(gly_io_path(arena, root, "b")));
    GLY_CHECK_INT(
        filesystem->rename(gly_io_path(arena, root, "q"), gly_io_path(arena, root, "r"), &err),
        GLY_E_PATH_NOT_FOUND);
    GLY_CHECK_OK(filesystem->make_directory(gly_io_path(arena, root, "m/n"), &err), &err);
    GLY_CHECK_OK(filesystem->make_directory(gly_io_path(arena, root, "m/n"), &err), &err);
    gly_io_write(gly_io_path(arena, root, "f"), "x", 1);
    GLY_CHECK(filesystem->make_directory(gly_io_path(arena, root, "f/n"), &err) != GLY_OK);
    end();
}

GLY_TEST(links_do_not_lead_outside) {
    begin();
    touch("a/x");
    touch("keep/y");
    gly_error err;
    const char *target = gly_io_path(arena, root, "keep").data;
    GLY_CHECK_INT(symlink(target, gly_io_path(arena, root, "a/link").data), 0);
    GLY_CHECK_OK(gly_io_filesystem()->remove_all(gly_io_path(arena, root, "a"), &err), &err);
    GLY_CHECK_TEXT(expand(""), "keep/y");
    end();
}

GLY_SUITE("filesystem", writes_and_reads, aborted_files_leave_nothing, expands_paths,
          speaks_clearly, accepts_the_file_scheme, renames_and_removes, links_do_not_lead_outside)
