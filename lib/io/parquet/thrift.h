/* thrift.h - Apache Thrift's compact protocol, as much of it as Parquet's metadata needs.
 *
 * Reading never allocates: binaries are slices of the input.  A reader that meets a bad byte
 * becomes failed for good; every later call returns zero values, so that callers check once at the
 * end. Format: thrift-compact-protocol.md of Apache Thrift.
 */
#ifndef GLY_THRIFT_H
#define GLY_THRIFT_H

#include "lib/base/str.h"

typedef enum gly_thrift_type {
    GLY_THRIFT_STOP = 0,
    GLY_THRIFT_TRUE = 1,
    GLY_THRIFT_FALSE = 2,
    GLY_THRIFT_I8 = 3,
    GLY_THRIFT_I16 = 4,
    GLY_THRIFT_I32 = 5,
    GLY_THRIFT_I64 = 6,
    GLY_THRIFT_DOUBLE = 7,
    GLY_THRIFT_BINARY = 8,
    GLY_THRIFT_LIST = 9,
    GLY_THRIFT_SET = 10,
    GLY_THRIFT_MAP = 11,
    GLY_THRIFT_STRUCT = 12,
} gly_thrift_type;

typedef struct gly_thrift_reader {
    const uint8_t *cursor;
    const uint8_t *end;
    const char *problem; /* NULL: all well */
    bool is_short;       /* the problem is that the input ended */
} gly_thrift_reader;

typedef struct gly_thrift_field {
    int16_t id;
    uint8_t type; /* gly_thrift_type; booleans carry their value in it */
} gly_thrift_field;

void gly_thrift_open(gly_thrift_reader *reader, const void *bytes, size_t size);
/* The next field of a struct; start with a zeroed field.  False at the struct's end or on failure.
 * Every field must then be read or skipped. */
bool gly_thrift_next_field(gly_thrift_reader *reader, gly_thrift_field *field);
/* The value of field if it has a fitting type; else the field is skipped and the result is 0. */
bool gly_thrift_read_bool(gly_thrift_reader *reader, const gly_thrift_field *field);
int32_t gly_thrift_read_i32(gly_thrift_reader *reader, const gly_thrift_field *field);
int64_t gly_thrift_read_i64(gly_thrift_reader *reader, const gly_thrift_field *field);
gly_str gly_thrift_read_binary(gly_thrift_reader *reader, const gly_thrift_field *field);
/* Number of elements; each takes at least one byte, so it never exceeds what is left of the input.
 * The elements are then read one by one: structs with next_field, others by the element field. */
uint32_t gly_thrift_read_list(gly_thrift_reader *reader, const gly_thrift_field *field,
                              gly_thrift_field *ret_element);
/* A struct follows (and not something else)?  Otherwise it is skipped. */
bool gly_thrift_enter_struct(gly_thrift_reader *reader, const gly_thrift_field *field);
void gly_thrift_skip(gly_thrift_reader *reader, const gly_thrift_field *field);

/* Writing: into a builder; a struct is begun with a zeroed last_id and ended with stop. */
typedef struct gly_thrift_writer {
    gly_builder *out;
    int16_t last_id[16];
    int depth;
} gly_thrift_writer;

void gly_thrift_write_bool(gly_thrift_writer *writer, int16_t id, bool value);
void gly_thrift_write_i8(gly_thrift_writer *writer, int16_t id, int8_t value);
void gly_thrift_write_i16(gly_thrift_writer *writer, int16_t id, int16_t value);
void gly_thrift_write_i32(gly_thrift_writer *writer, int16_t id, int32_t value);
void gly_thrift_write_i64(gly_thrift_writer *writer, int16_t id, int64_t value);
void gly_thrift_write_binary(gly_thrift_writer *writer, int16_t id, gly_str value);
void gly_thrift_write_struct(gly_thrift_writer *writer, int16_t id); /* then fields, then stop */
/* Elements follow: structs by begin_element ... stop; i32 and binary by the element calls. */
void gly_thrift_write_list(gly_thrift_writer *writer, int16_t id, gly_thrift_type element,
                           uint32_t count);
void gly_thrift_begin_element(gly_thrift_writer *writer);
void gly_thrift_write_element_i32(gly_thrift_writer *writer, int32_t value);
void gly_thrift_write_element_binary(gly_thrift_writer *writer, gly_str value);
void gly_thrift_stop(gly_thrift_writer *writer);

#endif
