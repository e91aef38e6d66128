/* parquet_meta.c - reads the footer: one tail read, Thrift, and a check of all that readers rely
 * on.
 *
 *   ... | footer (Thrift compact, FileMetaData) | u32 footer size | "PAR1" |
 *
 * Invariant after success: every row group has one chunk per leaf, every chunk lies before the
 * footer, flat columns have as many values as the group has rows.  Texts point into the footer's
 * bytes, which live in the arena.
 */
#include "lib/io/parquet/parquet_meta.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/io/parquet/thrift.h"

#include <math.h>

enum { TAIL_READ_BYTES = 64 * 1024, MOST_FOOTER_BYTES = 512 << 20 };

typedef struct element { /* SchemaElement */
    int type;            /* -1: a group */
    int32_t type_length;
    int repetition; /* 0 required, 1 optional, 2 repeated */
    int32_t child_count;
    gly_str name;
    gly_parquet_annotation note;
} element;

typedef struct footer {
    gly_arena *arena;
    gly_thrift_reader thrift;
    gly_parquet_meta *meta;
    uint64_t data_end; /* where the footer begins */
    const char *problem;
    bool has_schema, is_encrypted;
} footer;

static bool is_struct_list(footer *from, uint32_t count, const gly_thrift_field *item) {
    if (count > 0 && item->type != GLY_THRIFT_STRUCT) {
        from->problem = "the footer has a list of the wrong type";
        return false;
    }
    return true;
}

/* ---- schema --------------------------------------------------------------------------------- */

static void read_time_unit(gly_thrift_reader *thrift, const gly_thrift_field *field,
                           gly_parquet_annotation *note) {
    if (!gly_thrift_enter_struct(thrift, field)) {
        return;
    }
    gly_thrift_field unit = {0};
    while (gly_thrift_next_field(thrift, &unit)) {
        note->unit = unit.id;
        gly_thrift_skip(thrift, &unit);
    }
}

/* The members of the LogicalType's one struct; their numbers mean different things per kind. */
static void read_logical_members(gly_thrift_reader *thrift, gly_parquet_annotation *note) {
    enum { DECIMAL = 5, TIME = 7, TIMESTAMP = 8, INTEGER = 10 };
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        bool is_time = note->logical == TIME || note->logical == TIMESTAMP;
        if (note->logical == DECIMAL && field.id == 1) {
            note->scale = gly_thrift_read_i32(thrift, &field);
        } else if (note->logical == DECIMAL && field.id == 2) {
            note->precision = gly_thrift_read_i32(thrift, &field);
        } else if (is_time && field.id == 1) {
            note->is_utc = gly_thrift_read_bool(thrift, &field);
        } else if (is_time && field.id == 2) {
            read_time_unit(thrift, &field, note);
        } else if (note->logical == INTEGER && field.id == 1) {
            note->bit_width = gly_thrift_read_i32(thrift, &field);
        } else if (note->logical == INTEGER && field.id == 2) {
            note->is_signed = gly_thrift_read_bool(thrift, &field);
        } else {
            gly_thrift_skip(thrift, &field);
        }
    }
}

static void read_logical(gly_thrift_reader *thrift, const gly_thrift_field *field,
                         gly_parquet_annotation *note) {
    if (!gly_thrift_enter_struct(thrift, field)) {
        return;
    }
    gly_thrift_field kind = {0};
    while (gly_thrift_next_field(thrift, &kind)) {
        note->logical = kind.id;
        if (gly_thrift_enter_struct(thrift, &kind)) {
            read_logical_members(thrift, note);
        }
    }
}

static element read_element(gly_thrift_reader *thrift) {
    element result = {.type = -1, .note = {.converted = -1}};
    int32_t scale = 0;
    int32_t precision = 0;
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        switch (field.id) {
        case 1:
            result.type = gly_thrift_read_i32(thrift, &field);
            break;
        case 2:
            result.type_length = gly_thrift_read_i32(thrift, &field);
            break;
        case 3:
            result.repetition = gly_thrift_read_i32(thrift, &field);
            break;
        case 4:
            result.name = gly_thrift_read_binary(thrift, &field);
            break;
        case 5:
            result.child_count = gly_thrift_read_i32(thrift, &field);
            break;
        case 6:
            result.note.converted = gly_thrift_read_i32(thrift, &field);
            break;
        case 7:
            scale = gly_thrift_read_i32(thrift, &field);
            break;
        case 8:
            precision = gly_thrift_read_i32(thrift, &field);
            break;
        case 10:
            read_logical(thrift, &field, &result.note);
            break;
        default:
            gly_thrift_skip(thrift, &field);
        }
    }
    enum { LOGICAL_DECIMAL = 5 };
    if (result.note.logical != LOGICAL_DECIMAL) {
        result.note.scale = scale;
        result.note.precision = precision;
    }
    return result;
}

static const char *group_refusal(const element *top) {
    enum { CONVERTED_MAP = 1, CONVERTED_MAP_KEY_VALUE = 2, CONVERTED_LIST = 3 };
    enum { LOGICAL_MAP = 2, LOGICAL_LIST = 3 };
    if (top->note.converted == CONVERTED_LIST || top->note.logical == LOGICAL_LIST ||
        top->repetition == 2) {
        return "is an array; nested columns cannot be read yet";
    }
    if (top->note.converted == CONVERTED_MAP || top->note.converted == CONVERTED_MAP_KEY_VALUE ||
        top->note.logical == LOGICAL_MAP) {
        return "is a map; nested columns cannot be read yet";
    }
    return "is a struct; nested columns cannot be read yet";
}

static bool set_leaf(footer *from, const element *top, const element *leaf, bool is_nested,
                     gly_parquet_leaf *ret) {
    bool is_fixed = leaf->type == GLY_PARQUET_FIXED;
    if (leaf->type < 0 || leaf->type > GLY_PARQUET_FIXED || leaf->repetition < 0 ||
        leaf->repetition > 2 ||
        (is_fixed && (leaf->type_length < 0 || leaf->type_length > 1 << 20))) {
        from->problem = "the footer has a column of an impossible type";
        return false;
    }
    *ret = (gly_parquet_leaf){.name = top->name,
                              .physical = (uint8_t)leaf->type,
                              .is_optional = leaf->repetition == 1,
                              .type_length = is_fixed ? (uint32_t)leaf->type_length : 0};
    if (is_nested || leaf->repetition == 2) {
        ret->refusal = group_refusal(top);
        return true;
    }
    ret->refusal = gly_parquet_convert_type(ret->physical, ret->type_length, &leaf->note,
                                            &ret->type, &ret->conversion, &ret->is_unsigned);
    if (ret->refusal == NULL && is_fixed && ret->type_length == 0) {
        ret->refusal = "has values of no bytes";
    }
    return true;
}

/* elements[0] is the root, the others its descendants in pre-order. */
static void make_leaves(footer *from, uint32_t count, const element *elements) {
    gly_parquet_meta *meta = from->meta;
    meta->leaves = GLY_ARENA_ARRAY(from->arena, gly_parquet_leaf, count);
    if (count == 0 || elements[0].child_count < 0) {
        from->problem = "the footer has no schema";
        return;
    }
    uint32_t at = 1;
    for (int32_t i = 0; i < elements[0].child_count; i++) {
        if (at >= count) {
            from->problem = "the footer's schema ends too early";
            return;
        }
        const element *top = &elements[at];
        uint64_t open = 1; /* elements still to come below this column */
        while (open > 0) {
            if (at >= count) {
                from->problem = "the footer's schema ends too early";
                return;
            }
            const element *next = &elements[at++];
            open--;
            if (next->type < 0) {
                open += (uint64_t)GLY_MAX(next->child_count, 0);
            } else if (!set_leaf(from, top, next, next != top, &meta->leaves[meta->leaf_count++])) {
                return;
            }
        }
    }
}

static void read_schema(footer *from, const gly_thrift_field *field) {
    gly_thrift_field item;
    uint32_t count = gly_thrift_read_list(&from->thrift, field, &item);
    if (!is_struct_list(from, count, &item) || from->has_schema) {
        return;
    }
    GLY_ARRAY(element) elements = {0};
    for (uint32_t i = 0; i < count && from->thrift.problem == NULL; i++) {
        element next = read_element(&from->thrift);
        gly_array_push(&elements, next);
    }
    if (from->thrift.problem == NULL) {
        make_leaves(from, (uint32_t)elements.count, elements.items);
        from->has_schema = true;
    }
    gly_array_clear(&elements);
}

/* ---- row groups ----------------------------------------------------------------------------- */

static void read_statistics(gly_thrift_reader *thrift, const gly_thrift_field *outer,
                            gly_parquet_statistics *ret) {
    gly_str old_min = {0};
    gly_str old_max = {0};
    bool has_old_min = false;
    bool has_old_max = false;
    if (!gly_thrift_enter_struct(thrift, outer)) {
        return;
    }
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        int64_t count;
        switch (field.id) {
        case 1:
            has_old_max = field.type == GLY_THRIFT_BINARY;
            old_max = gly_thrift_read_binary(thrift, &field);
            break;
        case 2:
            has_old_min = field.type == GLY_THRIFT_BINARY;
            old_min = gly_thrift_read_binary(thrift, &field);
            break;
        case 3:
            count = gly_thrift_read_i64(thrift, &field);
            ret->null_count = count < 0 ? UINT64_MAX : (uint64_t)count;
            break;
        case 4:
            count = gly_thrift_read_i64(thrift, &field);
            ret->distinct_count = count < 0 ? 0 : (uint64_t)count;
            break;
        case 5:
            ret->has_max = field.type == GLY_THRIFT_BINARY;
            ret->max = gly_thrift_read_binary(thrift, &field);
            break;
        case 6:
            ret->has_min = field.type == GLY_THRIFT_BINARY;
            ret->min = gly_thrift_read_binary(thrift, &field);
            break;
        default:
            gly_thrift_skip(thrift, &field);
        }
    }
    if (!ret->has_min && !ret->has_max && (has_old_min || has_old_max)) {
        ret->has_min = has_old_min;
        ret->has_max = has_old_max;
        ret->min = old_min;
        ret->max = old_max;
        ret->is_deprecated = true;
    }
}

static bool is_dictionary(int32_t encoding) {
    return encoding == GLY_PARQUET_PLAIN_DICTIONARY || encoding == GLY_PARQUET_RLE_DICTIONARY;
}

/* PageEncodingStats: true if there are some and all data pages are dictionary-encoded. */
static bool read_encoding_stats(footer *from, const gly_thrift_field *outer) {
    gly_thrift_field item;
    uint32_t count = gly_thrift_read_list(&from->thrift, outer, &item);
    if (!is_struct_list(from, count, &item)) {
        return false;
    }
    bool all = count > 0;
    for (uint32_t i = 0; i < count && from->thrift.problem == NULL; i++) {
        int32_t page_type = 0;
        int32_t encoding = 0;
        int32_t pages = 1;
        gly_thrift_field field = {0};
        while (gly_thrift_next_field(&from->thrift, &field)) {
            if (field.id == 1) {
                page_type = gly_thrift_read_i32(&from->thrift, &field);
            } else if (field.id == 2) {
                encoding = gly_thrift_read_i32(&from->thrift, &field);
            } else if (field.id == 3) {
                pages = gly_thrift_read_i32(&from->thrift, &field);
            } else {
                gly_thrift_skip(&from->thrift, &field);
            }
        }
        bool is_data = page_type == 0 || page_type == 3;
        all &= !is_data || pages == 0 || is_dictionary(encoding);
    }
    return all;
}

typedef struct raw_chunk { /* as the file says, unchecked */
    int32_t type, codec;
    int64_t value_count, unpacked_size, packed_size;
    int64_t data_offset, dictionary_offset;
    bool has_dictionary, has_meta;
    bool lists_dictionary, lists_others; /* among the encodings; levels' RLE does not count */
} raw_chunk;

static void read_encodings(footer *from, const gly_thrift_field *outer, raw_chunk *raw) {
    gly_thrift_field item;
    uint32_t count = gly_thrift_read_list(&from->thrift, outer, &item);
    for (uint32_t i = 0; i < count && from->thrift.problem == NULL; i++) {
        int32_t encoding = gly_thrift_read_i32(&from->thrift, &item);
        bool is_level = encoding == GLY_PARQUET_RLE || encoding == GLY_PARQUET_BIT_PACKED;
        raw->lists_dictionary |= is_dictionary(encoding);
        raw->lists_others |= !is_dictionary(encoding) && !is_level;
    }
}

static void read_column_meta(footer *from, const gly_thrift_field *outer, raw_chunk *raw,
                             gly_parquet_chunk *ret) {
    gly_thrift_reader *thrift = &from->thrift;
    if (!gly_thrift_enter_struct(thrift, outer)) {
        return;
    }
    raw->has_meta = true;
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(thrift, &field)) {
        switch (field.id) {
        case 1:
            raw->type = gly_thrift_read_i32(thrift, &field);
            break;
        case 2:
            read_encodings(from, &field, raw);
            break;
        case 4:
            raw->codec = gly_thrift_read_i32(thrift, &field);
            break;
        case 5:
            raw->value_count = gly_thrift_read_i64(thrift, &field);
            break;
        case 6:
            raw->unpacked_size = gly_thrift_read_i64(thrift, &field);
            break;
        case 7:
            raw->packed_size = gly_thrift_read_i64(thrift, &field);
            break;
        case 9:
            raw->data_offset = gly_thrift_read_i64(thrift, &field);
            break;
        case 11:
            raw->dictionary_offset = gly_thrift_read_i64(thrift, &field);
            raw->has_dictionary = true;
            break;
        case 12:
            read_statistics(thrift, &field, &ret->statistics);
            break;
        case 13:
            ret->is_all_dictionary = read_encoding_stats(from, &field);
            ret->has_plain_pages = !ret->is_all_dictionary;
            break;
        default:
            gly_thrift_skip(thrift, &field);
        }
    }
}

static bool check_chunk(footer *from, const raw_chunk *raw, const gly_parquet_leaf *leaf,
                        uint64_t row_count, gly_parquet_chunk *ret) {
    if (!raw->has_meta) {
        from->problem = "the footer has a column chunk without metadata";
        return false;
    }
    bool uses_dictionary = raw->has_dictionary && raw->dictionary_offset > 0 &&
                           raw->dictionary_offset < raw->data_offset;
    int64_t offset = uses_dictionary ? raw->dictionary_offset : raw->data_offset;
    if (raw->type != leaf->physical || raw->codec < 0 || raw->codec > 255) {
        from->problem = "a column chunk does not match the schema";
        return false;
    }
    if (offset < 0 || raw->packed_size < 0 || raw->value_count < 0 || raw->unpacked_size < 0 ||
        (uint64_t)offset > from->data_end ||
        (uint64_t)raw->packed_size > from->data_end - (uint64_t)offset) {
        from->problem = "a column chunk lies outside of the file";
        return false;
    }
    if (leaf->refusal == NULL && (uint64_t)raw->value_count != row_count) {
        from->problem = "a column chunk and its row group differ in their number of rows";
        return false;
    }
    ret->codec = (uint8_t)raw->codec;
    ret->has_dictionary = uses_dictionary;
    if (!ret->has_plain_pages && raw->lists_dictionary && !raw->lists_others) {
        ret->is_all_dictionary = true; /* PLAIN is not even there for the dictionary: old style */
    }
    ret->offset = (uint64_t)offset;
    ret->size = (uint64_t)raw->packed_size;
    ret->value_count = (uint64_t)raw->value_count;
    ret->unpacked_size = (uint64_t)raw->unpacked_size;
    if (ret->statistics.null_count != UINT64_MAX && ret->statistics.null_count > ret->value_count) {
        ret->statistics.null_count = UINT64_MAX;
    }
    return true;
}

static void read_chunk(footer *from, raw_chunk *raw, gly_parquet_chunk *ret) {
    gly_thrift_field field = {0};
    ret->statistics.null_count = UINT64_MAX;
    while (gly_thrift_next_field(&from->thrift, &field)) {
        if (field.id == 1) {
            if (gly_thrift_read_binary(&from->thrift, &field).size > 0) {
                from->problem = "a column chunk lies in another file, which is not supported";
            }
        } else if (field.id == 3) {
            read_column_meta(from, &field, raw, ret);
        } else {
            gly_thrift_skip(&from->thrift, &field);
        }
    }
}

/* The columns come before num_rows in the format, so the chunks are checked at the end. */
static void read_group(footer *from, gly_parquet_group *ret) {
    const gly_parquet_meta *meta = from->meta;
    raw_chunk *raw = NULL;
    int64_t row_count = -1;
    gly_thrift_field field = {0};
    while (gly_thrift_next_field(&from->thrift, &field)) {
        if (field.id == 1 && raw == NULL) {
            gly_thrift_field item;
            uint32_t count = gly_thrift_read_list(&from->thrift, &field, &item);
            if (count != meta->leaf_count || !is_struct_list(from, count, &item)) {
                from->problem = "a row group has not as many columns as the schema";
                return;
            }
            raw = gly_alloc_zero(GLY_MAX(count, 1u), sizeof *raw);
            ret->chunks = GLY_ARENA_ARRAY(from->arena, gly_parquet_chunk, count);
            for (uint32_t i = 0; i < count && from->thrift.problem == NULL; i++) {
                read_chunk(from, &raw[i], &ret->chunks[i]);
            }
        } else if (field.id == 3) {
            row_count = gly_thrift_read_i64(&from->thrift, &field);
        } else {
            gly_thrift_skip(&from->thrift, &field);
        }
    }
    if (from->thrift.problem == NULL && (row_count < 0 || raw == NULL)) {
        from->problem = "a row group has no columns or no number of rows";
    }
    ret->row_count = (uint64_t)row_count;
    ret->offset = UINT64_MAX;
    for (uint32_t i = 0; i < meta->leaf_count && from->problem == NULL && raw != NULL &&
                         from->thrift.problem == NULL;
         i++) {
        if (check_chunk(from, &raw[i], &meta->leaves[i], ret->row_count, &ret->chunks[i])) {
            ret->offset = GLY_MIN(ret->offset, ret->chunks[i].offset);
        }
    }
    if (ret->offset == UINT64_MAX) {
        ret->offset = 4;
    }
    free(raw);
}

static void read_groups(footer *from, const gly_thrift_field *field) {
    gly_thrift_field item;
    uint32_t count = gly_thrift_read_list(&from->thrift, field, &item);
    if (!is_struct_list(from, count, &item) || from->meta->groups != NULL) {
        return;
    }
    if (!from->has_schema) {
        from->problem = "the footer has row groups before the schema";
        return;
    }
    GLY_ARRAY(gly_parquet_group) groups = {0};
    for (uint32_t i = 0; i < count && from->thrift.problem == NULL && from->problem == NULL; i++) {
        gly_parquet_group group = {0};
        read_group(from, &group);
        gly_array_push(&groups, group);
        if (__builtin_add_overflow(from->meta->row_count, group.row_count,
                                   &from->meta->row_count) ||
            from->meta->row_count > INT64_MAX) {
            from->problem = "the row groups have an impossible number of rows";
        }
    }
    from->meta->group_count = (uint32_t)groups.count;
    from->meta->groups =
        gly_arena_copy(from->arena, groups.items, groups.count * sizeof *groups.items);
    gly_array_clear(&groups);
}

/* ColumnOrder is a union: 1 is TYPE_ORDER, the only one whose bounds we use. */
static void read_column_orders(footer *from, const gly_thrift_field *outer) {
    gly_thrift_field item;
    uint32_t count = gly_thrift_read_list(&from->thrift, outer, &item);
    if (!is_struct_list(from, count, &item)) {
        return;
    }
    for (uint32_t i = 0; i < count && from->thrift.problem == NULL; i++) {
        gly_thrift_field field = {0};
        while (gly_thrift_next_field(&from->thrift, &field)) {
            if (i < from->meta->leaf_count && field.id == 1) {
                from->meta->leaves[i].is_type_order = true;
            }
            gly_thrift_skip(&from->thrift, &field);
        }
    }
}

static void read_file_meta(footer *from) {
    gly_thrift_field field = {0};
    while (from->problem == NULL && gly_thrift_next_field(&from->thrift, &field)) {
        switch (field.id) {
        case 2:
            read_schema(from, &field);
            break;
        case 4:
            read_groups(from, &field);
            break;
        case 6:
            from->meta->created_by = gly_thrift_read_binary(&from->thrift, &field);
            break;
        case 7:
            read_column_orders(from, &field);
            break;
        case 8:
            from->is_encrypted = true;
            gly_thrift_skip(&from->thrift, &field);
            break;
        default:
            gly_thrift_skip(&from->thrift, &field);
        }
    }
    if (from->problem == NULL) {
        from->problem = from->thrift.problem;
    }
    if (from->problem == NULL && !from->has_schema) {
        from->problem = "the footer has no schema";
    }
}

/* ---- the file ------------------------------------------------------------------------------- */

static gly_status no_magic(gly_file *file, const char *tail, gly_error *err) {
    char head[4] = {0};
    if (memcmp(tail, "PARE", 4) == 0) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "%.*s is an encrypted Parquet file",
                        GLY_STR_ARG(file->path));
    }
    if (file->size_bytes >= 4) {
        GLY_TRY(file->read_at(file, 0, 4, head, err));
    }
    if (memcmp(head, "PAR1", 4) == 0) {
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "%.*s is a Parquet file without its end: it is cut off or still written",
                        GLY_STR_ARG(file->path));
    }
    return gly_fail(err, GLY_E_FILE_FORMAT, "%.*s is not a Parquet file", GLY_STR_ARG(file->path));
}

static gly_status read_footer_bytes(gly_arena *arena, gly_file *file, gly_str *ret,
                                    uint64_t *ret_bytes_read, gly_error *err) {
    uint64_t file_size = file->size_bytes;
    size_t tail_size = (size_t)GLY_MIN(file_size, (uint64_t)TAIL_READ_BYTES);
    char *tail = gly_arena_alloc(arena, tail_size + 1);
    GLY_TRY(file->read_at(file, file_size - tail_size, tail_size, tail, err));
    *ret_bytes_read += tail_size;
    if (tail_size < 12 || memcmp(tail + tail_size - 4, "PAR1", 4) != 0) {
        return no_magic(file, tail_size >= 4 ? tail + tail_size - 4 : "", err);
    }
    uint32_t size;
    memcpy(&size, tail + tail_size - 8, 4);
    if (size > file_size - 12 || size > MOST_FOOTER_BYTES) {
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "%.*s claims a footer of %u bytes, which does not fit the file",
                        GLY_STR_ARG(file->path), size);
    }
    if (size + 8 <= tail_size) {
        *ret = (gly_str){tail + tail_size - 8 - size, size};
        return GLY_OK;
    }
    char *bytes = gly_arena_alloc(arena, size);
    size_t missing = size + 8 - tail_size;
    GLY_TRY(file->read_at(file, file_size - 8 - size, missing, bytes, err));
    memcpy(bytes + missing, tail, tail_size - 8);
    *ret_bytes_read += missing;
    *ret = (gly_str){bytes, size};
    return GLY_OK;
}

gly_status gly_parquet_meta_read(gly_arena *arena, gly_file *file, gly_parquet_meta **ret,
                                 uint64_t *ret_bytes_read, gly_error *err) {
    gly_str bytes = {0};
    GLY_TRY(read_footer_bytes(arena, file, &bytes, ret_bytes_read, err));
    footer from = {.arena = arena,
                   .meta = GLY_ARENA_NEW(arena, gly_parquet_meta),
                   .data_end = file->size_bytes - 8 - bytes.size};
    gly_thrift_open(&from.thrift, bytes.data, bytes.size);
    read_file_meta(&from);
    if (from.problem != NULL) {
        return gly_fail(err, GLY_E_CORRUPT_FILE, "%.*s is corrupt: %s", GLY_STR_ARG(file->path),
                        from.problem);
    }
    if (from.is_encrypted) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "%.*s is an encrypted Parquet file",
                        GLY_STR_ARG(file->path));
    }
    *ret = from.meta;
    return GLY_OK;
}

uint32_t gly_parquet_meta_find(const gly_parquet_meta *meta, gly_str name) {
    uint32_t found = meta->leaf_count;
    for (uint32_t i = 0; i < meta->leaf_count; i++) {
        if (gly_str_equal(meta->leaves[i].name, name)) {
            return i;
        }
        if (found == meta->leaf_count && gly_str_equal_ignore_case(meta->leaves[i].name, name)) {
            found = i;
        }
    }
    return found;
}

/* ---- bounds --------------------------------------------------------------------------------- */

static bool read_bound(const gly_parquet_leaf *leaf, gly_str bytes, gly_value *ret) {
    gly_type type = leaf->type;
    if (gly_type_is_text(type)) {
        *ret = gly_value_text(type, bytes);
        return true;
    }
    _Alignas(16) char converted[16];
    if (leaf->physical == GLY_PARQUET_BYTE_ARRAY) {
        gly_text text = gly_text_make(bytes.data, bytes.size);
        if (!gly_parquet_convert_text(leaf->conversion, &text, 1, converted)) {
            return false;
        }
    } else {
        uint32_t width = gly_parquet_convert_width(leaf->physical, leaf->type_length);
        if (bytes.size != width ||
            !gly_parquet_convert_fixed(leaf->conversion, width, bytes.data, 1, converted)) {
            return false;
        }
    }
    *ret = (gly_value){.type = type};
    switch (gly_type_kind(type)) {
    case GLY_KIND_I8:
        ret->i64 = *(int8_t *)converted;
        return true;
    case GLY_KIND_I16:
        ret->i64 = *(int16_t *)converted;
        return true;
    case GLY_KIND_I32:
        ret->i64 = *(int32_t *)converted;
        return true;
    case GLY_KIND_I64:
        ret->i64 = *(int64_t *)converted;
        return true;
    case GLY_KIND_I128:
        ret->i128 = *(gly_i128 *)converted;
        return true;
    case GLY_KIND_F32:
        ret->f64 = (double)*(float *)converted;
        return !isnan(ret->f64);
    case GLY_KIND_F64:
        ret->f64 = *(double *)converted;
        return !isnan(ret->f64);
    default:
        return false;
    }
}

/* Old min and max were compared as signed bytes or numbers: right only for signed numbers. */
static bool may_use(const gly_parquet_leaf *leaf, const gly_parquet_statistics *statistics) {
    if (!statistics->has_min || !statistics->has_max || leaf->physical == GLY_PARQUET_INT96 ||
        leaf->conversion == GLY_PARQUET_F16_TO_F32) {
        return false;
    }
    if (!statistics->is_deprecated) {
        return leaf->is_type_order;
    }
    bool is_number =
        leaf->physical != GLY_PARQUET_BYTE_ARRAY && leaf->physical != GLY_PARQUET_FIXED;
    return is_number && !leaf->is_unsigned;
}

bool gly_parquet_meta_bounds(const gly_parquet_leaf *leaf, const gly_parquet_chunk *chunk,
                             gly_value *ret_min, gly_value *ret_max) {
    const gly_parquet_statistics *statistics = &chunk->statistics;
    return leaf->refusal == NULL && may_use(leaf, statistics) &&
           read_bound(leaf, statistics->min, ret_min) &&
           read_bound(leaf, statistics->max, ret_max) && gly_value_compare(ret_min, ret_max) <= 0;
}
