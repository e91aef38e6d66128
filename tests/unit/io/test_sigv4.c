/* test_sigv4.c - the examples of Amazon's documents, and paths as Hive, people and Unicode have
 * them.
 *
 * Sources: "Signature Calculations for the Authorization Header", Amazon S3 API Reference (key
 * AKIAIOSFODNN7EXAMPLE, 20130524); the Signature Version 4 test suite (AKIDEXAMPLE, 20150830).
 * The last ones were computed with Python's hmac from the same definition.
 */
#include "lib/io/fs/sigv4.h"
#include "lib/net/digest.h"
#include "tests/support/check.h"

#define EMPTY GLY_STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
#define HEADER(name, value)                                                                        \
    { GLY_STR(name), GLY_STR(value) }

static const gly_sigv4_keys s3_keys = {{"AKIAIOSFODNN7EXAMPLE", 20},
                                       {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40},
                                       {"us-east-1", 9},
                                       {"s3", 2}};
static const gly_sigv4_keys suite_keys = {{"AKIDEXAMPLE", 11},
                                          {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
                                          {"us-east-1", 9},
                                          {"service", 7}};

static void check(const gly_sigv4_keys *keys, const gly_sigv4_request *request,
                  const char *signature) {
    gly_builder out = {0};
    gly_sigv4_sign(keys, request, &out);
    const char *found = strstr(out.data, "Signature=");
    GLY_CHECK_TEXT(found == NULL ? "" : found + 10, signature);
    GLY_CHECK(strstr(out.data, "wJalr") == NULL);
    gly_builder_clear(&out);
}

GLY_TEST(examples_of_s3) {
    gly_sigv4_header get[] = {HEADER("range", "bytes=0-9"),
                              HEADER("x-amz-date", "20130524T000000Z"),
                              HEADER("host", "examplebucket.s3.amazonaws.com"),
                              {GLY_STR("x-amz-content-sha256"), EMPTY}};
    gly_sigv4_request request = {"GET", GLY_STR("/test.txt"),       GLY_STR(""), 4, get,
                                 EMPTY, GLY_STR("20130524T000000Z")};
    check(&s3_keys, &request, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    gly_str body_hash = GLY_STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    gly_sigv4_header put[] = {HEADER("date", "Fri, 24 May 2013 00:00:00 GMT"),
                              HEADER("host", "examplebucket.s3.amazonaws.com"),
                              HEADER("x-amz-date", "20130524T000000Z"),
                              HEADER("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                              {GLY_STR("x-amz-content-sha256"), body_hash}};
    gly_builder path = {0};
    gly_sigv4_encode(GLY_STR("/test$file.text"), true, &path);
    request = (gly_sigv4_request){"PUT",     gly_builder_str(&path),     GLY_STR(""), 5, put,
                                  body_hash, GLY_STR("20130524T000000Z")};
    check(&s3_keys, &request, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    gly_builder_clear(&path);
    gly_builder query = {0};
    gly_sigv4_sort_query(GLY_STR("lifecycle"), &query);
    request = (gly_sigv4_request){"GET",   GLY_STR("/"), gly_builder_str(&query),    3,
                                  get + 1, EMPTY,        GLY_STR("20130524T000000Z")};
    check(&s3_keys, &request, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    gly_builder_reset(&query);
    gly_sigv4_sort_query(GLY_STR("prefix=J&max-keys=2"), &query);
    request.query = gly_builder_str(&query);
    check(&s3_keys, &request, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    gly_builder_clear(&query);
}

GLY_TEST(test_suite) {
    gly_sigv4_header headers[] = {HEADER("x-amz-date", "20150830T123600Z"),
                                  HEADER("host", "example.amazonaws.com")};
    gly_sigv4_request request = {
        "GET", GLY_STR("/"), GLY_STR(""), 2, headers, EMPTY, GLY_STR("20150830T123600Z")};
    check(&suite_keys, &request,
          "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    request.method = "POST";
    check(&suite_keys, &request,
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    request.method = "GET";
    request.query = GLY_STR("Param1=value1&Param2=value2");
    check(&suite_keys, &request,
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

GLY_TEST(paths_of_hive_and_people) {
    gly_builder path = {0};
    gly_sigv4_encode(GLY_STR("/b/dt=2024-01-01/a b+\xC3\xA4%.parquet"), true, &path);
    GLY_CHECK_TEXT(path.data, "/b/dt%3D2024-01-01/a%20b%2B%C3%A4%25.parquet");
    gly_sigv4_header headers[] = {HEADER("x-amz-date", "20130524T000000Z"),
                                  {GLY_STR("x-amz-content-sha256"), EMPTY},
                                  HEADER("host", "h")};
    gly_sigv4_request request = {"GET", gly_builder_str(&path),     GLY_STR(""), 3, headers,
                                 EMPTY, GLY_STR("20130524T000000Z")};
    check(&s3_keys, &request, "f7f86d84f3b1ba86ca615cc793ab2937e36afe5249f8061af856841b2525bd39");
    gly_builder_reset(&path);
    gly_sigv4_encode(GLY_STR("a/b~c_d-e.f"), false, &path);
    GLY_CHECK_TEXT(path.data, "a%2Fb~c_d-e.f");
    gly_builder_clear(&path);
}

GLY_TEST(queries_are_sorted) {
    gly_builder out = {0};
    gly_sigv4_sort_query(GLY_STR("uploads&b=2&b=1&a-b=1&a=2&&"), &out);
    GLY_CHECK_TEXT(out.data, "a=2&a-b=1&b=1&b=2&uploads=");
    gly_builder_clear(&out);
}

GLY_TEST(header_values_are_trimmed) {
    gly_sigv4_header headers[] = {HEADER("my-header", "  a   b  c ")};
    gly_sigv4_request request = {
        "GET", GLY_STR("/"), GLY_STR(""), 1, headers, EMPTY, GLY_STR("20150830T123600Z")};
    gly_builder out = {0};
    gly_sigv4_canonical(&request, &out);
    GLY_CHECK(strstr(out.data, "\nmy-header:a b c\n") != NULL);
    gly_builder_clear(&out);
    char time[17];
    gly_sigv4_format_time(INT64_C(1369353600000), time);
    GLY_CHECK_TEXT(time, "20130524T000000Z");
}

GLY_SUITE("sigv4", examples_of_s3, test_suite, paths_of_hive_and_people, queries_are_sorted,
          header_values_are_trimmed)
