/* map.h - a hash map from u64 to a pointer, for control-plane tables (tasks, jobs, executors).
 *
 * A zeroed map is ready.  Not thread-safe.  Values are not owned.
 */
#ifndef GLY_MAP_H
#define GLY_MAP_H

#include "lib/base/base.h"

typedef struct gly_map_slot {
    uint64_t key;
    void *value; /* NULL: empty slot */
} gly_map_slot;

typedef struct gly_map {
    gly_map_slot *slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
} gly_map;

void *gly_map_get(const gly_map *map, uint64_t key);         /* NULL if absent */
void gly_map_put(gly_map *map, uint64_t key, void *value);   /* replaces; value is not NULL */
void *gly_map_remove(gly_map *map, uint64_t key);            /* the value, or NULL */
void gly_map_clear(gly_map *map);                            /* frees the slots */
/* for (size_t i = 0; (value = gly_map_next(&map, &i)) != NULL;) - no changes meanwhile. */
void *gly_map_next(const gly_map *map, size_t *position);

#endif
