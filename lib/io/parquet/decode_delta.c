/* decode_delta.c - streams of deltas: a miniblock is unpacked in bulk, then summed up.
 *
 * Sums wrap (the format says so): 32-bit columns take the low half of the 64-bit sum.  Invariant:
 * the cursor never passes the end; a miniblock without values left has no bytes.
 */
#include "lib/io/parquet/decode_delta.h"

#include "lib/data/batch.h"
#include "lib/io/parquet/bit_unpack.h"
#include "lib/io/parquet/hot.h"

enum { MOST_BLOCK_VALUES = 1 << 20, MOST_HEAP_BYTES = 1 << 30 };

static bool read_varint(const uint8_t **cursor, const uint8_t *end, uint64_t *ret) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *cursor < end; shift += 7) {
        uint8_t byte = *(*cursor)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static uint64_t unzigzag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

bool gly_decode_delta_open(gly_decode_delta *delta, const uint8_t *bytes, const uint8_t *end) {
    uint64_t block_size = 0;
    uint64_t miniblocks = 0;
    uint64_t total = 0;
    uint64_t first = 0;
    *delta = (gly_decode_delta){.cursor = bytes, .end = end};
    if (!read_varint(&delta->cursor, end, &block_size) ||
        !read_varint(&delta->cursor, end, &miniblocks) ||
        !read_varint(&delta->cursor, end, &total) || !read_varint(&delta->cursor, end, &first)) {
        return false;
    }
    if (miniblocks == 0 || block_size == 0 || block_size > MOST_BLOCK_VALUES ||
        miniblocks > block_size || block_size % miniblocks != 0 ||
        block_size / miniblocks % 8 != 0 || total > INT32_MAX) {
        return false;
    }
    delta->miniblock_count = (uint32_t)miniblocks;
    delta->miniblock_size = (uint32_t)(block_size / miniblocks);
    delta->total = delta->left = total;
    delta->value = unzigzag(first);
    delta->is_first = true;
    delta->miniblock = delta->miniblock_count;
    return true;
}

static bool next_miniblock(gly_decode_delta *delta) {
    if (delta->miniblock == delta->miniblock_count) {
        uint64_t least = 0;
        if (!read_varint(&delta->cursor, delta->end, &least) ||
            (uint64_t)(delta->end - delta->cursor) < delta->miniblock_count) {
            return false;
        }
        delta->least = unzigzag(least);
        delta->widths = delta->cursor;
        delta->cursor += delta->miniblock_count;
        delta->miniblock = 0;
    }
    delta->width = delta->widths[delta->miniblock++];
    uint64_t values = GLY_MIN((uint64_t)delta->miniblock_size, delta->left);
    uint64_t left = (uint64_t)(delta->end - delta->cursor);
    if (delta->width > 64 || (values * delta->width + 7) / 8 > left) {
        return false;
    }
    delta->packed = delta->cursor;
    delta->packed_at = 0;
    delta->packed_left = delta->miniblock_size;
    delta->cursor += GLY_MIN((uint64_t)delta->miniblock_size / 8 * delta->width, left);
    return true;
}

GLY_HOT
static uint64_t sum_up(uint64_t value, uint64_t least, uint32_t count, uint64_t *output) {
    for (uint32_t i = 0; i < count; i++) {
        value += least + output[i];
        output[i] = value;
    }
    return value;
}

bool gly_decode_delta_read(gly_decode_delta *delta, uint32_t count, uint64_t *output) {
    if (count > delta->left) {
        return false;
    }
    if (count > 0 && delta->is_first) {
        delta->is_first = false;
        delta->left--;
        *output++ = delta->value;
        count--;
    }
    while (count > 0) {
        if (delta->packed_left == 0 && !next_miniblock(delta)) {
            return false;
        }
        uint32_t take = GLY_MIN(count, delta->packed_left);
        gly_bit_unpack64(delta->packed, delta->packed_at, delta->width, take, output);
        delta->value = sum_up(delta->value, delta->least, take, output);
        delta->packed_at += take;
        delta->packed_left -= take;
        delta->left -= take;
        output += take;
        count -= take;
    }
    return true;
}

bool gly_decode_delta_skip(gly_decode_delta *delta, uint64_t count) {
    uint64_t scratch[256];
    while (count > 0) {
        uint32_t step = (uint32_t)GLY_MIN(count, (uint64_t)GLY_ARRAY_LEN(scratch));
        if (!gly_decode_delta_read(delta, step, scratch)) {
            return false;
        }
        count -= step;
    }
    return true;
}

const uint8_t *gly_decode_delta_end(const gly_decode_delta *delta) {
    gly_decode_delta walk = *delta;
    if (walk.left > 0 && walk.is_first) {
        walk.left--;
    }
    while (walk.left > 0) {
        if (!next_miniblock(&walk)) {
            return NULL;
        }
        walk.left -= GLY_MIN(walk.left, (uint64_t)walk.miniblock_size);
    }
    return walk.cursor;
}

/* ---- text ----------------------------------------------------------------------------------- */

bool gly_decode_delta_text_open(gly_decode_delta_text *text, const uint8_t *bytes,
                                const uint8_t *end, bool has_prefixes) {
    text->has_prefixes = has_prefixes;
    text->last_size = 0;
    text->end = end;
    if (has_prefixes) {
        if (!gly_decode_delta_open(&text->prefixes, bytes, end)) {
            return false;
        }
        bytes = gly_decode_delta_end(&text->prefixes);
    }
    if (bytes == NULL || !gly_decode_delta_open(&text->lengths, bytes, end)) {
        return false;
    }
    text->bytes = gly_decode_delta_end(&text->lengths);
    return text->bytes != NULL;
}

void gly_decode_delta_text_close(gly_decode_delta_text *text) {
    gly_parquet_page_release(&text->last);
}

static gly_status bad(gly_error *err) {
    return gly_fail(err, GLY_E_CORRUPT_FILE, "a page of delta-encoded text has impossible lengths");
}

static gly_status read_suffixes(gly_decode_delta_text *text, uint32_t count, gly_text *output,
                                gly_error *err) {
    uint64_t lengths[GLY_BATCH_ROWS];
    if (!gly_decode_delta_read(&text->lengths, count, lengths)) {
        return bad(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)lengths[i];
        if (size > (uint64_t)(text->end - text->bytes)) {
            return bad(err);
        }
        output[i] = gly_text_make((const char *)text->bytes, size);
        text->bytes += size;
    }
    return GLY_OK;
}

/* Output holds the suffixes; puts the prefixes in front, bytes in heap. */
static gly_status add_prefixes(gly_decode_delta_text *text, uint32_t count,
                               gly_parquet_buffer *heap, gly_text *output, gly_error *err) {
    uint64_t prefixes[GLY_BATCH_ROWS];
    if (!gly_decode_delta_read(&text->prefixes, count, prefixes)) {
        return bad(err);
    }
    uint64_t total = 0;
    uint64_t before = text->last_size;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t prefix = (uint32_t)prefixes[i];
        if (prefix > before) {
            return bad(err);
        }
        before = (uint64_t)prefix + output[i].size;
        total += before;
        if (total > MOST_HEAP_BYTES) {
            return bad(err);
        }
    }
    GLY_TRY(gly_parquet_page_reserve(heap, total, 0, err));
    const uint8_t *last = text->last.data;
    uint8_t *to = heap->data;
    size_t last_size = text->last_size;
    for (uint32_t i = 0; i < count; i++) {
        size_t prefix = (uint32_t)prefixes[i];
        gly_str suffix = gly_text_str(&output[i]);
        if (prefix > 0) {
            memcpy(to, last, prefix);
        }
        memcpy(to + prefix, suffix.data, suffix.size);
        last = to;
        last_size = prefix + suffix.size;
        output[i] = gly_text_make((const char *)to, last_size);
        to += last_size;
    }
    if (count > 0) {
        GLY_TRY(gly_parquet_page_reserve(&text->last, last_size, 0, err));
        memcpy(text->last.data, last, last_size);
        text->last_size = last_size;
    }
    return GLY_OK;
}

gly_status gly_decode_delta_text_read(gly_decode_delta_text *text, uint32_t count,
                                      gly_parquet_buffer *heap, gly_text *output, gly_error *err) {
    GLY_TRY(read_suffixes(text, count, output, err));
    return text->has_prefixes ? add_prefixes(text, count, heap, output, err) : GLY_OK;
}

gly_status gly_decode_delta_text_skip(gly_decode_delta_text *text, uint64_t count, gly_error *err) {
    gly_text scratch[GLY_BATCH_ROWS];
    gly_parquet_buffer heap = {.budget = text->last.budget};
    gly_status status = GLY_OK;
    while (count > 0 && status == GLY_OK) {
        uint32_t step = (uint32_t)GLY_MIN(count, (uint64_t)GLY_BATCH_ROWS);
        status = gly_decode_delta_text_read(text, step, &heap, scratch, err);
        count -= step;
    }
    gly_parquet_page_release(&heap);
    return status;
}
