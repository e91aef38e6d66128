/* str.h - byte slices that do not own their bytes, and a builder that does.
 *
 * A gly_str is passed by value and need not be NUL-terminated.
 */
#ifndef GLY_STR_H
#define GLY_STR_H

#include "lib/base/base.h"

typedef struct gly_str {
    const char *data;
    size_t size;
} gly_str;

#define GLY_STR(literal) ((gly_str){(literal), sizeof(literal) - 1})
/* For printf: "%.*s" with GLY_STR_ARG(text). */
#define GLY_STR_ARG(text) (int)(text).size, (text).data

static inline gly_str gly_str_of(const char *text) { return (gly_str){text, strlen(text)}; }
static inline bool gly_str_equal(gly_str a, gly_str b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
bool gly_str_equal_ignore_case(gly_str a, gly_str b); /* ASCII */
int gly_str_compare(gly_str a, gly_str b);            /* bytewise, shorter first */
bool gly_str_starts_with(gly_str text, gly_str prefix);
bool gly_str_ends_with(gly_str text, gly_str suffix);
gly_str gly_str_trim(gly_str text); /* ASCII white space at both ends */
/* Whole text must be the number; false otherwise or on overflow. */
bool gly_str_to_i64(gly_str text, int64_t *ret);
bool gly_str_to_u64(gly_str text, uint64_t *ret);
bool gly_str_to_double(gly_str text, double *ret);
/* "512Mi", "1g", "200k", "64mb", "1024": Spark's and Kubernetes' suffixes, powers of 1024. */
bool gly_str_to_bytes(gly_str text, uint64_t *ret);
/* "10s", "100ms", "1min", "2h": to milliseconds; a bare number is seconds. */
bool gly_str_to_ms(gly_str text, int64_t *ret);
/* Edit distance (Levenshtein, ASCII case ignored), for "did you mean". */
size_t gly_str_distance(gly_str a, gly_str b);

typedef struct gly_builder {
    char *data; /* NUL-terminated after every call */
    size_t size;
    size_t capacity;
} gly_builder;

/* A zeroed builder is ready.  gly_builder_clear frees its memory. */
void gly_builder_add(gly_builder *builder, const void *bytes, size_t size);
void gly_builder_add_str(gly_builder *builder, gly_str text);
void gly_builder_add_text(gly_builder *builder, const char *text);
void gly_builder_add_char(gly_builder *builder, char c);
void gly_builder_add_repeat(gly_builder *builder, char c, size_t count);
void gly_builder_format(gly_builder *builder, const char *format, ...) GLY_PRINTF(2, 3);
/* Makes room for size more bytes and returns where they go; the caller then adds to ->size. */
char *gly_builder_room(gly_builder *builder, size_t size);
void gly_builder_reset(gly_builder *builder); /* size 0, memory kept */
void gly_builder_clear(gly_builder *builder);
gly_str gly_builder_str(const gly_builder *builder); /* valid until the next change */

/* What a digit stands for, or -1: of base 16, either case, and of base 64 (RFC 4648 section 4). */
int gly_str_hex_digit(char c);
int gly_str_base64_digit(char c);

/* "1.5 GiB", "12,345", "1.23 s", "4 ms": into buffer (32 bytes are enough), returns buffer. */
const char *gly_str_format_bytes(uint64_t bytes, char *buffer, size_t buffer_size);
const char *gly_str_format_count(uint64_t count, char *buffer, size_t buffer_size);
const char *gly_str_format_ms(double ms, char *buffer, size_t buffer_size);

#endif
