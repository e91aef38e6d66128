/* map.c - linear probing with backward-shift deletion, so there are no tombstones.
 *
 * Invariant: at most two thirds of the slots are used, and between a key's home slot and its place
 * no slot is empty.
 */
#include "lib/base/map.h"

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

static size_t home(const gly_map *map, uint64_t key) {
    return (size_t)gly_hash_u64(key) & (map->capacity - 1);
}

static size_t find(const gly_map *map, uint64_t key) {
    size_t at = home(map, key);
    while (map->slots[at].value != NULL && map->slots[at].key != key) {
        at = (at + 1) & (map->capacity - 1);
    }
    return at;
}

void *gly_map_get(const gly_map *map, uint64_t key) {
    return map->count == 0 ? NULL : map->slots[find(map, key)].value;
}

static void grow(gly_map *map) {
    gly_map bigger = {.capacity = map->capacity == 0 ? 16 : map->capacity * 2};
    bigger.slots = GLY_NEW_ARRAY(gly_map_slot, bigger.capacity);
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL) {
            bigger.slots[find(&bigger, map->slots[i].key)] = map->slots[i];
            bigger.count++;
        }
    }
    free(map->slots);
    *map = bigger;
}

void gly_map_put(gly_map *map, uint64_t key, void *value) {
    GLY_ASSERT(value != NULL);
    if ((map->count + 1) * 3 > map->capacity * 2) {
        grow(map);
    }
    size_t at = find(map, key);
    map->count += map->slots[at].value == NULL;
    map->slots[at] = (gly_map_slot){key, value};
}

void *gly_map_remove(gly_map *map, uint64_t key) {
    if (map->count == 0) {
        return NULL;
    }
    size_t hole = find(map, key);
    void *value = map->slots[hole].value;
    if (value == NULL) {
        return NULL;
    }
    size_t mask = map->capacity - 1;
    for (size_t next = (hole + 1) & mask; map->slots[next].value != NULL; next = (next + 1) & mask) {
        size_t wanted = home(map, map->slots[next].key);
        if (((next - wanted) & mask) >= ((next - hole) & mask)) {
            map->slots[hole] = map->slots[next];
            hole = next;
        }
    }
    map->slots[hole] = (gly_map_slot){0, NULL};
    map->count--;
    return value;
}

void gly_map_clear(gly_map *map) {
    free(map->slots);
    *map = (gly_map){0};
}

void *gly_map_next(const gly_map *map, size_t *position) {
    while (*position < map->capacity) {
        void *value = map->slots[(*position)++].value;
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}
