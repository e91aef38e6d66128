/* partition_paths.c - finds name=value directories and the type all values of a name have.
 *
 * As Spark's partition discovery: the narrowest of int, bigint, double, date, timestamp that every
 * value can be read as, else string.  Invariant: every file gets one value per column, in the
 * order of the directories.
 */
#include "lib/io/source/partition_paths.h"

#include "lib/data/date.h"

enum { MOST_PARTITIONS = 64 };

typedef struct parts {
    uint32_t count;
    gly_str names[MOST_PARTITIONS];
    gly_str values[MOST_PARTITIONS];
} parts;

static gly_str decode_percent(gly_arena *arena, gly_str text) {
    char *out = gly_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int high = i + 2 < text.size ? gly_str_hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? gly_str_hex_digit(text.data[i + 2]) : -1;
        if (text.data[i] == '%' && i + 2 < text.size && low >= 0) {
            out[size++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[size++] = text.data[i];
        }
    }
    out[size] = '\0';
    return (gly_str){out, size};
}

/* The name=value directories of path behind its first base_depth components. */
static gly_status split_path(gly_arena *arena, gly_str path, uint32_t base_depth, parts *ret,
                             gly_error *err) {
    ret->count = 0;
    uint32_t depth = 0;
    for (size_t i = 0; i < path.size;) {
        size_t end = i;
        while (end < path.size && path.data[end] != '/') {
            end++;
        }
        gly_str part = {path.data + i, end - i};
        bool is_directory = end < path.size;
        depth += part.size > 0;
        const char *equals = part.size > 0 ? memchr(part.data, '=', part.size) : NULL;
        if (is_directory && equals != NULL && equals > part.data && depth > base_depth) {
            if (ret->count == MOST_PARTITIONS) {
                return gly_fail(err, GLY_E_FILE_FORMAT, "%.*s has more than %d partition columns",
                                GLY_STR_ARG(path), MOST_PARTITIONS);
            }
            gly_str name = {part.data, (size_t)(equals - part.data)};
            gly_str value = {equals + 1, part.size - name.size - 1};
            ret->names[ret->count] = decode_percent(arena, name);
            ret->values[ret->count++] = decode_percent(arena, value);
        }
        i = end + 1;
    }
    return GLY_OK;
}

static bool is_null(gly_str text) {
    return text.size == 0 || gly_str_equal(text, GLY_STR("__HIVE_DEFAULT_PARTITION__"));
}

/* Reads text as the type of *ret; false if it is none. */
static bool read_value(gly_str text, gly_value *ret) {
    int32_t days;
    switch (ret->type.id) {
    case GLY_TYPE_INT:
    case GLY_TYPE_BIGINT:
        return gly_str_to_i64(text, &ret->i64) &&
               (ret->type.id == GLY_TYPE_BIGINT || ret->i64 == (int32_t)ret->i64);
    case GLY_TYPE_DOUBLE: {
        char last = text.data[text.size - 1];
        return ((last >= '0' && last <= '9') || last == '.') && gly_str_to_double(text, &ret->f64);
    }
    case GLY_TYPE_DATE:
        if (text.size < 8 || memchr(text.data, ':', text.size) != NULL ||
            !gly_date_parse(text, &days)) {
            return false;
        }
        ret->i64 = days;
        return true;
    case GLY_TYPE_TIMESTAMP:
        return memchr(text.data, ':', text.size) != NULL && gly_timestamp_parse(text, &ret->i64);
    default:
        ret->text = text;
        return true;
    }
}

static void set_column(gly_arena *arena, uint32_t file_count, const gly_str *texts, uint32_t column,
                       uint32_t column_count, gly_partition_paths *into) {
    static const uint8_t candidates[] = {GLY_TYPE_INT,  GLY_TYPE_BIGINT,    GLY_TYPE_DOUBLE,
                                         GLY_TYPE_DATE, GLY_TYPE_TIMESTAMP, GLY_TYPE_STRING};
    bool has_value = false;
    for (uint32_t f = 0; f < file_count; f++) {
        has_value |= !is_null(texts[f * column_count + column]);
    }
    for (size_t c = has_value ? 0 : GLY_ARRAY_LEN(candidates) - 1; c < GLY_ARRAY_LEN(candidates);
         c++) {
        gly_type type = {.id = candidates[c]};
        bool fits = true;
        for (uint32_t f = 0; f < file_count && fits; f++) {
            gly_str text = texts[f * column_count + column];
            gly_value *value = &into->values[f][column];
            *value = gly_value_null(type);
            if (!is_null(text)) {
                value->is_null = false;
                fits = read_value(text, value);
            } else {
                into->columns[column].nullable = true;
            }
        }
        if (fits) {
            into->columns[column].type = type;
            return;
        }
    }
    (void)arena;
}

gly_status gly_partition_paths_find(gly_arena *arena, uint32_t file_count, const gly_str *paths,
                                    const uint32_t *base_depths, gly_partition_paths *ret,
                                    gly_error *err) {
    *ret = (gly_partition_paths){0};
    parts first = {0};
    gly_str *texts = NULL;
    for (uint32_t f = 0; f < file_count; f++) {
        parts mine;
        GLY_TRY(split_path(arena, paths[f], base_depths[f], &mine, err));
        if (f == 0) {
            first = mine;
            texts = GLY_ARENA_ARRAY(arena, gly_str, (size_t)file_count * first.count);
        }
        bool is_same = mine.count == first.count;
        for (uint32_t c = 0; c < mine.count && is_same; c++) {
            is_same = gly_str_equal_ignore_case(mine.names[c], first.names[c]);
            texts[(size_t)f * first.count + c] = mine.values[c];
        }
        if (!is_same) {
            return gly_fail(err, GLY_E_FILE_FORMAT,
                            "%.*s and %.*s have different partition directories; read them as "
                            "separate tables",
                            GLY_STR_ARG(paths[0]), GLY_STR_ARG(paths[f]));
        }
    }
    if (first.count == 0) {
        return GLY_OK;
    }
    ret->column_count = first.count;
    ret->columns = GLY_ARENA_ARRAY(arena, gly_field, first.count);
    ret->values = GLY_ARENA_ARRAY(arena, gly_value *, file_count);
    for (uint32_t f = 0; f < file_count; f++) {
        ret->values[f] = GLY_ARENA_ARRAY(arena, gly_value, first.count);
    }
    for (uint32_t c = 0; c < first.count; c++) {
        ret->columns[c].name = first.names[c];
        set_column(arena, file_count, texts, c, first.count, ret);
    }
    return GLY_OK;
}
