/* fuzz_parquet.c - any bytes as a Parquet file: infer the schema, read every column, filter, skip.
 *
 * The file lies in memory (memfd) and is opened through /proc/self/fd, so that the real file layer
 * is used.  The first byte of the input chooses the mode, the rest is the file; when it does not
 * end as a Parquet file does, the end is added, so that the fuzzer need not find the magic first.
 */
#include "lib/base/budget.h"
#include "lib/io/format.h"
#include "lib/io/source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_ROWS = 200000 };

static uint64_t sink;

/* Looks at every value, so that a bad pointer in a vector is found. */
static void touch(const gly_batch *batch) {
    for (uint32_t c = 0; c < batch->column_count; c++) {
        for (uint32_t i = 0; i < batch->selected; i++) {
            gly_value value = gly_column_get(&batch->columns[c], gly_batch_row(batch, i));
            if (value.is_null) {
                continue;
            }
            if (gly_type_is_text(value.type)) {
                for (size_t b = 0; b < value.text.size; b++) {
                    sink += (unsigned char)value.text.data[b];
                }
            } else {
                sink += (uint64_t)value.i64;
            }
        }
    }
}

static gly_status select_some(void *context, const gly_batch *batch, uint16_t *ret_selection,
                              uint32_t *ret_count, gly_error *err) {
    (void)err;
    uint64_t *round = context;
    *ret_count = 0;
    if (++*round % 3 == 0) { /* sometimes a whole window goes */
        return GLY_OK;
    }
    for (uint32_t i = 0; i < batch->count; i += 1 + *round % 7) {
        ret_selection[(*ret_count)++] = (uint16_t)i;
    }
    return GLY_OK;
}

static void read_file(gly_arena *arena, gly_str path, bool is_filtered, gly_budget *budget) {
    gly_error err;
    gly_relation *relation;
    const gly_format *format = gly_format_find(GLY_STR("parquet"));
    if (gly_source_open(arena, GLY_STR("parquet"), GLY_STR("fuzz"), 1, &path, 0, NULL, &relation,
                        &err) != GLY_OK) {
        return;
    }
    gly_source_splits splits;
    if (gly_source_plan_splits(arena, relation, 1000, 10, 3, &splits, &err) != GLY_OK) {
        return;
    }
    uint32_t count = GLY_MIN(relation->schema->field_count, 200u);
    uint32_t *fields = GLY_ARENA_ARRAY(arena, uint32_t, count);
    bool *is_filter = GLY_ARENA_ARRAY(arena, bool, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = i;
        is_filter[i] = i == 0;
    }
    uint64_t round = 0;
    gly_scan scan = {.file = &relation->files[0],
                     .split_length = UINT64_MAX,
                     .file_schema = relation->schema,
                     .partition_column_count = relation->partition_column_count,
                     .column_count = count,
                     .fields = fields,
                     .budget = budget};
    if (is_filtered) {
        scan.select = select_some;
        scan.select_context = &round;
        scan.is_filter_column = is_filter;
    }
    gly_reader *reader;
    if (format->reader_open(&scan, &reader, &err) != GLY_OK) {
        return;
    }
    const gly_batch *batch = NULL;
    while (scan.rows_read < MOST_ROWS && format->reader_next(reader, &batch, &err) == GLY_OK &&
           batch != NULL) {
        touch(batch);
    }
    format->reader_close(reader);
}

static bool put(int fd, const void *bytes, size_t size) {
    return write(fd, bytes, size) == (ssize_t)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    int fd = memfd_create("fuzz.parquet", MFD_CLOEXEC);
    if (fd < 0) {
        abort();
    }
    const uint8_t *bytes = data + 1;
    size_t file_size = size - 1;
    bool is_written = put(fd, bytes, file_size);
    if (file_size < 12 || memcmp(bytes + file_size - 4, "PAR1", 4) != 0) {
        uint32_t footer = (uint32_t)(file_size / (1 + data[0] / 64));
        is_written = is_written && put(fd, &footer, 4) && put(fd, "PAR1", 4);
    }
    if (is_written) {
        gly_arena *arena = gly_arena_make();
        gly_budget budget;
        gly_budget_init(&budget, NULL, (size_t)256 << 20);
        read_file(arena, gly_str_of(gly_arena_format(arena, "/proc/self/fd/%d", fd)),
                  (data[0] & 1) != 0, &budget);
        if (gly_budget_used(&budget) != 0) {
            abort(); /* memory was not given back */
        }
        gly_arena_free(arena);
    }
    close(fd);
    return 0;
}
