/* parquet_encode.c - encodes vectors: dictionary while it pays, else PLAIN; levels as RLE; v1
 * pages.
 *
 * Values are first brought into their physical form (the stage), then either looked up in the
 * dictionary or appended.  The dictionary is given up when nearly every value is new (later: every
 * second one), or at DICTIONARY_BYTES; the pages so far keep it.  If that happens in the first
 * page, the page is turned into a PLAIN one and no dictionary is written.  A column whose
 * dictionary did not pay does not try again in the next row group.
 *
 * Invariant: codes (or plain) hold exactly page_values values, validity page_rows bits.
 */
#include "lib/io/parquet/parquet_encode.h"

#include "lib/base/alloc.h"
#include "lib/io/parquet/hot.h"
#include "lib/io/parquet/parquet_meta.h"

enum {
    PAGE_BYTES = 512 * 1024,
    PAGE_ROWS = 64 * 1024, /* a page may have one batch more */
    DICTIONARY_BYTES = 1 << 20,
    TRIAL_VALUES = 8192, /* so many values before the dictionary is judged, mildly at first */
    LONG_TRIAL_VALUES = 64 * 1024,
    MOST_MEMO = 1 << 20,
};

/* ---- types ---------------------------------------------------------------------------------- */

static uint32_t decimal_bytes(int precision) {
    uint32_t bytes = 1;
    gly_u128 most = 1;
    for (int i = 0; i < precision; i++) {
        most *= 10;
    }
    while (bytes < 16 && ((gly_u128)1 << (8 * bytes - 1)) < most) {
        bytes++;
    }
    return bytes;
}

static bool set_physical(gly_parquet_encoder *encoder) {
    gly_type type = encoder->type;
    encoder->type_length = 0;
    switch (type.id) {
    case GLY_TYPE_BOOLEAN:
        encoder->physical = GLY_PARQUET_BOOLEAN;
        return true;
    case GLY_TYPE_TINYINT:
    case GLY_TYPE_SMALLINT:
    case GLY_TYPE_INT:
    case GLY_TYPE_DATE:
        encoder->physical = GLY_PARQUET_INT32;
        return true;
    case GLY_TYPE_BIGINT:
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
        encoder->physical = GLY_PARQUET_INT64;
        return true;
    case GLY_TYPE_FLOAT:
        encoder->physical = GLY_PARQUET_FLOAT;
        return true;
    case GLY_TYPE_DOUBLE:
        encoder->physical = GLY_PARQUET_DOUBLE;
        return true;
    case GLY_TYPE_STRING:
    case GLY_TYPE_BINARY:
        encoder->physical = GLY_PARQUET_BYTE_ARRAY;
        return true;
    case GLY_TYPE_DECIMAL:
        encoder->physical = type.precision <= 9                              ? GLY_PARQUET_INT32
                            : type.precision <= GLY_DECIMAL_NARROW_PRECISION ? GLY_PARQUET_INT64
                                                                             : GLY_PARQUET_FIXED;
        if (encoder->physical == GLY_PARQUET_FIXED) {
            encoder->type_length = decimal_bytes(type.precision);
        }
        return true;
    default:
        return false;
    }
}

gly_status gly_parquet_encode_init(gly_parquet_encoder *encoder, const gly_field *field,
                                   gly_codec codec, gly_error *err) {
    *encoder = (gly_parquet_encoder){
        .name = field->name, .type = field->type, .is_optional = field->nullable, .codec = codec};
    if (!set_physical(encoder)) {
        char text[GLY_TYPE_TEXT_SIZE];
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "column %.*s has the type %s, which Parquet files do not have; cast it to "
                        "another type",
                        GLY_STR_ARG(field->name), gly_type_format(field->type, text, sizeof text));
    }
    encoder->width = gly_parquet_convert_width(encoder->physical, encoder->type_length);
    encoder->may_use_dictionary = encoder->physical != GLY_PARQUET_BOOLEAN;
    encoder->uses_dictionary = encoder->may_use_dictionary;
    encoder->dictionary.width = encoder->width;
    encoder->range.physical = encoder->physical;
    encoder->range.width = encoder->type_length;
    encoder->codes = gly_alloc((size_t)(PAGE_ROWS + GLY_BATCH_ROWS) * sizeof *encoder->codes);
    encoder->validity = gly_alloc_zero(gly_column_words(PAGE_ROWS + GLY_BATCH_ROWS) + 1, 8);
    encoder->stage = gly_alloc_aligned((size_t)GLY_BATCH_ROWS * 16);
    return GLY_OK;
}

void gly_parquet_encode_clear(gly_parquet_encoder *encoder) {
    gly_parquet_dictionary_clear(&encoder->dictionary);
    gly_parquet_statistics_clear(&encoder->range);
    gly_builder_clear(&encoder->plain);
    gly_builder_clear(&encoder->pages);
    gly_builder_clear(&encoder->scratch);
    gly_builder_clear(&encoder->packed);
    free(encoder->codes);
    free(encoder->validity);
    free(encoder->memo);
    free(encoder->stage);
    encoder->codes = NULL;
    encoder->validity = NULL;
    encoder->memo = NULL;
    encoder->stage = NULL;
}

void gly_parquet_encode_reset(gly_parquet_encoder *encoder) {
    gly_parquet_dictionary_reset(&encoder->dictionary);
    gly_parquet_statistics_clear(&encoder->range);
    gly_builder_clear(&encoder->pages);
    gly_builder_clear(&encoder->scratch);
    gly_builder_clear(&encoder->packed);
    encoder->unpacked_size = 0;
    encoder->row_count = encoder->value_count = 0;
    encoder->dictionary_pages = encoder->plain_pages = 0;
    encoder->uses_dictionary = encoder->may_use_dictionary;
    encoder->memo_count = 0;
    encoder->memo_id = 0;
}

size_t gly_parquet_encode_memory(const gly_parquet_encoder *encoder) {
    return gly_parquet_dictionary_memory(&encoder->dictionary) + encoder->plain.capacity +
           encoder->pages.capacity + encoder->scratch.capacity + encoder->packed.capacity +
           (size_t)encoder->memo_capacity * 4 + (size_t)(PAGE_ROWS + GLY_BATCH_ROWS) * 4 +
           PAGE_ROWS / 8 + (size_t)GLY_BATCH_ROWS * 16;
}

size_t gly_parquet_encode_size(const gly_parquet_encoder *encoder) {
    return encoder->pages.size + encoder->dictionary.bytes.size + encoder->plain.size +
           (size_t)encoder->page_values * (encoder->uses_dictionary ? 2 : 0);
}

/* ---- runs ----------------------------------------------------------------------------------- */

unsigned gly_parquet_encode_width(uint32_t count) {
    return count <= 2 ? 1 : 32 - (unsigned)__builtin_clz(count - 1);
}

static void add_varint(gly_builder *out, uint64_t value) {
    while (value >= 0x80) {
        gly_builder_add_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    gly_builder_add_char(out, (char)value);
}

/* Groups of eight; what is missing in the last one is zero. */
static void add_packed(gly_builder *out, const uint32_t *values, uint32_t count, unsigned width) {
    if (count == 0) {
        return;
    }
    uint32_t groups = (count + 7) / 8;
    add_varint(out, (uint64_t)groups << 1 | 1);
    size_t size = (size_t)groups * width;
    char *bytes = gly_builder_room(out, size + 8);
    uint64_t word = 0;
    unsigned filled = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < groups * 8; i++) {
        word |= (uint64_t)(i < count ? values[i] : 0) << filled;
        filled += width;
        while (filled >= 8) {
            bytes[at++] = (char)word;
            word >>= 8;
            filled -= 8;
        }
    }
    out->size += size;
    out->data[out->size] = '\0';
}

static void add_run(gly_builder *out, uint32_t value, uint32_t count, unsigned width) {
    add_varint(out, (uint64_t)count << 1);
    for (unsigned bits = 0; bits < width; bits += 8) {
        gly_builder_add_char(out, (char)(value >> bits));
    }
}

void gly_parquet_encode_rle(gly_builder *out, const uint32_t *values, uint32_t count,
                            unsigned width) {
    uint32_t start = 0; /* of the values not yet written */
    uint32_t i = 0;
    while (i < count) {
        uint32_t end = i + 1;
        while (end < count && values[end] == values[i]) {
            end++;
        }
        uint32_t missing = (8 - (i - start) % 8) % 8; /* to complete the group before the run */
        if (end - i >= missing + 8) {
            add_packed(out, values + start, i + missing - start, width);
            add_run(out, values[i], end - i - missing, width);
            start = end;
        }
        i = end;
    }
    add_packed(out, values + start, count - start, width);
}

/* ---- pages ---------------------------------------------------------------------------------- */

static gly_status add_page(gly_parquet_encoder *encoder, gly_builder *out, gly_str body,
                           bool is_dictionary, uint32_t value_count, gly_parquet_encoding encoding,
                           gly_error *err) {
    if (body.size > INT32_MAX) {
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "column %.*s has a value of more than 2 GiB, too large for Parquet",
                        GLY_STR_ARG(encoder->name));
    }
    size_t bound = gly_codec_bound(encoder->codec, body.size);
    gly_builder_reset(&encoder->packed);
    char *packed = gly_builder_room(&encoder->packed, bound);
    size_t packed_size = 0;
    GLY_TRY(
        gly_codec_compress(encoder->codec, body.data, body.size, packed, bound, &packed_size, err));
    size_t before = out->size;
    gly_thrift_writer thrift = {.out = out};
    gly_thrift_write_i32(&thrift, 1, is_dictionary ? 2 : 0);
    gly_thrift_write_i32(&thrift, 2, (int32_t)body.size);
    gly_thrift_write_i32(&thrift, 3, (int32_t)packed_size);
    gly_thrift_write_struct(&thrift, is_dictionary ? 7 : 5);
    gly_thrift_write_i32(&thrift, 1, (int32_t)value_count);
    gly_thrift_write_i32(&thrift, 2, encoding);
    if (!is_dictionary) {
        gly_thrift_write_i32(&thrift, 3, GLY_PARQUET_RLE);
        gly_thrift_write_i32(&thrift, 4, GLY_PARQUET_RLE);
    }
    gly_thrift_stop(&thrift);
    gly_thrift_stop(&thrift);
    encoder->unpacked_size += out->size - before + body.size;
    gly_builder_add(out, packed, packed_size);
    return GLY_OK;
}

/* Levels in front of the values of an optional column: u32 size, runs of width 1. */
static void add_levels(const gly_parquet_encoder *encoder, gly_builder *out) {
    if (!encoder->is_optional) {
        return;
    }
    size_t at = out->size;
    uint32_t size = 0;
    gly_builder_add(out, &size, 4);
    if (encoder->page_values == encoder->page_rows || encoder->page_values == 0) {
        add_run(out, encoder->page_values > 0, encoder->page_rows, 1);
    } else {
        uint32_t *levels = gly_alloc((size_t)encoder->page_rows * sizeof *levels);
        for (uint32_t i = 0; i < encoder->page_rows; i++) {
            levels[i] = gly_bit_get(encoder->validity, i);
        }
        gly_parquet_encode_rle(out, levels, encoder->page_rows, 1);
        free(levels);
    }
    size = (uint32_t)(out->size - at - 4);
    memcpy(out->data + at, &size, 4);
}

static gly_status finish_page(gly_parquet_encoder *encoder, gly_error *err) {
    if (encoder->page_rows == 0) {
        return GLY_OK;
    }
    gly_builder *body = &encoder->scratch;
    gly_builder_reset(body);
    add_levels(encoder, body);
    gly_parquet_encoding encoding = GLY_PARQUET_PLAIN;
    if (encoder->uses_dictionary && encoder->dictionary.count > 0) {
        unsigned width = gly_parquet_encode_width(encoder->dictionary.count);
        gly_builder_add_char(body, (char)width);
        gly_parquet_encode_rle(body, encoder->codes, encoder->page_values, width);
        encoding = GLY_PARQUET_RLE_DICTIONARY;
        encoder->dictionary_pages++;
    } else {
        gly_builder_add(body, encoder->plain.data, encoder->plain.size);
        encoder->plain_pages++;
    }
    GLY_TRY(add_page(encoder, &encoder->pages, gly_builder_str(body), false, encoder->page_rows,
                     encoding, err));
    gly_builder_reset(&encoder->plain);
    memset(encoder->validity, 0, gly_column_words(encoder->page_rows) * 8);
    encoder->page_rows = encoder->page_values = 0;
    return GLY_OK;
}

/* ---- the dictionary ------------------------------------------------------------------------- */

static void append_text(gly_builder *out, gly_str text) {
    uint32_t size = (uint32_t)text.size;
    gly_builder_add(out, &size, 4);
    gly_builder_add(out, text.data, text.size);
}

/* Statistics of the values that the dictionary stands for. */
static void add_dictionary_range(gly_parquet_encoder *encoder) {
    const gly_parquet_dictionary *dictionary = &encoder->dictionary;
    if (encoder->width > 0) {
        gly_parquet_statistics_add(&encoder->range, dictionary->bytes.data, dictionary->count);
        return;
    }
    for (uint32_t i = 0; i < dictionary->count; i++) {
        gly_parquet_statistics_add_bytes(&encoder->range,
                                         gly_parquet_dictionary_get(dictionary, i));
    }
}

/* The dictionary does not pay: pages from here on (this one too, if it is the first) are PLAIN. */
static gly_status give_up_dictionary(gly_parquet_encoder *encoder, bool for_good, gly_error *err) {
    encoder->may_use_dictionary = !for_good;
    if (encoder->dictionary_pages > 0) {
        GLY_TRY(finish_page(encoder, err));
        encoder->uses_dictionary = false;
        return GLY_OK;
    }
    for (uint32_t i = 0; i < encoder->page_values; i++) {
        gly_str value = gly_parquet_dictionary_get(&encoder->dictionary, encoder->codes[i]);
        if (encoder->width > 0) {
            gly_builder_add(&encoder->plain, value.data, value.size);
        } else {
            append_text(&encoder->plain, value);
        }
    }
    add_dictionary_range(encoder);
    gly_parquet_dictionary_clear(&encoder->dictionary);
    encoder->uses_dictionary = false;
    return GLY_OK;
}

static gly_status judge_dictionary(gly_parquet_encoder *encoder, gly_error *err) {
    const gly_parquet_dictionary *dictionary = &encoder->dictionary;
    uint64_t most = encoder->value_count < LONG_TRIAL_VALUES ? encoder->value_count / 8 * 7
                                                             : encoder->value_count / 2;
    bool is_poor = encoder->value_count >= TRIAL_VALUES && dictionary->count > most;
    if (is_poor || dictionary->bytes.size > DICTIONARY_BYTES) {
        return give_up_dictionary(encoder, is_poor, err);
    }
    return GLY_OK;
}

/* ---- values --------------------------------------------------------------------------------- */

/* Positions in column->data of the values that are not null; sets validity and counts. */
static gly_status find_values(gly_parquet_encoder *encoder, const gly_batch *batch,
                              const gly_column *column, uint32_t from, uint32_t count,
                              uint32_t *positions, uint32_t *ret_count, gly_error *err) {
    uint32_t found = 0;
    if (column->validity == NULL) {
        for (uint32_t i = 0; i < count; i++) {
            positions[i] = gly_column_index(column, gly_batch_row(batch, from + i));
            gly_bit_set(encoder->validity, encoder->page_rows + i);
        }
        found = count;
    } else {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = gly_batch_row(batch, from + i);
            if (gly_column_valid(column, row)) {
                positions[found++] = gly_column_index(column, row);
                gly_bit_set(encoder->validity, encoder->page_rows + i);
            } else if (!encoder->is_optional) {
                return gly_fail(err, GLY_E_INTERNAL,
                                "column %.*s has a NULL although its type says it has none",
                                GLY_STR_ARG(encoder->name));
            }
        }
    }
    *ret_count = found;
    return GLY_OK;
}

#define STAGE(name, from, to)                                                                      \
    GLY_HOT_CLONES static void name(const from *data, const uint32_t *positions, uint32_t count,   \
                                    to *restrict output) {                                         \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            output[i] = (to)data[positions[i]];                                                    \
        }                                                                                          \
    }
STAGE(stage_i8, int8_t, int32_t)
STAGE(stage_i16, int16_t, int32_t)
STAGE(stage_i32, int32_t, int32_t)
STAGE(stage_i64, int64_t, int64_t)
STAGE(stage_i64_to_i32, int64_t, int32_t)
STAGE(stage_u8, uint8_t, uint8_t)

static void stage_fixed(const gly_i128 *data, const uint32_t *positions, uint32_t count,
                        uint32_t width, uint8_t *output) {
    for (uint32_t i = 0; i < count; i++) {
        gly_u128 value = (gly_u128)data[positions[i]];
        for (uint32_t b = 0; b < width; b++) {
            output[(size_t)i * width + b] = (uint8_t)(value >> (8 * (width - 1 - b)));
        }
    }
}

static void stage_text(const gly_text *data, const uint32_t *positions, uint32_t count,
                       gly_text *output) {
    for (uint32_t i = 0; i < count; i++) {
        output[i] = data[positions[i]];
    }
}

/* Brings the values at the positions into their physical form. */
static void stage(gly_parquet_encoder *encoder, const gly_column *column, const uint32_t *positions,
                  uint32_t count) {
    const void *data = column->data;
    switch (gly_type_kind(encoder->type)) {
    case GLY_KIND_I8:
        if (encoder->physical == GLY_PARQUET_BOOLEAN) {
            stage_u8(data, positions, count, encoder->stage);
        } else {
            stage_i8(data, positions, count, encoder->stage);
        }
        break;
    case GLY_KIND_I16:
        stage_i16(data, positions, count, encoder->stage);
        break;
    case GLY_KIND_I32:
    case GLY_KIND_F32:
        stage_i32(data, positions, count, encoder->stage);
        break;
    case GLY_KIND_I64:
    case GLY_KIND_F64:
        if (encoder->physical == GLY_PARQUET_INT32) {
            stage_i64_to_i32(data, positions, count, encoder->stage);
        } else {
            stage_i64(data, positions, count, encoder->stage);
        }
        break;
    case GLY_KIND_I128:
        stage_fixed(data, positions, count, encoder->width, encoder->stage);
        break;
    case GLY_KIND_TEXT:
        stage_text(data, positions, count, encoder->stage);
        break;
    default:
        GLY_UNREACHABLE();
    }
}

static void look_up(gly_parquet_encoder *encoder, const void *values, uint32_t count,
                    uint32_t *codes) {
    if (encoder->width > 0) {
        gly_parquet_dictionary_add(&encoder->dictionary, values, count, codes);
    } else {
        gly_parquet_dictionary_add_text(&encoder->dictionary, values, count, codes);
    }
}

/* The input has a dictionary itself: each of its entries is looked up once. */
static bool look_up_memo(gly_parquet_encoder *encoder, const gly_column *column,
                         const uint32_t *positions, uint32_t count, uint32_t *codes) {
    if (column->shape != GLY_SHAPE_DICTIONARY || column->dictionary_id == 0 ||
        column->dictionary_count > MOST_MEMO) {
        return false;
    }
    if (encoder->memo_id != column->dictionary_id ||
        encoder->memo_count != column->dictionary_count) {
        if (column->dictionary_count > encoder->memo_capacity) {
            free(encoder->memo);
            encoder->memo = gly_alloc((size_t)column->dictionary_count * 4);
            encoder->memo_capacity = column->dictionary_count;
        }
        memset(encoder->memo, 0, (size_t)column->dictionary_count * 4);
        encoder->memo_id = column->dictionary_id;
        encoder->memo_count = column->dictionary_count;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *known = &encoder->memo[positions[i]];
        if (*known == 0) {
            stage(encoder, column, &positions[i], 1);
            look_up(encoder, encoder->stage, 1, &codes[i]);
            *known = codes[i] + 1;
        }
        codes[i] = *known - 1;
    }
    return true;
}

static void add_plain(gly_parquet_encoder *encoder, uint32_t count) {
    if (encoder->width == 0) {
        const gly_text *texts = encoder->stage;
        gly_parquet_statistics_add_text(&encoder->range, texts, count);
        for (uint32_t i = 0; i < count; i++) {
            append_text(&encoder->plain, gly_text_str(&texts[i]));
        }
        return;
    }
    gly_parquet_statistics_add(&encoder->range, encoder->stage, count);
    if (encoder->physical != GLY_PARQUET_BOOLEAN) {
        gly_builder_add(&encoder->plain, encoder->stage, (size_t)count * encoder->width);
        return;
    }
    const uint8_t *bits = encoder->stage;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = encoder->page_values + i;
        if (at % 8 == 0) {
            gly_builder_add_char(&encoder->plain, 0);
        }
        encoder->plain.data[at / 8] = (char)(encoder->plain.data[at / 8] | (bits[i] & 1) << at % 8);
    }
}

/* Live rows [from, from + count), all into the current page. */
static gly_status add_rows(gly_parquet_encoder *encoder, const gly_batch *batch,
                           const gly_column *column, uint32_t from, uint32_t count,
                           gly_error *err) {
    uint32_t positions[GLY_BATCH_ROWS];
    uint32_t values = 0;
    GLY_TRY(find_values(encoder, batch, column, from, count, positions, &values, err));
    if (encoder->uses_dictionary) {
        uint32_t *codes = encoder->codes + encoder->page_values;
        if (!look_up_memo(encoder, column, positions, values, codes)) {
            stage(encoder, column, positions, values);
            look_up(encoder, encoder->stage, values, codes);
        }
    } else {
        stage(encoder, column, positions, values);
        add_plain(encoder, values);
    }
    encoder->page_rows += count;
    encoder->page_values += values;
    encoder->row_count += count;
    encoder->value_count += values;
    if (encoder->uses_dictionary) {
        GLY_TRY(judge_dictionary(encoder, err));
    }
    size_t bytes = encoder->plain.size;
    if (encoder->page_rows >= PAGE_ROWS || bytes >= PAGE_BYTES) {
        return finish_page(encoder, err);
    }
    return GLY_OK;
}

/* How many rows from `from` on make no more than PAGE_BYTES of text (at least one). */
static uint32_t rows_that_fit(const gly_batch *batch, const gly_column *column, uint32_t from) {
    const gly_text *texts = column->data;
    size_t bytes = 0;
    uint32_t row = from;
    while (row < batch->selected) {
        uint32_t position = gly_batch_row(batch, row);
        bytes +=
            gly_column_valid(column, position) ? texts[gly_column_index(column, position)].size : 0;
        if (bytes > PAGE_BYTES && row > from) {
            break;
        }
        row++;
    }
    return row - from;
}

gly_status gly_parquet_encode_add(gly_parquet_encoder *encoder, const gly_batch *batch,
                                  const gly_column *column, gly_error *err) {
    for (uint32_t from = 0; from < batch->selected;) {
        uint32_t count = batch->selected - from;
        if (encoder->width == 0) {
            count = rows_that_fit(batch, column, from);
        }
        GLY_TRY(add_rows(encoder, batch, column, from, count, err));
        from += count;
    }
    return GLY_OK;
}

gly_status gly_parquet_encode_finish(gly_parquet_encoder *encoder, gly_builder *ret_dictionary,
                                     gly_error *err) {
    GLY_TRY(finish_page(encoder, err));
    if (encoder->dictionary_pages == 0) {
        return GLY_OK;
    }
    add_dictionary_range(encoder);
    return add_page(encoder, ret_dictionary, gly_builder_str(&encoder->dictionary.bytes), true,
                    encoder->dictionary.count, GLY_PARQUET_PLAIN, err);
}
