/* code_map.h - groups of dictionary keys without hashing: codes -> row, remembered per dictionary.
 *
 * When all key columns are dictionaries (or constants) with few combinations, a row's group is a
 * look into an array.  The array lives as long as the dictionaries are the same (dictionary_id);
 * unknown ones are forgotten after each batch.
 */
#ifndef GLY_CODE_MAP_H
#define GLY_CODE_MAP_H

#include "lib/data/batch.h"

enum { GLY_CODE_MAP_KEYS = 4, GLY_CODE_MAP_SIZE = 2048, GLY_CODE_MAP_BRIEF = 64 };

typedef struct gly_code_map {
    uint32_t key_count;
    uint64_t ids[GLY_CODE_MAP_KEYS];
    uint32_t counts[GLY_CODE_MAP_KEYS]; /* codes of each key, the last one for NULL */
    uint32_t size;
    uint8_t **rows; /* NULL: not known yet */
} gly_code_map;

void gly_code_map_clear(gly_code_map *map);  /* frees */
void gly_code_map_forget(gly_code_map *map); /* the rows have moved or are gone */
/* Whether these keys' groups can be looked up by codes; makes the map fit. */
bool gly_code_map_fits(gly_code_map *map, const gly_column *keys, uint32_t key_count,
                       uint32_t live);
/* The place in rows[] of each live row. */
void gly_code_map_index(const gly_code_map *map, const gly_column *keys, const uint16_t *selection,
                        uint32_t live, uint16_t *ret);

#endif
