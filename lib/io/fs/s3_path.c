/* s3_path.c - splits paths of object stores; pure text.
 *
 *   <dir>/_temporary/<job>/<task>/<name>          what a task creates
 *   <dir>/_temporary/<job>/<task>/<name>.upload   an empty object, there before the upload is begun
 *   <dir>/<name>                                  what the upload will be when it is completed
 */
#include "lib/io/fs/s3_path.h"

#define TEMPORARY GLY_STR("_temporary")
#define RECORD GLY_STR(".upload")

gly_status gly_s3_path_parse(gly_str path, gly_s3_path *ret, gly_error *err) {
    const char *colon = memchr(path.data, ':', path.size);
    size_t scheme_size = colon == NULL ? 0 : (size_t)(colon - path.data);
    gly_str rest = {path.data + scheme_size, path.size - scheme_size};
    if (colon == NULL || !gly_str_starts_with(rest, GLY_STR("://"))) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "%.*s is not s3://BUCKET/KEY",
                        GLY_STR_ARG(path));
    }
    rest = (gly_str){rest.data + 3, rest.size - 3};
    const char *slash = memchr(rest.data, '/', rest.size);
    ret->scheme = (gly_str){path.data, scheme_size};
    ret->bucket = (gly_str){rest.data, slash == NULL ? rest.size : (size_t)(slash - rest.data)};
    size_t skip = slash == NULL ? rest.size : ret->bucket.size + 1;
    ret->key = (gly_str){rest.data + skip, rest.size - skip};
    bool is_good = ret->bucket.size >= 3 && ret->bucket.size <= 255;
    for (size_t i = 0; i < ret->bucket.size; i++) {
        char c = ret->bucket.data[i];
        is_good &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '.' || c == '_';
    }
    if (!is_good) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT,
                        "%.*s names no bucket; paths are s3://BUCKET/KEY", GLY_STR_ARG(path));
    }
    return GLY_OK;
}

gly_str gly_s3_path_prefix(gly_arena *arena, gly_str key) {
    while (key.size > 0 && key.data[key.size - 1] == '/') {
        key.size--;
    }
    return key.size == 0 ? (gly_str){"", 0}
                         : gly_str_of(gly_arena_format(arena, "%.*s/", GLY_STR_ARG(key)));
}

/* Cuts the last component off; false if there is no slash. */
static bool cut_last(gly_str *key, gly_str *ret_last) {
    size_t start = key->size;
    while (start > 0 && key->data[start - 1] != '/') {
        start--;
    }
    if (start == 0) {
        return false;
    }
    *ret_last = (gly_str){key->data + start, key->size - start};
    key->size = start - 1;
    return true;
}

bool gly_s3_path_pending(gly_arena *arena, gly_str key, gly_str *ret) {
    gly_str name, task, job, last;
    gly_str directory = key;
    if (!cut_last(&directory, &name) || !cut_last(&directory, &task) ||
        !cut_last(&directory, &job) || name.size == 0 || task.size == 0 || job.size == 0) {
        return false;
    }
    if (gly_str_equal(directory, TEMPORARY)) {
        *ret = gly_arena_str(arena, name); /* below the bucket itself */
        return true;
    }
    if (!cut_last(&directory, &last) || !gly_str_equal(last, TEMPORARY)) {
        return false;
    }
    *ret =
        gly_str_of(gly_arena_format(arena, "%.*s/%.*s", GLY_STR_ARG(directory), GLY_STR_ARG(name)));
    return true;
}

gly_str gly_s3_path_record(gly_arena *arena, gly_str pending_key) {
    return gly_str_of(gly_arena_format(arena, "%.*s.upload", GLY_STR_ARG(pending_key)));
}

bool gly_s3_path_of_record(gly_str key, gly_str *ret) {
    if (!gly_str_ends_with(key, RECORD)) {
        return false;
    }
    *ret = (gly_str){key.data, key.size - RECORD.size};
    return true;
}
