/* json_scan.h - a pull scanner over one JSON object on one line (RFC 8259), without a tree.
 *
 * Numbers keep their text, so 64-bit integers and decimals lose nothing.
 */
#ifndef GLY_JSON_SCAN_H
#define GLY_JSON_SCAN_H

#include "lib/base/arena.h"

typedef enum gly_json_kind {
    GLY_JSON_NULL,
    GLY_JSON_TRUE,
    GLY_JSON_FALSE,
    GLY_JSON_NUMBER, /* text */
    GLY_JSON_STRING, /* text, unescaped */
    GLY_JSON_NESTED, /* an object or array: its raw text */
} gly_json_kind;

typedef struct gly_json_member {
    gly_str key;
    gly_json_kind kind;
    gly_str text;
} gly_json_member;

/* Calls visit for each member of the object that line is.  False if line is not one well-formed
 * object (members before the fault have been visited).  Texts live in line or the arena. */
bool gly_json_scan_object(gly_arena *arena, gly_str line,
                          void (*visit)(void *context, const gly_json_member *member),
                          void *context);

#endif
