/* wire.c - protobuf varints and length-delimited fields by hand.
 *
 * Everything else goes through protobuf-c and the files of proto/.  Reading checks every length, as
 * the bytes come from outside.
 */
#include "lib/net/wire.h"

size_t gly_wire_put_varint(uint8_t *out, uint64_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        out[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[size++] = (uint8_t)value;
    return size;
}

static void add_pair(gly_builder *builder, uint64_t tag, uint64_t value) {
    uint8_t *room = (uint8_t *)gly_builder_room(builder, 2 * GLY_WIRE_MAX_VARINT);
    size_t size = gly_wire_put_varint(room, tag);
    size += gly_wire_put_varint(room + size, value);
    builder->size += size;
}

void gly_wire_add_varint(gly_builder *builder, uint32_t field, uint64_t value) {
    add_pair(builder, (uint64_t)field << 3 | GLY_WIRE_VARINT, value);
}

void gly_wire_add_header(gly_builder *builder, uint32_t field, size_t size) {
    add_pair(builder, (uint64_t)field << 3 | GLY_WIRE_BYTES, size);
}

void gly_wire_add_bytes(gly_builder *builder, uint32_t field, gly_str bytes) {
    gly_wire_add_header(builder, field, bytes.size);
    gly_builder_add(builder, bytes.data, bytes.size);
}

static bool take_varint(gly_str *message, uint64_t *ret) {
    uint64_t value = 0;
    for (unsigned i = 0; i < GLY_WIRE_MAX_VARINT && i < message->size; i++) {
        uint8_t byte = (uint8_t)message->data[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret = value;
            *message = (gly_str){message->data + i + 1, message->size - i - 1};
            return true;
        }
    }
    return false;
}

static bool skip(gly_str *message, uint64_t size) {
    if (size > message->size) {
        return false;
    }
    *message = (gly_str){message->data + size, message->size - (size_t)size};
    return true;
}

bool gly_wire_next(gly_str *message, gly_wire_field *ret) {
    while (message->size > 0) {
        gly_str rest = *message;
        uint64_t tag, value;
        if (!take_varint(&rest, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX) {
            return false;
        }
        *ret = (gly_wire_field){.number = (uint32_t)(tag >> 3), .type = (uint32_t)(tag & 7)};
        switch (tag & 7) {
        case GLY_WIRE_VARINT:
            if (!take_varint(&rest, &ret->value)) {
                return false;
            }
            *message = rest;
            return true;
        case GLY_WIRE_BYTES:
            if (!take_varint(&rest, &value) || value > rest.size) {
                return false;
            }
            ret->bytes = (gly_str){rest.data, (size_t)value};
            (void)skip(&rest, value);
            *message = rest;
            return true;
        case 1: /* 64 bits */
        case 5: /* 32 bits */
            if (!skip(&rest, (tag & 7) == 1 ? 8 : 4)) {
                return false;
            }
            *message = rest;
            break;
        default:
            return false;
        }
    }
    return false;
}
