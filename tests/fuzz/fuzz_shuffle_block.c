/* fuzz_shuffle_block.c - any bytes as shuffle blocks: read or refused, never a crash.
 *
 * Byte 0 chooses the expected columns.  Checksums are put right first, or nothing else would ever
 * be looked at; the bytes behind a block are read as the next one.
 */
#include "lib/base/alloc.h"
#include "lib/shuffle/map_status.h"
#include "lib/shuffle/shuffle_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const gly_type all_types[] = {
    {.id = GLY_TYPE_BIGINT}, {.id = GLY_TYPE_STRING},  {.id = GLY_TYPE_SMALLINT},
    {.id = GLY_TYPE_DOUBLE}, {.id = GLY_TYPE_BOOLEAN}, {.id = GLY_TYPE_DECIMAL, .precision = 38},
    {.id = GLY_TYPE_DATE},
};

static void sign_all(char *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t whole;
        size_t needed = 0;
        if (gly_shuffle_block_measure((gly_str){bytes + at, size - at}, &whole, &needed, NULL) !=
                GLY_OK ||
            whole == 0) {
            return;
        }
        uint64_t stored;
        memcpy(&stored, bytes + at + 24, 8); /* shuffle_block_layout.h */
        gly_shuffle_block_sign(bytes + at, 40 + (size_t)stored);
        at += 40 + (size_t)stored;
    }
}

static uint64_t look_at(const gly_batch *batch) {
    uint64_t sum = 0;
    for (uint32_t c = 0; c < batch->column_count; c++) {
        for (uint32_t row = 0; row < batch->count; row++) {
            gly_value value = gly_column_get(&batch->columns[c], row);
            if (!value.is_null && gly_type_is_text(value.type)) {
                for (size_t i = 0; i < value.text.size; i++) {
                    sum += (uint8_t)value.text.data[i];
                }
            } else {
                sum += !value.is_null && value.i64 != 0;
            }
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    gly_arena *arena = gly_arena_make();
    gly_map_status status;
    (void)!gly_map_status_decode(arena, (gly_str){(const char *)data, size}, &status, NULL);
    gly_arena_free(arena);
    uint32_t first = data[0] % GLY_ARRAY_LEN(all_types);
    uint32_t count = data[0] / 16 % (GLY_ARRAY_LEN(all_types) - first + 1);
    char *bytes = gly_alloc(size - 1);
    memcpy(bytes, data + 1, size - 1);
    sign_all(bytes, size - 1);
    gly_shuffle_block_reader *reader = gly_shuffle_block_reader_make(all_types + first, count);
    gly_shuffle_block_reader_set(reader, (gly_str){bytes, size - 1});
    const gly_batch *batch;
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++) { /* a block may say that it has 4 G constant rows */
        if (gly_shuffle_block_reader_next(reader, &batch, NULL) != GLY_OK || batch == NULL) {
            break;
        }
        sum += look_at(batch);
    }
    gly_shuffle_block_reader_free(reader);
    free(bytes);
    return sum == 1 ? -1 : 0; /* uses the sum: the reads stay */
}
