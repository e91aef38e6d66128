/* alloc.h - small allocations that cannot fail: they return memory or end the process.
 *
 * Big memory is asked for from a budget first (budget.h), which can refuse.
 */
#ifndef GLY_ALLOC_H
#define GLY_ALLOC_H

#include "lib/base/base.h"

#include <stdlib.h>

void *gly_alloc(size_t size) __attribute__((returns_nonnull, malloc));
void *gly_alloc_zero(size_t count, size_t size) __attribute__((returns_nonnull));
void *gly_alloc_resize(void *memory, size_t size) __attribute__((returns_nonnull));
/* 64-byte aligned, with 64 readable bytes of padding after size; freed with free(). */
void *gly_alloc_aligned(size_t size) __attribute__((returns_nonnull));
char *gly_alloc_string(const char *text) __attribute__((returns_nonnull));

#define GLY_NEW(type) ((type *)gly_alloc_zero(1, sizeof(type)))
#define GLY_NEW_ARRAY(type, count) ((type *)gly_alloc_zero((count), sizeof(type)))

#endif
