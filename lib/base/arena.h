/* arena.h - memory that belongs to a lifetime: allocate, never free one by one, reset or free all.
 *
 * Not thread-safe: one arena, one owner at a time.  Cleanup callbacks run in reverse order at
 * reset and free, before the memory goes.
 */
#ifndef GLY_ARENA_H
#define GLY_ARENA_H

#include "lib/base/base.h"
#include "lib/base/str.h"

typedef struct gly_arena gly_arena;
typedef struct gly_budget gly_budget;

gly_arena *gly_arena_make(void) __attribute__((returns_nonnull));
void gly_arena_free(gly_arena *arena); /* accepts NULL */
/* Runs the cleanups; keeps the newest block, so resetting in a loop soon allocates nothing. */
void gly_arena_reset(gly_arena *arena);

/* 16-byte aligned, not zeroed / zeroed.  Never NULL. */
void *gly_arena_alloc(gly_arena *arena, size_t size) __attribute__((returns_nonnull));
void *gly_arena_alloc_zero(gly_arena *arena, size_t count, size_t size)
    __attribute__((returns_nonnull));
/* 64-byte aligned with 64 bytes of readable padding behind. */
void *gly_arena_alloc_aligned(gly_arena *arena, size_t size) __attribute__((returns_nonnull));
char *gly_arena_string(gly_arena *arena, const char *text);           /* NUL-terminated copy */
gly_str gly_arena_str(gly_arena *arena, gly_str text);                /* copy, NUL behind it */
char *gly_arena_format(gly_arena *arena, const char *format, ...) GLY_PRINTF(2, 3);
void *gly_arena_copy(gly_arena *arena, const void *memory, size_t size);
size_t gly_arena_size(const gly_arena *arena); /* bytes held from the system */

/* function(context) runs at reset or free. */
void gly_arena_on_free(gly_arena *arena, void (*function)(void *context), void *context);

#define GLY_ARENA_NEW(arena, type) ((type *)gly_arena_alloc_zero((arena), 1, sizeof(type)))
#define GLY_ARENA_ARRAY(arena, type, count)                                                        \
    ((type *)gly_arena_alloc_zero((arena), (count), sizeof(type)))

#endif
