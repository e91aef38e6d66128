/* map_status.c - a map task's index as bytes, inside its completion message.
 *
 * Offsets grow, so they travel as LEB128 differences: an empty partition is one byte, 200 of them
 * are 200 bytes instead of 1,608.
 *
 *   version u8 | map_partition | row_count | 4 x (size, bytes) | partition_count | first | lengths
 *
 * (all numbers LEB128).  Decoding checks every size; it never trusts a count it cannot afford.
 */
#include "lib/shuffle/map_status.h"

enum { VERSION = 1 };

static void put_number(gly_builder *out, uint64_t value) {
    while (value >= 0x80) {
        gly_builder_add_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    gly_builder_add_char(out, (char)value);
}

static void put_text(gly_builder *out, gly_str text) {
    put_number(out, text.size);
    gly_builder_add_str(out, text);
}

void gly_map_status_encode(const gly_map_status *status, gly_builder *out) {
    gly_builder_add_char(out, VERSION);
    put_number(out, status->map_partition);
    put_number(out, status->row_count);
    put_text(out, status->executor_id);
    put_text(out, status->host_id);
    put_text(out, status->endpoint);
    put_text(out, status->path);
    put_number(out, status->partition_count);
    put_number(out, status->offsets[0]);
    for (uint32_t p = 0; p < status->partition_count; p++) {
        put_number(out, status->offsets[p + 1] - status->offsets[p]);
    }
}

static bool get_number(gly_str *in, uint64_t *ret) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->size > 0; shift += 7) {
        uint8_t byte = (uint8_t)in->data[0];
        in->data++;
        in->size--;
        if (shift == 63 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool get_text(gly_arena *arena, gly_str *in, gly_str *ret) {
    uint64_t size;
    if (!get_number(in, &size) || size > in->size) {
        return false;
    }
    *ret = gly_arena_str(arena, (gly_str){in->data, (size_t)size});
    in->data += size;
    in->size -= (size_t)size;
    return true;
}

static bool get_offsets(gly_arena *arena, gly_str *in, gly_map_status *ret) {
    uint64_t count;
    uint64_t at;
    if (!get_number(in, &count) || count > in->size || count >= UINT32_MAX ||
        !get_number(in, &at)) {
        return false; /* every length takes a byte at least */
    }
    ret->partition_count = (uint32_t)count;
    ret->offsets = gly_arena_alloc(arena, ((size_t)count + 1) * sizeof *ret->offsets);
    ret->offsets[0] = at;
    for (size_t p = 0; p < count; p++) {
        uint64_t length;
        if (!get_number(in, &length) || __builtin_add_overflow(at, length, &at) || at > INT64_MAX) {
            return false;
        }
        ret->offsets[p + 1] = at;
    }
    return true;
}

gly_status gly_map_status_decode(gly_arena *arena, gly_str bytes, gly_map_status *ret,
                                 gly_error *err) {
    gly_map_status status = {0};
    uint64_t map_partition;
    gly_str in = bytes;
    if (in.size == 0 || in.data[0] != VERSION) {
        return gly_fail(err, GLY_E_PROTOCOL, "a map status of another version than %d", VERSION);
    }
    in.data++;
    in.size--;
    if (!get_number(&in, &map_partition) || map_partition > UINT32_MAX ||
        !get_number(&in, &status.row_count) || !get_text(arena, &in, &status.executor_id) ||
        !get_text(arena, &in, &status.host_id) || !get_text(arena, &in, &status.endpoint) ||
        !get_text(arena, &in, &status.path) || !get_offsets(arena, &in, &status) || in.size != 0) {
        return gly_fail(err, GLY_E_PROTOCOL, "a map status of %zu bytes is damaged at byte %zu",
                        bytes.size, bytes.size - in.size);
    }
    status.map_partition = (uint32_t)map_partition;
    *ret = status;
    return GLY_OK;
}
