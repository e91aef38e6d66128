/* xml_scan.h - the little XML that S3 servers answer with: elements and text, as a flat walk.
 *
 * Strict and without recursion: no DTD, no CDATA, no namespaces (a prefix is part of the name), no
 * attributes that matter (skipped), at most 16 levels.  Input is not trusted.
 */
#ifndef GLY_XML_SCAN_H
#define GLY_XML_SCAN_H

#include "lib/base/arena.h"

enum { GLY_XML_SCAN_DEEPEST = 16 };

typedef enum gly_xml_event {
    GLY_XML_END_OF_INPUT, /* the root was closed and nothing but white space follows */
    GLY_XML_START,        /* name; depth counts it */
    GLY_XML_END,          /* name, text: all text directly inside, decoded; depth counts it still */
    GLY_XML_PROBLEM,      /* scan->problem */
} gly_xml_event;

typedef struct gly_xml_scan {
    gly_str input;
    size_t at;
    gly_arena *arena; /* of texts that had to be decoded */
    uint32_t depth;
    gly_str names[GLY_XML_SCAN_DEEPEST];
    gly_str name, text;
    bool is_empty,
        is_closed; /* <a/> still owes its END; the last END lowers depth at the next call */
    bool has_root;
    const char *problem; /* what is wrong, a constant text */
} gly_xml_scan;

void gly_xml_scan_open(gly_xml_scan *scan, gly_arena *arena, gly_str input);
gly_xml_event gly_xml_scan_next(gly_xml_scan *scan);

#endif
