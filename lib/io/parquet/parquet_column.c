/* parquet_column.c - from pages to vectors: levels to validity, values by encoding, lazy skips.
 *
 * The fast paths come first: a page without nulls has no bitmap; PLAIN values of the right type are
 * lent out of the page when they happen to be aligned, else copied once; a run of one dictionary
 * entry becomes a CONSTANT vector; text stays a DICTIONARY of codes.  Text views point into the
 * page (or the dictionary), so a page whose bytes were lent is kept until the next batch.
 *
 * Invariant: page_left + rows_left + rows given out or skipped = rows of the chunk.  Everything
 * read from a page is checked against its end before it is used; over-reads stay within the 64
 * bytes of padding that every buffer has.
 */
#include "lib/io/parquet/parquet_column.h"

#include "lib/io/parquet/bit_unpack.h"
#include "lib/io/parquet/decode_plain.h"

enum { NULLS_NONE, NULLS_SOME, NULLS_ALL };
typedef enum mode {
    MODE_FIXED,
    MODE_TEXT,
    MODE_BITS,
    MODE_RUNS, /* booleans */
    MODE_DICTIONARY,
    MODE_DELTA,
    MODE_DELTA_TEXT,
    MODE_SPLIT,
} mode;

static gly_status ends_early(gly_error *err) {
    return gly_fail(err, GLY_E_CORRUPT_FILE, "a page ends before its last value");
}

/* ---- memory --------------------------------------------------------------------------------- */

gly_status gly_parquet_column_init(gly_parquet_column *column, const gly_parquet_leaf *leaf,
                                   gly_type type, gly_parquet_conversion conversion,
                                   uint64_t first_id, gly_budget *budget, uint64_t *bytes_read,
                                   gly_error *err) {
    enum { SLACK = 64 }; /* decoders may write a few values too many */
    *column = (gly_parquet_column){.leaf = leaf,
                                   .type = type,
                                   .conversion = conversion,
                                   .width = (uint32_t)gly_type_width(type),
                                   .budget = budget,
                                   .dictionary_id = first_id};
    column->raw_width = gly_parquet_convert_width(leaf->physical, leaf->type_length);
    gly_parquet_buffer *owned[] = {&column->pages.window, &column->dictionary_page,
                                   &column->dictionary,   &column->page,
                                   &column->heap,         &column->spare,
                                   &column->memory,       &column->delta_text.last};
    for (size_t i = 0; i < GLY_ARRAY_LEN(owned); i++) {
        owned[i]->budget = budget;
    }
    column->pages.bytes_read = bytes_read;
    size_t rows = GLY_ALIGN_UP((size_t)GLY_BATCH_ROWS + SLACK, (size_t)64);
    size_t values = rows * column->width;
    size_t sizes[] = {values, values, rows * 4, rows * 4, rows / 8 + 64, rows * 8};
    size_t total = 0;
    for (size_t i = 0; i < GLY_ARRAY_LEN(sizes); i++) {
        sizes[i] = GLY_ALIGN_UP(sizes[i], (size_t)64);
        total += sizes[i];
    }
    GLY_TRY(gly_parquet_page_reserve(&column->memory, total, 0, err));
    uint8_t *next = column->memory.data;
    void **parts[] = {(void **)&column->values,   (void **)&column->dense,
                      (void **)&column->codes,    (void **)&column->dense_codes,
                      (void **)&column->validity, (void **)&column->scratch};
    for (size_t i = 0; i < GLY_ARRAY_LEN(parts); i++) {
        *parts[i] = next;
        next += sizes[i];
    }
    return GLY_OK;
}

void gly_parquet_column_clear(gly_parquet_column *column) {
    for (size_t i = 0; i < column->lent.count; i++) {
        gly_parquet_page_release(&column->lent.items[i]);
    }
    gly_array_clear(&column->lent);
    gly_parquet_page_release(&column->pages.window);
    gly_parquet_page_release(&column->dictionary_page);
    gly_parquet_page_release(&column->dictionary);
    gly_parquet_page_release(&column->page);
    gly_parquet_page_release(&column->heap);
    gly_parquet_page_release(&column->spare);
    gly_parquet_page_release(&column->memory);
    gly_decode_delta_text_close(&column->delta_text);
}

void gly_parquet_column_open(gly_parquet_column *column, gly_file *file,
                             const gly_parquet_chunk *chunk) {
    gly_parquet_page_open(&column->pages, file, chunk->offset, chunk->size, chunk->codec);
    column->rows_left = chunk->value_count;
    column->pending_skip = 0;
    column->page_left = 0;
    column->has_dictionary = false;
    column->dictionary_count = 0;
    column->dictionary_id++;
}

void gly_parquet_column_begin(gly_parquet_column *column) {
    for (size_t i = 0; i < column->lent.count; i++) {
        gly_parquet_buffer *old = &column->lent.items[i];
        if (old->capacity > column->spare.capacity) {
            gly_parquet_buffer smaller = column->spare;
            column->spare = *old;
            *old = smaller;
        }
        gly_parquet_page_release(old);
    }
    column->lent.count = 0;
    column->is_page_lent = false;
    column->is_heap_lent = false;
}

/* Makes *buffer free to be written: if it is lent it is kept aside and a spare takes its place. */
static void make_writable(gly_parquet_column *column, gly_parquet_buffer *buffer, bool *is_lent) {
    if (*is_lent) {
        gly_array_push(&column->lent, *buffer);
        *buffer = column->spare;
        column->spare = (gly_parquet_buffer){.budget = column->budget};
        *is_lent = false;
    }
}

/* ---- pages ---------------------------------------------------------------------------------- */

static gly_status load_dictionary(gly_parquet_column *column, const gly_parquet_page_header *header,
                                  gly_error *err) {
    if (column->has_dictionary) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "the column chunk has two dictionaries");
    }
    if (header->encoding != GLY_PARQUET_PLAIN && header->encoding != GLY_PARQUET_PLAIN_DICTIONARY) {
        return gly_fail(err, GLY_E_FILE_FORMAT, "its dictionary has the encoding %d, not PLAIN",
                        header->encoding);
    }
    GLY_TRY(gly_parquet_page_body(&column->pages, header, &column->dictionary_page, err));
    const uint8_t *bytes = column->dictionary_page.data;
    const uint8_t *end = bytes + header->unpacked_size;
    size_t count = header->value_count;
    size_t least = column->raw_width == 0 ? 4 : column->raw_width;
    if (column->leaf->physical == GLY_PARQUET_BOOLEAN || count > header->unpacked_size / least) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "the dictionary claims %zu values in %u bytes",
                        count, header->unpacked_size);
    }
    GLY_TRY(gly_parquet_page_reserve(&column->dictionary, (count + 1) * column->width, 0, err));
    uint8_t *values = column->dictionary.data;
    memset(values + count * column->width, 0, column->width);
    bool fits = true;
    if (column->raw_width > 0) {
        fits =
            gly_parquet_convert_fixed(column->conversion, column->raw_width, bytes, count, values);
    } else if (column->conversion == GLY_PARQUET_COPY) {
        if (gly_decode_plain_text(bytes, end, (uint32_t)count, (gly_text *)values) == NULL) {
            return ends_early(err);
        }
    } else {
        for (size_t i = 0; i < count && fits; i++) {
            gly_text text;
            bytes = gly_decode_plain_text(bytes, end, 1, &text);
            if (bytes == NULL) {
                return ends_early(err);
            }
            fits =
                gly_parquet_convert_text(column->conversion, &text, 1, values + i * column->width);
        }
    }
    if (!fits) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "a value does not fit its type");
    }
    column->has_dictionary = true;
    column->dictionary_count = (uint32_t)count;
    return GLY_OK;
}

/* Finds out about nulls; *cursor moves behind the levels. */
static gly_status open_levels(gly_parquet_column *column, const gly_parquet_page_header *header,
                              const uint8_t **cursor, const uint8_t *end, gly_error *err) {
    size_t size;
    if (header->type == GLY_PARQUET_PAGE_DATA_V2) {
        *cursor += header->repetition_size;
        size = header->definition_size;
    } else if (!column->leaf->is_optional) {
        column->nulls = NULLS_NONE;
        return GLY_OK;
    } else {
        uint32_t claimed;
        if (header->level_encoding != GLY_PARQUET_RLE) {
            return gly_fail(err, GLY_E_FILE_FORMAT, "its levels have the old encoding BIT_PACKED");
        }
        if (end - *cursor < 4) {
            return ends_early(err);
        }
        memcpy(&claimed, *cursor, 4);
        *cursor += 4;
        size = claimed;
    }
    if (size > (size_t)(end - *cursor)) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "the levels of a page are larger than the page");
    }
    const uint8_t *levels = *cursor;
    *cursor += size;
    column->nulls = NULLS_SOME;
    if (!column->leaf->is_optional || header->null_count == 0) {
        column->nulls = NULLS_NONE;
        return GLY_OK;
    }
    gly_decode_rle_open(&column->levels, levels, size, 1);
    uint32_t level;
    if (gly_decode_rle_take_run(&column->levels, header->value_count, &level)) {
        column->nulls = (level & 1) != 0 ? NULLS_NONE : NULLS_ALL;
    }
    return GLY_OK;
}

static gly_status wrong_encoding(int32_t encoding, gly_error *err) {
    return gly_fail(err, GLY_E_FILE_FORMAT,
                    "a page has the encoding %d, which is unknown or does not fit its type",
                    encoding);
}

static gly_status open_dictionary_codes(gly_parquet_column *column, gly_error *err) {
    if (!column->has_dictionary) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "a page uses a dictionary that is not there");
    }
    column->mode = MODE_DICTIONARY;
    unsigned width = 0;
    if (column->cursor < column->end) {
        width = *column->cursor++;
    } else if (column->nulls != NULLS_ALL) {
        return ends_early(err);
    }
    if (width > 32) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "dictionary indexes have %u bits", width);
    }
    gly_decode_rle_open(&column->codes_stream, column->cursor,
                        (size_t)(column->end - column->cursor), width);
    return GLY_OK;
}

static gly_status open_delta(gly_parquet_column *column, int32_t encoding, gly_error *err) {
    uint8_t physical = column->leaf->physical;
    if (encoding == GLY_PARQUET_DELTA_BINARY_PACKED) {
        if (physical != GLY_PARQUET_INT32 && physical != GLY_PARQUET_INT64) {
            return wrong_encoding(encoding, err);
        }
        column->mode = MODE_DELTA;
        return gly_decode_delta_open(&column->delta, column->cursor, column->end) ? GLY_OK
                                                                                  : ends_early(err);
    }
    bool has_prefixes = encoding == GLY_PARQUET_DELTA_BYTE_ARRAY;
    if (physical != GLY_PARQUET_BYTE_ARRAY && !(physical == GLY_PARQUET_FIXED && has_prefixes)) {
        return wrong_encoding(encoding, err);
    }
    column->mode = MODE_DELTA_TEXT;
    return gly_decode_delta_text_open(&column->delta_text, column->cursor, column->end,
                                      has_prefixes)
               ? GLY_OK
               : ends_early(err);
}

static gly_status open_values(gly_parquet_column *column, int32_t encoding, gly_error *err) {
    uint8_t physical = column->leaf->physical;
    column->value_at = 0;
    if (column->nulls == NULLS_ALL) {
        column->mode = MODE_FIXED; /* there is nothing to decode */
        if (encoding == GLY_PARQUET_RLE_DICTIONARY || encoding == GLY_PARQUET_PLAIN_DICTIONARY) {
            column->mode = column->has_dictionary ? MODE_DICTIONARY : MODE_FIXED;
        }
        return GLY_OK;
    }
    switch (encoding) {
    case GLY_PARQUET_PLAIN:
        column->mode = physical == GLY_PARQUET_BOOLEAN      ? MODE_BITS
                       : physical == GLY_PARQUET_BYTE_ARRAY ? MODE_TEXT
                                                            : MODE_FIXED;
        column->value_count = (uint64_t)(column->end - column->cursor) * 8;
        return GLY_OK;
    case GLY_PARQUET_PLAIN_DICTIONARY:
    case GLY_PARQUET_RLE_DICTIONARY:
        return open_dictionary_codes(column, err);
    case GLY_PARQUET_RLE: {
        uint32_t size;
        if (physical != GLY_PARQUET_BOOLEAN) {
            return wrong_encoding(encoding, err);
        }
        if (column->end - column->cursor < 4) {
            return ends_early(err);
        }
        memcpy(&size, column->cursor, 4);
        column->cursor += 4;
        if (size > (size_t)(column->end - column->cursor)) {
            return ends_early(err);
        }
        column->mode = MODE_RUNS;
        gly_decode_rle_open(&column->codes_stream, column->cursor, size, 1);
        return GLY_OK;
    }
    case GLY_PARQUET_DELTA_BINARY_PACKED:
    case GLY_PARQUET_DELTA_LENGTH_BYTE_ARRAY:
    case GLY_PARQUET_DELTA_BYTE_ARRAY:
        return open_delta(column, encoding, err);
    case GLY_PARQUET_BYTE_STREAM_SPLIT:
        if (column->raw_width == 0 || physical == GLY_PARQUET_BOOLEAN ||
            physical == GLY_PARQUET_INT96) {
            return wrong_encoding(encoding, err);
        }
        column->mode = MODE_SPLIT;
        column->value_count = (uint64_t)(column->end - column->cursor) / column->raw_width;
        return GLY_OK;
    default:
        return wrong_encoding(encoding, err);
    }
}

static gly_status load_page(gly_parquet_column *column, const gly_parquet_page_header *header,
                            gly_error *err) {
    make_writable(column, &column->page, &column->is_page_lent);
    GLY_TRY(gly_parquet_page_body(&column->pages, header, &column->page, err));
    column->cursor = column->page.data;
    column->end = column->page.data + header->unpacked_size;
    GLY_TRY(open_levels(column, header, &column->cursor, column->end, err));
    GLY_TRY(open_values(column, header->encoding, err));
    column->rows_left -= header->value_count;
    column->page_left = header->value_count;
    return GLY_OK;
}

/* Goes to the next page with rows that are not to be skipped (whole pages are jumped over). */
static gly_status next_page(gly_parquet_column *column, gly_error *err) {
    for (;;) {
        if (gly_parquet_page_at_end(&column->pages)) {
            return gly_fail(err, GLY_E_CORRUPT_FILE, "the column chunk ends %llu rows too early",
                            (unsigned long long)column->rows_left);
        }
        gly_parquet_page_header header;
        GLY_TRY(gly_parquet_page_next(&column->pages, &header, err));
        if (header.type == GLY_PARQUET_PAGE_DICTIONARY) {
            GLY_TRY(load_dictionary(column, &header, err));
            continue;
        }
        bool is_data =
            header.type == GLY_PARQUET_PAGE_DATA || header.type == GLY_PARQUET_PAGE_DATA_V2;
        if (is_data && header.value_count > column->rows_left) {
            return gly_fail(err, GLY_E_CORRUPT_FILE, "a page has more rows than are left");
        }
        if (is_data && header.value_count > column->pending_skip) {
            return load_page(column, &header, err);
        }
        GLY_TRY(gly_parquet_page_skip(&column->pages, &header, err));
        if (is_data) {
            column->rows_left -= header.value_count;
            column->pending_skip -= header.value_count;
        }
    }
}

/* ---- skipping ------------------------------------------------------------------------------- */

static gly_status skip_values(gly_parquet_column *column, uint64_t count, gly_error *err) {
    bool is_there = true;
    switch ((mode)column->mode) {
    case MODE_FIXED:
        is_there = count <= (uint64_t)(column->end - column->cursor) / column->raw_width;
        if (is_there) {
            column->cursor += count * column->raw_width;
        }
        break;
    case MODE_TEXT: {
        const uint8_t *next = gly_decode_plain_skip_text(column->cursor, column->end, count);
        is_there = next != NULL;
        column->cursor = is_there ? next : column->end;
        break;
    }
    case MODE_BITS:
    case MODE_SPLIT:
        is_there = count <= column->value_count - column->value_at;
        column->value_at += is_there ? count : 0;
        break;
    case MODE_RUNS:
    case MODE_DICTIONARY:
        is_there = gly_decode_rle_skip(&column->codes_stream, count);
        break;
    case MODE_DELTA:
        is_there = gly_decode_delta_skip(&column->delta, count);
        break;
    case MODE_DELTA_TEXT:
        return gly_decode_delta_text_skip(&column->delta_text, count, err);
    }
    return is_there ? GLY_OK : ends_early(err);
}

static gly_status apply_skip(gly_parquet_column *column, gly_error *err) {
    while (column->pending_skip > 0) {
        if (column->page_left == 0) {
            GLY_TRY(next_page(column, err));
            continue;
        }
        uint64_t step = GLY_MIN(column->pending_skip, (uint64_t)column->page_left);
        uint64_t values = step;
        if (step == column->page_left) {
            values = 0; /* the rest of the page: nothing has to be decoded */
        } else if (column->nulls == NULLS_ALL) {
            values = 0;
        } else if (column->nulls == NULLS_SOME &&
                   !gly_decode_rle_count(&column->levels, step, &values)) {
            return ends_early(err);
        }
        if (values > 0) {
            GLY_TRY(skip_values(column, values, err));
        }
        column->page_left -= (uint32_t)step;
        column->pending_skip -= step;
    }
    return GLY_OK;
}

/* ---- values --------------------------------------------------------------------------------- */

static gly_status convert(const gly_parquet_column *column, const void *raw, uint32_t count,
                          void *output, gly_error *err) {
    if (!gly_parquet_convert_fixed(column->conversion, column->raw_width, raw, count, output)) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "a value does not fit its type");
    }
    return GLY_OK;
}

static gly_status read_fixed(gly_parquet_column *column, uint32_t count, uint8_t *output,
                             gly_error *err) {
    if (count > (uint64_t)(column->end - column->cursor) / column->raw_width) {
        return ends_early(err);
    }
    const uint8_t *raw = column->cursor;
    column->cursor += (size_t)count * column->raw_width;
    column->is_page_lent |= column->conversion == GLY_PARQUET_BYTES_TO_TEXT;
    return convert(column, raw, count, output, err);
}

/* Text as it was decoded becomes the column's type: text itself, decimals, half floats. */
static gly_status convert_text(gly_parquet_column *column, const gly_text *texts, uint32_t count,
                               uint8_t *output, gly_error *err) {
    uint32_t length = column->leaf->type_length;
    if (column->leaf->physical == GLY_PARQUET_FIXED) {
        for (uint32_t i = 0; i < count; i++) {
            if (texts[i].size != length) {
                return gly_fail(err, GLY_E_CORRUPT_FILE, "a value has %u bytes instead of %u",
                                texts[i].size, length);
            }
        }
    }
    switch (column->conversion) {
    case GLY_PARQUET_COPY:
    case GLY_PARQUET_BYTES_TO_TEXT:
        return GLY_OK; /* decoded in place */
    case GLY_PARQUET_F16_TO_F32: {
        uint8_t *raw = (uint8_t *)column->scratch;
        for (uint32_t i = 0; i < count; i++) {
            memcpy(raw + (size_t)i * 2, gly_text_data(&texts[i]), 2);
        }
        return convert(column, raw, count, output, err);
    }
    default:
        if (!gly_parquet_convert_text(column->conversion, texts, count, output)) {
            return gly_fail(err, GLY_E_CORRUPT_FILE, "a value does not fit its type");
        }
        return GLY_OK;
    }
}

enum { TEXT_STEP = 256 };

/* The buffers for text that is not the result: a few at a time. */
static gly_status read_text(gly_parquet_column *column, uint32_t count, uint8_t *output,
                            gly_error *err) {
    bool is_result = gly_type_is_text(column->type);
    bool has_heap = column->mode == MODE_DELTA_TEXT && column->delta_text.has_prefixes;
    gly_text few[TEXT_STEP];
    uint32_t step = is_result ? count : TEXT_STEP;
    for (uint32_t done = 0; done < count; done += step) {
        uint32_t now = GLY_MIN(step, count - done);
        gly_text *texts = is_result ? (gly_text *)output + done : few;
        if (column->mode == MODE_TEXT) {
            const uint8_t *next = gly_decode_plain_text(column->cursor, column->end, now, texts);
            if (next == NULL) {
                return ends_early(err);
            }
            column->cursor = next;
        } else {
            if (has_heap) {
                make_writable(column, &column->heap, &column->is_heap_lent);
            }
            GLY_TRY(
                gly_decode_delta_text_read(&column->delta_text, now, &column->heap, texts, err));
        }
        column->is_heap_lent |= has_heap && is_result;
        column->is_page_lent |= !has_heap && is_result;
        GLY_TRY(convert_text(column, texts, now, output + (size_t)done * column->width, err));
    }
    return GLY_OK;
}

static gly_status read_delta(gly_parquet_column *column, uint32_t count, uint8_t *output,
                             gly_error *err) {
    bool is_direct = column->conversion == GLY_PARQUET_COPY && column->raw_width == 8;
    uint64_t *words = is_direct ? (uint64_t *)output : column->scratch;
    if (!gly_decode_delta_read(&column->delta, count, words)) {
        return ends_early(err);
    }
    if (is_direct) {
        return GLY_OK;
    }
    if (column->raw_width == 4) {
        uint32_t *halves = (uint32_t *)column->scratch; /* in place: it only moves forward */
        for (uint32_t i = 0; i < count; i++) {
            halves[i] = (uint32_t)words[i];
        }
    }
    return convert(column, column->scratch, count, output, err);
}

static gly_status read_split(gly_parquet_column *column, uint32_t count, uint8_t *output,
                             gly_error *err) {
    if (count > column->value_count - column->value_at) {
        return ends_early(err);
    }
    uint8_t *raw = output;
    if (column->conversion != GLY_PARQUET_COPY) {
        make_writable(column, &column->heap, &column->is_heap_lent);
        GLY_TRY(gly_parquet_page_reserve(&column->heap, (size_t)count * column->raw_width, 0, err));
        raw = column->heap.data;
    }
    gly_decode_plain_split(column->cursor, column->value_count, column->raw_width, column->value_at,
                           count, raw);
    column->value_at += count;
    if (column->conversion == GLY_PARQUET_COPY) {
        return GLY_OK;
    }
    column->is_heap_lent = column->conversion == GLY_PARQUET_BYTES_TO_TEXT;
    return convert(column, raw, count, output, err);
}

/* The next count values (no nulls among them) to output. */
static gly_status read_values(gly_parquet_column *column, uint32_t count, uint8_t *output,
                              gly_error *err) {
    if (count == 0) {
        return GLY_OK;
    }
    switch ((mode)column->mode) {
    case MODE_FIXED:
        return read_fixed(column, count, output, err);
    case MODE_TEXT:
    case MODE_DELTA_TEXT:
        return read_text(column, count, output, err);
    case MODE_BITS:
        if (count > column->value_count - column->value_at) {
            return ends_early(err);
        }
        gly_decode_plain_bits(column->cursor, column->value_at, count, output);
        column->value_at += count;
        return GLY_OK;
    case MODE_RUNS:
        if (!gly_decode_rle_read(&column->codes_stream, count, (uint32_t *)column->scratch)) {
            return ends_early(err);
        }
        for (uint32_t i = 0; i < count; i++) {
            output[i] = (uint8_t)(((uint32_t *)column->scratch)[i] & 1);
        }
        return GLY_OK;
    case MODE_DELTA:
        return read_delta(column, count, output, err);
    case MODE_SPLIT:
        return read_split(column, count, output, err);
    case MODE_DICTIONARY:
        break;
    }
    GLY_UNREACHABLE();
}

static gly_status check_codes(const gly_parquet_column *column, const uint32_t *codes,
                              uint32_t count, gly_error *err) {
    uint32_t width = column->codes_stream.width;
    bool cannot_pass = width < 32 && (UINT64_C(1) << width) <= column->dictionary_count;
    if (cannot_pass || count == 0) {
        return GLY_OK;
    }
    uint32_t largest = gly_decode_rle_largest(codes, count);
    if (largest >= column->dictionary_count) {
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "a page refers to entry %u of a dictionary of %u entries", largest,
                        column->dictionary_count);
    }
    return GLY_OK;
}

/* ---- vectors -------------------------------------------------------------------------------- */

typedef enum form { FORM_NONE, FORM_FLAT, FORM_CODES } form;

typedef struct vector { /* one under construction */
    uint32_t done, count;
    uint32_t valid;
    bool has_validity;
    form form;
} vector;

static void set_bits(uint64_t *bits, uint32_t from, uint32_t count) {
    while (count > 0) {
        uint32_t step = GLY_MIN(count, 64 - (from & 63));
        gly_decode_rle_put_bits(bits, from, UINT64_MAX, step);
        from += step;
        count -= step;
    }
}

/* Validity of the next count rows; *ret_values: how many are not null. */
static gly_status read_levels(gly_parquet_column *column, vector *into, uint32_t count,
                              uint32_t *ret_values, gly_error *err) {
    *ret_values = count;
    if (column->nulls != NULLS_NONE && !into->has_validity) {
        memset(column->validity, 0, gly_column_words(into->count) * 8 + 8);
        set_bits(column->validity, 0, into->done);
        into->has_validity = true;
    }
    if (column->nulls == NULLS_SOME) {
        if (!gly_decode_rle_bits(&column->levels, count, column->validity, into->done,
                                 ret_values)) {
            return ends_early(err);
        }
    } else if (column->nulls == NULLS_ALL) {
        *ret_values = 0;
    } else if (into->has_validity) {
        set_bits(column->validity, into->done, count);
    }
    into->valid += *ret_values;
    return GLY_OK;
}

static gly_status read_codes(gly_parquet_column *column, vector *into, uint32_t count,
                             uint32_t values, gly_error *err) {
    uint32_t *target = column->codes + into->done;
    uint32_t *codes = values < count ? column->dense_codes : target;
    if (!gly_decode_rle_read(&column->codes_stream, values, codes)) {
        return ends_early(err);
    }
    GLY_TRY(check_codes(column, codes, values, err));
    if (values < count) {
        codes[values] = 0;
        gly_decode_plain_spread(codes, column->validity, into->done, count, 4, target);
    }
    if (gly_type_is_text(column->type) && into->form != FORM_FLAT) {
        into->form = FORM_CODES;
    } else {
        into->form = FORM_FLAT;
        gly_decode_plain_gather(column->dictionary.data, target, count, column->width,
                                column->values + (size_t)into->done * column->width);
    }
    return GLY_OK;
}

static gly_status read_flat(gly_parquet_column *column, vector *into, uint32_t count,
                            uint32_t values, gly_error *err) {
    size_t width = column->width;
    if (into->form == FORM_CODES) {
        gly_decode_plain_gather(column->dictionary.data, column->codes, into->done, width,
                                column->values);
    }
    into->form = FORM_FLAT;
    uint8_t *target = column->values + into->done * width;
    if (values == count) {
        return read_values(column, count, target, err);
    }
    GLY_TRY(read_values(column, values, column->dense, err));
    memset(column->dense + values * width, 0, width);
    gly_decode_plain_spread(column->dense, column->validity, into->done, count, width, target);
    return GLY_OK;
}

/* The vectors that cost nothing: one run, no values, aligned PLAIN values.  False: none of these.
 */
static bool read_special(gly_parquet_column *column, uint32_t count, gly_column *ret) {
    if (column->page_left < count) {
        return false;
    }
    uint32_t code;
    if (column->nulls == NULLS_ALL) {
        memset(column->values, 0, column->width);
        column->validity[0] = 0;
        ret->shape = GLY_SHAPE_CONSTANT;
        ret->data = column->values;
        ret->validity = column->validity;
    } else if (column->nulls == NULLS_NONE && column->mode == MODE_DICTIONARY && count > 1 &&
               gly_decode_rle_take_run(&column->codes_stream, count, &code)) {
        if (code >= column->dictionary_count) {
            column->codes_stream.run_left += count; /* the general path makes the error */
            return false;
        }
        memcpy(column->values, column->dictionary.data + (size_t)code * column->width,
               column->width);
        ret->shape = GLY_SHAPE_CONSTANT;
        ret->data = column->values;
    } else if (column->nulls == NULLS_NONE && column->mode == MODE_FIXED &&
               column->conversion == GLY_PARQUET_COPY && (uintptr_t)column->cursor % 64 == 0 &&
               count <= (uint64_t)(column->end - column->cursor) / column->raw_width) {
        ret->shape = GLY_SHAPE_FLAT;
        ret->data = (void *)(uintptr_t)column->cursor;
        column->cursor += (size_t)count * column->raw_width;
        column->is_page_lent = true;
    } else {
        return false;
    }
    column->page_left -= count;
    return true;
}

gly_status gly_parquet_column_read(gly_parquet_column *column, uint32_t count, gly_column *ret,
                                   gly_error *err) {
    GLY_TRY(apply_skip(column, err));
    *ret = (gly_column){.type = column->type, .count = count};
    if (column->page_left == 0 && count > 0) {
        GLY_TRY(next_page(column, err));
    }
    if (read_special(column, count, ret)) {
        return GLY_OK;
    }
    vector into = {.count = count};
    while (into.done < count) {
        if (column->page_left == 0) {
            GLY_TRY(next_page(column, err));
        }
        uint32_t step = GLY_MIN(count - into.done, column->page_left);
        uint32_t values;
        GLY_TRY(read_levels(column, &into, step, &values, err));
        if (column->mode == MODE_DICTIONARY) {
            GLY_TRY(read_codes(column, &into, step, values, err));
        } else {
            GLY_TRY(read_flat(column, &into, step, values, err));
        }
        into.done += step;
        column->page_left -= step;
    }
    ret->validity = into.has_validity && into.valid < count ? column->validity : NULL;
    if (into.form == FORM_CODES) {
        ret->shape = GLY_SHAPE_DICTIONARY;
        ret->data = column->dictionary.data;
        ret->codes = column->codes;
        ret->dictionary_count = GLY_MAX(column->dictionary_count, 1u);
        ret->dictionary_id = column->dictionary_id;
    } else {
        ret->shape = GLY_SHAPE_FLAT;
        ret->data = column->values;
    }
    return GLY_OK;
}

gly_status gly_parquet_column_dictionary(gly_parquet_column *column, uint32_t *ret_count,
                                         gly_column *ret, gly_error *err) {
    *ret_count = 0;
    if (!column->has_dictionary && column->page_left == 0 && column->rows_left > 0) {
        GLY_TRY(next_page(column, err));
    }
    if (column->has_dictionary) {
        *ret_count = column->dictionary_count;
        *ret = (gly_column){.type = column->type,
                            .shape = GLY_SHAPE_FLAT,
                            .count = column->dictionary_count,
                            .data = column->dictionary.data};
    }
    return GLY_OK;
}
