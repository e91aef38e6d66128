/* k8s_lines.c - cutting a stream at its newlines.
 *
 * Whole lines are handed out where they lie; only a line that is torn over pieces is copied.  A
 * line that grows over the limit is dropped while it comes, so memory stays below most plus one
 * piece.
 */
#include "k8s/client/k8s_lines.h"

enum { KEPT_CAPACITY = 256 << 10 };

void gly_k8s_lines_reset(gly_k8s_lines *lines) {
    lines->is_skipping = false;
    if (lines->partial.capacity > KEPT_CAPACITY) {
        gly_builder_clear(&lines->partial);
    } else {
        gly_builder_reset(&lines->partial);
    }
}

void gly_k8s_lines_clear(gly_k8s_lines *lines) { gly_builder_clear(&lines->partial); }

/* The piece up to the newline, which is taken off *bytes. */
static bool take_piece(gly_str *bytes, gly_str *ret) {
    const char *end = bytes->size > 0 ? memchr(bytes->data, '\n', bytes->size) : NULL;
    ret->data = bytes->data;
    ret->size = end != NULL ? (size_t)(end - bytes->data) : bytes->size;
    size_t taken = ret->size + (end != NULL ? 1 : 0);
    if (taken > 0) {
        bytes->data += taken;
        bytes->size -= taken;
    }
    return end != NULL;
}

gly_k8s_lines_result gly_k8s_lines_next(gly_k8s_lines *lines, gly_str *bytes, gly_str *ret) {
    bool had_line = bytes->size > 0;
    gly_str piece;
    bool is_whole = take_piece(bytes, &piece);
    if (!had_line) {
        return GLY_K8S_LINES_MORE;
    }
    bool fits = !lines->is_skipping && piece.size <= lines->most - lines->partial.size;
    if (!is_whole) {
        if (fits) {
            gly_builder_add(&lines->partial, piece.data, piece.size);
        } else {
            gly_k8s_lines_reset(lines);
            lines->is_skipping = true;
        }
        return GLY_K8S_LINES_MORE;
    }
    if (!fits) {
        gly_k8s_lines_reset(lines);
        return GLY_K8S_LINES_TOO_LONG;
    }
    if (lines->partial.size == 0) {
        *ret = piece;
        return GLY_K8S_LINES_LINE;
    }
    gly_builder_add(&lines->partial, piece.data, piece.size);
    *ret = gly_builder_str(&lines->partial);
    lines->partial.size = 0; /* the bytes stay until the next call */
    return GLY_K8S_LINES_LINE;
}
