/* k8s_lines.h - bytes in pieces of any size become whole lines of bounded size.
 *
 * Inside this folder only.  A zeroed structure with most set is ready.
 */
#ifndef GLY_K8S_LINES_H
#define GLY_K8S_LINES_H

#include "lib/base/str.h"

typedef struct gly_k8s_lines {
    size_t most; /* bytes of a line, without its end */
    gly_builder partial;
    bool is_skipping; /* the current line is too long already */
} gly_k8s_lines;

typedef enum gly_k8s_lines_result {
    GLY_K8S_LINES_MORE,    /* *bytes is used up */
    GLY_K8S_LINES_LINE,    /* *ret is a line, valid until the next call */
    GLY_K8S_LINES_TOO_LONG /* a line was longer than most; it has been left out */
} gly_k8s_lines_result;

/* Takes one line off the front of *bytes; call it until it says MORE. */
gly_k8s_lines_result gly_k8s_lines_next(gly_k8s_lines *lines, gly_str *bytes, gly_str *ret);
/* Forgets what is there of an unfinished line. */
void gly_k8s_lines_reset(gly_k8s_lines *lines);
void gly_k8s_lines_clear(gly_k8s_lines *lines);

#endif
