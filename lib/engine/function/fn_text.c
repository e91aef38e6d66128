/* fn_text.c - lengths, parts and positions; results share the bytes of the argument.
 *
 * Positions and lengths count code points as Spark's UTF8String does; text of only ASCII is the
 * same loop, since a character starts at every byte that is no continuation byte.  BINARY counts
 * bytes. Functions that make new text are in fn_text_build.c.
 */
#include "lib/engine/function/fn_text.h"

#include "lib/engine/kernel/k_text.h"

static bool is_continuation(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

int64_t gly_fn_text_count(gly_str text) { return (int64_t)gly_k_text_count(text.data, text.size); }

size_t gly_fn_text_character_size(gly_str text, size_t at) {
    size_t end = at + 1;
    while (end < text.size && is_continuation(text.data[end])) {
        end++;
    }
    return end - at;
}

size_t gly_fn_text_offset(gly_str text, int64_t index) {
    size_t at = 0;
    while (index > 0 && at < text.size) {
        at += gly_fn_text_character_size(text, at);
        index--;
    }
    return at;
}

gly_status gly_fn_text_length(gly_call *call, gly_error *err) {
    (void)err;
    bool binary = call->args[0].type.id == GLY_TYPE_BINARY;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        GLY_CALL_RESULT(call, int32_t)
        [row] = (int32_t)(binary ? (int64_t)text.size : gly_fn_text_count(text));
    }
    return GLY_OK;
}

gly_status gly_fn_text_octet_length(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)gly_call_text(call, 0, row).size;
    }
    return GLY_OK;
}

/* Characters [start, start + length) of text; start may be negative (before the text). */
static gly_str slice(gly_str text, int64_t start, int64_t length, bool binary) {
    int64_t end = start + length;
    if (length <= 0 || end <= 0) {
        return (gly_str){text.data, 0};
    }
    start = GLY_MAX(start, (int64_t)0);
    size_t from, size;
    size_t reach = (size_t)GLY_MIN(end, (int64_t)text.size);
    if (binary || gly_k_text_is_ascii(text.data, reach)) {
        from = (size_t)GLY_MIN(start, (int64_t)text.size);
        size = GLY_MAX(reach, from) - from;
    } else {
        from = gly_fn_text_offset(text, start);
        gly_str rest = {text.data + from, text.size - from};
        size = gly_fn_text_offset(rest, end - start);
    }
    return (gly_str){text.data + from, size};
}

/* SQL positions: 1 is the first character, -1 the last, 0 the same as 1. */
gly_str gly_fn_text_sql_slice(gly_str text, int64_t position, int64_t length, bool binary) {
    int64_t start = position > 0 ? position - 1 : 0;
    if (position < 0) {
        start = (binary ? (int64_t)text.size : gly_fn_text_count(text)) + position;
    }
    return slice(text, start, length, binary);
}

gly_status gly_fn_text_substring(gly_call *call, gly_error *err) {
    (void)err;
    bool binary = call->args[0].type.id == GLY_TYPE_BINARY;
    GLY_CALL_EACH(call, row) {
        int64_t length = call->arg_count > 2 ? GLY_CALL_ARG(call, 2, int32_t, row) : INT32_MAX;
        gly_call_put_view(call, row,
                          gly_fn_text_sql_slice(gly_call_text(call, 0, row),
                                                GLY_CALL_ARG(call, 1, int32_t, row), length,
                                                binary));
    }
    return GLY_OK;
}

gly_status gly_fn_text_left(gly_call *call, gly_error *err) {
    (void)err;
    bool binary = call->args[0].type.id == GLY_TYPE_BINARY;
    GLY_CALL_EACH(call, row) {
        gly_call_put_view(
            call, row,
            slice(gly_call_text(call, 0, row), 0, GLY_CALL_ARG(call, 1, int32_t, row), binary));
    }
    return GLY_OK;
}

gly_status gly_fn_text_right(gly_call *call, gly_error *err) {
    (void)err;
    bool binary = call->args[0].type.id == GLY_TYPE_BINARY;
    GLY_CALL_EACH(call, row) {
        int32_t length = GLY_CALL_ARG(call, 1, int32_t, row);
        gly_str text = gly_call_text(call, 0, row);
        gly_call_put_view(call, row,
                          length <= 0
                              ? (gly_str){text.data, 0}
                              : gly_fn_text_sql_slice(text, -(int64_t)length, INT32_MAX, binary));
    }
    return GLY_OK;
}

/* The character at `at` is one of set's (NULL data: a space). */
static bool in_set(gly_str text, size_t at, size_t size, gly_str set) {
    for (size_t i = 0; i < set.size;) {
        size_t width = gly_fn_text_character_size(set, i);
        if (width == size && memcmp(set.data + i, text.data + at, size) == 0) {
            return true;
        }
        i += width;
    }
    return false;
}

static gly_status run_trim(gly_call *call, bool front, bool back) {
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        gly_str set = call->arg_count > 1 ? gly_call_text(call, 1, row) : GLY_STR(" ");
        while (front && text.size > 0) {
            size_t size = gly_fn_text_character_size(text, 0);
            if (!in_set(text, 0, size, set)) {
                break;
            }
            text.data += size;
            text.size -= size;
        }
        while (back && text.size > 0) {
            size_t at = text.size - 1;
            while (at > 0 && is_continuation(text.data[at])) {
                at--;
            }
            if (!in_set(text, at, text.size - at, set)) {
                break;
            }
            text.size = at;
        }
        gly_call_put_view(call, row, text);
    }
    return GLY_OK;
}

gly_status gly_fn_text_trim(gly_call *call, gly_error *err) {
    (void)err;
    return run_trim(call, true, true);
}

gly_status gly_fn_text_ltrim(gly_call *call, gly_error *err) {
    (void)err;
    return run_trim(call, true, false);
}

gly_status gly_fn_text_rtrim(gly_call *call, gly_error *err) {
    (void)err;
    return run_trim(call, false, true);
}

/* 1-based position of needle at or behind character `start` (from 0); 0: absent. */
static int32_t find(gly_str text, gly_str needle, int64_t start) {
    if (needle.size == 0) {
        return 1;
    }
    size_t from = gly_fn_text_offset(text, start);
    size_t found = gly_k_text_find(text.data, text.size, from, needle.data, needle.size);
    if (found == SIZE_MAX) {
        return 0;
    }
    return (int32_t)gly_fn_text_count((gly_str){text.data, found}) + 1;
}

gly_status gly_fn_text_instr(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)
        [row] = find(gly_call_text(call, 0, row), gly_call_text(call, 1, row), 0);
    }
    return GLY_OK;
}

gly_status gly_fn_text_locate(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int32_t start = call->arg_count > 2 ? GLY_CALL_ARG(call, 2, int32_t, row) : 1;
        GLY_CALL_RESULT(call, int32_t)
        [row] = start == 0 ? 0
                           : find(gly_call_text(call, 1, row), gly_call_text(call, 0, row),
                                  (int64_t)start - 1);
    }
    return GLY_OK;
}

static int32_t first_code_point(gly_str text) {
    static const uint8_t lead_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (text.size == 0) {
        return 0;
    }
    unsigned char lead = (unsigned char)text.data[0];
    size_t size = GLY_MIN(gly_fn_text_character_size(text, 0), (size_t)4);
    int32_t value = lead & lead_bits[lead < 0x80 ? 1 : size];
    for (size_t i = 1; i < size && lead >= 0x80; i++) {
        value = value << 6 | (text.data[i] & 0x3f);
    }
    return value;
}

gly_status gly_fn_text_ascii(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] = first_code_point(gly_call_text(call, 0, row));
    }
    return GLY_OK;
}

/* Part number `wanted` (from 1) of text cut at every delimiter; empty if there is none. */
static gly_str part_of(gly_str text, gly_str delimiter, int64_t wanted, int64_t *ret_count) {
    gly_str part = {text.data, 0};
    int64_t count = 0;
    size_t at = 0;
    for (;;) {
        size_t found = delimiter.size == 0 ? SIZE_MAX
                                           : gly_k_text_find(text.data, text.size, at,
                                                             delimiter.data, delimiter.size);
        size_t end = found == SIZE_MAX ? text.size : found;
        if (++count == wanted) {
            part = (gly_str){text.data + at, end - at};
        }
        if (found == SIZE_MAX) {
            break;
        }
        at = end + delimiter.size;
    }
    *ret_count = count;
    return part;
}

gly_status gly_fn_text_split_part(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row), delimiter = gly_call_text(call, 1, row);
        int64_t wanted = GLY_CALL_ARG(call, 2, int32_t, row);
        int64_t count;
        if (wanted == 0) {
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, "The index 0 is not valid",
                                 "parts are numbered from 1, or from -1 at the end");
        }
        if (wanted < 0) {
            part_of(text, delimiter, 0, &count);
            wanted = count + 1 + wanted;
        }
        gly_call_put_view(call, row, part_of(text, delimiter, wanted, &count));
    }
    return GLY_OK;
}
