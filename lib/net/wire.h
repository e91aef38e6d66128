/* wire.h - the few pieces of protobuf's encoding that are written by hand: where a message must not
 * be built in memory first (bulk data), or where encoded messages are glued together.
 *
 * Encoding: https://protobuf.dev/programming-guides/encoding (varints, wire types 0 and 2).
 */
#ifndef GLY_WIRE_H
#define GLY_WIRE_H

#include "lib/base/str.h"

enum { GLY_WIRE_VARINT = 0, GLY_WIRE_BYTES = 2, GLY_WIRE_MAX_VARINT = 10 };

/* Writes value to out (GLY_WIRE_MAX_VARINT bytes of room) and returns the bytes used. */
size_t gly_wire_put_varint(uint8_t *out, uint64_t value);
void gly_wire_add_varint(gly_builder *builder, uint32_t field, uint64_t value);
void gly_wire_add_bytes(gly_builder *builder, uint32_t field, gly_str bytes);
/* Tag and length only: size bytes of the field's content must follow. */
void gly_wire_add_header(gly_builder *builder, uint32_t field, size_t size);

typedef struct gly_wire_field {
    uint32_t number;
    uint32_t type; /* GLY_WIRE_VARINT or GLY_WIRE_BYTES */
    uint64_t value; /* of a varint */
    gly_str bytes;  /* of bytes: points into the message */
} gly_wire_field;

/* Takes the next field off the front of *message.  False at its end or if it is malformed; the
 * message is empty exactly in the first case.  Fixed-width fields are skipped. */
bool gly_wire_next(gly_str *message, gly_wire_field *ret);

#endif
