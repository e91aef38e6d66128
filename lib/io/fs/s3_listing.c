/* s3_listing.c - a walk over the answer; only the elements we use are looked at.
 *
 *   <ListBucketResult> <IsTruncated/> <NextContinuationToken/> <EncodingType/>
 *     <Contents> <Key/> <Size/> <LastModified/> ... </Contents>*
 *   <ListMultipartUploadsResult> <IsTruncated/> <NextKeyMarker/> <NextUploadIdMarker/>
 *     <Upload> <Key/> <UploadId/> <Initiated/> ... </Upload>*
 *
 * We ask for encoding-type=url, since XML 1.0 cannot hold every key; a server that does not know it
 * leaves <EncodingType> out, and keys stay as they are.  The encoding is that of forms: "+" is a
 * space.
 */
#include "lib/io/fs/s3_listing.h"

#include "lib/base/array.h"
#include "lib/io/fs/xml_scan.h"

#include <time.h>

static gly_str decode_url(gly_arena *arena, gly_str text) {
    char *out = gly_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        int high = c == '%' && i + 2 < text.size ? gly_str_hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? gly_str_hex_digit(text.data[i + 2]) : -1;
        if (low >= 0) {
            out[size++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[size++] = c == '+' ? ' ' : c;
        }
    }
    out[size] = '\0';
    return (gly_str){out, size};
}

static bool digits(gly_str text, size_t at, size_t count, int *ret) {
    int value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= text.size || text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *ret = value;
    return true;
}

int64_t gly_s3_listing_time(gly_str text) {
    struct tm parts = {0};
    int milliseconds = 0;
    if (!digits(text, 0, 4, &parts.tm_year) || !digits(text, 5, 2, &parts.tm_mon) ||
        !digits(text, 8, 2, &parts.tm_mday) || !digits(text, 11, 2, &parts.tm_hour) ||
        !digits(text, 14, 2, &parts.tm_min) || !digits(text, 17, 2, &parts.tm_sec)) {
        return 0;
    }
    if (text.size > 23 && text.data[19] == '.' && !digits(text, 20, 3, &milliseconds)) {
        milliseconds = 0;
    }
    if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 || parts.tm_mday > 31) {
        return 0;
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return (int64_t)timegm(&parts) * 1000 + milliseconds;
}

typedef struct walk {
    gly_xml_scan scan;
    gly_s3_listing *listing;
    GLY_ARRAY(gly_s3_object) objects;
    bool is_encoded;
} walk;

/* An element inside of <Contents> or <Upload> ended. */
static gly_status take_object_field(walk *at, gly_error *err) {
    gly_s3_object *object = &at->objects.items[at->objects.count - 1];
    gly_str name = at->scan.name;
    gly_str text = at->scan.text;
    if (gly_str_equal(name, GLY_STR("Key"))) {
        object->key = text;
    } else if (gly_str_equal(name, GLY_STR("UploadId"))) {
        object->upload_id = text;
    } else if (gly_str_equal(name, GLY_STR("Size"))) {
        if (!gly_str_to_u64(gly_str_trim(text), &object->size_bytes)) {
            return gly_fail(err, GLY_E_PROTOCOL, "the listing has an object of the size \"%.*s\"",
                            (int)GLY_MIN(text.size, (size_t)32), text.data);
        }
    } else if (gly_str_equal(name, GLY_STR("LastModified")) ||
               gly_str_equal(name, GLY_STR("Initiated"))) {
        object->modified_ms = gly_s3_listing_time(text);
    }
    return GLY_OK;
}

static void take_listing_field(walk *at) {
    gly_s3_listing *listing = at->listing;
    gly_str name = at->scan.name;
    gly_str text = at->scan.text;
    if (gly_str_equal(name, GLY_STR("IsTruncated"))) {
        listing->is_truncated = gly_str_equal(gly_str_trim(text), GLY_STR("true"));
    } else if (gly_str_equal(name, GLY_STR("NextContinuationToken"))) {
        listing->next_token = text;
    } else if (gly_str_equal(name, GLY_STR("NextKeyMarker"))) {
        listing->next_key = text;
    } else if (gly_str_equal(name, GLY_STR("NextUploadIdMarker"))) {
        listing->next_upload_id = text;
    } else if (gly_str_equal(name, GLY_STR("EncodingType"))) {
        at->is_encoded = gly_str_equal(gly_str_trim(text), GLY_STR("url"));
    }
}

static bool is_object(gly_str name) {
    return gly_str_equal(name, GLY_STR("Contents")) || gly_str_equal(name, GLY_STR("Upload"));
}

static gly_status take_event(walk *at, gly_xml_event event, gly_error *err) {
    gly_xml_scan *scan = &at->scan;
    if (event == GLY_XML_START && scan->depth == 1 &&
        !gly_str_equal(scan->name, GLY_STR("ListBucketResult")) &&
        !gly_str_equal(scan->name, GLY_STR("ListMultipartUploadsResult"))) {
        return gly_fail(err, GLY_E_PROTOCOL, "the answer is a <%.*s> and not a listing",
                        (int)GLY_MIN(scan->name.size, (size_t)64), scan->name.data);
    }
    if (event == GLY_XML_START && scan->depth == 2 && is_object(scan->name)) {
        gly_array_push(&at->objects, ((gly_s3_object){.key = {"", 0}}));
    }
    if (event == GLY_XML_END && scan->depth == 3 && is_object(scan->names[1])) {
        return take_object_field(at, err);
    }
    if (event == GLY_XML_END && scan->depth == 2) {
        take_listing_field(at);
    }
    return GLY_OK;
}

gly_status gly_s3_listing_parse(gly_arena *arena, gly_str xml, gly_s3_listing *ret,
                                gly_error *err) {
    walk at = {.listing = ret};
    *ret = (gly_s3_listing){0};
    gly_xml_scan_open(&at.scan, arena, xml);
    gly_status status = GLY_OK;
    gly_xml_event event = GLY_XML_START;
    while (status == GLY_OK && event != GLY_XML_END_OF_INPUT) {
        event = gly_xml_scan_next(&at.scan);
        status =
            event == GLY_XML_PROBLEM
                ? gly_fail(err, GLY_E_PROTOCOL, "the listing cannot be read: %s", at.scan.problem)
                : take_event(&at, event, err);
    }
    if (status == GLY_OK) {
        ret->count = (uint32_t)at.objects.count;
        ret->objects = GLY_ARENA_ARRAY(arena, gly_s3_object, at.objects.count);
        for (size_t i = 0; i < at.objects.count; i++) {
            ret->objects[i] = at.objects.items[i];
            if (at.is_encoded) {
                ret->objects[i].key = decode_url(arena, ret->objects[i].key);
            }
        }
        if (at.is_encoded && ret->next_key.size > 0) {
            ret->next_key = decode_url(arena, ret->next_key);
        }
    }
    gly_array_clear(&at.objects);
    return status;
}

gly_str gly_s3_listing_find(gly_arena *arena, gly_str xml, const char *name) {
    gly_xml_scan scan;
    gly_str wanted = gly_str_of(name);
    gly_xml_scan_open(&scan, arena, xml);
    for (;;) {
        gly_xml_event event = gly_xml_scan_next(&scan);
        if (event == GLY_XML_END && gly_str_equal(scan.name, wanted)) {
            return gly_str_trim(scan.text);
        }
        if (event == GLY_XML_END_OF_INPUT || event == GLY_XML_PROBLEM) {
            return (gly_str){NULL, 0};
        }
    }
}

gly_str gly_s3_listing_root(gly_str xml) {
    gly_xml_scan scan;
    gly_xml_scan_open(&scan, NULL, xml);
    return gly_xml_scan_next(&scan) == GLY_XML_START ? scan.name : (gly_str){"", 0};
}
