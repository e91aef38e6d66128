/* text.h - the 16-byte string view: length, then up to 12 bytes inline, or a prefix and a pointer.
 *
 *   short  | u32 size | 12 bytes, zero-padded          |
 *   long   | u32 size | 4-byte prefix | 8-byte pointer |
 *
 * Two views are equal only if their first 8 bytes are (size and prefix); inline views are equal iff
 * all 16 bytes are.  The pointed-to bytes are not owned.  (Umbra, Neumann and Freitag, CIDR 2020.)
 */
#ifndef GLY_TEXT_H
#define GLY_TEXT_H

#include "lib/base/str.h"

enum { GLY_TEXT_INLINE = 12 };

typedef struct gly_text {
    uint32_t size;
    char prefix[4];
    union {
        char rest[8];
        const char *pointer;
    };
} gly_text;

_Static_assert(sizeof(gly_text) == 16, "gly_text is 16 bytes");

/* Bytes 4 to size-1 of a text of 4 to 12 bytes, zero-padded; overlapping loads, no calls. */
static inline uint64_t gly_text_rest(const char *data, size_t size) {
    uint32_t first, last;
    memcpy(&last, data + size - 4, 4);
    if (size < 8) {
        return (uint64_t)last >> (8 * (8 - size));
    }
    memcpy(&first, data + 4, 4);
    return first | (uint64_t)last << (8 * (size - 8));
}

/* This is on every path that makes strings: no memcpy of unknown size. */
static inline gly_text gly_text_make(const char *data, size_t size) {
    gly_text text;
    uint32_t prefix = 0;
    uint64_t rest = 0;
    text.size = (uint32_t)size;
    if (size > GLY_TEXT_INLINE) {
        memcpy(text.prefix, data, 4);
        text.pointer = data;
        return text;
    }
    if (size >= 4) {
        memcpy(&prefix, data, 4);
        rest = gly_text_rest(data, size);
    } else if (size > 0) { /* little-endian; first, middle and last cover 1 to 3 bytes */
        prefix = (uint32_t)(unsigned char)data[0] |
                 (uint32_t)(unsigned char)data[size / 2] << (8 * (size / 2)) |
                 (uint32_t)(unsigned char)data[size - 1] << (8 * (size - 1));
    }
    memcpy(text.prefix, &prefix, 4);
    memcpy(text.rest, &rest, 8);
    return text;
}

/* Valid as long as *text (inline bytes lie in it) and what it points to. */
static inline const char *gly_text_data(const gly_text *text) {
    return text->size <= GLY_TEXT_INLINE ? text->prefix : text->pointer;
}

static inline gly_str gly_text_str(const gly_text *text) {
    return (gly_str){gly_text_data(text), text->size};
}

static inline bool gly_text_equal(const gly_text *a, const gly_text *b) {
    uint64_t words_a[2];
    uint64_t words_b[2];
    memcpy(words_a, a, 16);
    memcpy(words_b, b, 16);
    if (words_a[0] != words_b[0]) {
        return false;
    }
    if (a->size <= GLY_TEXT_INLINE) {
        return words_a[1] == words_b[1];
    }
    return words_a[1] == words_b[1] || memcmp(a->pointer, b->pointer, a->size) == 0;
}

/* Bytewise, as Spark's default collation (UTF8_BINARY). */
static inline int gly_text_compare(const gly_text *a, const gly_text *b) {
    uint32_t prefix_a;
    uint32_t prefix_b;
    memcpy(&prefix_a, a->prefix, 4);
    memcpy(&prefix_b, b->prefix, 4);
    if (prefix_a != prefix_b) {
        prefix_a = __builtin_bswap32(prefix_a);
        prefix_b = __builtin_bswap32(prefix_b);
        return prefix_a < prefix_b ? -1 : 1; /* zero padding sorts before any byte but NUL */
    }
    uint32_t common = GLY_MIN(a->size, b->size);
    int order = memcmp(gly_text_data(a), gly_text_data(b), common);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

#endif
