/* names.c - names, labels and paths of what we make; see names.h.
 *
 * Every name is "<stem><suffix>".  The stem is the application's name as long as the whole is a
 * legal host name of at most 63 characters; otherwise it is as much of its beginning as fits, a
 * dash, and 8 hex digits of a hash of all of it.  Dots (legal in an application's name, not in a
 * host name) count as "otherwise".  So two applications never want the same name, but by a
 * collision of the hash, which the owner's uid on the object tells apart.
 */
#include "k8s/api/names.h"

#include "lib/base/hash.h"

#include <stdio.h>

enum { LONGEST = 63, HASH_SIZE = 9 }; /* "-" and 8 digits */

static bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Room: how long the result may be. */
static const char *shorten(gly_arena *arena, const char *text, size_t room, bool dots_allowed) {
    size_t size = strlen(text);
    bool is_legal =
        size > 0 && size <= room && is_alphanumeric(text[0]) && is_alphanumeric(text[size - 1]);
    char *result = gly_arena_alloc(arena, room + 1);
    size_t length = GLY_MIN(size, room);
    for (size_t i = 0; i < length; i++) {
        bool is_good = is_alphanumeric(text[i]) || text[i] == '-' ||
                       (dots_allowed && (text[i] == '.' || text[i] == '_'));
        result[i] = is_good ? text[i] : '-';
        is_legal = is_legal && is_good;
    }
    if (is_legal) {
        result[length] = '\0';
        return result;
    }
    length = GLY_MIN(length, room - HASH_SIZE);
    while (length > 0 && !is_alphanumeric(result[length - 1])) {
        length--;
    }
    size_t start = 0;
    while (start < length && !is_alphanumeric(result[start])) {
        start++;
    }
    memmove(result, result + start, length - start);
    length -= start;
    snprintf(result + length, room + 1 - length, "%s%08x", length > 0 ? "-" : "x",
             (unsigned)(gly_hash_bytes(text, size) & 0xffffffffu));
    return result;
}

static const char *name_of(gly_arena *arena, const char *application, const char *suffix) {
    const char *stem = shorten(arena, application, LONGEST - strlen(suffix), false);
    return gly_arena_format(arena, "%s%s", stem, suffix);
}

const char *gly_names_driver_pod(gly_arena *arena, const char *application, uint32_t attempt) {
    const char *suffix = attempt > 1 ? gly_arena_format(arena, "-driver-%u", attempt) : "-driver";
    return name_of(arena, application, suffix);
}

const char *gly_names_executor_pod(gly_arena *arena, const char *application, uint32_t attempt,
                                   uint32_t executor_id) {
    const char *suffix = attempt > 1 ? gly_arena_format(arena, "-exec-%u-%u", attempt, executor_id)
                                     : gly_arena_format(arena, "-exec-%u", executor_id);
    return name_of(arena, application, suffix);
}

const char *gly_names_driver_tls(gly_arena *arena, const char *application) {
    return name_of(arena, application, "-driver-tls");
}

const char *gly_names_executor_tls(gly_arena *arena, const char *application) {
    return name_of(arena, application, "-executor-tls");
}

const char *gly_names_scheduled(gly_arena *arena, const char *schedule, int64_t minute) {
    return name_of(arena, schedule, gly_arena_format(arena, "-%lld", (long long)minute));
}

const char *gly_names_label(gly_arena *arena, const char *text) {
    return shorten(arena, text, LONGEST, true);
}
