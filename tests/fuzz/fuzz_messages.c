/* fuzz_messages.c - what comes over the wire between processes: executors' and the driver's
 * messages, hand-read protobuf fields, handed-over identities.  The first byte chooses. */
#include "driver/cluster/endpoint_identity.h"
#include "driver/cluster/endpoint_messages.h"
#include "executor/moved_blocks.h"
#include "executor/stage_cache.h"
#include "lib/engine/pipeline/cached_header.h"
#include "lib/net/protobuf_arena.h"
#include "lib/net/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_fields(gly_str rest, int depth) {
    gly_wire_field field;
    while (gly_wire_next(&rest, &field)) {
        if (field.type == GLY_WIRE_BYTES && depth < 20) {
            read_fields(field.bytes, depth + 1);
        }
    }
}

static void read_executor_message(gly_str bytes) {
    gly_arena *arena = gly_arena_make();
    const Galley__ExecutorMessage *message = gly_endpoint_messages_unpack(arena, bytes);
    if (message != NULL) {
        gly_executor_info info;
        gly_executor_heartbeat heartbeat;
        gly_task_update_batch batch;
        for (size_t i = 0; i < message->n_register_; i++) {
            gly_endpoint_messages_read_register(message->register_[i], &info);
        }
        for (size_t i = 0; i < message->n_heartbeats; i++) {
            gly_endpoint_messages_read_heartbeat(arena, 1, message->heartbeats[i], &heartbeat);
        }
        for (size_t i = 0; i < message->n_pulled; i++) {
            gly_executor_pulled pulled;
            gly_endpoint_messages_read_pulled(1, message->pulled[i], &pulled);
        }
        gly_endpoint_messages_read_updates(arena, 1, message, &batch);
    }
    gly_arena_free(arena);
}

/* Blocks that move, are looked for and forgotten. */
static void read_moved(const Galley__MovedBlocks *message) {
    gly_moved_blocks *blocks = gly_moved_blocks_make();
    gly_builder texts = {0};
    gly_map_status place;
    gly_moved_blocks_put(blocks, message);
    gly_moved_blocks_put(blocks, message);
    for (size_t i = 0; i < message->n_paths; i++) {
        gly_builder_reset(&texts);
        (void)gly_moved_blocks_find(blocks, gly_str_of(message->paths[i]), &texts, &place);
    }
    gly_moved_blocks_drop(blocks, GLY_STR("shuffle-1-"));
    gly_builder_clear(&texts);
    gly_moved_blocks_free(blocks);
}

static void read_driver_command(gly_str bytes) {
    gly_arena *arena = gly_arena_make();
    gly_protobuf_arena allocator;
    gly_protobuf_arena_init(&allocator, arena, bytes.size * 64 + 65536);
    const Galley__DriverCommand *command = galley__driver_command__unpack(
        &allocator.allocator, bytes.size, (const uint8_t *)bytes.data);
    if (command != NULL && command->kind_case == GALLEY__DRIVER_COMMAND__KIND_MOVED) {
        read_moved(command->moved);
    }
    if (command == NULL || command->kind_case != GALLEY__DRIVER_COMMAND__KIND_STAGE) {
        gly_arena_free(arena);
        return;
    }
    gly_stage_cache *cache = gly_stage_cache_make();
    const Galley__StagePlan *stage = command->stage;
    uint64_t query_id = stage->query_id;
    uint32_t stage_id = stage->stage_id, attempt = stage->stage_attempt;
    gly_stage_cache_put(cache, arena, stage);
    gly_stage *kept = gly_stage_cache_get(cache, query_id, stage_id, attempt);
    const gly_stage_plan *plan;
    gly_error error;
    (void)!gly_stage_cache_plan(kept, &plan, &error);
    gly_stage_cache_unref(kept);
    gly_stage_cache_free(cache);
}

static void read_cached(gly_str bytes) {
    gly_arena *arena = gly_arena_make();
    gly_cached_header header;
    gly_error error;
    size_t size;
    uint64_t cache_id;
    uint32_t partition;
    gly_str fixed = {bytes.data, GLY_MIN(bytes.size, (size_t)GLY_CACHED_HEADER_FIXED)};
    gly_str rest = {bytes.data + fixed.size, bytes.size - fixed.size};
    if (gly_cached_header_decode(fixed, &header, &size, &error) == GLY_OK) {
        (void)!gly_cached_header_decode_types(arena, rest, &header, &error);
    }
    (void)gly_cached_header_parse_name(bytes, &cache_id, &partition);
    gly_arena_free(arena);
}

static bool may_identify(void *context, uint32_t executor_id, const char *pod_uid) {
    (void)context;
    return executor_id > 0 && pod_uid[0] != '\0';
}

static void read_identify(gly_str bytes) {
    static gly_tls_authority *authority; /* made once: this is about the request */
    gly_error error;
    char *certificate = NULL, reason[256];
    if (authority == NULL) {
        GLY_ASSERT(gly_tls_authority_make(&authority, &error) == GLY_OK);
    }
    gly_endpoint_identity identity = {.authority = authority, .may_identify = may_identify};
    (void)!gly_endpoint_identity_answer(&identity, GLY_TLS_BOOTSTRAP_NAME, bytes, &certificate,
                                        reason, sizeof reason);
    free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    gly_str bytes = {(const char *)data + 1, size - 1};
    gly_tls_identity identity;
    gly_error error;
    switch (data[0] % 6) {
    case 0:
        read_fields(bytes, 0);
        break;
    case 1:
        read_executor_message(bytes);
        break;
    case 2:
        read_driver_command(bytes);
        break;
    case 3:
        read_identify(bytes);
        break;
    case 4:
        read_cached(bytes);
        break;
    default:
        if (gly_tls_identity_decode(bytes, &identity, &error) == GLY_OK) {
            gly_tls_identity_clear(&identity);
        }
    }
    return 0;
}
