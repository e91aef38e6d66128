/* join_table.c - a directory of tagged chains over rows, or a plain array for dense integers.
 *
 * After the hash table of HyPer (Leis et al., SIGMOD 2014: tags in the pointers) rather than the
 * sorted adjacency array of Birler et al. (2024): building is one pass without moving rows, and rows
 * stay where the row store put them.  Chains of a key are walked for the whole batch at a time.
 * Invariant: a pointer fits 48 bits; headers are hashes before build and salt|next after it.
 * Not here: residual conditions and kinds of join (join_probe.c), spilling (op/op_hash_join.c).
 */
#include "lib/engine/table/join_table.h"

#include "lib/base/hash.h"

#define POINTER_MASK ((UINT64_C(1) << 48) - 1)
enum { SCAN_ROWS = 256, PREFETCH_DISTANCE = 16 };

static inline uint64_t tag_of(uint64_t hash) {
    return (UINT64_C(1) << (48 + (hash >> 60))) | (UINT64_C(1) << (48 + ((hash >> 56) & 15)));
}

static inline uint8_t *row_of(uint64_t word) {
    return (uint8_t *)(uintptr_t)(word & POINTER_MASK);
}

void gly_join_table_init(gly_join_table *table, const gly_row_layout *layout, uint32_t key_count,
                         const uint32_t *keys, gly_budget *budget) {
    *table = (gly_join_table){.budget = budget, .layout = layout, .key_count = key_count};
    table->keys = keys;
    gly_kind kind = (gly_kind)layout->kinds[keys[0]];
    table->is_integer = key_count == 1 && (kind == GLY_KIND_I8 || kind == GLY_KIND_I16 ||
                                           kind == GLY_KIND_I32 || kind == GLY_KIND_I64);
}

void gly_join_table_clear(gly_join_table *table) {
    if (table->directory != NULL) {
        gly_row_store_unmap(table->directory, table->directory_bytes);
        gly_budget_release(table->budget, table->directory_bytes);
    }
    table->directory = NULL;
    table->directory_bytes = 0;
    table->row_count = 0;
}

static inline int64_t read_integer(gly_kind kind, const uint8_t *value) {
    switch (kind) {
    case GLY_KIND_I8:
        return *(const int8_t *)value;
    case GLY_KIND_I16:
        return *(const int16_t *)(const void *)value;
    case GLY_KIND_I32:
        return *(const int32_t *)(const void *)value;
    default:
        return *(const int64_t *)(const void *)value;
    }
}

static bool has_null_key(const gly_join_table *table, const uint8_t *row) {
    for (uint32_t k = 0; k < table->key_count; k++) {
        if (gly_row_layout_is_null(table->layout, table->keys[k], row)) {
            return true;
        }
    }
    return false;
}

static bool store_has_null_keys(const gly_join_table *table, const gly_row_store *store) {
    for (uint32_t k = 0; k < table->key_count; k++) {
        if (store->has_nulls != NULL && store->has_nulls[table->keys[k]]) {
            return true;
        }
    }
    return false;
}

/* Smallest and largest key; false without rows. */
static bool key_range(const gly_join_table *table, const gly_row_store *const *stores,
                      uint32_t store_count, int64_t *min, int64_t *max) {
    const uint32_t offset = table->layout->offsets[table->keys[0]];
    const gly_kind kind = (gly_kind)table->layout->kinds[table->keys[0]];
    bool any = false;
    *min = INT64_MAX;
    *max = INT64_MIN;
    for (uint32_t s = 0; s < store_count; s++) {
        gly_row_cursor cursor = {0};
        uint8_t *rows[SCAN_ROWS];
        bool may_be_null = store_has_null_keys(table, stores[s]);
        for (uint32_t n; (n = gly_row_store_scan(stores[s], &cursor, SCAN_ROWS, rows)) > 0;) {
            for (uint32_t i = 0; i < n; i++) {
                if (may_be_null && has_null_key(table, rows[i])) {
                    continue;
                }
                int64_t key = read_integer(kind, rows[i] + offset);
                *min = GLY_MIN(*min, key);
                *max = GLY_MAX(*max, key);
                any = true;
            }
        }
    }
    return any;
}

static bool allocate(gly_join_table *table, uint64_t capacity, bool force) {
    size_t bytes = capacity * sizeof(uint64_t);
    if (!gly_budget_try_reserve(table->budget, bytes)) {
        if (!force) {
            return false;
        }
        gly_budget_force(table->budget, bytes);
    }
    table->directory = gly_row_store_map(bytes);
    table->directory_bytes = bytes;
    table->capacity = capacity;
    return true;
}

static void fill_array(gly_join_table *table, const gly_row_store *store) {
    const uint32_t offset = table->layout->offsets[table->keys[0]];
    const gly_kind kind = (gly_kind)table->layout->kinds[table->keys[0]];
    bool may_be_null = store_has_null_keys(table, store);
    gly_row_cursor cursor = {0};
    uint8_t *rows[SCAN_ROWS];
    for (uint32_t n; (n = gly_row_store_scan(store, &cursor, SCAN_ROWS, rows)) > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            if (may_be_null && has_null_key(table, rows[i])) {
                continue;
            }
            uint64_t at = (uint64_t)read_integer(kind, rows[i] + offset) - (uint64_t)table->min;
            *(uint64_t *)(void *)rows[i] = table->directory[at];
            table->directory[at] = (uint64_t)(uintptr_t)rows[i];
            table->row_count++;
        }
    }
}

static void fill_chains(gly_join_table *table, const gly_row_store *store) {
    const uint64_t mask = table->capacity - 1;
    bool may_be_null = store_has_null_keys(table, store);
    gly_row_cursor cursor = {0};
    uint8_t *rows[SCAN_ROWS];
    for (uint32_t n; (n = gly_row_store_scan(store, &cursor, SCAN_ROWS, rows)) > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            __builtin_prefetch(&table->directory[*(uint64_t *)(void *)rows[i] & mask], 1);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (may_be_null && has_null_key(table, rows[i])) {
                continue;
            }
            uint64_t hash = *(uint64_t *)(void *)rows[i];
            uint64_t *word = &table->directory[hash & mask];
            *(uint64_t *)(void *)rows[i] = (hash & ~POINTER_MASK) | (*word & POINTER_MASK);
            *word = (*word & ~POINTER_MASK) | tag_of(hash) | (uint64_t)(uintptr_t)rows[i];
            table->row_count++;
        }
    }
}

bool gly_join_table_build(gly_join_table *table, const gly_row_store *const *stores,
                          uint32_t store_count, bool force) {
    uint64_t rows = 0;
    int64_t min;
    int64_t max;
    for (uint32_t s = 0; s < store_count; s++) {
        rows += stores[s]->row_count;
    }
    if (rows == 0) {
        return true;
    }
    uint64_t capacity = 64;
    while (capacity < rows + rows / 2) {
        capacity *= 2;
    }
    table->is_array = false;
    if (table->is_integer && key_range(table, stores, store_count, &min, &max)) {
        uint64_t range = (uint64_t)max - (uint64_t)min;
        if (range < GLY_MAX(capacity * 2, UINT64_C(4096))) {
            table->is_array = true;
            table->min = min;
            capacity = range + 1;
        }
    }
    if (!allocate(table, capacity, force)) {
        return false;
    }
    for (uint32_t s = 0; s < store_count; s++) {
        if (table->is_array) {
            fill_array(table, stores[s]);
        } else {
            fill_chains(table, stores[s]);
        }
    }
    return true;
}

static void start_array(const gly_join_table *table, gly_join_walk *walk, uint32_t count,
                        const bool *is_valid) {
    const void *data = walk->keys[0].data;
    uint32_t active = 0;
#define START(kind, type)                                                                          \
    case kind:                                                                                     \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint64_t at = (uint64_t)(int64_t)((const type *)data)[i] - (uint64_t)table->min;       \
            uint64_t word = at < table->capacity ? table->directory[at] : 0;                       \
            word = is_valid == NULL || is_valid[i] ? word : 0;                                     \
            walk->rows[i] = row_of(word);                                                          \
            walk->active[active] = (uint16_t)i;                                                    \
            active += word != 0;                                                                   \
        }                                                                                          \
        break;
    switch (gly_type_kind(walk->keys[0].type)) {
        START(GLY_KIND_I8, int8_t)
        START(GLY_KIND_I16, int16_t)
        START(GLY_KIND_I32, int32_t)
    default:
        START(GLY_KIND_I64, int64_t)
    }
#undef START
    walk->active_count = active;
}

void gly_join_table_start(const gly_join_table *table, gly_join_walk *walk, const gly_column *keys,
                          const uint64_t *hashes, uint32_t count, const bool *is_valid) {
    walk->keys = keys;
    walk->hashes = hashes;
    walk->active_count = 0;
    if (table->directory == NULL) {
        return;
    }
    if (table->is_array) {
        start_array(table, walk, count, is_valid);
        return;
    }
    const uint64_t mask = table->capacity - 1;
    const uint64_t *directory = table->directory;
    uint32_t active = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t ahead = i + PREFETCH_DISTANCE < count ? i + PREFETCH_DISTANCE : i;
        __builtin_prefetch(&directory[hashes[ahead] & mask]);
        uint64_t word = directory[hashes[i] & mask];
        uint64_t tag = tag_of(hashes[i]);
        bool may_match = (word & tag) == tag && (is_valid == NULL || is_valid[i]);
        walk->rows[i] = row_of(word);
        __builtin_prefetch(walk->rows[i]);
        walk->active[active] = (uint16_t)i;
        active += may_match;
    }
    walk->active_count = active;
}

/* The rows' keys against the elements' keys, all still active ones; integers without detours. */
static uint32_t compare(const gly_join_table *table, gly_join_walk *walk, uint16_t *matched) {
    uint16_t missed[GLY_BATCH_ROWS];
    uint32_t count = walk->active_count;
    if (table->is_array) {
        memcpy(matched, walk->active, count * sizeof *matched);
        return count;
    }
    if (table->is_integer && gly_type_width(walk->keys[0].type) == 8) {
        const uint32_t offset = table->layout->offsets[table->keys[0]];
        const int64_t *keys = walk->keys[0].data;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint16_t e = walk->active[i];
            matched[kept] = e;
            kept += *(const int64_t *)(const void *)(walk->rows[e] + offset) == keys[e];
        }
        return kept;
    }
    memcpy(matched, walk->active, count * sizeof *matched);
    for (uint32_t k = 0; k < table->key_count && count > 0; k++) {
        uint32_t missed_count = 0;
        gly_column key = walk->keys[k];
        key.validity = NULL; /* NULL keys were left out */
        count = gly_row_layout_match(table->layout, table->keys[k], &key, NULL, NULL, walk->rows,
                                     false, matched, count, missed, &missed_count);
    }
    return count;
}

uint32_t gly_join_table_step(const gly_join_table *table, gly_join_walk *walk, uint16_t *matched,
                             uint8_t **found) {
    uint32_t count = compare(table, walk, matched);
    for (uint32_t i = 0; i < count; i++) {
        found[i] = walk->rows[matched[i]];
    }
    uint32_t active = 0;
    for (uint32_t i = 0; i < walk->active_count; i++) {
        uint16_t e = walk->active[i];
        uint64_t next = *(const uint64_t *)(const void *)walk->rows[e] & POINTER_MASK;
        walk->rows[e] = (uint8_t *)(uintptr_t)next;
        __builtin_prefetch(walk->rows[e]);
        walk->active[active] = e;
        active += next != 0;
    }
    walk->active_count = active;
    return count;
}
