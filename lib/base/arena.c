/* arena.c - a region: blocks of growing size, freed together.
 *
 * Plans, expressions and messages live in arenas; data that grows with the rows does not (it is
 * reserved from a budget and kept in row stores).  Invariant: blocks are only added in front, and
 * grow; a reset keeps the newest, so that a scratch arena soon works in one block and never
 * calls the allocator again.
 */
#include "lib/base/arena.h"

#include "lib/base/alloc.h"

#include <stdio.h>

typedef struct block {
    struct block *next;
    size_t size; /* usable bytes behind this header */
    size_t used;
    _Alignas(64) char data[];
} block;

typedef struct cleanup {
    struct cleanup *next;
    void (*function)(void *);
    void *context;
} cleanup;

struct gly_arena {
    block *current;
    cleanup *cleanups;
    size_t held;
};

enum { FIRST_BLOCK = 4096, LARGEST_STEP = 1 << 20 };

static block *add_block(gly_arena *arena, size_t size) {
    block *fresh = gly_alloc_aligned(sizeof(block) + size);
    fresh->next = arena->current;
    fresh->size = size;
    fresh->used = 0;
    arena->current = fresh;
    arena->held += sizeof(block) + size;
    return fresh;
}

gly_arena *gly_arena_make(void) {
    gly_arena *arena = GLY_NEW(gly_arena);
    add_block(arena, FIRST_BLOCK);
    return arena;
}

static void run_cleanups(gly_arena *arena) {
    while (arena->cleanups != NULL) {
        cleanup *item = arena->cleanups;
        arena->cleanups = item->next; /* the item itself lies in the arena */
        item->function(item->context);
    }
}

void gly_arena_free(gly_arena *arena) {
    if (arena == NULL) {
        return;
    }
    run_cleanups(arena);
    for (block *item = arena->current; item != NULL;) {
        block *next = item->next;
        free(item);
        item = next;
    }
    free(arena);
}

void gly_arena_reset(gly_arena *arena) {
    run_cleanups(arena);
    for (block *item = arena->current->next; item != NULL;) {
        block *next = item->next;
        arena->held -= sizeof(block) + item->size;
        free(item);
        item = next;
    }
    arena->current->next = NULL;
    arena->current->used = 0;
}

static void *take(gly_arena *arena, size_t size, size_t alignment, size_t padding) {
    block *current = arena->current;
    size_t start = GLY_ALIGN_UP(current->used, alignment);
    GLY_ASSERT(size < SIZE_MAX / 2);
    if (start + size + padding > current->size) {
        size_t step = GLY_MIN(current->size * 2, (size_t)LARGEST_STEP);
        current = add_block(arena, GLY_MAX(step, size + padding + alignment));
        start = 0;
    }
    current->used = start + size + padding;
    return current->data + start;
}

void *gly_arena_alloc(gly_arena *arena, size_t size) { return take(arena, size, 16, 0); }

void *gly_arena_alloc_zero(gly_arena *arena, size_t count, size_t size) {
    size_t total;
    GLY_ASSERT(!__builtin_mul_overflow(count, size, &total));
    return memset(take(arena, total, 16, 0), 0, total);
}

void *gly_arena_alloc_aligned(gly_arena *arena, size_t size) { return take(arena, size, 64, 64); }

char *gly_arena_string(gly_arena *arena, const char *text) {
    return gly_arena_copy(arena, text, strlen(text) + 1);
}

gly_str gly_arena_str(gly_arena *arena, gly_str text) {
    char *copy = gly_arena_alloc(arena, text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return (gly_str){copy, text.size};
}

char *gly_arena_format(gly_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    GLY_ASSERT(length >= 0);
    char *text = gly_arena_alloc(arena, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void *gly_arena_copy(gly_arena *arena, const void *memory, size_t size) {
    void *copy = gly_arena_alloc(arena, size);
    if (size > 0) {
        memcpy(copy, memory, size);
    }
    return copy;
}

size_t gly_arena_size(const gly_arena *arena) { return arena->held; }

void gly_arena_on_free(gly_arena *arena, void (*function)(void *context), void *context) {
    cleanup *item = gly_arena_alloc(arena, sizeof *item);
    *item = (cleanup){arena->cleanups, function, context};
    arena->cleanups = item;
}
