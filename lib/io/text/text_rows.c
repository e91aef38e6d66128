/* text_rows.c - typed cells from texts, and batches from cells.
 *
 * What a cell may look like is what CAST accepts; a cell that is not of its type becomes NULL (Spark's
 * PERMISSIVE mode), the readers decide about stricter modes.  Invariant: every column of a finished
 * batch has row_count initialised values and owns its text bytes.
 */
#include "lib/io/text/text_rows.h"

#include "lib/base/alloc.h"
#include "lib/data/date.h"
#include "lib/data/decimal.h"
#include "lib/data/number_text.h"

gly_str gly_text_rows_option(uint32_t count, const gly_option *options, const char *key,
                             const char *fallback) {
    for (uint32_t i = 0; i < count; i++) {
        if (gly_str_equal_ignore_case(options[i].key, gly_str_of(key))) {
            return options[i].value;
        }
    }
    return gly_str_of(fallback);
}

bool gly_text_rows_flag(uint32_t count, const gly_option *options, const char *key,
                        bool fallback) {
    gly_str value = gly_text_rows_option(count, options, key, fallback ? "true" : "false");
    return gly_str_equal_ignore_case(value, GLY_STR("true"));
}

/* ---- schemas ------------------------------------------------------------------------------------- */

static size_t field_end(gly_str text, size_t start) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = start; i < text.size; i++) {
        char c = text.data[i];
        quoted ^= c == '`';
        depth += !quoted && c == '(' ? 1 : !quoted && c == ')' ? -1 : 0;
        if (c == ',' && depth == 0 && !quoted) {
            return i;
        }
    }
    return text.size;
}

static gly_status parse_field(gly_arena *arena, gly_str text, gly_field *ret, gly_error *err) {
    text = gly_str_trim(text);
    size_t name_size = 0;
    size_t skip = 0;
    if (text.size > 0 && text.data[0] == '`') {
        const char *end = memchr(text.data + 1, '`', text.size - 1);
        name_size = end == NULL ? 0 : (size_t)(end - text.data - 1);
        skip = 1;
    } else {
        while (name_size < text.size && strchr(" \t:", text.data[name_size]) == NULL) {
            name_size++;
        }
    }
    gly_str name = {text.data + skip, name_size};
    size_t used = GLY_MIN(name_size + 2 * skip, text.size);
    gly_str type = gly_str_trim((gly_str){text.data + used, text.size - used});
    if (type.size > 0 && type.data[0] == ':') {
        type = gly_str_trim((gly_str){type.data + 1, type.size - 1});
    }
    if (name.size == 0 || !gly_type_parse(type, &ret->type)) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "'%.*s' is not a column of a schema: write a name and a type, as in "
                        "\"id bigint, name string\"",
                        GLY_STR_ARG(text));
    }
    ret->name = gly_arena_str(arena, name);
    ret->nullable = true;
    return GLY_OK;
}

gly_status gly_text_rows_parse_schema(gly_arena *arena, gly_str text, gly_schema **ret,
                                      gly_error *err) {
    gly_schema *schema = GLY_ARENA_NEW(arena, gly_schema);
    uint32_t count = 1;
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == ',';
    }
    schema->fields = GLY_ARENA_ARRAY(arena, gly_field, count);
    for (size_t start = 0; start <= text.size;) {
        size_t end = field_end(text, start);
        GLY_TRY(parse_field(arena, (gly_str){text.data + start, end - start},
                            &schema->fields[schema->field_count++], err));
        start = end + 1;
    }
    *ret = schema;
    return GLY_OK;
}

/* ---- cells --------------------------------------------------------------------------------------- */

static bool parse_integer(gly_str text, gly_type type, gly_value *ret) {
    static const int bits[] = {[GLY_TYPE_TINYINT] = 8, [GLY_TYPE_SMALLINT] = 16,
                               [GLY_TYPE_INT] = 32, [GLY_TYPE_BIGINT] = 64};
    int64_t number;
    if (!gly_str_to_i64(text, &number)) {
        return false;
    }
    if (bits[type.id] < 64) {
        int64_t limit = INT64_C(1) << (bits[type.id] - 1);
        if (number < -limit || number >= limit) {
            return false;
        }
    }
    *ret = gly_value_i64(type, number);
    return true;
}

bool gly_text_rows_parse(gly_str text, gly_type type, gly_value *ret) {
    gly_str trimmed = gly_str_trim(text);
    int32_t days;
    int64_t micros;
    gly_i128 unscaled;
    double number;
    switch ((gly_type_id)type.id) {
    case GLY_TYPE_STRING:
    case GLY_TYPE_BINARY:
        *ret = gly_value_text(type, text);
        return true;
    case GLY_TYPE_BOOLEAN:
        *ret = gly_value_i64(type, gly_str_equal_ignore_case(trimmed, GLY_STR("true")));
        return ret->i64 || gly_str_equal_ignore_case(trimmed, GLY_STR("false"));
    case GLY_TYPE_TINYINT:
    case GLY_TYPE_SMALLINT:
    case GLY_TYPE_INT:
    case GLY_TYPE_BIGINT:
        return parse_integer(trimmed, type, ret);
    case GLY_TYPE_FLOAT:
    case GLY_TYPE_DOUBLE:
        if (!gly_number_text_parse_double(trimmed, &number)) {
            return false;
        }
        *ret = gly_value_f64(type, type.id == GLY_TYPE_FLOAT ? (double)(float)number : number);
        return true;
    case GLY_TYPE_DECIMAL:
        if (!gly_decimal_parse(trimmed, type, &unscaled)) {
            return false;
        }
        *ret = gly_value_decimal(type, unscaled);
        return true;
    case GLY_TYPE_DATE:
        if (!gly_date_parse(trimmed, &days)) {
            return false;
        }
        *ret = gly_value_i64(type, days);
        return true;
    case GLY_TYPE_TIMESTAMP:
    case GLY_TYPE_TIMESTAMP_NTZ:
        if (!gly_timestamp_parse(trimmed, &micros)) {
            return false;
        }
        *ret = gly_value_i64(type, micros);
        return true;
    default:
        return false;
    }
}

gly_type gly_text_rows_guess(gly_str text) {
    static const gly_type candidates[] = {{.id = GLY_TYPE_BIGINT}, {.id = GLY_TYPE_DOUBLE},
                                          {.id = GLY_TYPE_DATE},   {.id = GLY_TYPE_TIMESTAMP},
                                          {.id = GLY_TYPE_BOOLEAN}};
    gly_value value;
    for (size_t i = 0; i < GLY_ARRAY_LEN(candidates); i++) {
        bool is_date = candidates[i].id == GLY_TYPE_DATE;
        if ((!is_date || text.size == 10) && /* a date is yyyy-mm-dd, not a bare year */
            gly_text_rows_parse(text, candidates[i], &value)) {
            return candidates[i];
        }
    }
    return GLY_TYPE_OF(STRING);
}

gly_type gly_text_rows_merge(gly_type a, gly_type b) {
    if (a.id == GLY_TYPE_NULL || gly_type_equal(a, b)) {
        return b;
    }
    if (b.id == GLY_TYPE_NULL) {
        return a;
    }
    bool a_number = a.id == GLY_TYPE_BIGINT || a.id == GLY_TYPE_DOUBLE;
    bool b_number = b.id == GLY_TYPE_BIGINT || b.id == GLY_TYPE_DOUBLE;
    if (a_number && b_number) {
        return GLY_TYPE_OF(DOUBLE);
    }
    bool a_time = a.id == GLY_TYPE_DATE || a.id == GLY_TYPE_TIMESTAMP;
    bool b_time = b.id == GLY_TYPE_DATE || b.id == GLY_TYPE_TIMESTAMP;
    return a_time && b_time ? GLY_TYPE_OF(TIMESTAMP) : GLY_TYPE_OF(STRING);
}

/* ---- batches ------------------------------------------------------------------------------------- */

void gly_text_rows_init(gly_text_rows *rows, const gly_scan *scan) {
    *rows = (gly_text_rows){.scan = scan, .arena = gly_arena_make()};
    rows->columns = GLY_NEW_ARRAY(gly_column, scan->column_count);
    rows->selection = GLY_NEW_ARRAY(uint16_t, GLY_BATCH_ROWS);
    rows->by_field = GLY_NEW_ARRAY(uint32_t, scan->file_schema->field_count);
    memset(rows->by_field, 0xff, scan->file_schema->field_count * sizeof *rows->by_field);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        rows->by_field[scan->fields[i]] = i;
    }
}

void gly_text_rows_clear(gly_text_rows *rows) {
    gly_arena_free(rows->arena);
    free(rows->columns);
    free(rows->selection);
    free(rows->by_field);
}

static bool is_partition_column(const gly_text_rows *rows, uint32_t column) {
    const gly_scan *scan = rows->scan;
    return scan->fields[column] >=
           scan->file_schema->field_count - scan->partition_column_count;
}

void gly_text_rows_begin(gly_text_rows *rows) {
    gly_arena_reset(rows->arena);
    rows->row_count = 0;
    for (uint32_t i = 0; i < rows->scan->column_count; i++) {
        if (!is_partition_column(rows, i)) {
            gly_column_make_flat(rows->arena,
                                 rows->scan->file_schema->fields[rows->scan->fields[i]].type,
                                 GLY_BATCH_ROWS, &rows->columns[i]);
        }
    }
}

void gly_text_rows_set(gly_text_rows *rows, uint32_t column, const gly_value *value) {
    gly_value copy = *value;
    gly_column *to = &rows->columns[column];
    if (value->is_null) {
        gly_column_need_validity(rows->arena, to, GLY_BATCH_ROWS);
    } else if (gly_type_is_text(value->type) && value->text.size > GLY_TEXT_INLINE) {
        copy.text = gly_arena_str(rows->arena, value->text);
    }
    gly_column_set(rows->arena, to, rows->row_count, &copy);
}

gly_status gly_text_rows_finish(gly_text_rows *rows, const gly_batch **ret, gly_error *err) {
    const gly_scan *scan = rows->scan;
    uint32_t file_fields = scan->file_schema->field_count - scan->partition_column_count;
    *ret = NULL;
    if (rows->row_count == 0) {
        return GLY_OK;
    }
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (is_partition_column(rows, i)) {
            const gly_value *value = &scan->file->partition_values[scan->fields[i] - file_fields];
            gly_column_constant(rows->arena, value, rows->row_count, &rows->columns[i]);
        }
        rows->columns[i].count = rows->row_count;
    }
    rows->batch = (gly_batch){.column_count = scan->column_count,
                              .count = rows->row_count,
                              .selected = rows->row_count,
                              .columns = rows->columns};
    if (scan->select != NULL) {
        GLY_TRY(scan->select(scan->select_context, &rows->batch, rows->selection,
                             &rows->batch.selected, err));
        rows->batch.selection = rows->selection;
        if (rows->batch.selected == 0) {
            return GLY_OK;
        }
    }
    *ret = &rows->batch;
    return GLY_OK;
}
