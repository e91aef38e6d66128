/* test_json_text.c - JSON strings of clean, nasty and broken text. */
#include "lib/base/json_text.h"
#include "tests/support/check.h"

static const char *escape(gly_builder *out, gly_str text) {
    gly_builder_reset(out);
    gly_json_text_escape(text, out);
    return out->data;
}

GLY_TEST(escapes_what_json_forbids) {
    gly_builder out = {0};
    GLY_CHECK_TEXT(escape(&out, GLY_STR("plain text, 100%")), "plain text, 100%");
    GLY_CHECK_TEXT(escape(&out, GLY_STR("\"a\\b\"")), "\\\"a\\\\b\\\"");
    GLY_CHECK_TEXT(escape(&out, GLY_STR("\b\f\n\r\t")), "\\b\\f\\n\\r\\t");
    GLY_CHECK_TEXT(escape(&out, GLY_STR("a\0b\x1f\x01")), "a\\u0000b\\u001f\\u0001");
    GLY_CHECK_TEXT(escape(&out, GLY_STR("\x7f/")), "\x7f/");
    GLY_CHECK_TEXT(escape(&out, (gly_str){NULL, 0}), "");
    gly_builder_reset(&out);
    gly_json_text_quote(GLY_STR("a\"b"), &out);
    GLY_CHECK_TEXT(out.data, "\"a\\\"b\"");
    gly_builder_clear(&out);
}

GLY_TEST(keeps_utf8_and_replaces_what_is_none) {
    gly_builder out = {0};
    GLY_CHECK_TEXT(escape(&out, GLY_STR("gr\u00fc\u00df \u20ac \U0001F980")),
                   "gr\u00fc\u00df \u20ac \U0001F980");
    GLY_CHECK_TEXT(escape(&out, GLY_STR("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf")),
                   "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
    static const gly_str broken[] = {
        GLY_STR("\x80"),             /* continuation alone */
        GLY_STR("\xc0\xaf"),         /* overlong */
        GLY_STR("\xe0\x80\xaf"),     /* overlong */
        GLY_STR("\xed\xa0\x80"),     /* surrogate */
        GLY_STR("\xf4\x90\x80\x80"), /* above U+10FFFF */
        GLY_STR("\xe2\x82"),         /* cut off */
        GLY_STR("\xff"),
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(broken); i++) {
        gly_builder expected = {0};
        for (size_t b = 0; b < broken[i].size; b++) { /* each byte is replaced */
            gly_builder_add_text(&expected, "\xef\xbf\xbd");
        }
        GLY_CHECK_TEXT(escape(&out, broken[i]), expected.data);
        gly_builder_clear(&expected);
    }
    GLY_CHECK_TEXT(escape(&out, GLY_STR("a\xffz\"")), "a\xef\xbf\xbdz\\\"");
    gly_builder_clear(&out);
}

GLY_SUITE("json_text", escapes_what_json_forbids, keeps_utf8_and_replaces_what_is_none)
