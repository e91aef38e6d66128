/* protobuf_arena.h - unpacks protobuf-c messages into an arena: half the time, one free.
 *
 * Nesting is bounded by the arena's limits: a hostile, deeply nested message makes unpacking return
 * NULL instead of overflowing the stack.
 */
#ifndef GLY_PROTOBUF_ARENA_H
#define GLY_PROTOBUF_ARENA_H

#include "lib/base/arena.h"

#include <protobuf-c/protobuf-c.h>

typedef struct gly_protobuf_arena {
    ProtobufCAllocator allocator; /* pass &x.allocator to the generated unpack functions */
    gly_arena *arena;
    size_t left;            /* bytes it may still hand out */
    const char *stack_end;  /* addresses below are too deep */
} gly_protobuf_arena;

/* most_bytes: what a message may need; 64 times its packed size is never reached by honest ones. */
void gly_protobuf_arena_init(gly_protobuf_arena *ret, gly_arena *arena, size_t most_bytes);

#endif
