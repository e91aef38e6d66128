/* text_lines.h - the lines of one split of a text file.
 *
 * A line belongs to the split in which its first byte lies, so that splits of one file read every
 * line once.  Lines end with \n or \r\n; the last one may end with the file.
 */
#ifndef GLY_TEXT_LINES_H
#define GLY_TEXT_LINES_H

#include "lib/base/budget.h"
#include "lib/io/fs/filesystem.h"

typedef struct gly_text_lines gly_text_lines;

enum { GLY_TEXT_LINES_LONGEST = 64 << 20 };
/* As a length: up to the end, but only a few lines are wanted, so nothing is read ahead. */
#define GLY_TEXT_LINES_SAMPLE UINT64_MAX

/* Reads are reserved from the budget (NULL: not counted). */
GLY_NODISCARD gly_status gly_text_lines_open(gly_str path, uint64_t offset, uint64_t length,
                                             gly_budget *budget, gly_text_lines **ret,
                                             gly_error *err);
/* ret->data NULL: the end.  Without its line end; valid until the next call.  *ret_offset: of the
 * line's first byte in the file (may be NULL). */
GLY_NODISCARD gly_status gly_text_lines_next(gly_text_lines *lines, gly_str *ret,
                                             uint64_t *ret_offset, gly_error *err);
uint64_t gly_text_lines_bytes_read(const gly_text_lines *lines);
void gly_text_lines_close(gly_text_lines *lines); /* accepts NULL */

#endif
