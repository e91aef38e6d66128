/* code_map.c - a small array in place of a hash table, see code_map.h. */
#include "lib/engine/table/code_map.h"

#include "lib/base/alloc.h"

void gly_code_map_clear(gly_code_map *map) {
    free(map->rows);
    *map = (gly_code_map){0};
}

void gly_code_map_forget(gly_code_map *map) {
    if (map->rows != NULL) {
        memset(map->rows, 0, map->size * sizeof *map->rows);
    }
}

bool gly_code_map_fits(gly_code_map *map, const gly_column *keys, uint32_t key_count,
                       uint32_t live) {
    uint64_t size = 1;
    bool is_known = key_count == map->key_count;
    bool is_brief = false;
    if (key_count == 0 || key_count > GLY_CODE_MAP_KEYS) {
        return false;
    }
    for (uint32_t k = 0; k < key_count; k++) {
        const gly_column *key = &keys[k];
        bool is_constant = key->shape == GLY_SHAPE_CONSTANT;
        if ((key->shape != GLY_SHAPE_DICTIONARY && !is_constant) ||
            (!is_constant && key->dictionary_count >= GLY_CODE_MAP_SIZE)) {
            return false;
        }
        uint32_t count = is_constant ? 2 : key->dictionary_count + 1;
        uint64_t id = is_constant ? 0 : key->dictionary_id;
        size *= count;
        if (size > GLY_CODE_MAP_SIZE) {
            return false;
        }
        is_brief = is_brief || id == 0;
        is_known = is_known && map->ids[k] == id && map->counts[k] == count;
    }
    if (is_brief && (size > GLY_CODE_MAP_BRIEF || size * 4 > live)) {
        return false;
    }
    if (is_known && !is_brief) {
        return true;
    }
    if (map->rows == NULL) {
        map->rows = GLY_NEW_ARRAY(uint8_t *, GLY_CODE_MAP_SIZE);
    }
    for (uint32_t k = 0; k < key_count; k++) {
        bool is_constant = keys[k].shape == GLY_SHAPE_CONSTANT;
        map->counts[k] = is_constant ? 2 : keys[k].dictionary_count + 1;
        map->ids[k] = is_constant ? 0 : keys[k].dictionary_id;
    }
    map->key_count = key_count;
    map->size = (uint32_t)size;
    gly_code_map_forget(map);
    return true;
}

void gly_code_map_index(const gly_code_map *map, const gly_column *keys, const uint16_t *selection,
                        uint32_t live, uint16_t *ret) {
    memset(ret, 0, live * sizeof *ret);
    for (uint32_t k = 0; k < map->key_count; k++) {
        const gly_column *key = &keys[k];
        const uint32_t count = map->counts[k];
        if (key->shape == GLY_SHAPE_CONSTANT) {
            uint16_t code = gly_column_valid(key, 0) && key->type.id != GLY_TYPE_NULL ? 0 : 1;
            for (uint32_t i = 0; i < live; i++) {
                ret[i] = (uint16_t)(ret[i] * count + code);
            }
        } else if (key->validity == NULL && selection == NULL) {
            for (uint32_t i = 0; i < live; i++) {
                ret[i] = (uint16_t)(ret[i] * count + key->codes[i]);
            }
        } else {
            for (uint32_t i = 0; i < live; i++) {
                uint32_t row = selection == NULL ? i : selection[i];
                bool is_valid = key->validity == NULL || gly_bit_get(key->validity, row);
                uint32_t code = is_valid ? key->codes[row] : count - 1;
                ret[i] = (uint16_t)(ret[i] * count + code);
            }
        }
    }
}
