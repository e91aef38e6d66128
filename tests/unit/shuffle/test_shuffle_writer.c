/* test_shuffle_writer.c - rows by partition through a file; tiny budgets; several writers; disk. */
#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/shuffle/shuffle_files.h"
#include "lib/shuffle/shuffle_writer.h"
#include "tests/support/check.h"

#include <sys/stat.h>
#include <unistd.h>

static const gly_type types[] = {{.id = GLY_TYPE_BIGINT}, {.id = GLY_TYPE_STRING}};

/* Pushes rows first .. first+count-1: (row, "text of <row>"), to partition hash(row) % partitions;
 * every fifth row is not selected. */
static void push_rows(gly_shuffle_writer *writer, uint32_t partitions, uint64_t first,
                      uint64_t count) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    for (uint64_t done = 0; done < count;) {
        uint32_t n = (uint32_t)GLY_MIN(count - done, (uint64_t)GLY_BATCH_ROWS);
        int64_t *numbers = gly_arena_alloc_aligned(arena, n * 8);
        gly_text *texts = gly_arena_alloc_aligned(arena, n * 16);
        uint16_t *selection = gly_arena_alloc(arena, n * 2);
        uint32_t *partition = gly_arena_alloc(arena, n * 4);
        uint32_t live = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t row = first + done + i;
            numbers[i] = (int64_t)row;
            char *text = gly_arena_format(arena, row % 2 ? "row %llu" : "the text of row %llu",
                                          (unsigned long long)row);
            texts[i] = gly_text_make(text, strlen(text));
            if (row % 5 != 0) {
                selection[live] = (uint16_t)i;
                partition[live++] = (uint32_t)(gly_hash_u64(row) % partitions);
            }
        }
        gly_column columns[] = {{.type = types[0], .count = n, .data = numbers},
                                {.type = types[1], .count = n, .data = texts}};
        gly_batch batch = {2, n, live, selection, columns};
        GLY_CHECK_OK(gly_shuffle_writer_push(writer, &batch, partition, &err), &err);
        done += n;
        gly_arena_reset(arena);
    }
    GLY_CHECK_OK(gly_shuffle_writer_finish(writer, &err), &err);
    gly_arena_free(arena);
}

/* Reads partition p of the file; marks rows in seen; returns their number. */
static uint64_t read_partition(gly_shuffle_files *files, const char *path, const uint64_t *offsets,
                               uint32_t p, uint32_t partitions, uint8_t *seen) {
    size_t size = (size_t)(offsets[p + 1] - offsets[p]);
    char *bytes = gly_alloc(size + 1);
    gly_error err;
    GLY_CHECK_OK(gly_shuffle_files_read_at(files, gly_str_of(path), offsets[p], size, bytes, &err),
                 &err);
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(types, 2);
    gly_shuffle_block_reader_set(reader, (gly_str){bytes, size});
    uint64_t rows = 0;
    uint64_t wrong = 0;
    const gly_batch *batch;
    for (;;) {
        GLY_CHECK_OK(gly_shuffle_block_reader_next(reader, &batch, &err), &err);
        if (batch == NULL) {
            break;
        }
        for (uint32_t i = 0; i < batch->count; i++) {
            gly_value number = gly_column_get(&batch->columns[0], i);
            gly_value text = gly_column_get(&batch->columns[1], i);
            uint64_t row = (uint64_t)number.i64;
            char expected[64];
            int length =
                snprintf(expected, sizeof expected, row % 2 ? "row %llu" : "the text of row %llu",
                         (unsigned long long)row);
            wrong += gly_hash_u64(row) % partitions != p || seen[row] != 0 ||
                     !gly_str_equal(text.text, (gly_str){expected, (size_t)length});
            seen[row] = 1;
        }
        rows += batch->count;
    }
    GLY_CHECK_INT(wrong, 0);
    gly_shuffle_block_reader_free(reader);
    free(bytes);
    return rows;
}

static void round_trip(uint32_t writers, uint32_t partitions, uint64_t rows_each, size_t memory,
                       size_t block_bytes, bool expect_spill) {
    char directory[] = "/tmp/gly-shuffle-XXXXXX";
    GLY_CHECK(mkdtemp(directory) != NULL);
    gly_arena *arena = gly_arena_make();
    gly_budget budget;
    gly_budget_init(&budget, NULL, memory);
    gly_shuffle_writer *all[4];
    gly_shuffle_writer_options options = {partitions, GLY_CODEC_LZ4, &budget,
                                          directory,  block_bytes,   NULL};
    uint64_t spilled = 0;
    for (uint32_t w = 0; w < writers; w++) {
        all[w] = gly_shuffle_writer_make(types, 2, &options);
        push_rows(all[w], partitions, w * rows_each, rows_each);
        spilled += gly_shuffle_writer_spilled_bytes(all[w]);
    }
    GLY_CHECK_INT(spilled > 0, expect_spill);
    GLY_CHECK(gly_budget_peak(&budget) <= memory);
    uint64_t *offsets = GLY_NEW_ARRAY(uint64_t, partitions + 1);
    gly_error err;
    char *path = gly_shuffle_files_path(arena, directory, 0xabc, 4, 9, 77);
    GLY_CHECK_OK(gly_shuffle_writer_save(all, writers, path, offsets, &err), &err);
    struct stat info;
    GLY_CHECK(stat(path, &info) == 0);
    GLY_CHECK_INT(info.st_size, offsets[partitions]);
    for (uint32_t w = 0; w < writers; w++) {
        gly_shuffle_writer_free(all[w]);
    }
    GLY_CHECK_INT(gly_budget_used(&budget), 0);
    gly_shuffle_files *files = gly_shuffle_files_make(2);
    uint8_t *seen = GLY_NEW_ARRAY(uint8_t, writers * rows_each + 1);
    uint64_t rows = 0;
    for (uint32_t p = 0; p < partitions; p++) {
        rows += read_partition(files, path, offsets, p, partitions, seen);
    }
    uint64_t expected = 0;
    for (uint64_t row = 0; row < writers * rows_each; row++) {
        expected += row % 5 != 0;
    }
    GLY_CHECK_INT(rows, expected);
    GLY_CHECK_INT(gly_shuffle_files_remove(files, directory, 0xabc, 5), 0);
    GLY_CHECK_INT(gly_shuffle_files_remove(files, directory, 0xabc, 4), 1);
    GLY_CHECK(access(path, F_OK) != 0);
    char byte;
    GLY_CHECK_INT(gly_shuffle_files_read_at(files, gly_str_of(path), 0, 1, &byte, &err),
                  GLY_E_PATH_NOT_FOUND);
    gly_shuffle_files_free(files);
    free(seen);
    free(offsets);
    gly_arena_free(arena);
    GLY_CHECK(rmdir(directory) == 0);
}

GLY_TEST(one_writer) { round_trip(1, 7, 40000, SIZE_MAX, 0, false); }
GLY_TEST(small_blocks) { round_trip(1, 200, 20000, SIZE_MAX, 256, false); }
GLY_TEST(more_partitions_than_rows) { round_trip(1, 5000, 300, SIZE_MAX, 0, false); }
GLY_TEST(several_writers) { round_trip(3, 13, 20000, SIZE_MAX, 0, false); }
GLY_TEST(spilling) { round_trip(2, 20, 30000, 300 << 10, 0, true); }
GLY_TEST(no_memory_at_all) { round_trip(1, 3, 3000, 1, 0, true); }
GLY_TEST(no_rows) { round_trip(2, 4, 0, SIZE_MAX, 0, false); }

GLY_TEST(a_missing_directory_is_an_error) {
    gly_budget budget;
    gly_budget_init(&budget, NULL, 1);
    gly_shuffle_writer_options options = {2, GLY_CODEC_LZ4, &budget, "/nonexistent/place", 0, NULL};
    gly_shuffle_writer *writer = gly_shuffle_writer_make(types, 2, &options);
    int64_t number = 1;
    gly_text text = gly_text_make("x", 1);
    gly_column columns[] = {{.type = types[0], .count = 1, .data = &number},
                            {.type = types[1], .count = 1, .data = &text}};
    gly_batch batch = {2, 1, 1, NULL, columns};
    uint32_t partition = 1;
    gly_error err;
    GLY_CHECK(gly_shuffle_writer_push(writer, &batch, &partition, &err) != GLY_OK);
    GLY_CHECK(strstr(err.message, "/nonexistent/place") != NULL);
    uint64_t offsets[3];
    GLY_CHECK(gly_shuffle_writer_save(&writer, 1, "/nonexistent/place/x", offsets, &err) != GLY_OK);
    gly_shuffle_writer_free(writer);
}

GLY_TEST(a_full_disk_leaves_no_file) {
    char directory[] = "/tmp/gly-shuffle-XXXXXX";
    GLY_CHECK(mkdtemp(directory) != NULL);
    gly_arena *arena = gly_arena_make();
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_disk_space *disk = gly_disk_space_make(20000);
    gly_shuffle_writer_options options = {4, GLY_CODEC_LZ4, &budget, directory, 0, disk};
    gly_shuffle_writer *writer = gly_shuffle_writer_make(types, 2, &options);
    push_rows(writer, 4, 0, 40000);
    uint64_t offsets[5];
    gly_error err;
    char *path = gly_shuffle_files_path(arena, directory, 1, 1, 1, 1);
    GLY_CHECK_INT(gly_shuffle_writer_save(&writer, 1, path, offsets, &err), GLY_E_DISK_FULL);
    GLY_CHECK(err.retryable && strstr(err.message, "spec.executor.localDisk") != NULL);
    GLY_CHECK(access(path, F_OK) != 0);
    GLY_CHECK_INT(gly_disk_space_used(disk), 0);
    gly_shuffle_writer_free(writer);
    gly_disk_space_free(disk);
    gly_arena_free(arena);
    GLY_CHECK(rmdir(directory) == 0);
}

GLY_SUITE("shuffle writer", a_full_disk_leaves_no_file, one_writer, small_blocks,
          more_partitions_than_rows, several_writers, spilling, no_memory_at_all, no_rows,
          a_missing_directory_is_an_error)
