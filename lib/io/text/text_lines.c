/* text_lines.c - a buffered cursor over the lines of a byte range.
 *
 * The cursor of a split that does not begin the file starts one byte early and drops everything up
 * to the first line end, so a line that begins exactly at the split's offset is its own. Invariant:
 * buffer[at..filled) are the unread bytes, and buffer[0] lies at file offset `base`.
 */
#include "lib/io/text/text_lines.h"

#include "lib/base/alloc.h"
#include "lib/io/fs/read_plan.h"

enum { CHUNK = 1 << 20 };

struct gly_text_lines {
    gly_file *file;
    gly_read_plan *plan; /* of the split; NULL: the file is near */
    gly_file *source;    /* where to read: the plan's file, or the file */
    gly_budget *budget;
    char *buffer;
    size_t capacity, at, filled;
    size_t reserved;
    uint64_t base; /* file offset of buffer[0] */
    uint64_t end;  /* lines that start here or later are not ours */
    uint64_t bytes_read;
};

static gly_status make_room(gly_text_lines *lines, gly_error *err) {
    if (lines->at > 0) {
        memmove(lines->buffer, lines->buffer + lines->at, lines->filled - lines->at);
        lines->base += lines->at;
        lines->filled -= lines->at;
        lines->at = 0;
    }
    if (lines->capacity - lines->filled >= CHUNK) {
        return GLY_OK;
    }
    size_t capacity = GLY_MAX(lines->capacity * 2, (size_t)CHUNK * 2);
    if (capacity > GLY_TEXT_LINES_LONGEST * 2u) {
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "%.*s: the line at byte %llu is longer than 64 MiB: is it a text file?",
                        GLY_STR_ARG(lines->file->path), (unsigned long long)lines->base);
    }
    if (lines->budget != NULL) {
        gly_budget_force(lines->budget, capacity - lines->reserved);
        lines->reserved = capacity;
    }
    lines->buffer = gly_alloc_resize(lines->buffer, capacity);
    lines->capacity = capacity;
    return GLY_OK;
}

/* Reads on; *ret false: the file is at its end. */
static gly_status fill(gly_text_lines *lines, bool *ret, gly_error *err) {
    uint64_t position = lines->base + lines->filled;
    *ret = position < lines->file->size_bytes;
    if (!*ret) {
        return GLY_OK;
    }
    GLY_TRY(make_room(lines, err));
    position = lines->base + lines->filled;
    uint64_t left = lines->file->size_bytes - position;
    size_t size = (size_t)GLY_MIN(left, (uint64_t)CHUNK);
    GLY_TRY(
        lines->source->read_at(lines->source, position, size, lines->buffer + lines->filled, err));
    lines->filled += size;
    lines->bytes_read += size;
    return GLY_OK;
}

/* The next line whatever its offset; *ret_data NULL at the end of the file. */
static gly_status take_line(gly_text_lines *lines, gly_str *ret, uint64_t *ret_offset,
                            gly_error *err) {
    size_t searched = 0;
    for (;;) {
        const char *start = lines->buffer == NULL ? "" : lines->buffer + lines->at;
        size_t unread = lines->filled - lines->at;
        const char *end =
            unread == searched ? NULL : memchr(start + searched, '\n', unread - searched);
        if (end == NULL) {
            bool more;
            searched = unread;
            GLY_TRY(fill(lines, &more, err));
            if (more) {
                continue;
            }
            if (unread == 0) {
                *ret = (gly_str){NULL, 0};
                return GLY_OK;
            }
            end = lines->buffer + lines->filled;
            start = lines->buffer + lines->at;
        }
        size_t size = (size_t)(end - start);
        *ret_offset = lines->base + lines->at;
        lines->at = GLY_MIN(lines->at + size + 1, lines->filled);
        size -= size > 0 && start[size - 1] == '\r';
        *ret = (gly_str){start, size};
        return GLY_OK;
    }
}

gly_status gly_text_lines_open(gly_str path, uint64_t offset, uint64_t length, gly_budget *budget,
                               gly_text_lines **ret, gly_error *err) {
    const gly_filesystem *filesystem;
    gly_file *file;
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    GLY_TRY(filesystem->open(path, &file, err));
    gly_text_lines *lines = GLY_NEW(gly_text_lines);
    *lines = (gly_text_lines){.file = file, .source = file, .budget = budget};
    lines->end = length > file->size_bytes || offset > file->size_bytes - length ? file->size_bytes
                                                                                 : offset + length;
    lines->base = offset > 0 ? GLY_MIN(offset - 1, file->size_bytes) : 0;
    if (file->start_read != NULL && lines->end > lines->base && length != GLY_TEXT_LINES_SAMPLE) {
        gly_read_range range = {lines->base, lines->end - lines->base};
        lines->plan = gly_read_plan_make(file, budget, GLY_READ_PLAN_GAP);
        lines->source = gly_read_plan_file(lines->plan);
        gly_read_plan_add(lines->plan, 1, &range);
    }
    if (offset > 0) {
        gly_str dropped;
        uint64_t where;
        gly_status status = take_line(lines, &dropped, &where, err);
        if (status != GLY_OK) {
            gly_text_lines_close(lines);
            return status;
        }
    }
    *ret = lines;
    return GLY_OK;
}

gly_status gly_text_lines_next(gly_text_lines *lines, gly_str *ret, uint64_t *ret_offset,
                               gly_error *err) {
    uint64_t offset = lines->base + lines->at;
    if (offset >= lines->end) {
        *ret = (gly_str){NULL, 0};
        return GLY_OK;
    }
    GLY_TRY(take_line(lines, ret, &offset, err));
    if (ret_offset != NULL) {
        *ret_offset = offset;
    }
    return GLY_OK;
}

uint64_t gly_text_lines_bytes_read(const gly_text_lines *lines) { return lines->bytes_read; }

void gly_text_lines_close(gly_text_lines *lines) {
    if (lines != NULL) {
        if (lines->budget != NULL) {
            gly_budget_release(lines->budget, lines->reserved);
        }
        gly_read_plan_free(lines->plan);
        lines->file->close(lines->file);
        free(lines->buffer);
        free(lines);
    }
}
