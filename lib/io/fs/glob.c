/* glob.c - matching of path patterns, as Hadoop's globs: * ? [abc] [a-z] [^x] {a,b} and backslash.
 *
 * A wildcard never matches "/".  Matching is the usual two-pointer walk with one remembered star,
 * so it is linear in practice and never exponential.
 */
#include "lib/io/fs/glob.h"

#include "lib/base/array.h"

enum { MOST_ALTERNATIVES = 10000 };

bool gly_glob_has_wildcard(gly_str path) {
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '\\') {
            i++;
        } else if (memchr("*?[{", path.data[i], 4) != NULL) {
            return true;
        }
    }
    return false;
}

gly_str gly_glob_base(gly_str pattern) {
    size_t end = 0;
    bool has_slash = false;
    for (size_t i = 0; i < pattern.size; i++) {
        if (memchr("*?[{\\", pattern.data[i], 5) != NULL) {
            break;
        }
        if (pattern.data[i] == '/') {
            end = i;
            has_slash = true;
        }
    }
    if (!has_slash) {
        return GLY_STR(".");
    }
    return end == 0 ? (gly_str){pattern.data, 1} : (gly_str){pattern.data, end};
}

gly_str gly_glob_literal(gly_str pattern) {
    size_t size = 0;
    while (size < pattern.size && memchr("*?[{\\", pattern.data[size], 5) == NULL) {
        size++;
    }
    return (gly_str){pattern.data, size};
}

/* Matches the set at pattern[at] == '[' against c; *ret_end is behind the "]".  An unclosed "["
 * stands for itself. */
static bool match_set(gly_str pattern, size_t at, unsigned char c, size_t *ret_end) {
    size_t i = at + 1;
    bool is_negated = i < pattern.size && (pattern.data[i] == '^' || pattern.data[i] == '!');
    i += is_negated;
    bool found = false;
    bool first = true;
    while (i < pattern.size && (pattern.data[i] != ']' || first)) {
        first = false;
        unsigned char low = (unsigned char)pattern.data[i];
        unsigned char high = low;
        if (i + 2 < pattern.size && pattern.data[i + 1] == '-' && pattern.data[i + 2] != ']') {
            high = (unsigned char)pattern.data[i + 2];
            i += 2;
        }
        found |= c >= low && c <= high;
        i++;
    }
    if (i >= pattern.size) {
        *ret_end = at + 1;
        return c == '[';
    }
    *ret_end = i + 1;
    return found != is_negated;
}

/* One pattern element at `at` against c; *ret_end is behind the element. */
static bool match_one(gly_str pattern, size_t at, char c, size_t *ret_end) {
    char p = pattern.data[at];
    *ret_end = at + 1;
    if (p == '?') {
        return true;
    }
    if (p == '[') {
        return match_set(pattern, at, (unsigned char)c, ret_end);
    }
    if (p == '\\' && at + 1 < pattern.size) {
        *ret_end = at + 2;
        p = pattern.data[at + 1];
    }
    return p == c;
}

bool gly_glob_match(gly_str pattern, gly_str name) {
    size_t p = 0;
    size_t n = 0;
    size_t star = SIZE_MAX;
    size_t star_name = 0;
    while (n < name.size) {
        size_t next = 0;
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            star_name = n;
        } else if (p < pattern.size && match_one(pattern, p, name.data[n], &next)) {
            p = next;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++star_name;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*') {
        p++;
    }
    return p == pattern.size;
}

/* Takes the next non-empty component off the front; false at the end. */
static bool next_component(gly_str *rest, gly_str *ret) {
    size_t start = 0;
    while (start < rest->size && rest->data[start] == '/') {
        start++;
    }
    size_t end = start;
    while (end < rest->size && rest->data[end] != '/') {
        end++;
    }
    *ret = (gly_str){rest->data + start, end - start};
    *rest = (gly_str){rest->data + end, rest->size - end};
    return ret->size > 0;
}

bool gly_glob_match_start(gly_str pattern, gly_str path) {
    gly_str want;
    gly_str have;
    while (next_component(&pattern, &want)) {
        if (!next_component(&path, &have) || !gly_glob_match(want, have)) {
            return false;
        }
    }
    return true;
}

uint32_t gly_glob_depth(gly_str path) {
    uint32_t depth = 0;
    gly_str part;
    while (next_component(&path, &part)) {
        depth++;
    }
    return depth;
}

/* The first {...} with its matching brace; false if there is none (or it is not closed). */
static bool find_brace(gly_str path, size_t *ret_open, size_t *ret_close) {
    size_t depth = 0;
    for (size_t i = 0; i < path.size; i++) {
        char c = path.data[i];
        if (c == '\\') {
            i++;
        } else if (c == '{') {
            if (depth++ == 0) {
                *ret_open = i;
            }
        } else if (c == '}' && depth > 0 && --depth == 0) {
            *ret_close = i;
            return true;
        }
    }
    return false;
}

gly_status gly_glob_braces(gly_arena *arena, gly_str path, uint32_t *ret_count, gly_str **ret,
                           gly_error *err) {
    GLY_ARRAY(gly_str) work = {0};
    gly_array_push(&work, path);
    gly_status status = GLY_OK;
    size_t done = 0; /* work[0..done) have no braces left */
    while (done < work.count) {
        gly_str text = work.items[done];
        size_t open = 0;
        size_t close = 0;
        if (!find_brace(text, &open, &close)) {
            done++;
            continue;
        }
        gly_array_remove_at(&work, done);
        size_t depth = 0;
        size_t start = open + 1;
        for (size_t i = open + 1; i <= close; i++) {
            char c = text.data[i];
            depth += c == '{';
            if ((c == ',' && depth == 0) || i == close) {
                gly_str made = gly_str_of(gly_arena_format(
                    arena, "%.*s%.*s%.*s", (int)open, text.data, (int)(i - start),
                    text.data + start, (int)(text.size - close - 1), text.data + close + 1));
                gly_array_push(&work, made);
                start = i + 1;
            }
            depth -= c == '}' && depth > 0;
        }
        if (work.count > MOST_ALTERNATIVES) {
            status = gly_fail(err, GLY_E_INVALID_ARGUMENT,
                              "the braces of path %.*s stand for more than %d paths",
                              GLY_STR_ARG(path), MOST_ALTERNATIVES);
            break;
        }
    }
    if (status == GLY_OK) {
        *ret_count = (uint32_t)work.count;
        *ret = gly_arena_copy(arena, work.items, work.count * sizeof *work.items);
    }
    gly_array_clear(&work);
    return status;
}
