/* test_wire.c - protobuf's encoding by hand: round trips, and malformed bytes. */
#include "lib/net/wire.h"
#include "tests/support/check.h"

GLY_TEST(round_trips) {
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    gly_builder message = {0};
    for (size_t i = 0; i < GLY_ARRAY_LEN(values); i++) {
        gly_wire_add_varint(&message, (uint32_t)i + 1, values[i]);
    }
    gly_wire_add_bytes(&message, 500000000, GLY_STR("text"));
    gly_wire_add_bytes(&message, 2, GLY_STR(""));
    gly_str rest = gly_builder_str(&message);
    gly_wire_field field;
    for (size_t i = 0; i < GLY_ARRAY_LEN(values); i++) {
        GLY_CHECK(gly_wire_next(&rest, &field));
        GLY_CHECK_INT(field.number, i + 1);
        GLY_CHECK_INT(field.type, GLY_WIRE_VARINT);
        GLY_CHECK(field.value == values[i]);
    }
    GLY_CHECK(gly_wire_next(&rest, &field));
    GLY_CHECK_INT(field.number, 500000000);
    GLY_CHECK(gly_str_equal(field.bytes, GLY_STR("text")));
    GLY_CHECK(gly_wire_next(&rest, &field));
    GLY_CHECK_INT(field.bytes.size, 0);
    GLY_CHECK(!gly_wire_next(&rest, &field));
    GLY_CHECK_INT(rest.size, 0);
    gly_builder_clear(&message);
}

GLY_TEST(skips_fixed_widths) {
    gly_str rest = GLY_STR("\x09"
                           "12345678"
                           "\x15"
                           "1234"
                           "\x18\x05");
    gly_wire_field field;
    GLY_CHECK(gly_wire_next(&rest, &field));
    GLY_CHECK_INT(field.number, 3);
    GLY_CHECK_INT(field.value, 5);
    GLY_CHECK(!gly_wire_next(&rest, &field));
    GLY_CHECK_INT(rest.size, 0);
}

GLY_TEST(refuses_malformed) {
    static const gly_str bad[] = {
        {"\x08", 1},                                             /* value missing */
        {"\x08\x80", 2},                                         /* value cut */
        {"\x0a\x05" "abcd", 6},                                  /* bytes cut */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},    /* length 2^64 - 1 */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* eleven bytes */
        {"\x00\x01", 2},                                         /* field 0 */
        {"\x0b", 1},                                             /* a group */
        {"\x09" "1234567", 8},                                   /* 64 bits cut */
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        gly_str rest = bad[i];
        gly_wire_field field;
        while (gly_wire_next(&rest, &field)) {
        }
        GLY_CHECK(rest.size > 0);
    }
}

GLY_SUITE("wire", round_trips, skips_fixed_widths, refuses_malformed)
