/* executor_table.c - executors by id, hosts by name, and the list of executors with free slots.
 *
 * The free list is what makes an offer cheap: a full cluster of a thousand executors is an empty
 * list.  It may hold executors that were filled in the current offer round (the round walks the
 * array by position); settle takes them out afterwards.
 * Invariant: total_slots and free_slots count executors that accept tasks only.
 */
#include "driver/scheduler/executor_table.h"

#include "lib/base/hash.h"

static uint64_t name_key(gly_str name) { return gly_hash_bytes(name.data, name.size); }

uint32_t gly_executor_table_host(gly_scheduler *scheduler, gly_str name) {
    /* The map holds index + 1 under the hash of the name; on a collision the key moves on. */
    uint64_t key = name_key(name);
    for (;; key++) {
        uintptr_t found = (uintptr_t)gly_map_get(&scheduler->host_index, key);
        if (found == 0) {
            break;
        }
        if (gly_str_equal(gly_str_of(scheduler->hosts.items[found - 1].name), name)) {
            return (uint32_t)(found - 1);
        }
    }
    gly_host host = {.rack = GLY_SCHEDULER_NONE, .name = gly_alloc(name.size + 1)};
    if (name.size > 0) {
        memcpy(host.name, name.data, name.size);
    }
    host.name[name.size] = '\0';
    host.excluded_until_ms = INT64_MIN;
    gly_array_push(&scheduler->hosts, host);
    gly_map_put(&scheduler->host_index, key, (void *)(uintptr_t)scheduler->hosts.count);
    return (uint32_t)(scheduler->hosts.count - 1);
}

static uint32_t find_rack(gly_scheduler *scheduler, gly_str name) {
    if (name.size == 0) {
        return GLY_SCHEDULER_NONE;
    }
    for (size_t i = 0; i < scheduler->racks.count; i++) {
        if (gly_str_equal(gly_str_of(scheduler->racks.items[i]), name)) {
            return (uint32_t)i;
        }
    }
    char *copy = gly_alloc_zero(name.size + 1, 1);
    memcpy(copy, name.data, name.size);
    gly_array_push(&scheduler->racks, copy);
    return (uint32_t)(scheduler->racks.count - 1);
}

static void enter_free_list(gly_scheduler *scheduler, gly_executor *executor) {
    if (executor->free_position == GLY_SCHEDULER_NONE) {
        executor->free_position = (uint32_t)scheduler->free_executors.count;
        gly_array_push(&scheduler->free_executors, executor);
    }
}

static void leave_free_list(gly_scheduler *scheduler, gly_executor *executor) {
    if (executor->free_position == GLY_SCHEDULER_NONE) {
        return;
    }
    gly_executor *last = scheduler->free_executors.items[--scheduler->free_executors.count];
    scheduler->free_executors.items[executor->free_position] = last;
    last->free_position = executor->free_position;
    executor->free_position = GLY_SCHEDULER_NONE;
}

gly_executor *gly_executor_table_add(gly_scheduler *scheduler, uint32_t executor_id, gly_str host,
                                     gly_str rack, uint32_t slots) {
    if (gly_map_get(&scheduler->executors, executor_id) != NULL) {
        return NULL;
    }
    gly_executor *executor = GLY_NEW(gly_executor);
    executor->id = executor_id;
    executor->host = gly_executor_table_host(scheduler, host);
    executor->slots = executor->free_slots = GLY_MAX(slots, 1);
    executor->is_alive = true;
    executor->free_position = GLY_SCHEDULER_NONE;
    executor->excluded_until_ms = INT64_MIN;
    gly_host *entry = &scheduler->hosts.items[executor->host];
    entry->live_executors++;
    if (rack.size > 0) {
        entry->rack = find_rack(scheduler, rack);
    }
    gly_map_put(&scheduler->executors, executor_id, executor);
    free(scheduler->no_executors);
    scheduler->no_executors = NULL;
    gly_array_push(&scheduler->live_executors, executor);
    scheduler->total_slots += executor->slots;
    scheduler->free_slots += executor->slots;
    enter_free_list(scheduler, executor);
    return executor;
}

gly_executor *gly_executor_table_find(const gly_scheduler *scheduler, uint32_t executor_id) {
    return gly_map_get(&scheduler->executors, executor_id);
}

static void stop_offers(gly_scheduler *scheduler, gly_executor *executor) {
    leave_free_list(scheduler, executor);
    scheduler->total_slots -= executor->slots;
    scheduler->free_slots -= executor->free_slots;
}

void gly_executor_table_remove(gly_scheduler *scheduler, gly_executor *executor) {
    if (!executor->is_decommissioning) {
        stop_offers(scheduler, executor);
    }
    executor->is_alive = false;
    scheduler->hosts.items[executor->host].live_executors--;
    for (size_t i = 0; i < scheduler->live_executors.count; i++) {
        if (scheduler->live_executors.items[i] == executor) {
            gly_array_remove_at(&scheduler->live_executors, i);
            break;
        }
    }
    for (size_t i = scheduler->freed.count; i-- > 0;) {
        if (scheduler->freed.items[i] == executor) {
            gly_array_remove_at(&scheduler->freed, i);
        }
    }
}

void gly_executor_table_decommission(gly_scheduler *scheduler, gly_executor *executor) {
    if (executor->is_alive && !executor->is_decommissioning) {
        stop_offers(scheduler, executor);
        executor->is_decommissioning = true;
    }
}

void gly_executor_table_take(gly_scheduler *scheduler, gly_executor *executor, uint32_t slots) {
    GLY_ASSERT(executor->is_alive && !executor->is_decommissioning &&
               executor->free_slots >= slots);
    executor->free_slots -= slots;
    scheduler->free_slots -= slots;
    if (executor->free_slots == 0) {
        gly_array_push(&scheduler->emptied, executor);
    }
}

void gly_executor_table_give(gly_scheduler *scheduler, gly_executor *executor, uint32_t slots) {
    executor->free_slots += slots;
    GLY_ASSERT(executor->free_slots <= executor->slots);
    if (executor->is_alive && !executor->is_decommissioning) {
        scheduler->free_slots += slots;
        enter_free_list(scheduler, executor);
        gly_array_push(&scheduler->freed, executor);
    }
}

void gly_executor_table_settle(gly_scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->emptied.count; i++) {
        if (scheduler->emptied.items[i]->free_slots == 0) {
            leave_free_list(scheduler, scheduler->emptied.items[i]);
        }
    }
    scheduler->emptied.count = 0;
}

void gly_executor_table_clear(gly_scheduler *scheduler) {
    size_t position = 0;
    gly_executor *executor;
    while ((executor = gly_map_next(&scheduler->executors, &position)) != NULL) {
        gly_array_clear(&executor->failure_expiries_ms);
        free(executor);
    }
    gly_map_clear(&scheduler->executors);
    gly_map_clear(&scheduler->host_index);
    for (size_t i = 0; i < scheduler->hosts.count; i++) {
        free(scheduler->hosts.items[i].name);
    }
    for (size_t i = 0; i < scheduler->racks.count; i++) {
        free(scheduler->racks.items[i]);
    }
    free(scheduler->no_executors);
    gly_array_clear(&scheduler->hosts);
    gly_array_clear(&scheduler->racks);
    gly_array_clear(&scheduler->free_executors);
    gly_array_clear(&scheduler->live_executors);
    gly_array_clear(&scheduler->freed);
    gly_array_clear(&scheduler->emptied);
    gly_array_clear(&scheduler->drained);
}
