/* fn_text_part.c - substring_index, find_in_set, elt, overlay, translate, space, bit_length.
 *
 * Delimiters may overlap, as in Spark: 'aaaaa' has four of 'aa'.  Characters are code points;
 * BINARY counts bytes.  Other parts of text are in fn_text.c.
 */
#include "lib/engine/function/fn_text_part.h"

#include "lib/engine/function/fn_text.h"
#include "lib/engine/kernel/k_text.h"

#include <stdio.h>

enum { LONGEST = 1 << 30 };

/* What is in front of the count-th delimiter from the left; the whole text if there are fewer. */
static gly_str before(gly_str text, gly_str delimiter, int64_t count) {
    size_t at = 0;
    for (; count > 0; count--) {
        at = gly_k_text_find(text.data, text.size, at, delimiter.data, delimiter.size);
        if (at == SIZE_MAX) {
            return text;
        }
        at++;
    }
    return (gly_str){text.data, at - 1};
}

/* What is behind the count-th delimiter from the right. */
static gly_str behind(gly_str text, gly_str delimiter, int64_t count) {
    if (text.size < delimiter.size) {
        return text;
    }
    for (size_t at = text.size - delimiter.size + 1; at > 0; at--) {
        if (memcmp(text.data + at - 1, delimiter.data, delimiter.size) == 0 && --count == 0) {
            size_t end = at - 1 + delimiter.size;
            return (gly_str){text.data + end, text.size - end};
        }
    }
    return text;
}

gly_status gly_fn_text_part_substring_index(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row), delimiter = gly_call_text(call, 1, row);
        int64_t count = GLY_CALL_ARG(call, 2, int32_t, row);
        gly_str part = {text.data, 0};
        if (delimiter.size > 0 && count > 0) {
            part = before(text, delimiter, count);
        } else if (delimiter.size > 0 && count < 0) {
            part = behind(text, delimiter, -count);
        }
        gly_call_put_view(call, row, part);
    }
    return GLY_OK;
}

/* The number (from 1) of the member among those that commas separate; 0 if it is none. */
static int32_t number_in(gly_str member, gly_str list) {
    int32_t number = 1;
    if (memchr(member.data, ',', member.size) != NULL) {
        return 0;
    }
    for (;; number++) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t size = comma == NULL ? list.size : (size_t)(comma - list.data);
        if (gly_str_equal(member, (gly_str){list.data, size})) {
            return number;
        }
        if (comma == NULL) {
            return 0;
        }
        list.data += size + 1;
        list.size -= size + 1;
    }
}

gly_status gly_fn_text_part_find_in_set(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)
        [row] = number_in(gly_call_text(call, 0, row), gly_call_text(call, 1, row));
    }
    return GLY_OK;
}

gly_status gly_fn_text_part_elt(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        bool known = gly_call_arg_valid(call, 0, row);
        int64_t index = known ? GLY_CALL_ARG(call, 0, int32_t, row) : 0;
        if (known && (index < 1 || index >= (int64_t)call->arg_count)) {
            char what[80];
            snprintf(what, sizeof what, "The index %lld is not between 1 and %u", (long long)index,
                     call->arg_count - 1);
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, what, NULL);
        }
        if (!known || !gly_call_arg_valid(call, (uint32_t)index, row)) {
            gly_call_set_null(call, row);
            gly_call_put_view(call, row, (gly_str){"", 0});
            continue;
        }
        gly_call_put_view(call, row, gly_call_text(call, (uint32_t)index, row));
    }
    return GLY_OK;
}

/* text's first `position - 1` characters, the new ones, and what stands `length` behind position.
 */
gly_status gly_fn_text_part_overlay(gly_call *call, gly_error *err) {
    bool binary = call->result->type.id == GLY_TYPE_BINARY;
    gly_builder out = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row), by = gly_call_text(call, 1, row);
        int64_t position = GLY_CALL_ARG(call, 2, int32_t, row);
        int64_t length = call->arg_count > 3 ? GLY_CALL_ARG(call, 3, int32_t, row) : -1;
        if (length < 0) {
            length = binary ? (int64_t)by.size : gly_fn_text_count(by);
        }
        gly_builder_reset(&out);
        gly_builder_add_str(&out, gly_fn_text_sql_slice(text, 1, position - 1, binary));
        gly_builder_add_str(&out, by);
        gly_builder_add_str(&out,
                            gly_fn_text_sql_slice(text, position + length, INT32_MAX, binary));
        if (out.size > LONGEST) {
            status =
                gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, "A text longer than 1 GiB", NULL);
            break;
        }
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return status;
}

/* translate */

/* The number of the character among those of set, or -1. */
static int64_t index_in(gly_str set, const char *character, size_t size) {
    int64_t index = 0;
    for (size_t at = 0; at < set.size; index++) {
        size_t width = gly_fn_text_character_size(set, at);
        if (width == size && memcmp(set.data + at, character, size) == 0) {
            return index;
        }
        at += width;
    }
    return -1;
}

/* Each character of `from` becomes the one at its place in `to`; without one, or if that is NUL, it
 * goes. */
static void add_translated(gly_str text, gly_str from, gly_str to, gly_builder *out) {
    for (size_t at = 0; at < text.size;) {
        size_t size = gly_fn_text_character_size(text, at);
        int64_t index = index_in(from, text.data + at, size);
        size_t place = index < 0 ? 0 : gly_fn_text_offset(to, index);
        if (index < 0) {
            gly_builder_add(out, text.data + at, size);
        } else if (place < to.size && to.data[place] != '\0') {
            gly_builder_add(out, to.data + place, gly_fn_text_character_size(to, place));
        }
        at += size;
    }
}

gly_status gly_fn_text_part_translate(gly_call *call, gly_error *err) {
    (void)err;
    gly_builder out = {0};
    GLY_CALL_EACH(call, row) {
        gly_builder_reset(&out);
        add_translated(gly_call_text(call, 0, row), gly_call_text(call, 1, row),
                       gly_call_text(call, 2, row), &out);
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return GLY_OK;
}

gly_status gly_fn_text_part_space(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        int32_t count = GLY_MAX(GLY_CALL_ARG(call, 0, int32_t, row), 0);
        if (count > LONGEST) {
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, "A text longer than 1 GiB",
                                 NULL);
        }
        char small[GLY_TEXT_INLINE];
        size_t size = (size_t)count;
        char *to = size <= sizeof small ? small : gly_call_room(call, size);
        memset(to, ' ', size);
        gly_call_put_view(call, row, (gly_str){to, size});
    }
    return GLY_OK;
}

gly_status gly_fn_text_part_bit_length(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, int32_t)[row] = (int32_t)(gly_call_text(call, 0, row).size * 8);
    }
    return GLY_OK;
}
