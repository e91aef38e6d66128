/* json_text.c - the JSON string escaper of everything that writes JSON directly (event log, logs).
 *
 * Clean runs are copied in one piece; only a quote, a backslash, a control character or a byte
 * above 127 is looked at more closely.  UTF-8 is checked (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF), because names and messages may hold any bytes.
 * Not here: reading JSON.
 */
#include "lib/base/json_text.h"

/* Bytes of the valid UTF-8 sequence at data, 0 if there is none. */
static size_t sequence_size(const uint8_t *data, size_t size) {
    uint8_t first = data[0];
    size_t need = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size < need) {
        return 0;
    }
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (data[1] < low || data[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if ((data[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return need;
}

static void add_escape(uint8_t byte, gly_builder *out) {
    static const char hex[] = "0123456789abcdef";
    static const char short_forms[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (byte == '"' || byte == '\\') {
        gly_builder_add(out, (char[2]){'\\', (char)byte}, 2);
    } else if (short_forms[byte] != 0) {
        gly_builder_add(out, (char[2]){'\\', short_forms[byte]}, 2);
    } else {
        gly_builder_add(out, (char[6]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
    }
}

void gly_json_text_escape(gly_str text, gly_builder *out) {
    const uint8_t *data = (const uint8_t *)text.data;
    size_t start = 0, at = 0;
    while (at < text.size) {
        uint8_t byte = data[at];
        if (GLY_LIKELY(byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\')) {
            at++;
            continue;
        }
        if (byte >= 0x80) {
            size_t size = sequence_size(data + at, text.size - at);
            if (size != 0) {
                at += size;
                continue;
            }
        }
        gly_builder_add(out, data + start, at - start);
        if (byte >= 0x80) {
            gly_builder_add(out, "\xEF\xBF\xBD", 3);
        } else {
            add_escape(byte, out);
        }
        start = ++at;
    }
    gly_builder_add(out, data + start, text.size - start);
}

void gly_json_text_quote(gly_str text, gly_builder *out) {
    gly_builder_add_char(out, '"');
    gly_json_text_escape(text, out);
    gly_builder_add_char(out, '"');
}
