/* thrift.c - compact protocol by hand: zigzag varints, field deltas, lists; hardened for bad input.
 *
 * Invariant: the cursor never passes the end, nothing recurses (unknown values are skipped with a
 * small explicit stack), and a list never claims more elements than there are bytes left.
 */
#include "lib/io/parquet/thrift.h"

enum { MOST_DEPTH = 32 };

void gly_thrift_open(gly_thrift_reader *reader, const void *bytes, size_t size) {
    const uint8_t *start = bytes;
    *reader = (gly_thrift_reader){.cursor = start, .end = start + size};
}

static uint64_t fail_reader(gly_thrift_reader *reader, const char *problem) {
    if (reader->problem == NULL) {
        reader->problem = problem;
    }
    reader->cursor = reader->end;
    return 0;
}

static uint64_t fail_short(gly_thrift_reader *reader) {
    if (reader->problem == NULL) {
        reader->is_short = true;
    }
    return fail_reader(reader, "the metadata ends too early");
}

static uint8_t read_byte(gly_thrift_reader *reader) {
    if (reader->cursor == reader->end) {
        return (uint8_t)fail_short(reader);
    }
    return *reader->cursor++;
}

static uint64_t read_varint(gly_thrift_reader *reader) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (reader->cursor == reader->end) {
            return fail_short(reader);
        }
        uint8_t byte = *reader->cursor++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    return fail_reader(reader, "the metadata has a number of more than 64 bits");
}

static int64_t read_zigzag(gly_thrift_reader *reader) {
    uint64_t value = read_varint(reader);
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

static void advance(gly_thrift_reader *reader, uint64_t size) {
    if (size > (uint64_t)(reader->end - reader->cursor)) {
        fail_short(reader);
    } else {
        reader->cursor += size;
    }
}

bool gly_thrift_next_field(gly_thrift_reader *reader, gly_thrift_field *field) {
    uint8_t head = read_byte(reader);
    if (reader->problem != NULL || head == GLY_THRIFT_STOP) {
        return false;
    }
    uint8_t delta = head >> 4;
    field->type = head & 15;
    int64_t id = delta != 0 ? field->id + delta : read_zigzag(reader);
    if (id < INT16_MIN || id > INT16_MAX || field->type > GLY_THRIFT_STRUCT ||
        field->type == GLY_THRIFT_STOP) {
        fail_reader(reader, "the metadata has an impossible field");
        return false;
    }
    field->id = (int16_t)id;
    return reader->problem == NULL;
}

bool gly_thrift_read_bool(gly_thrift_reader *reader, const gly_thrift_field *field) {
    if (field->type != GLY_THRIFT_TRUE && field->type != GLY_THRIFT_FALSE) {
        gly_thrift_skip(reader, field);
    }
    return field->type == GLY_THRIFT_TRUE;
}

int64_t gly_thrift_read_i64(gly_thrift_reader *reader, const gly_thrift_field *field) {
    switch (field->type) {
    case GLY_THRIFT_I8:
        return (int8_t)read_byte(reader);
    case GLY_THRIFT_I16:
    case GLY_THRIFT_I32:
    case GLY_THRIFT_I64:
        return read_zigzag(reader);
    default:
        gly_thrift_skip(reader, field);
        return 0;
    }
}

int32_t gly_thrift_read_i32(gly_thrift_reader *reader, const gly_thrift_field *field) {
    int64_t value = gly_thrift_read_i64(reader, field);
    if (value < INT32_MIN || value > INT32_MAX) {
        return (int32_t)fail_reader(reader, "the metadata has a number of more than 32 bits");
    }
    return (int32_t)value;
}

gly_str gly_thrift_read_binary(gly_thrift_reader *reader, const gly_thrift_field *field) {
    if (field->type != GLY_THRIFT_BINARY) {
        gly_thrift_skip(reader, field);
        return (gly_str){"", 0};
    }
    uint64_t size = read_varint(reader);
    const uint8_t *start = reader->cursor;
    advance(reader, size);
    if (reader->problem != NULL) {
        return (gly_str){"", 0};
    }
    return (gly_str){(const char *)start, (size_t)size};
}

static uint32_t read_list_head(gly_thrift_reader *reader, uint8_t *ret_type) {
    uint8_t head = read_byte(reader);
    uint64_t count = head >> 4;
    if (count == 15) {
        count = read_varint(reader);
    }
    *ret_type = head & 15;
    if (*ret_type == GLY_THRIFT_STOP || *ret_type > GLY_THRIFT_STRUCT) {
        if (count > 0 || *ret_type > GLY_THRIFT_STRUCT) {
            return (uint32_t)fail_reader(reader, "the metadata has an impossible list");
        }
    }
    if (count > (uint64_t)(reader->end - reader->cursor)) {
        return (uint32_t)fail_short(reader);
    }
    return (uint32_t)count;
}

uint32_t gly_thrift_read_list(gly_thrift_reader *reader, const gly_thrift_field *field,
                              gly_thrift_field *ret_element) {
    *ret_element = (gly_thrift_field){0};
    if (field->type != GLY_THRIFT_LIST && field->type != GLY_THRIFT_SET) {
        gly_thrift_skip(reader, field);
        return 0;
    }
    return read_list_head(reader, &ret_element->type);
}

bool gly_thrift_enter_struct(gly_thrift_reader *reader, const gly_thrift_field *field) {
    if (field->type != GLY_THRIFT_STRUCT) {
        gly_thrift_skip(reader, field);
        return false;
    }
    return reader->problem == NULL;
}

/* What is still to be skipped: a struct's fields, or so many elements. */
typedef struct pending {
    bool is_struct;
    bool is_element_bool; /* elements: booleans take a byte there */
    uint8_t types[2];     /* elements: one type, or a map's key and value */
    uint64_t count;
    int16_t last_id;
} pending;

/* Skips a scalar; true.  False: a container, whose head was read into *ret. */
static bool skip_scalar(gly_thrift_reader *reader, uint8_t type, bool in_list, pending *ret) {
    *ret = (pending){0};
    switch (type) {
    case GLY_THRIFT_TRUE:
    case GLY_THRIFT_FALSE:
        if (in_list) {
            advance(reader, 1);
        }
        return true;
    case GLY_THRIFT_I8:
        advance(reader, 1);
        return true;
    case GLY_THRIFT_I16:
    case GLY_THRIFT_I32:
    case GLY_THRIFT_I64:
        read_varint(reader);
        return true;
    case GLY_THRIFT_DOUBLE:
        advance(reader, 8);
        return true;
    case GLY_THRIFT_BINARY:
        advance(reader, read_varint(reader));
        return true;
    case GLY_THRIFT_LIST:
    case GLY_THRIFT_SET:
        ret->count = read_list_head(reader, &ret->types[0]);
        ret->types[1] = ret->types[0];
        return false;
    case GLY_THRIFT_MAP: {
        uint64_t count = read_varint(reader);
        uint8_t types = count == 0 ? 0 : read_byte(reader);
        if (count > (uint64_t)(reader->end - reader->cursor)) {
            fail_short(reader);
        }
        ret->count = reader->problem != NULL ? 0 : count * 2;
        ret->types[0] = types >> 4;
        ret->types[1] = types & 15;
        return false;
    }
    case GLY_THRIFT_STRUCT:
        ret->is_struct = true;
        return false;
    default:
        fail_reader(reader, "the metadata has an unknown type");
        return true;
    }
}

void gly_thrift_skip(gly_thrift_reader *reader, const gly_thrift_field *field) {
    pending stack[MOST_DEPTH];
    int depth = 0;
    if (!skip_scalar(reader, field->type, false, &stack[0])) {
        depth = 1;
    }
    while (depth > 0 && reader->problem == NULL) {
        pending *top = &stack[depth - 1];
        uint8_t type;
        if (top->is_struct) {
            gly_thrift_field next = {.id = top->last_id};
            if (!gly_thrift_next_field(reader, &next)) {
                depth--;
                continue;
            }
            top->last_id = next.id;
            type = next.type;
        } else {
            if (top->count == 0) {
                depth--;
                continue;
            }
            type = top->types[top->count & 1];
            top->count--;
        }
        pending inner;
        if (!skip_scalar(reader, type, !top->is_struct, &inner)) {
            if (depth == MOST_DEPTH) {
                fail_reader(reader, "the metadata is nested too deep");
                return;
            }
            stack[depth++] = inner;
        }
    }
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_varint(gly_thrift_writer *writer, uint64_t value) {
    char bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (char)value;
    gly_builder_add(writer->out, bytes, size);
}

static void write_zigzag(gly_thrift_writer *writer, int64_t value) {
    write_varint(writer, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void write_field(gly_thrift_writer *writer, int16_t id, gly_thrift_type type) {
    int delta = id - writer->last_id[writer->depth];
    if (delta > 0 && delta <= 15) {
        gly_builder_add_char(writer->out, (char)(delta << 4 | (int)type));
    } else {
        gly_builder_add_char(writer->out, (char)type);
        write_zigzag(writer, id);
    }
    writer->last_id[writer->depth] = id;
}

void gly_thrift_write_bool(gly_thrift_writer *writer, int16_t id, bool value) {
    write_field(writer, id, value ? GLY_THRIFT_TRUE : GLY_THRIFT_FALSE);
}

void gly_thrift_write_i8(gly_thrift_writer *writer, int16_t id, int8_t value) {
    write_field(writer, id, GLY_THRIFT_I8);
    gly_builder_add_char(writer->out, (char)value);
}

void gly_thrift_write_i16(gly_thrift_writer *writer, int16_t id, int16_t value) {
    write_field(writer, id, GLY_THRIFT_I16);
    write_zigzag(writer, value);
}

void gly_thrift_write_i32(gly_thrift_writer *writer, int16_t id, int32_t value) {
    write_field(writer, id, GLY_THRIFT_I32);
    write_zigzag(writer, value);
}

void gly_thrift_write_i64(gly_thrift_writer *writer, int16_t id, int64_t value) {
    write_field(writer, id, GLY_THRIFT_I64);
    write_zigzag(writer, value);
}

void gly_thrift_write_binary(gly_thrift_writer *writer, int16_t id, gly_str value) {
    write_field(writer, id, GLY_THRIFT_BINARY);
    gly_thrift_write_element_binary(writer, value);
}

void gly_thrift_begin_element(gly_thrift_writer *writer) {
    GLY_ASSERT(writer->depth + 1 < (int)GLY_ARRAY_LEN(writer->last_id));
    writer->last_id[++writer->depth] = 0;
}

void gly_thrift_write_struct(gly_thrift_writer *writer, int16_t id) {
    write_field(writer, id, GLY_THRIFT_STRUCT);
    gly_thrift_begin_element(writer);
}

void gly_thrift_write_list(gly_thrift_writer *writer, int16_t id, gly_thrift_type element,
                           uint32_t count) {
    write_field(writer, id, GLY_THRIFT_LIST);
    if (count < 15) {
        gly_builder_add_char(writer->out, (char)(count << 4 | element));
    } else {
        gly_builder_add_char(writer->out, (char)(15 << 4 | element));
        write_varint(writer, count);
    }
}

void gly_thrift_write_element_i32(gly_thrift_writer *writer, int32_t value) {
    write_zigzag(writer, value);
}

void gly_thrift_write_element_binary(gly_thrift_writer *writer, gly_str value) {
    write_varint(writer, value.size);
    gly_builder_add(writer->out, value.data, value.size);
}

void gly_thrift_stop(gly_thrift_writer *writer) {
    gly_builder_add_char(writer->out, 0);
    if (writer->depth > 0) {
        writer->depth--;
    }
}
