/* fuzz_s3_listing.c - answers of an object store that are not to be trusted: listings, errors,
 * times. */
#include "lib/io/fs/s3_listing.h"
#include "lib/io/fs/xml_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gly_arena *arena = gly_arena_make();
    char *copy = malloc(size + 1); /* of exactly this size, so that an over-read is seen */
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    gly_str xml = {copy, size};
    gly_error err = {0};
    gly_s3_listing page;
    if (gly_s3_listing_parse(arena, xml, &page, &err) == GLY_OK) {
        for (uint32_t i = 0; i < page.count; i++) {
            gly_arena_str(arena, page.objects[i].key);
            gly_arena_str(arena, page.objects[i].upload_id);
        }
        gly_arena_str(arena, page.next_token);
        gly_arena_str(arena, page.next_key);
    } else if (err.message[0] == '\0') {
        abort();
    }
    gly_s3_listing_find(arena, xml, "Code");
    gly_s3_listing_find(arena, xml, "UploadId");
    gly_s3_listing_root(xml);
    gly_s3_listing_time(xml);
    gly_xml_scan scan;
    gly_xml_scan_open(&scan, arena, xml);
    int depth = 0; /* starts and ends are in balance, and never deeper than allowed */
    for (;;) {
        gly_xml_event event = gly_xml_scan_next(&scan);
        depth += event == GLY_XML_START;
        depth -= event == GLY_XML_END;
        if (depth < 0 || depth > GLY_XML_SCAN_DEEPEST ||
            (event == GLY_XML_END_OF_INPUT && depth != 0)) {
            abort();
        }
        if (event == GLY_XML_END_OF_INPUT || event == GLY_XML_PROBLEM) {
            break;
        }
    }
    free(copy);
    gly_arena_free(arena);
    return 0;
}
