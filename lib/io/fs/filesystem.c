/* filesystem.c - which file system a path belongs to, and what a path with wildcards stands for.
 *
 * A pattern is split into a directory without wildcards and the rest.  The directory is listed once
 * at any depth, and a file matches if the pattern matches the first components of its path; what
 * lies below a matched directory belongs to it.  So only `list` is needed, which object stores
 * have.
 *
 * Invariant: expand never returns an empty list; nothing found is PATH_NOT_FOUND.
 */
#include "lib/io/fs/filesystem.h"

#include "lib/base/array.h"
#include "lib/io/fs/fs_local.h"
#include "lib/io/fs/fs_s3.h"
#include "lib/io/fs/glob.h"

static const struct {
    const char *scheme;
    const gly_filesystem *filesystem;
} filesystems[] = {
#define GLY_FILESYSTEM(scheme, symbol) {scheme, &(symbol)},
#include "lib/io/fs/filesystems.def"
#undef GLY_FILESYSTEM
};

/* The letters before "://" (or "file:"), or an empty text. */
static gly_str scheme_of(gly_str path) {
    for (size_t i = 0; i < path.size; i++) {
        char c = path.data[i];
        if (c == ':') {
            bool is_scheme = i > 1 && i + 1 < path.size && path.data[i + 1] == '/';
            return is_scheme ? (gly_str){path.data, i} : (gly_str){"", 0};
        }
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '+' || c == '-';
        if (!is_letter) {
            break;
        }
    }
    return (gly_str){"", 0};
}

gly_status gly_filesystem_find(gly_str path, const gly_filesystem **ret, gly_error *err) {
    gly_str scheme = scheme_of(path);
    if (scheme.size == 0) {
        *ret = filesystems[0].filesystem;
        return GLY_OK;
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(filesystems); i++) {
        if (gly_str_equal_ignore_case(scheme, gly_str_of(filesystems[i].scheme))) {
            *ret = filesystems[i].filesystem;
            return GLY_OK;
        }
    }
    return gly_fail(err, GLY_E_UNSUPPORTED,
                    "there is no file system for the scheme \"%.*s\" of %.*s; use a local path",
                    GLY_STR_ARG(scheme), GLY_STR_ARG(path));
}

typedef GLY_ARRAY(gly_file_info) info_list;

static gly_status add_listed(gly_arena *arena, const gly_filesystem *filesystem, gly_str path,
                             const gly_str *pattern, info_list *files, gly_error *err) {
    uint32_t count;
    gly_file_info *found;
    if (pattern != NULL && filesystem->list_prefix != NULL) {
        GLY_TRY(filesystem->list_prefix(arena, gly_glob_literal(*pattern), &count, &found, err));
    } else {
        GLY_TRY(filesystem->list(arena, path, &count, &found, err));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (pattern == NULL || gly_glob_match_start(*pattern, found[i].path)) {
            gly_array_push(files, found[i]);
        }
    }
    return GLY_OK;
}

/* What lies at path; *ret false: nothing.  Other failures (no permission, no network) are failures.
 */
static gly_status look_at(gly_arena *arena, const gly_filesystem *filesystem, gly_str path,
                          bool *ret, gly_file_info *ret_info, gly_error *err) {
    gly_error own;
    gly_status status = filesystem->stat(arena, path, ret_info, &own);
    *ret = status == GLY_OK;
    return status == GLY_OK || status == GLY_E_PATH_NOT_FOUND ? GLY_OK : gly_error_copy(err, &own);
}

static gly_status add_found(gly_arena *arena, const gly_filesystem *filesystem,
                            const gly_file_info *info, info_list *files, gly_error *err) {
    if (!info->is_directory) {
        gly_array_push(files, *info);
        return GLY_OK;
    }
    return add_listed(arena, filesystem, info->path, NULL, files, err);
}

static gly_status expand_pattern(gly_arena *arena, const gly_filesystem *filesystem,
                                 gly_str pattern, info_list *files, gly_error *err) {
    gly_file_info info;
    bool is_there;
    GLY_TRY(look_at(arena, filesystem, pattern, &is_there, &info, err));
    if (is_there) {
        return add_found(arena, filesystem, &info, files, err);
    }
    if (!gly_glob_has_wildcard(pattern)) {
        return GLY_OK;
    }
    gly_str base = gly_glob_base(pattern);
    if (filesystem->list_prefix != NULL) {
        return add_listed(arena, filesystem, base, &pattern, files, err);
    }
    GLY_TRY(look_at(arena, filesystem, base, &is_there, &info, err));
    if (!is_there || !info.is_directory) {
        return GLY_OK;
    }
    /* A relative pattern without a slash: list "." and match behind "./". */
    if (base.size == 1 && base.data[0] == '.' && !gly_str_starts_with(pattern, GLY_STR("./"))) {
        pattern = gly_str_of(gly_arena_format(arena, "./%.*s", GLY_STR_ARG(pattern)));
    }
    return add_listed(arena, filesystem, base, &pattern, files, err);
}

static gly_status nothing_found(gly_str path, bool is_there, gly_error *err) {
    if (is_there) {
        return gly_fail(err, GLY_E_PATH_NOT_FOUND, "directory %.*s has no files to read",
                        GLY_STR_ARG(path));
    }
    if (gly_glob_has_wildcard(path)) {
        return gly_fail(err, GLY_E_PATH_NOT_FOUND, "no file matches path %.*s", GLY_STR_ARG(path));
    }
    return gly_fail(err, GLY_E_PATH_NOT_FOUND, "path %.*s does not exist", GLY_STR_ARG(path));
}

static int compare_infos(const void *a, const void *b) {
    return gly_str_compare(((const gly_file_info *)a)->path, ((const gly_file_info *)b)->path);
}

gly_status gly_filesystem_expand(gly_arena *arena, gly_str path, uint32_t *ret_count,
                                 gly_file_info **ret, gly_error *err) {
    const gly_filesystem *filesystem;
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    if (path.size == 0) {
        return gly_fail(err, GLY_E_PATH_NOT_FOUND, "an empty path was given");
    }
    gly_str *patterns;
    uint32_t pattern_count = 0;
    gly_file_info info;
    bool is_there;
    info_list files = {0};
    gly_status status;
    GLY_TRY(look_at(arena, filesystem, path, &is_there, &info, err));
    if (is_there) { /* it exists as it is spelled, braces and stars included */
        status = add_found(arena, filesystem, &info, &files, err);
    } else {
        status = gly_glob_braces(arena, path, &pattern_count, &patterns, err);
    }
    for (uint32_t i = 0; status == GLY_OK && i < pattern_count; i++) {
        status = expand_pattern(arena, filesystem, patterns[i], &files, err);
    }
    if (status == GLY_OK && files.count == 0) {
        status = nothing_found(path, is_there, err);
    }
    if (status == GLY_OK) {
        if (pattern_count > 1) { /* {a,b} may overlap: each file once */
            qsort(files.items, files.count, sizeof *files.items, compare_infos);
            size_t kept = 0;
            for (size_t i = 0; i < files.count; i++) {
                if (kept == 0 || !gly_str_equal(files.items[kept - 1].path, files.items[i].path)) {
                    files.items[kept++] = files.items[i];
                }
            }
            files.count = kept;
        }
        *ret_count = (uint32_t)files.count;
        *ret = gly_arena_copy(arena, files.items, files.count * sizeof *files.items);
    }
    gly_array_clear(&files);
    return status;
}
