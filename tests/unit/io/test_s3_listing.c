/* test_s3_listing.c - answers as MinIO and Amazon write them, and what is not to be believed. */
#include "lib/io/fs/s3_listing.h"
#include "lib/io/fs/xml_scan.h"
#include "tests/support/check.h"

GLY_TEST(objects) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_s3_listing page;
    gly_str xml = GLY_STR(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
        "<Contents><Key>a/dt%3D1/x+y%2Bz</Key><LastModified>2009-10-12T17:50:30.123Z</LastModified>"
        "<ETag>&quot;fba&quot;</ETag><Size>434234</Size><Owner><ID>75aa</ID></Owner></Contents>"
        "<Contents><Key>q</Key><Size>0</Size></Contents><CommonPrefixes><Prefix>p/</Prefix>"
        "</CommonPrefixes><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
        "<NextContinuationToken>t/+=</NextContinuationToken></ListBucketResult>\n");
    GLY_CHECK_OK(gly_s3_listing_parse(arena, xml, &page, &err), &err);
    GLY_CHECK_INT(page.count, 2);
    GLY_CHECK(gly_str_equal(page.objects[0].key, GLY_STR("a/dt=1/x y+z")));
    GLY_CHECK_INT(page.objects[0].size_bytes, 434234);
    GLY_CHECK_INT(page.objects[0].modified_ms, INT64_C(1255369830123));
    GLY_CHECK(page.is_truncated && gly_str_equal(page.next_token, GLY_STR("t/+=")));
    gly_arena_free(arena);
}

GLY_TEST(keys_that_the_server_does_not_encode) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_s3_listing page;
    gly_str xml =
        GLY_STR("<ListBucketResult><Contents><Key>a+b%20&amp;&lt;&#x41;&#252;</Key></Contents>"
                "<IsTruncated>false</IsTruncated></ListBucketResult>");
    GLY_CHECK_OK(gly_s3_listing_parse(arena, xml, &page, &err), &err);
    GLY_CHECK(gly_str_equal(page.objects[0].key, GLY_STR("a+b%20&<A\xC3\xBC")));
    GLY_CHECK(!page.is_truncated);
    gly_arena_free(arena);
}

GLY_TEST(uploads) {
    gly_arena *arena = gly_arena_make();
    gly_error err;
    gly_s3_listing page;
    gly_str xml = GLY_STR("<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u1</UploadId>"
                          "</Upload><NextKeyMarker>k</NextKeyMarker></ListMultipartUploadsResult>");
    GLY_CHECK_OK(gly_s3_listing_parse(arena, xml, &page, &err), &err);
    GLY_CHECK(page.count == 1 && gly_str_equal(page.objects[0].upload_id, GLY_STR("u1")));
    gly_arena_free(arena);
}

GLY_TEST(what_is_no_listing_is_refused) {
    static const char *const bad[] = {
        "",
        "text",
        "<Error><Code>x</Code></Error>",
        "<ListBucketResult>",
        "<ListBucketResult><Contents></ListBucketResult>",
        "<ListBucketResult/><ListBucketResult/>",
        "<ListBucketResult></ListBucketResult>more",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&unknown;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&#0;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&#xD800;</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><a <b></ListBucketResult>",
        "<ListBucketResult><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
        "<ListBucketResult",
        "<?xml",
        "<!-- ",
    };
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(bad); i++) {
        gly_error err = {0};
        gly_s3_listing page;
        GLY_CHECK_INT(gly_s3_listing_parse(arena, gly_str_of(bad[i]), &page, &err), GLY_E_PROTOCOL);
        GLY_CHECK(err.message[0] != '\0');
    }
    gly_arena_free(arena);
}

GLY_TEST(single_elements) {
    gly_arena *arena = gly_arena_make();
    gly_str xml = GLY_STR("<!-- c --><R><A x='>'/><B> b &amp; </B><B>c</B></R>");
    GLY_CHECK(gly_str_equal(gly_s3_listing_find(arena, xml, "B"), GLY_STR("b &")));
    GLY_CHECK(gly_s3_listing_find(arena, xml, "A").size == 0);
    GLY_CHECK(gly_s3_listing_find(arena, xml, "C").data == NULL);
    GLY_CHECK(gly_str_equal(gly_s3_listing_root(xml), GLY_STR("R")));
    GLY_CHECK(gly_s3_listing_root(GLY_STR("{\"json\": 1}")).size == 0);
    gly_arena_free(arena);
}

GLY_TEST(times) {
    GLY_CHECK_INT(gly_s3_listing_time(GLY_STR("1970-01-01T00:00:01Z")), 1000);
    GLY_CHECK_INT(gly_s3_listing_time(GLY_STR("2024-02-29T23:59:59.5Z")), INT64_C(1709251199000));
    GLY_CHECK_INT(gly_s3_listing_time(GLY_STR("2024-13-01T00:00:00Z")), 0);
    GLY_CHECK_INT(gly_s3_listing_time(GLY_STR("2024-01-01")), 0);
    GLY_CHECK_INT(gly_s3_listing_time(GLY_STR("")), 0);
}

GLY_SUITE("s3_listing", objects, keys_that_the_server_does_not_encode, uploads,
          what_is_no_listing_is_refused, single_elements, times)
