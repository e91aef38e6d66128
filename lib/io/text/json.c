/* json.c - the JSON lines format: names and types of columns from a sample.
 *
 * Columns are sorted by name and typed BIGINT, DOUBLE, BOOLEAN or STRING, as Spark infers them
 * (dates stay strings).  Reading rows: json_reader.c; writing: json_writer.c.
 */
#include "lib/io/text/json.h"

#include "lib/base/array.h"
#include "lib/io/text/json_scan.h"
#include "lib/io/text/text_lines.h"
#include "lib/io/text/text_rows.h"

enum { SAMPLE_LINES = 10000, MOST_COLUMNS = 20000 };

typedef struct inference {
    gly_arena *arena;
    GLY_ARRAY(gly_field) fields;
    gly_str nested; /* a column with an object or array */
} inference;

static gly_type type_of(const gly_json_member *member) {
    int64_t whole;
    switch (member->kind) {
    case GLY_JSON_NULL:
        return GLY_TYPE_OF(NULL);
    case GLY_JSON_TRUE:
    case GLY_JSON_FALSE:
        return GLY_TYPE_OF(BOOLEAN);
    case GLY_JSON_NUMBER:
        return gly_str_to_i64(member->text, &whole) ? GLY_TYPE_OF(BIGINT) : GLY_TYPE_OF(DOUBLE);
    default:
        return GLY_TYPE_OF(STRING);
    }
}

static void see_member(void *context, const gly_json_member *member) {
    inference *seen = context;
    size_t i = 0;
    while (i < seen->fields.count && !gly_str_equal(seen->fields.items[i].name, member->key)) {
        i++;
    }
    if (i == seen->fields.count) {
        if (i == MOST_COLUMNS) {
            return;
        }
        gly_field fresh = {gly_arena_str(seen->arena, member->key), GLY_TYPE_OF(NULL), true};
        gly_array_push(&seen->fields, fresh);
    }
    if (member->kind == GLY_JSON_NESTED) {
        seen->nested = seen->fields.items[i].name;
    }
    seen->fields.items[i].type = gly_text_rows_merge(seen->fields.items[i].type, type_of(member));
}

static int compare_fields(const void *a, const void *b) {
    return gly_str_compare(((const gly_field *)a)->name, ((const gly_field *)b)->name);
}

static gly_status sample(const gly_relation *relation, inference *seen, gly_error *err) {
    gly_arena *scratch = gly_arena_make();
    gly_status status = GLY_OK;
    uint32_t count = 0;
    for (uint32_t i = 0; i < relation->file_count && status == GLY_OK && count < SAMPLE_LINES;
         i++) {
        gly_text_lines *lines;
        gly_str line = {"", 0};
        status = gly_text_lines_open(relation->files[i].path, 0, GLY_TEXT_LINES_SAMPLE, NULL,
                                     &lines, err);
        while (status == GLY_OK && count < SAMPLE_LINES) {
            status = gly_text_lines_next(lines, &line, NULL, err);
            if (status != GLY_OK || line.data == NULL) {
                break;
            }
            gly_arena_reset(scratch);
            (void)gly_json_scan_object(scratch, line, see_member, seen);
            count++;
        }
        if (status == GLY_OK || line.data != NULL) {
            gly_text_lines_close(lines);
        }
    }
    gly_arena_free(scratch);
    return status;
}

static gly_status infer(gly_arena *arena, gly_relation *relation, gly_error *err) {
    gly_str text = gly_text_rows_option(relation->option_count, relation->options, "schema", "");
    relation->row_count = UINT64_MAX;
    relation->statistics = NULL;
    if (text.size > 0) {
        return gly_text_rows_parse_schema(arena, text, &relation->schema, err);
    }
    inference seen = {.arena = arena};
    gly_status status = sample(relation, &seen, err);
    if (status == GLY_OK && seen.nested.data != NULL) {
        status = gly_fail(err, GLY_E_FILE_FORMAT,
                          "%.*s: column '%.*s' holds objects or arrays, which are not supported "
                          "yet: declare it as a string with the option schema",
                          GLY_STR_ARG(relation->name), GLY_STR_ARG(seen.nested));
    }
    if (status == GLY_OK && seen.fields.count == 0) {
        status = gly_fail(err, GLY_E_FILE_FORMAT,
                          "%.*s has no line that is a JSON object, so its columns are not known: "
                          "give the option schema, as in \"id bigint, name string\"",
                          GLY_STR_ARG(relation->name));
    }
    if (status == GLY_OK) {
        qsort(seen.fields.items, seen.fields.count, sizeof(gly_field), compare_fields);
        relation->schema = GLY_ARENA_NEW(arena, gly_schema);
        relation->schema->field_count = (uint32_t)seen.fields.count;
        relation->schema->fields =
            gly_arena_copy(arena, seen.fields.items, seen.fields.count * sizeof(gly_field));
        for (uint32_t i = 0; i < relation->schema->field_count; i++) {
            if (relation->schema->fields[i].type.id == GLY_TYPE_NULL) {
                relation->schema->fields[i].type = GLY_TYPE_OF(STRING);
            }
        }
    }
    gly_array_clear(&seen.fields);
    return status;
}

const gly_format gly_json_format = {
    .name = "json",
    .extension = "json",
    .infer = infer,
    .reader_open = gly_json_reader_open,
    .reader_next = gly_json_reader_next,
    .reader_close = gly_json_reader_close,
    .writer_open = gly_json_writer_open,
    .writer_write = gly_json_writer_write,
    .writer_finish = gly_json_writer_finish,
    .writer_abort = gly_json_writer_abort,
};
