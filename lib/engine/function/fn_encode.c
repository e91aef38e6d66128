/* fn_encode.c - hex, unhex, base64, unbase64, url_encode, url_decode.
 *
 * Base 64 is RFC 2045 (MIME), as Spark 4.0 writes and reads it: lines of 76 characters that CR LF
 * separates; what is not in the alphabet is skipped when reading, but a text that ends amid a byte
 * or has its padding in the wrong place raises.  unhex gives NULL for what is no digit.
 */
#include "lib/engine/function/fn_encode.h"

enum { LONGEST = 1 << 30, LINE = 76 };

static gly_status too_long(const gly_call *call, gly_error *err) {
    return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, "A text longer than 1 GiB", NULL);
}

/* Room for a result that is handed to put_view: small ones may stay on the stack. */
static char *room_of(gly_call *call, char small[GLY_TEXT_INLINE], size_t size) {
    return size <= GLY_TEXT_INLINE ? small : gly_call_room(call, size);
}

static void put_null_text(gly_call *call, uint32_t row) {
    gly_call_set_null(call, row);
    gly_call_put_view(call, row, (gly_str){"", 0});
}

/* hexadecimal */

static const char digits[] = "0123456789ABCDEF";

static void put_hex_number(gly_call *call, uint32_t row, uint64_t value) {
    char text[16];
    size_t at = sizeof text;
    do {
        text[--at] = digits[value & 15];
        value >>= 4;
    } while (value != 0);
    gly_call_put_text(call, row, (gly_str){text + at, sizeof text - at});
}

gly_status gly_fn_encode_hex(gly_call *call, gly_error *err) {
    bool number = call->args[0].type.id == GLY_TYPE_BIGINT;
    GLY_CALL_EACH(call, row) {
        if (number) {
            put_hex_number(call, row, (uint64_t)GLY_CALL_ARG(call, 0, int64_t, row));
            continue;
        }
        gly_str bytes = gly_call_text(call, 0, row);
        if (bytes.size > LONGEST / 2) {
            return too_long(call, err);
        }
        char small[GLY_TEXT_INLINE];
        char *to = room_of(call, small, bytes.size * 2);
        for (size_t i = 0; i < bytes.size; i++) {
            unsigned char byte = (unsigned char)bytes.data[i];
            to[2 * i] = digits[byte >> 4];
            to[2 * i + 1] = digits[byte & 15];
        }
        gly_call_put_view(call, row, (gly_str){to, bytes.size * 2});
    }
    return GLY_OK;
}

/* An odd number of digits: the first one is a byte of its own. */
static bool read_hex(gly_str text, char *to) {
    size_t at = 0;
    int high = 0;
    bool half = text.size % 2 == 1;
    for (size_t i = 0; i < text.size; i++, half = !half) {
        int digit = gly_str_hex_digit(text.data[i]);
        if (digit < 0) {
            return false;
        }
        if (half) {
            to[at++] = (char)(high << 4 | digit);
            high = 0;
        } else {
            high = digit;
        }
    }
    return true;
}

gly_status gly_fn_encode_unhex(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        size_t size = text.size / 2 + text.size % 2;
        char small[GLY_TEXT_INLINE];
        char *to = room_of(call, small, size);
        if (read_hex(text, to)) {
            gly_call_put_view(call, row, (gly_str){to, size});
        } else {
            put_null_text(call, row);
        }
    }
    return GLY_OK;
}

/* base 64 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_base64(gly_str bytes, char *to) {
    size_t line = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t count = GLY_MIN(bytes.size - i, (size_t)3);
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (j < count ? (unsigned char)bytes.data[i + j] : 0u);
        }
        if (line == LINE) {
            *to++ = '\r';
            *to++ = '\n';
            line = 0;
        }
        for (size_t j = 0; j < 4; j++) {
            *to++ = j <= count ? alphabet[group >> (18 - 6 * j) & 63] : '=';
        }
        line += 4;
    }
}

gly_status gly_fn_encode_base64(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str bytes = gly_call_text(call, 0, row);
        size_t size = (bytes.size + 2) / 3 * 4;
        size += size == 0 ? 0 : (size - 1) / LINE * 2;
        if (size > LONGEST) {
            return too_long(call, err);
        }
        char small[GLY_TEXT_INLINE];
        char *to = room_of(call, small, size);
        write_base64(bytes, to);
        gly_call_put_view(call, row, (gly_str){to, size});
    }
    return GLY_OK;
}

/* Reads up to the padding or the end; NULL, or what is wrong.  to has room for 3 of 4 bytes. */
static const char *read_base64(gly_str text, char *to, size_t *ret_size) {
    size_t at = 0, size = 0;
    uint32_t group = 0;
    int held = 0; /* letters of the group */
    bool padded = false;
    while (at < text.size && !padded) {
        char c = text.data[at++];
        int value = gly_str_base64_digit(c);
        padded = c == '=';
        if (value < 0) {
            continue;
        }
        group = group << 6 | (uint32_t)value;
        if (++held == 4) {
            to[size++] = (char)(group >> 16);
            to[size++] = (char)(group >> 8);
            to[size++] = (char)group;
            held = 0;
        }
    }
    if (padded && (held == 0 || (held == 2 && (at == text.size || text.data[at++] != '=')))) {
        return "Padding in the wrong place";
    }
    if (held == 1) {
        return "A last letter that is not a whole byte";
    }
    if (held >= 2) {
        group <<= 6 * (4 - held);
        to[size++] = (char)(group >> 16);
    }
    if (held == 3) {
        to[size++] = (char)(group >> 8);
    }
    for (; at < text.size; at++) {
        if (gly_str_base64_digit(text.data[at]) >= 0) {
            return "Letters behind the padding";
        }
    }
    *ret_size = size;
    return NULL;
}

gly_status gly_fn_encode_unbase64(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        size_t size = 0, most = text.size / 4 * 3 + 3;
        char small[GLY_TEXT_INLINE];
        char *to = room_of(call, small, most);
        const char *wrong = read_base64(text, to, &size);
        if (wrong != NULL) {
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT, wrong,
                                 "the text is not base 64");
        }
        gly_call_put_view(call, row, (gly_str){to, size});
    }
    return GLY_OK;
}

/* application/x-www-form-urlencoded: letters, digits and .-*_ as they are, a space as +, the bytes
 * of all else as %XX */

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '*' || c == '_';
}

gly_status gly_fn_encode_url_encode(gly_call *call, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        if (text.size > LONGEST / 3) {
            return too_long(call, err);
        }
        char small[GLY_TEXT_INLINE];
        char *to = room_of(call, small, 3 * text.size);
        size_t size = 0;
        for (size_t i = 0; i < text.size; i++) {
            unsigned char byte = (unsigned char)text.data[i];
            if (is_plain(text.data[i]) || byte == ' ') {
                to[size++] = byte == ' ' ? '+' : text.data[i];
                continue;
            }
            to[size++] = '%';
            to[size++] = digits[byte >> 4];
            to[size++] = digits[byte & 15];
        }
        gly_call_put_view(call, row, (gly_str){to, size});
    }
    return GLY_OK;
}

static bool read_url(gly_str text, char *to, size_t *ret_size) {
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (text.size - i < 3 || !read_hex((gly_str){text.data + i + 1, 2}, &c)) {
                return false;
            }
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        to[size++] = c;
    }
    *ret_size = size;
    return true;
}

static gly_status run_url_decode(gly_call *call, bool is_try, gly_error *err) {
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        size_t size = 0;
        char small[GLY_TEXT_INLINE];
        char *to = room_of(call, small, text.size);
        if (read_url(text, to, &size)) {
            gly_call_put_view(call, row, (gly_str){to, size});
        } else if (is_try) {
            put_null_text(call, row);
        } else {
            return gly_call_fail(call, err, GLY_E_INVALID_ARGUMENT,
                                 "A % without two digits behind it",
                                 "use try_url_decode to get NULL instead");
        }
    }
    return GLY_OK;
}

gly_status gly_fn_encode_url_decode(gly_call *call, gly_error *err) {
    return run_url_decode(call, false, err);
}

gly_status gly_fn_encode_try_url_decode(gly_call *call, gly_error *err) {
    return run_url_decode(call, true, err);
}
