/* alloc.c - malloc that ends the process instead of returning NULL.
 *
 * No call site checks small allocations; what can grow with the data is reserved from a gly_budget
 * (budget.c) before it is allocated, and a refused reservation means "spill", not "fail".
 */
#include "lib/base/alloc.h"

#include <stdio.h>

static GLY_NORETURN void out_of_memory(size_t size) {
    fprintf(stderr, "galley: out of memory: %zu bytes were refused by the system\n", size);
    abort();
}

void *gly_alloc(size_t size) {
    void *memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL) {
        out_of_memory(size);
    }
    return memory;
}

void *gly_alloc_zero(size_t count, size_t size) {
    void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (memory == NULL) {
        out_of_memory(count * size);
    }
    return memory;
}

void *gly_alloc_resize(void *memory, size_t size) {
    void *moved = realloc(memory, size == 0 ? 1 : size);
    if (moved == NULL) {
        out_of_memory(size);
    }
    return moved;
}

void *gly_alloc_aligned(size_t size) {
    void *memory = aligned_alloc(64, GLY_ALIGN_UP(size + 64, 64));
    if (memory == NULL) {
        out_of_memory(size);
    }
    return memory;
}

char *gly_alloc_string(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = gly_alloc(size);
    memcpy(copy, text, size);
    return copy;
}
