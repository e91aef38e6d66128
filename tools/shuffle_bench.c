/* shuffle_bench.c - how fast rows go through a shuffle: map tasks that write, reduce tasks that
 * read.
 *
 *   galley-shuffle-bench [rows [partitions [maps [shape [codec]]]]]
 *
 * shape: int (bigint, bigint), text (bigint, string of 8-40 bytes).  One thread.  Prints CPU ns per
 * row for the scatter and blocks, for the file, and for reading everything back.
 */
#include "lib/base/alloc.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/shuffle/shuffle_files.h"
#include "lib/shuffle/shuffle_writer.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct bench {
    uint64_t rows;
    uint32_t partitions, maps;
    bool text;
    gly_codec codec;
    char directory[64];
    gly_arena *arena;
    gly_type types[2];
    int64_t make_ns, push_ns, save_ns, read_ns;
    uint64_t bytes, rows_read;
    char **paths;
    uint64_t **offsets;
} bench;

static void fail(const gly_error *err) {
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* One map task's rows: keys spread over 2^40, values below a million. */
static void run_map(bench *b, uint32_t map) {
    gly_error err;
    gly_budget budget;
    gly_budget_init(&budget, NULL, SIZE_MAX);
    gly_shuffle_writer_options options = {b->partitions, b->codec, &budget, b->directory, 0, NULL};
    gly_shuffle_writer *writer = gly_shuffle_writer_make(b->types, 2, &options);
    int64_t *keys = gly_alloc_aligned(GLY_BATCH_ROWS * 8);
    int64_t *values = gly_alloc_aligned(GLY_BATCH_ROWS * 8);
    gly_text *texts = gly_alloc_aligned(GLY_BATCH_ROWS * 16);
    char *heap = gly_alloc(GLY_BATCH_ROWS * 40);
    uint32_t *partitions = gly_alloc(GLY_BATCH_ROWS * 4);
    uint64_t count = b->rows / b->maps;
    for (uint64_t done = 0; done < count;) {
        uint32_t n = (uint32_t)GLY_MIN((uint64_t)GLY_BATCH_ROWS, count - done);
        int64_t start = gly_clock_cpu_ns();
        for (uint32_t i = 0; i < n; i++) {
            uint64_t hash = gly_hash_u64(map * count + done + i + 1);
            keys[i] = (int64_t)(hash >> 24);
            values[i] = (int64_t)(hash % 1000000);
            partitions[i] = (uint32_t)(((gly_hash_remix(hash) >> 32) * b->partitions) >> 32);
        }
        for (uint32_t i = 0; b->text && i < n; i++) {
            size_t size = 8 + (size_t)keys[i] % 33;
            for (size_t c = 0; c < size; c++) {
                heap[i * 40 + c] = (char)('a' + ((uint64_t)keys[i] >> c % 32) % 26);
            }
            texts[i] = gly_text_make(heap + i * 40, size);
        }
        gly_column columns[] = {
            {.type = b->types[0], .count = n, .data = keys},
            {.type = b->types[1], .count = n, .data = b->text ? (void *)texts : (void *)values}};
        gly_batch batch = {2, n, n, NULL, columns};
        int64_t made = gly_clock_cpu_ns();
        if (gly_shuffle_writer_push(writer, &batch, partitions, &err) != GLY_OK) {
            fail(&err);
        }
        b->make_ns += made - start;
        b->push_ns += gly_clock_cpu_ns() - made;
        done += n;
    }
    int64_t start = gly_clock_cpu_ns();
    if (gly_shuffle_writer_finish(writer, &err) != GLY_OK) {
        fail(&err);
    }
    int64_t finished = gly_clock_cpu_ns();
    b->paths[map] = gly_shuffle_files_path(b->arena, b->directory, 1, 1, map, map);
    b->offsets[map] = GLY_ARENA_ARRAY(b->arena, uint64_t, b->partitions + 1u);
    if (gly_shuffle_writer_save(&writer, 1, b->paths[map], b->offsets[map], &err) != GLY_OK) {
        fail(&err);
    }
    b->push_ns += finished - start;
    b->save_ns += gly_clock_cpu_ns() - finished;
    b->bytes += b->offsets[map][b->partitions];
    gly_shuffle_writer_free(writer);
    free(keys);
    free(values);
    free(texts);
    free(heap);
    free(partitions);
}

static void read_all(bench *b) {
    gly_error err;
    gly_shuffle_files *files = gly_shuffle_files_make(256);
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(b->types, 2);
    gly_builder window = {0};
    int64_t start = gly_clock_cpu_ns();
    for (uint32_t p = 0; p < b->partitions; p++) {
        for (uint32_t m = 0; m < b->maps; m++) {
            uint64_t offset = b->offsets[m][p];
            size_t size = (size_t)(b->offsets[m][p + 1] - offset);
            gly_builder_reset(&window);
            if (size == 0) {
                continue;
            }
            if (gly_shuffle_files_read_at(files, gly_str_of(b->paths[m]), offset, size,
                                          gly_builder_room(&window, size), &err) != GLY_OK) {
                fail(&err);
            }
            gly_shuffle_block_reader_set(reader, (gly_str){window.data, size});
            for (const gly_batch *batch;;) {
                if (gly_shuffle_block_reader_next(reader, &batch, &err) != GLY_OK) {
                    fail(&err);
                }
                if (batch == NULL) {
                    break;
                }
                b->rows_read += batch->count;
            }
        }
    }
    b->read_ns = gly_clock_cpu_ns() - start;
    gly_builder_clear(&window);
    gly_shuffle_block_reader_free(reader);
    gly_shuffle_files_remove(files, b->directory, 1, 1);
    gly_shuffle_files_free(files);
}

int main(int count, char **arguments) {
    bench b = {.rows = 10 * 1000 * 1000, .partitions = 200, .maps = 1, .codec = GLY_CODEC_LZ4};
    uint64_t number;
    if (count > 1 && gly_str_to_u64(gly_str_of(arguments[1]), &number)) {
        b.rows = number;
    }
    if (count > 2 && gly_str_to_u64(gly_str_of(arguments[2]), &number)) {
        b.partitions = (uint32_t)GLY_MAX(number, 1u);
    }
    if (count > 3 && gly_str_to_u64(gly_str_of(arguments[3]), &number)) {
        b.maps = (uint32_t)GLY_MAX(number, 1u);
    }
    b.text = count > 4 && strcmp(arguments[4], "text") == 0;
    if (count > 5 && !gly_codec_find(gly_str_of(arguments[5]), &b.codec)) {
        fprintf(stderr, "%s is not a codec\n", arguments[5]);
        return 2;
    }
    b.types[0] = GLY_TYPE_OF(BIGINT);
    b.types[1] = b.text ? GLY_TYPE_OF(STRING) : GLY_TYPE_OF(BIGINT);
    const char *parent = getenv("TMPDIR");
    snprintf(b.directory, sizeof b.directory, "%.40s/shuffle-XXXXXX", parent ? parent : "/tmp");
    if (mkdtemp(b.directory) == NULL) {
        perror(b.directory);
        return 1;
    }
    b.arena = gly_arena_make();
    b.paths = GLY_ARENA_ARRAY(b.arena, char *, b.maps);
    b.offsets = GLY_ARENA_ARRAY(b.arena, uint64_t *, b.maps);
    for (uint32_t m = 0; m < b.maps; m++) {
        run_map(&b, m);
    }
    read_all(&b);
    rmdir(b.directory);
    double rows = (double)GLY_MAX(b.rows_read, (uint64_t)1);
    printf("%llu rows, %u partitions, %u maps: %.1f bytes/row\n"
           "  scatter and blocks %.1f ns/row, file %.1f ns/row, read %.1f ns/row (%.1f M rows/s "
           "written)\n",
           (unsigned long long)b.rows_read, b.partitions, b.maps, (double)b.bytes / rows,
           (double)b.push_ns / rows, (double)b.save_ns / rows, (double)b.read_ns / rows,
           1e3 * rows / (double)(b.push_ns + b.save_ns));
    gly_arena_free(b.arena);
    return 0;
}
