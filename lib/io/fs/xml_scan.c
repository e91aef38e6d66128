/* xml_scan.c - a cursor over tags; text of the innermost element is what was seen since its last
 * tag.
 *
 * Mixed content (text next to elements) is not kept: only text that ends at its own end tag is
 * given out, which is all that S3's answers have.  Invariant: names[0..depth) are the open elements
 * and point into the input.
 */
#include "lib/io/fs/xml_scan.h"

void gly_xml_scan_open(gly_xml_scan *scan, gly_arena *arena, gly_str input) {
    *scan = (gly_xml_scan){.input = input, .arena = arena};
    if (gly_str_starts_with(input, GLY_STR("\xEF\xBB\xBF"))) {
        scan->at = 3;
    }
}

static gly_xml_event fail(gly_xml_scan *scan, const char *problem) {
    scan->problem = problem;
    return GLY_XML_PROBLEM;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static gly_str take_name(gly_xml_scan *scan) {
    size_t start = scan->at;
    while (scan->at < scan->input.size && is_name(scan->input.data[scan->at])) {
        scan->at++;
    }
    return (gly_str){scan->input.data + start, scan->at - start};
}

static void add_utf8(uint32_t code, gly_builder *out) {
    char bytes[4];
    size_t size = 0;
    if (code < 0x80) {
        bytes[size++] = (char)code;
    } else if (code < 0x800) {
        bytes[size++] = (char)(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        bytes[size++] = (char)(0xE0 | code >> 12);
        bytes[size++] = (char)(0x80 | (code >> 6 & 0x3F));
    } else {
        bytes[size++] = (char)(0xF0 | code >> 18);
        bytes[size++] = (char)(0x80 | (code >> 12 & 0x3F));
        bytes[size++] = (char)(0x80 | (code >> 6 & 0x3F));
    }
    if (code >= 0x80) {
        bytes[size++] = (char)(0x80 | (code & 0x3F));
    }
    gly_builder_add(out, bytes, size);
}

/* "#65", "#x41", "amp": what is between & and ;. */
static bool add_entity(gly_str name, gly_builder *out) {
    static const struct {
        const char *name;
        char c;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(known); i++) {
        if (gly_str_equal(name, gly_str_of(known[i].name))) {
            gly_builder_add_char(out, known[i].c);
            return true;
        }
    }
    if (name.size < 2 || name.size > 10 || name.data[0] != '#') {
        return false;
    }
    int base = name.data[1] == 'x' ? 16 : 10;
    size_t at = base == 16 ? 2 : 1;
    uint32_t code = 0;
    if (at == name.size) {
        return false;
    }
    for (; at < name.size; at++) {
        int digit = gly_str_hex_digit(name.data[at]);
        if (digit < 0 || digit >= base || code > 0x110000) {
            return false;
        }
        code = code * (uint32_t)base + (uint32_t)digit;
    }
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        return false;
    }
    add_utf8(code, out);
    return true;
}

static bool decode_text(gly_xml_scan *scan, gly_str raw, gly_str *ret) {
    if (raw.size == 0 || memchr(raw.data, '&', raw.size) == NULL) {
        *ret = raw;
        return true;
    }
    gly_builder out = {0};
    bool is_good = true;
    for (size_t i = 0; is_good && i < raw.size; i++) {
        if (raw.data[i] != '&') {
            gly_builder_add_char(&out, raw.data[i]);
            continue;
        }
        const char *start = raw.data + i + 1;
        const char *end = memchr(start, ';', raw.size - i - 1);
        is_good = end != NULL && add_entity((gly_str){start, (size_t)(end - start)}, &out);
        if (is_good) {
            i = (size_t)(end - raw.data);
        }
    }
    if (is_good) {
        *ret = gly_arena_str(scan->arena, gly_builder_str(&out));
    }
    gly_builder_clear(&out);
    return is_good;
}

/* Behind "<?" or "<!--": jumps behind the end mark. */
static bool jump_behind(gly_xml_scan *scan, gly_str mark) {
    const char *found =
        memmem(scan->input.data + scan->at, scan->input.size - scan->at, mark.data, mark.size);
    if (found == NULL) {
        return false;
    }
    scan->at = (size_t)(found - scan->input.data) + mark.size;
    return true;
}

/* Attributes are looked at only to find the end of the tag. */
static gly_xml_event start_tag(gly_xml_scan *scan) {
    gly_str name = take_name(scan);
    if (name.size == 0) {
        return fail(scan, "a tag has no name");
    }
    if (scan->depth == GLY_XML_SCAN_DEEPEST) {
        return fail(scan, "elements are nested too deeply");
    }
    if (scan->depth == 0 && scan->has_root) {
        return fail(scan, "there is more than one root element");
    }
    char quote = '\0';
    bool is_slash = false;
    for (;; scan->at++) {
        if (scan->at >= scan->input.size) {
            return fail(scan, "it ends inside of a tag");
        }
        char c = scan->input.data[scan->at];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            break;
        } else if (c == '<') {
            return fail(scan, "a tag is not closed");
        }
        is_slash = c == '/' && quote == '\0';
    }
    scan->at++;
    scan->has_root = true;
    scan->names[scan->depth++] = name;
    scan->name = name;
    scan->is_empty = is_slash;
    return GLY_XML_START;
}

static gly_xml_event end_tag(gly_xml_scan *scan, gly_str raw) {
    gly_str name = take_name(scan);
    while (scan->at < scan->input.size && is_space(scan->input.data[scan->at])) {
        scan->at++;
    }
    if (scan->at >= scan->input.size || scan->input.data[scan->at] != '>') {
        return fail(scan, "an end tag is not closed");
    }
    scan->at++;
    if (scan->depth == 0 || !gly_str_equal(name, scan->names[scan->depth - 1])) {
        return fail(scan, "an end tag does not match its start");
    }
    if (!decode_text(scan, raw, &scan->text)) {
        return fail(scan, "a character reference is wrong");
    }
    scan->name = name;
    scan->is_closed = true;
    return GLY_XML_END;
}

gly_xml_event gly_xml_scan_next(gly_xml_scan *scan) {
    if (scan->problem != NULL) {
        return GLY_XML_PROBLEM;
    }
    if (scan->is_closed) {
        scan->is_closed = false;
        scan->depth--;
    }
    if (scan->is_empty) {
        scan->is_empty = false;
        scan->is_closed = true;
        scan->text = (gly_str){"", 0};
        scan->name = scan->names[scan->depth - 1];
        return GLY_XML_END;
    }
    const char *data = scan->input.data;
    size_t size = scan->input.size;
    for (;;) {
        size_t start = scan->at;
        const char *tag = start < size ? memchr(data + start, '<', size - start) : NULL;
        size_t end = tag == NULL ? size : (size_t)(tag - data);
        gly_str raw = {data + start, end - start};
        if (scan->depth == 0 && gly_str_trim(raw).size > 0) {
            return fail(scan, "there is text outside of the root element");
        }
        if (tag == NULL) {
            return scan->depth == 0 && scan->has_root ? GLY_XML_END_OF_INPUT
                                                      : fail(scan, "it ends too early");
        }
        scan->at = end + 1;
        gly_str rest = {data + scan->at, size - scan->at};
        if (gly_str_starts_with(rest, GLY_STR("?"))) {
            if (!jump_behind(scan, GLY_STR("?>"))) {
                return fail(scan, "it ends too early");
            }
        } else if (gly_str_starts_with(rest, GLY_STR("!--"))) {
            scan->at += 3;
            if (!jump_behind(scan, GLY_STR("-->"))) {
                return fail(scan, "it ends too early");
            }
        } else if (gly_str_starts_with(rest, GLY_STR("!"))) {
            return fail(scan, "document types and CDATA are not read");
        } else if (gly_str_starts_with(rest, GLY_STR("/"))) {
            scan->at++;
            return end_tag(scan, raw);
        } else {
            return start_tag(scan);
        }
    }
}
