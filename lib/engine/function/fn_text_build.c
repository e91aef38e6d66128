/* fn_text_build.c - case mapping, joining, padding, replacing: new bytes in scratch.
 *
 * Case mapping is byte-wise for ASCII and by utf8proc beyond; the few letters that grow (ß,
 * ligatures) follow Unicode's SpecialCasing as Java does.  Sizes are checked: no result exceeds
 * LONGEST.
 */
#include "lib/engine/function/fn_text_build.h"

#include "lib/engine/function/fn_text.h"
#include "lib/engine/kernel/k_text.h"

#include <utf8proc.h>

enum { LONGEST = 1 << 30 };

static gly_status too_long(const gly_call *call, gly_error *err) {
    return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, "A text longer than 1 GiB", NULL);
}

/* case */

typedef enum casing { UPPER, LOWER, TITLE } casing;

static char map_ascii(char c, casing wanted) {
    if (wanted == LOWER) {
        return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* Upper-case forms of more than one letter. */
static const char *grown(int32_t point) {
    static const char *const ligatures[] = {"FF", "FI", "FL", "FFI", "FFL", "ST", "ST"};
    if (point == 0xdf) {
        return "SS";
    }
    if (point == 0x149) {
        return "\xca\xbcN";
    }
    return point >= 0xfb00 && point <= 0xfb06 ? ligatures[point - 0xfb00] : NULL;
}

static void add_mapped(gly_builder *out, gly_str text, size_t *at, casing wanted) {
    utf8proc_int32_t point;
    utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text.data + *at,
                                             (utf8proc_ssize_t)(text.size - *at), &point);
    if (size <= 0) { /* not UTF-8: as it is */
        gly_builder_add_char(out, text.data[(*at)++]);
        return;
    }
    *at += (size_t)size;
    const char *special = wanted == UPPER ? grown(point) : NULL;
    if (special != NULL) {
        gly_builder_add_text(out, special);
        return;
    }
    if (wanted == LOWER && point == 0x130) { /* I with dot: i and a combining dot */
        gly_builder_add_text(out, "i\xcc\x87");
        return;
    }
    utf8proc_uint8_t bytes[4];
    utf8proc_int32_t mapped = wanted == UPPER   ? utf8proc_toupper(point)
                              : wanted == LOWER ? utf8proc_tolower(point)
                                                : utf8proc_totitle(point);
    utf8proc_ssize_t written = utf8proc_encode_char(mapped, bytes);
    gly_builder_add(out, bytes, (size_t)written);
}

static gly_status run_case(gly_call *call, casing wanted) {
    gly_builder out = {0};
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        if (gly_k_text_is_ascii(text.data, text.size)) {
            char small[GLY_TEXT_INLINE];
            char *to = text.size <= sizeof small ? small : gly_call_room(call, text.size);
            for (size_t i = 0; i < text.size; i++) {
                to[i] = map_ascii(text.data[i], wanted);
            }
            gly_call_put_view(call, row, (gly_str){to, text.size});
            continue;
        }
        gly_builder_reset(&out);
        for (size_t at = 0; at < text.size;) {
            add_mapped(&out, text, &at, wanted);
        }
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return GLY_OK;
}

gly_status gly_fn_text_build_upper(gly_call *call, gly_error *err) {
    (void)err;
    return run_case(call, UPPER);
}

gly_status gly_fn_text_build_lower(gly_call *call, gly_error *err) {
    (void)err;
    return run_case(call, LOWER);
}

gly_status gly_fn_text_build_initcap(gly_call *call, gly_error *err) {
    (void)err;
    gly_builder out = {0};
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        bool starts_word = true;
        gly_builder_reset(&out);
        for (size_t at = 0; at < text.size;) {
            bool is_space = text.data[at] == ' ';
            add_mapped(&out, text, &at, starts_word ? TITLE : LOWER);
            starts_word = is_space;
        }
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return GLY_OK;
}

/* joining */

gly_status gly_fn_text_build_concat(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        size_t size = 0;
        for (uint32_t j = 0; j < call->arg_count; j++) {
            size += gly_call_text(call, j, row).size;
        }
        if (size > LONGEST) {
            return too_long(call, err);
        }
        char small[GLY_TEXT_INLINE];
        char *to = size <= sizeof small ? small : gly_call_room(call, size);
        size_t at = 0;
        for (uint32_t j = 0; j < call->arg_count; j++) {
            gly_str part = gly_call_text(call, j, row);
            memcpy(to + at, part.data, part.size);
            at += part.size;
        }
        gly_call_put_view(call, row, (gly_str){to, size});
    }
    return GLY_OK;
}

gly_status gly_fn_text_build_concat_ws(gly_call *call, gly_error *err) {
    gly_builder out = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        if (!gly_call_arg_valid(call, 0, row)) {
            gly_call_set_null(call, row);
            GLY_CALL_RESULT(call, gly_text)[row] = gly_text_make("", 0);
            continue;
        }
        bool first = true;
        gly_builder_reset(&out);
        for (uint32_t j = 1; j < call->arg_count; j++) {
            if (!gly_call_arg_valid(call, j, row)) {
                continue;
            }
            if (!first) {
                gly_builder_add_str(&out, gly_call_text(call, 0, row));
            }
            first = false;
            gly_builder_add_str(&out, gly_call_text(call, j, row));
        }
        if (out.size > LONGEST) {
            status = too_long(call, err);
            break;
        }
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return status;
}

/* padding */

static void add_padding(gly_builder *out, gly_str pad, int64_t characters) {
    size_t at = 0;
    while (characters-- > 0) {
        size_t size = gly_fn_text_character_size(pad, at);
        gly_builder_add(out, pad.data + at, size);
        at = at + size >= pad.size ? 0 : at + size;
    }
}

static gly_status run_pad(gly_call *call, bool left, gly_error *err) {
    gly_builder out = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        gly_str pad = call->arg_count > 2 ? gly_call_text(call, 2, row) : GLY_STR(" ");
        int64_t wanted = GLY_MAX(GLY_CALL_ARG(call, 1, int32_t, row), 0);
        int64_t missing = wanted - gly_fn_text_count(text);
        if (missing <= 0 || pad.size == 0) {
            gly_call_put_view(call, row, (gly_str){text.data, gly_fn_text_offset(text, wanted)});
            continue;
        }
        if (wanted * 4 > LONGEST) {
            status = too_long(call, err);
            break;
        }
        gly_builder_reset(&out);
        if (left) {
            add_padding(&out, pad, missing);
        }
        gly_builder_add_str(&out, text);
        if (!left) {
            add_padding(&out, pad, missing);
        }
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return status;
}

gly_status gly_fn_text_build_lpad(gly_call *call, gly_error *err) {
    return run_pad(call, true, err);
}

gly_status gly_fn_text_build_rpad(gly_call *call, gly_error *err) {
    return run_pad(call, false, err);
}

/* the rest */

gly_status gly_fn_text_build_replace(gly_call *call, gly_error *err) {
    gly_builder out = {0};
    gly_status status = GLY_OK;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row), needle = gly_call_text(call, 1, row);
        gly_str by = call->arg_count > 2 ? gly_call_text(call, 2, row) : GLY_STR("");
        size_t found = needle.size == 0 ? SIZE_MAX
                                        : gly_k_text_find(text.data, text.size, 0, needle.data,
                                                          needle.size);
        if (found == SIZE_MAX) {
            gly_call_put_view(call, row, text);
            continue;
        }
        size_t at = 0;
        gly_builder_reset(&out);
        while (found != SIZE_MAX && out.size <= LONGEST) {
            gly_builder_add(&out, text.data + at, found - at);
            gly_builder_add_str(&out, by);
            at = found + needle.size;
            found = gly_k_text_find(text.data, text.size, at, needle.data, needle.size);
        }
        gly_builder_add(&out, text.data + at, text.size - at);
        if (out.size > LONGEST) {
            status = too_long(call, err);
            break;
        }
        gly_call_put_text(call, row, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return status;
}

gly_status gly_fn_text_build_reverse(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        char small[GLY_TEXT_INLINE];
        char *to = text.size <= sizeof small ? small : gly_call_room(call, text.size);
        size_t end = text.size;
        for (size_t at = 0; at < text.size;) {
            size_t size = gly_fn_text_character_size(text, at);
            end -= size;
            memcpy(to + end, text.data + at, size);
            at += size;
        }
        gly_call_put_view(call, row, (gly_str){to, text.size});
    }
    return GLY_OK;
}

gly_status gly_fn_text_build_repeat(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        int64_t times = GLY_MAX(GLY_CALL_ARG(call, 1, int32_t, row), 0);
        size_t size;
        if (__builtin_mul_overflow(text.size, (size_t)times, &size) || size > LONGEST) {
            return too_long(call, err);
        }
        char small[GLY_TEXT_INLINE];
        char *to = size <= sizeof small ? small : gly_call_room(call, size);
        for (size_t at = 0; at < size; at += text.size) {
            memcpy(to + at, text.data, text.size);
        }
        gly_call_put_view(call, row, (gly_str){to, size});
    }
    return GLY_OK;
}

gly_status gly_fn_text_build_chr(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int64_t number = GLY_CALL_ARG(call, 0, int64_t, row);
        unsigned code = (unsigned)(number & 0xff);
        char bytes[2] = {(char)code, 0};
        size_t size = number < 0 ? 0 : 1;
        if (number >= 0 && code >= 0x80) {
            bytes[0] = (char)(0xc0 | code >> 6);
            bytes[1] = (char)(0x80 | (code & 0x3f));
            size = 2;
        }
        gly_call_put_view(call, row, (gly_str){bytes, size});
    }
    return GLY_OK;
}
