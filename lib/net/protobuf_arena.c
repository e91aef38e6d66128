/* protobuf_arena.c - protobuf-c's allocator on an arena, with a limit on memory and on depth.
 *
 * protobuf-c recurses once per nested message and has no depth limit; it allocates at least once per
 * message, so the allocator can see how deep the stack is and refuse.
 */
#include "lib/net/protobuf_arena.h"

enum { DEEPEST_STACK = 192 * 1024 };

static void *allocate(void *context, size_t size) {
    gly_protobuf_arena *state = context;
    if ((const char *)__builtin_frame_address(0) < state->stack_end || size > state->left) {
        return NULL;
    }
    state->left -= size;
    return gly_arena_alloc(state->arena, size);
}

static void release(void *context, void *memory) {
    (void)context;
    (void)memory;
}

void gly_protobuf_arena_init(gly_protobuf_arena *ret, gly_arena *arena, size_t most_bytes) {
    *ret = (gly_protobuf_arena){
        .allocator = {.alloc = allocate, .free = release, .allocator_data = ret},
        .arena = arena,
        .left = most_bytes,
        .stack_end = (const char *)__builtin_frame_address(0) - DEEPEST_STACK,
    };
}
