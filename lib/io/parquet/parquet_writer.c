/* parquet_writer.c - row groups of encoded columns, then the footer.
 *
 *   "PAR1" | row group: per column [dictionary page] data pages | ... | footer | u32 size | "PAR1"
 *
 * A row group is kept in memory (compressed) until it has row_group_rows rows or row_group_bytes
 * bytes, or the budget refuses more: then it is written, however small.  What other readers need:
 * v1 pages, flat columns, both old and new type annotations, column orders, exact statistics.
 *
 * Invariant: memory beyond one batch is reserved from the budget before the next batch is taken.
 */
#include "lib/io/parquet/parquet_writer.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/io/parquet/parquet_encode.h"
#include "lib/io/parquet/parquet_meta.h"
#include "lib/io/parquet/thrift.h"

enum { DEFAULT_GROUP_ROWS = 1 << 20, DEFAULT_GROUP_BYTES = 128 << 20 };

typedef struct chunk { /* of a finished row group: what the footer says about it */
    uint64_t offset, data_offset, packed_size, unpacked_size;
    uint64_t row_count;
    uint32_t dictionary_pages, plain_pages;
    gly_builder statistics; /* the members of Statistics, in Thrift */
} chunk;

typedef struct group {
    uint64_t row_count;
    chunk *chunks;
} group;

typedef struct parquet_writer {
    gly_file_writer *file;
    gly_budget *budget;
    size_t reserved;
    uint32_t column_count;
    gly_parquet_encoder *encoders;
    gly_codec codec;
    uint64_t group_rows_limit, group_bytes_limit;
    uint64_t group_rows; /* of the row group under construction */
    uint64_t row_count;  /* of the finished ones */
    uint64_t offset;     /* in the file */
    GLY_ARRAY(group) groups;
    gly_arena *arena; /* names */
} parquet_writer;

/* ---- opening and closing -------------------------------------------------------------------- */

static gly_status read_options(parquet_writer *writer, const gly_writer_options *options,
                               gly_error *err) {
    writer->codec = GLY_CODEC_SNAPPY;
    writer->group_rows_limit = DEFAULT_GROUP_ROWS;
    writer->group_bytes_limit = DEFAULT_GROUP_BYTES;
    writer->budget = options->budget;
    for (uint32_t i = 0; i < options->option_count; i++) {
        gly_str key = options->options[i].key;
        gly_str value = options->options[i].value;
        bool is_good = true;
        if (gly_str_equal_ignore_case(key, GLY_STR("compression"))) {
            is_good = gly_codec_find(value, &writer->codec) ||
                      (gly_str_equal_ignore_case(value, GLY_STR("lz4_raw")) &&
                       gly_codec_find(GLY_STR("lz4"), &writer->codec));
        } else if (gly_str_equal_ignore_case(key, GLY_STR("row_group_rows"))) {
            is_good =
                gly_str_to_u64(value, &writer->group_rows_limit) && writer->group_rows_limit > 0;
        } else if (gly_str_equal_ignore_case(key, GLY_STR("row_group_bytes"))) {
            is_good = gly_str_to_bytes(value, &writer->group_bytes_limit) &&
                      writer->group_bytes_limit > 0;
        }
        if (!is_good) {
            return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                            "\"%.*s\" is no value for the option %.*s of a Parquet file",
                            GLY_STR_ARG(value), GLY_STR_ARG(key));
        }
    }
    return GLY_OK;
}

static void free_writer(parquet_writer *writer) {
    for (uint32_t i = 0; i < writer->column_count; i++) {
        gly_parquet_encode_clear(&writer->encoders[i]);
    }
    for (size_t g = 0; g < writer->groups.count; g++) {
        for (uint32_t i = 0; i < writer->column_count; i++) {
            gly_builder_clear(&writer->groups.items[g].chunks[i].statistics);
        }
        free(writer->groups.items[g].chunks);
    }
    gly_array_clear(&writer->groups);
    if (writer->budget != NULL) {
        gly_budget_release(writer->budget, writer->reserved);
    }
    free(writer->encoders);
    gly_arena_free(writer->arena);
    free(writer);
}

static gly_status put(parquet_writer *writer, const void *bytes, size_t size, gly_error *err) {
    writer->offset += size;
    return writer->file->write(writer->file, bytes, size, err);
}

static gly_status open_columns(parquet_writer *writer, const gly_schema *schema, gly_error *err) {
    if (schema->field_count == 0) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "a Parquet file needs at least one column");
    }
    writer->encoders = GLY_NEW_ARRAY(gly_parquet_encoder, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        gly_field field = schema->fields[i];
        field.name = gly_arena_str(writer->arena, field.name);
        GLY_TRY(gly_parquet_encode_init(&writer->encoders[i], &field, writer->codec, err));
        writer->column_count++;
    }
    return GLY_OK;
}

gly_status gly_parquet_writer_open(gly_str path, const gly_schema *schema,
                                   const gly_writer_options *options, gly_writer **ret,
                                   gly_error *err) {
    const gly_filesystem *filesystem;
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    parquet_writer *writer = GLY_NEW(parquet_writer);
    writer->arena = gly_arena_make();
    gly_status status = read_options(writer, options, err);
    if (status == GLY_OK) {
        status = open_columns(writer, schema, err);
    }
    if (status == GLY_OK) {
        status = filesystem->create(path, &writer->file, err);
    }
    if (status == GLY_OK) {
        writer->file->budget = options->budget;
        writer->file->token = options->token;
        status = put(writer, "PAR1", 4, err);
    }
    if (status != GLY_OK) {
        gly_parquet_writer_abort((gly_writer *)writer);
        return status;
    }
    *ret = (gly_writer *)writer;
    return GLY_OK;
}

void gly_parquet_writer_abort(gly_writer *opaque) {
    parquet_writer *writer = (parquet_writer *)opaque;
    if (writer == NULL) {
        return;
    }
    if (writer->file != NULL) {
        writer->file->abort(writer->file);
    }
    free_writer(writer);
}

/* ---- row groups ----------------------------------------------------------------------------- */

static gly_status finish_column(parquet_writer *writer, gly_parquet_encoder *encoder, chunk *ret,
                                gly_error *err) {
    gly_builder dictionary = {0};
    gly_status status = gly_parquet_encode_finish(encoder, &dictionary, err);
    ret->offset = writer->offset;
    if (status == GLY_OK) {
        status = put(writer, dictionary.data, dictionary.size, err);
    }
    ret->data_offset = writer->offset;
    gly_builder_clear(&dictionary);
    if (status != GLY_OK) {
        return status;
    }
    GLY_TRY(put(writer, encoder->pages.data, encoder->pages.size, err));
    ret->packed_size = writer->offset - ret->offset;
    ret->unpacked_size = encoder->unpacked_size;
    ret->row_count = encoder->row_count;
    ret->dictionary_pages = encoder->dictionary_pages;
    ret->plain_pages = encoder->plain_pages;
    gly_thrift_writer thrift = {.out = &ret->statistics};
    gly_parquet_statistics_write(&encoder->range, encoder->row_count - encoder->value_count,
                                 &thrift);
    gly_parquet_encode_reset(encoder);
    return GLY_OK;
}

static gly_status finish_group(parquet_writer *writer, gly_error *err) {
    if (writer->group_rows == 0) {
        return GLY_OK;
    }
    group done = {.row_count = writer->group_rows,
                  .chunks = GLY_NEW_ARRAY(chunk, writer->column_count)};
    gly_array_push(&writer->groups, done); /* now it is freed whatever happens */
    for (uint32_t i = 0; i < writer->column_count; i++) {
        GLY_TRY(finish_column(writer, &writer->encoders[i], &done.chunks[i], err));
    }
    writer->row_count += writer->group_rows;
    writer->group_rows = 0;
    return GLY_OK;
}

/* Brings the reservation to what is used now; false: the budget refuses. */
static bool reserve(parquet_writer *writer, bool is_forced) {
    size_t used = 0;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        used += gly_parquet_encode_memory(&writer->encoders[i]);
    }
    if (writer->budget == NULL || used == writer->reserved) {
        return true;
    }
    if (used < writer->reserved) {
        gly_budget_release(writer->budget, writer->reserved - used);
    } else if (!gly_budget_try_reserve(writer->budget, used - writer->reserved)) {
        if (!is_forced) {
            return false;
        }
        gly_budget_force(writer->budget, used - writer->reserved);
    }
    writer->reserved = used;
    return true;
}

gly_status gly_parquet_writer_write(gly_writer *opaque, const gly_batch *batch, gly_error *err) {
    parquet_writer *writer = (parquet_writer *)opaque;
    GLY_ASSERT(batch->column_count == writer->column_count);
    size_t size = 0;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        GLY_TRY(gly_parquet_encode_add(&writer->encoders[i], batch, &batch->columns[i], err));
        size += gly_parquet_encode_size(&writer->encoders[i]);
    }
    writer->group_rows += batch->selected;
    bool is_full = writer->group_rows >= writer->group_rows_limit ||
                   size >= writer->group_bytes_limit || !reserve(writer, false);
    if (is_full) {
        GLY_TRY_ADD(finish_group(writer, err), err, "could not write %.*s",
                    GLY_STR_ARG(writer->file->path));
        reserve(writer, true);
    }
    return GLY_OK;
}

/* ---- the footer ----------------------------------------------------------------------------- */

static int32_t codec_number(gly_codec codec) {
    switch (codec) {
    case GLY_CODEC_SNAPPY:
        return 1;
    case GLY_CODEC_GZIP:
        return 2;
    case GLY_CODEC_ZSTD:
        return 6;
    case GLY_CODEC_LZ4:
        return 7;
    default:
        return 0;
    }
}

static void begin_logical(gly_thrift_writer *thrift, int16_t kind) {
    gly_thrift_write_struct(thrift, 10);
    gly_thrift_write_struct(thrift, kind);
}

static void end_logical(gly_thrift_writer *thrift) {
    gly_thrift_stop(thrift);
    gly_thrift_stop(thrift);
}

static void write_integer_type(gly_thrift_writer *thrift, int8_t bits, int32_t converted) {
    gly_thrift_write_i32(thrift, 6, converted);
    begin_logical(thrift, 10);
    gly_thrift_write_i8(thrift, 1, bits);
    gly_thrift_write_bool(thrift, 2, true);
    end_logical(thrift);
}

static void write_timestamp_type(gly_thrift_writer *thrift, bool is_utc) {
    if (is_utc) {
        gly_thrift_write_i32(thrift, 6, 10); /* TIMESTAMP_MICROS, which implies UTC */
    }
    begin_logical(thrift, 8);
    gly_thrift_write_bool(thrift, 1, is_utc);
    gly_thrift_write_struct(thrift, 2);
    gly_thrift_write_struct(thrift, 2); /* MICROS */
    gly_thrift_stop(thrift);
    gly_thrift_stop(thrift);
    end_logical(thrift);
}

/* ConvertedType (6), scale (7), precision (8) and LogicalType (10) of a SchemaElement. */
static void write_annotation(gly_thrift_writer *thrift, gly_type type) {
    switch (type.id) {
    case GLY_TYPE_STRING:
        gly_thrift_write_i32(thrift, 6, 0);
        begin_logical(thrift, 1);
        end_logical(thrift);
        break;
    case GLY_TYPE_DATE:
        gly_thrift_write_i32(thrift, 6, 6);
        begin_logical(thrift, 6);
        end_logical(thrift);
        break;
    case GLY_TYPE_TINYINT:
        write_integer_type(thrift, 8, 15);
        break;
    case GLY_TYPE_SMALLINT:
        write_integer_type(thrift, 16, 16);
        break;
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
        write_timestamp_type(thrift, type.id == GLY_TYPE_TIMESTAMP);
        break;
    case GLY_TYPE_DECIMAL:
        gly_thrift_write_i32(thrift, 6, 5);
        gly_thrift_write_i32(thrift, 7, type.scale);
        gly_thrift_write_i32(thrift, 8, type.precision);
        begin_logical(thrift, 5);
        gly_thrift_write_i32(thrift, 1, type.scale);
        gly_thrift_write_i32(thrift, 2, type.precision);
        end_logical(thrift);
        break;
    default:
        break;
    }
}

static void write_schema(const parquet_writer *writer, gly_thrift_writer *thrift) {
    gly_thrift_write_list(thrift, 2, GLY_THRIFT_STRUCT, writer->column_count + 1);
    gly_thrift_begin_element(thrift);
    gly_thrift_write_binary(thrift, 4, GLY_STR("spark_schema"));
    gly_thrift_write_i32(thrift, 5, (int32_t)writer->column_count);
    gly_thrift_stop(thrift);
    for (uint32_t i = 0; i < writer->column_count; i++) {
        const gly_parquet_encoder *encoder = &writer->encoders[i];
        gly_thrift_begin_element(thrift);
        gly_thrift_write_i32(thrift, 1, encoder->physical);
        if (encoder->physical == GLY_PARQUET_FIXED) {
            gly_thrift_write_i32(thrift, 2, (int32_t)encoder->type_length);
        }
        gly_thrift_write_i32(thrift, 3, encoder->is_optional ? 1 : 0);
        gly_thrift_write_binary(thrift, 4, encoder->name);
        write_annotation(thrift, encoder->type);
        gly_thrift_stop(thrift);
    }
}

static void write_encoding_stats(const chunk *from, gly_thrift_writer *thrift) {
    struct {
        int32_t page_type, encoding;
        uint32_t count;
    } rows[] = {{2, GLY_PARQUET_PLAIN, from->dictionary_pages > 0},
                {0, GLY_PARQUET_RLE_DICTIONARY, from->dictionary_pages},
                {0, GLY_PARQUET_PLAIN, from->plain_pages}};
    uint32_t used = 0;
    for (size_t i = 0; i < GLY_ARRAY_LEN(rows); i++) {
        used += rows[i].count > 0;
    }
    gly_thrift_write_list(thrift, 13, GLY_THRIFT_STRUCT, used);
    for (size_t i = 0; i < GLY_ARRAY_LEN(rows); i++) {
        if (rows[i].count > 0) {
            gly_thrift_begin_element(thrift);
            gly_thrift_write_i32(thrift, 1, rows[i].page_type);
            gly_thrift_write_i32(thrift, 2, rows[i].encoding);
            gly_thrift_write_i32(thrift, 3, (int32_t)rows[i].count);
            gly_thrift_stop(thrift);
        }
    }
}

static void write_chunk(const parquet_writer *writer, const gly_parquet_encoder *encoder,
                        const chunk *from, gly_thrift_writer *thrift) {
    bool has_dictionary = from->dictionary_pages > 0;
    gly_thrift_begin_element(thrift);
    gly_thrift_write_i64(thrift, 2, 0); /* file_offset: deprecated, must be there */
    gly_thrift_write_struct(thrift, 3);
    gly_thrift_write_i32(thrift, 1, encoder->physical);
    gly_thrift_write_list(thrift, 2, GLY_THRIFT_I32, has_dictionary ? 3 : 2);
    gly_thrift_write_element_i32(thrift, GLY_PARQUET_PLAIN);
    gly_thrift_write_element_i32(thrift, GLY_PARQUET_RLE);
    if (has_dictionary) {
        gly_thrift_write_element_i32(thrift, GLY_PARQUET_RLE_DICTIONARY);
    }
    gly_thrift_write_list(thrift, 3, GLY_THRIFT_BINARY, 1);
    gly_thrift_write_element_binary(thrift, encoder->name);
    gly_thrift_write_i32(thrift, 4, codec_number(writer->codec));
    gly_thrift_write_i64(thrift, 5, (int64_t)from->row_count);
    gly_thrift_write_i64(thrift, 6, (int64_t)from->unpacked_size);
    gly_thrift_write_i64(thrift, 7, (int64_t)from->packed_size);
    gly_thrift_write_i64(thrift, 9, (int64_t)from->data_offset);
    if (has_dictionary) {
        gly_thrift_write_i64(thrift, 11, (int64_t)from->offset);
    }
    gly_thrift_write_struct(thrift, 12);
    gly_builder_add(thrift->out, from->statistics.data, from->statistics.size);
    gly_thrift_stop(thrift);
    write_encoding_stats(from, thrift);
    gly_thrift_stop(thrift);
    gly_thrift_stop(thrift);
}

static void write_groups(const parquet_writer *writer, gly_thrift_writer *thrift) {
    gly_thrift_write_list(thrift, 4, GLY_THRIFT_STRUCT, (uint32_t)writer->groups.count);
    for (size_t g = 0; g < writer->groups.count; g++) {
        const group *from = &writer->groups.items[g];
        uint64_t unpacked = 0;
        uint64_t packed = 0;
        gly_thrift_begin_element(thrift);
        gly_thrift_write_list(thrift, 1, GLY_THRIFT_STRUCT, writer->column_count);
        for (uint32_t i = 0; i < writer->column_count; i++) {
            write_chunk(writer, &writer->encoders[i], &from->chunks[i], thrift);
            unpacked += from->chunks[i].unpacked_size;
            packed += from->chunks[i].packed_size;
        }
        gly_thrift_write_i64(thrift, 2, (int64_t)unpacked);
        gly_thrift_write_i64(thrift, 3, (int64_t)from->row_count);
        gly_thrift_write_i64(thrift, 5, (int64_t)from->chunks[0].offset);
        gly_thrift_write_i64(thrift, 6, (int64_t)packed);
        gly_thrift_write_i16(thrift, 7, (int16_t)GLY_MIN(g, (size_t)INT16_MAX));
        gly_thrift_stop(thrift);
    }
}

static gly_status write_footer(parquet_writer *writer, gly_error *err) {
    gly_builder footer = {0};
    gly_thrift_writer thrift = {.out = &footer};
    gly_thrift_write_i32(&thrift, 1, 1);
    write_schema(writer, &thrift);
    gly_thrift_write_i64(&thrift, 3, (int64_t)writer->row_count);
    write_groups(writer, &thrift);
    gly_thrift_write_binary(&thrift, 6, GLY_STR("galley version 0.1.0 (build 0)"));
    gly_thrift_write_list(&thrift, 7, GLY_THRIFT_STRUCT, writer->column_count);
    for (uint32_t i = 0; i < writer->column_count; i++) { /* TYPE_ORDER for each */
        gly_thrift_begin_element(&thrift);
        gly_thrift_write_struct(&thrift, 1);
        gly_thrift_stop(&thrift);
        gly_thrift_stop(&thrift);
    }
    gly_thrift_stop(&thrift);
    uint32_t size = (uint32_t)footer.size;
    gly_builder_add(&footer, &size, 4);
    gly_builder_add(&footer, "PAR1", 4);
    gly_status status = put(writer, footer.data, footer.size, err);
    gly_builder_clear(&footer);
    return status;
}

gly_status gly_parquet_writer_finish(gly_writer *opaque, uint64_t *ret_rows, uint64_t *ret_bytes,
                                     gly_error *err) {
    parquet_writer *writer = (parquet_writer *)opaque;
    gly_status status = finish_group(writer, err);
    if (status == GLY_OK) {
        status = write_footer(writer, err);
    }
    if (status != GLY_OK) {
        gly_parquet_writer_abort(opaque);
        return status;
    }
    gly_file_writer *file = writer->file;
    uint64_t rows = writer->row_count;
    uint64_t bytes = writer->offset;
    free_writer(writer);
    GLY_TRY(file->finish(file, err));
    *ret_rows = rows;
    *ret_bytes = bytes;
    return GLY_OK;
}
