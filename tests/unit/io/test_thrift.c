/* test_thrift.c - the compact protocol: what is written is read, what is bad is refused. */
#include "lib/base/random.h"
#include "lib/io/parquet/thrift.h"
#include "tests/support/check.h"

GLY_TEST(reads_what_was_written) {
    gly_builder out = {0};
    gly_thrift_writer writer = {.out = &out};
    gly_thrift_write_i32(&writer, 1, -5);
    gly_thrift_write_i64(&writer, 2, INT64_MIN);
    gly_thrift_write_bool(&writer, 3, true);
    gly_thrift_write_bool(&writer, 40, false);
    gly_thrift_write_binary(&writer, 41, GLY_STR("text"));
    gly_thrift_write_struct(&writer, 42);
    gly_thrift_write_i8(&writer, 1, -7);
    gly_thrift_write_i16(&writer, 2, 300);
    gly_thrift_stop(&writer);
    gly_thrift_write_list(&writer, 43, GLY_THRIFT_I32, 20);
    for (int i = 0; i < 20; i++) {
        gly_thrift_write_element_i32(&writer, i * 1000);
    }
    gly_thrift_stop(&writer);

    gly_thrift_reader reader;
    gly_thrift_open(&reader, out.data, out.size);
    gly_thrift_field field = {0};
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 1);
    GLY_CHECK_INT(gly_thrift_read_i32(&reader, &field), -5);
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 2);
    GLY_CHECK_INT(gly_thrift_read_i64(&reader, &field), INT64_MIN);
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 3);
    GLY_CHECK(gly_thrift_read_bool(&reader, &field));
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 40);
    GLY_CHECK(!gly_thrift_read_bool(&reader, &field));
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 41);
    GLY_CHECK(gly_str_equal(gly_thrift_read_binary(&reader, &field), GLY_STR("text")));
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 42);
    GLY_CHECK(gly_thrift_enter_struct(&reader, &field));
    gly_thrift_field inner = {0};
    GLY_CHECK(gly_thrift_next_field(&reader, &inner) && inner.id == 1);
    GLY_CHECK_INT(gly_thrift_read_i32(&reader, &inner), -7);
    GLY_CHECK(gly_thrift_next_field(&reader, &inner) && inner.id == 2);
    GLY_CHECK_INT(gly_thrift_read_i32(&reader, &inner), 300);
    GLY_CHECK(!gly_thrift_next_field(&reader, &inner));
    GLY_CHECK(gly_thrift_next_field(&reader, &field) && field.id == 43);
    gly_thrift_field element;
    GLY_CHECK_INT(gly_thrift_read_list(&reader, &field, &element), 20);
    for (int i = 0; i < 20; i++) {
        GLY_CHECK_INT(gly_thrift_read_i32(&reader, &element), i * 1000);
    }
    GLY_CHECK(!gly_thrift_next_field(&reader, &field));
    GLY_CHECK(reader.problem == NULL);
    GLY_CHECK(reader.cursor == reader.end);

    /* The same, all skipped. */
    gly_thrift_open(&reader, out.data, out.size);
    field = (gly_thrift_field){0};
    int fields = 0;
    while (gly_thrift_next_field(&reader, &field)) {
        gly_thrift_skip(&reader, &field);
        fields++;
    }
    GLY_CHECK_INT(fields, 7);
    GLY_CHECK(reader.problem == NULL);

    /* Every shorter input is a short input. */
    for (size_t size = 0; size < out.size; size++) {
        gly_thrift_open(&reader, out.data, size);
        field = (gly_thrift_field){0};
        while (gly_thrift_next_field(&reader, &field)) {
            gly_thrift_skip(&reader, &field);
        }
        GLY_CHECK(reader.problem != NULL && reader.is_short);
    }
    gly_builder_clear(&out);
}

GLY_TEST(refuses_bad_input) {
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\x1d", 1},                                          /* type 13 */
        {"\x18\xff\xff\xff\xff\x0f", 6},                      /* binary of 4 GiB */
        {"\x19\xfc\xff\xff\xff\xff\x0f", 7},                  /* list of 4 Gi structs */
        {"\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11}, /* a varint without end */
        {"\x06\xff\xff\x7f\x00", 5},                          /* field id beyond 16 bits */
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        gly_thrift_reader reader;
        gly_thrift_open(&reader, bad[i].bytes, bad[i].size);
        gly_thrift_field field = {0};
        while (gly_thrift_next_field(&reader, &field)) {
            gly_thrift_skip(&reader, &field);
        }
        GLY_CHECK(reader.problem != NULL);
    }
    /* i64 where i32 is expected */
    gly_thrift_reader reader;
    gly_thrift_open(&reader, "\x16\x80\x80\x80\x80\x20\x00", 7);
    gly_thrift_field field = {0};
    GLY_CHECK(gly_thrift_next_field(&reader, &field));
    GLY_CHECK_INT(gly_thrift_read_i32(&reader, &field), 0);
    GLY_CHECK(reader.problem != NULL);
}

GLY_TEST(nesting_is_bounded) {
    char deep[4000];
    memset(deep, 0x1c, sizeof deep); /* field 1: a struct, in it field 1: a struct, ... */
    gly_thrift_reader reader;
    gly_thrift_open(&reader, deep, sizeof deep);
    gly_thrift_field field = {0};
    GLY_CHECK(gly_thrift_next_field(&reader, &field));
    gly_thrift_skip(&reader, &field);
    GLY_CHECK(reader.problem != NULL && !reader.is_short);
}

GLY_TEST(random_bytes_end) {
    gly_random random = {42};
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t size = gly_random_below(&random, sizeof bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)gly_random_u64(&random);
        }
        gly_thrift_reader reader;
        gly_thrift_open(&reader, bytes, size);
        gly_thrift_field field = {0};
        int fields = 0;
        while (gly_thrift_next_field(&reader, &field) && fields < 1000) {
            gly_thrift_skip(&reader, &field);
            fields++;
        }
        GLY_CHECK(fields < 1000);
        GLY_CHECK(reader.cursor <= reader.end);
    }
}

GLY_SUITE("thrift", reads_what_was_written, refuses_bad_input, nesting_is_bounded, random_bytes_end)
