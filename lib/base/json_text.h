/* json_text.h - texts as JSON strings (RFC 8259 section 7), without building a tree. */
#ifndef GLY_JSON_TEXT_H
#define GLY_JSON_TEXT_H

#include "lib/base/str.h"

/* Appends text with quotes, backslashes and control characters escaped; bytes that are not valid
 * UTF-8 become U+FFFD, so the result always is valid JSON.  Adds no quotes around it. */
void gly_json_text_escape(gly_str text, gly_builder *out);
/* The same with quotes around it. */
void gly_json_text_quote(gly_str text, gly_builder *out);

#endif
