/* json_scan.c - RFC 8259, one object a line, iterative.
 *
 * Invariant: `at` never passes the end; nesting is counted, not recursed into, so depth costs nothing.
 */
#include "lib/io/text/json_scan.h"

typedef struct cursor {
    gly_arena *arena;
    const char *at;
    const char *end;
} cursor;

static void skip_space(cursor *in) {
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r')) {
        in->at++;
    }
}

static bool take(cursor *in, char c) {
    skip_space(in);
    if (in->at < in->end && *in->at == c) {
        in->at++;
        return true;
    }
    return false;
}

static bool read_hex(const char *text, uint32_t *ret) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 99;
        if (digit == 99) {
            return false;
        }
        value = value * 16 + digit;
    }
    *ret = value;
    return true;
}

static size_t put_utf8(uint32_t code, char *out) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* \uXXXX, with its second half when it is a surrogate; in->at stands behind "\u". */
static bool take_unicode(cursor *in, char *out, size_t *size) {
    uint32_t code;
    if (in->end - in->at < 4 || !read_hex(in->at, &code)) {
        return false;
    }
    in->at += 4;
    if (code >= 0xd800 && code < 0xdc00) {
        uint32_t low;
        if (in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u' &&
            read_hex(in->at + 2, &low) && low >= 0xdc00 && low < 0xe000) {
            in->at += 6;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else {
            code = 0xfffd;
        }
    } else if (code >= 0xdc00 && code < 0xe000) {
        code = 0xfffd;
    }
    *size += put_utf8(code, out + *size);
    return true;
}

/* in->at stands behind the opening quote. */
static bool take_string(cursor *in, gly_str *ret) {
    const char *start = in->at;
    while (in->at < in->end && *in->at != '"' && *in->at != '\\') {
        in->at++;
    }
    if (in->at < in->end && *in->at == '"') {
        *ret = (gly_str){start, (size_t)(in->at++ - start)};
        return true;
    }
    char *copy = gly_arena_alloc(in->arena, (size_t)(in->end - start) + 4);
    size_t size = (size_t)(in->at - start);
    memcpy(copy, start, size);
    while (in->at < in->end && *in->at != '"') {
        char c = *in->at++;
        if (c != '\\') {
            copy[size++] = c;
            continue;
        }
        static const char from[] = "\"\\/bfnrt";
        static const char to[] = "\"\\/\b\f\n\r\t";
        const char *found;
        if (in->at == in->end) {
            return false;
        }
        c = *in->at++;
        if (c == 'u') {
            if (!take_unicode(in, copy, &size)) {
                return false;
            }
        } else if (c != '\0' && (found = strchr(from, c)) != NULL) {
            copy[size++] = to[found - from];
        } else {
            return false;
        }
    }
    *ret = (gly_str){copy, size};
    return take(in, '"');
}

/* An object or array as raw text; in->at stands on its opening bracket. */
static bool take_nested(cursor *in, gly_str *ret) {
    const char *start = in->at;
    size_t depth = 0;
    while (in->at < in->end) {
        char c = *in->at++;
        gly_str ignored;
        if (c == '"') {
            if (!take_string(in, &ignored)) {
                return false;
            }
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            *ret = (gly_str){start, (size_t)(in->at - start)};
            return true;
        }
    }
    return false;
}

static bool take_word(cursor *in, const char *word, gly_json_kind kind, gly_json_member *member) {
    size_t size = strlen(word);
    if ((size_t)(in->end - in->at) < size || memcmp(in->at, word, size) != 0) {
        return false;
    }
    in->at += size;
    member->kind = kind;
    return true;
}

static bool take_number(cursor *in, gly_json_member *member) {
    const char *start = in->at;
    while (in->at < in->end && (strchr("+-.eE", *in->at) != NULL ||
                                (*in->at >= '0' && *in->at <= '9')) && *in->at != '\0') {
        in->at++;
    }
    member->kind = GLY_JSON_NUMBER;
    member->text = (gly_str){start, (size_t)(in->at - start)};
    double number;
    return member->text.size > 0 && gly_str_to_double(member->text, &number);
}

static bool take_value(cursor *in, gly_json_member *member) {
    skip_space(in);
    member->text = (gly_str){"", 0};
    if (in->at == in->end) {
        return false;
    }
    switch (*in->at) {
    case '"':
        in->at++;
        member->kind = GLY_JSON_STRING;
        return take_string(in, &member->text);
    case '{':
    case '[':
        member->kind = GLY_JSON_NESTED;
        return take_nested(in, &member->text);
    case 't':
        return take_word(in, "true", GLY_JSON_TRUE, member);
    case 'f':
        return take_word(in, "false", GLY_JSON_FALSE, member);
    case 'n':
        return take_word(in, "null", GLY_JSON_NULL, member);
    default:
        return take_number(in, member);
    }
}

bool gly_json_scan_object(gly_arena *arena, gly_str line,
                          void (*visit)(void *context, const gly_json_member *member),
                          void *context) {
    cursor in = {arena, line.data, line.data + line.size};
    if (!take(&in, '{')) {
        return false;
    }
    if (!take(&in, '}')) {
        do {
            gly_json_member member;
            if (!take(&in, '"') || !take_string(&in, &member.key) || !take(&in, ':') ||
                !take_value(&in, &member)) {
                return false;
            }
            visit(context, &member);
        } while (take(&in, ','));
        if (!take(&in, '}')) {
            return false;
        }
    }
    skip_space(&in);
    return in.at == in.end;
}
