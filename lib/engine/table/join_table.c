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

#include <pthread.h>
#include <stdatomic.h>

#define POINTER_MASK ((UINT64_C(1) << 48) - 1)
enum { PREFETCH_DISTANCE = 16, ROWS_FOR_THREADS = 100000 };

static inline uint64_t tag_of(uint64_t hash) {
    return (UINT64_C(1) << (48 + (hash >> 60))) | (UINT64_C(1) << (48 + ((hash >> 56) & 15)));
}

static inline uint8_t *row_of(uint64_t word) { return (uint8_t *)(uintptr_t)(word & POINTER_MASK); }

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

/* ---- building: several threads take page after page ---- */

typedef struct crew crew;
typedef struct hand { /* one thread */
    crew *owner;
    pthread_t thread;
    int64_t min, max;
    uint64_t row_count;
} hand;

struct crew {
    gly_join_table *table;
    const gly_row_store *const *stores;
    uint32_t store_count;
    uint32_t hand_count;
    void (*work)(hand *self, const gly_row_page *page, bool may_be_null);
    atomic_uint next; /* page, counted through all stores */
};

/* Keys' range; counts rows with a key. */
static void find_range(hand *self, const gly_row_page *page, bool may_be_null) {
    const gly_join_table *table = self->owner->table;
    const uint32_t offset = table->layout->offsets[table->keys[0]];
    const gly_kind kind = (gly_kind)table->layout->kinds[table->keys[0]];
    for (size_t at = 0; at < page->used; at += table->layout->row_size) {
        const uint8_t *row = page->data + at;
        if (!may_be_null || !has_null_key(table, row)) {
            int64_t key = read_integer(kind, row + offset);
            self->min = GLY_MIN(self->min, key);
            self->max = GLY_MAX(self->max, key);
        }
    }
}

/* Puts a row in front of a chain: its header points to what was there. */
static inline void put_in_front(uint64_t *word, uint8_t *row, uint64_t header, uint64_t tag,
                                bool is_alone) {
    uint64_t *next = (uint64_t *)(void *)row;
    uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
    if (is_alone) {
        *next = header | (old & POINTER_MASK);
        *word = (old & ~POINTER_MASK) | tag | (uint64_t)(uintptr_t)row;
        return;
    }
    do {
        *next = header | (old & POINTER_MASK);
    } while (!__atomic_compare_exchange_n(word, &old,
                                          (old & ~POINTER_MASK) | tag | (uint64_t)(uintptr_t)row,
                                          true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

static void fill_array(hand *self, const gly_row_page *page, bool may_be_null) {
    gly_join_table *table = self->owner->table;
    const uint32_t offset = table->layout->offsets[table->keys[0]];
    const gly_kind kind = (gly_kind)table->layout->kinds[table->keys[0]];
    const bool is_alone = self->owner->hand_count == 1;
    for (size_t at = 0; at < page->used; at += table->layout->row_size) {
        uint8_t *row = page->data + at;
        if (may_be_null && has_null_key(table, row)) {
            continue;
        }
        uint64_t slot = (uint64_t)read_integer(kind, row + offset) - (uint64_t)table->min;
        put_in_front(&table->directory[slot], row, 0, 0, is_alone);
        self->row_count++;
    }
}

static void fill_chains(hand *self, const gly_row_page *page, bool may_be_null) {
    gly_join_table *table = self->owner->table;
    const uint64_t mask = table->capacity - 1;
    const size_t row_size = table->layout->row_size;
    const size_t ahead = row_size * PREFETCH_DISTANCE;
    const bool is_alone = self->owner->hand_count == 1;
    for (size_t at = 0; at < page->used; at += row_size) {
        uint8_t *row = page->data + at;
        if (at + ahead < page->used) {
            __builtin_prefetch(&table->directory[*(uint64_t *)(void *)(row + ahead) & mask], 1);
        }
        if (may_be_null && has_null_key(table, row)) {
            continue;
        }
        uint64_t hash = *(uint64_t *)(void *)row;
        put_in_front(&table->directory[hash & mask], row, hash & ~POINTER_MASK, tag_of(hash),
                     is_alone);
        self->row_count++;
    }
}

static void *run_hand(void *context) {
    hand *self = context;
    crew *c = self->owner;
    self->min = INT64_MAX;
    self->max = INT64_MIN;
    self->row_count = 0;
    for (;;) {
        uint32_t page = atomic_fetch_add(&c->next, 1);
        uint32_t s = 0;
        while (s < c->store_count && page >= c->stores[s]->rows.count) {
            page -= c->stores[s++]->rows.count;
        }
        if (s == c->store_count) {
            return NULL;
        }
        c->work(self, &c->stores[s]->rows.items[page], store_has_null_keys(c->table, c->stores[s]));
    }
}

enum { MOST_HANDS = 16 };

/* All pages once; the hands' results are in hands[0]. */
static void run_crew(crew *c, hand *hands,
                     void (*work)(hand *self, const gly_row_page *page, bool may_be_null)) {
    uint32_t started = 1;
    c->work = work;
    atomic_store(&c->next, 0);
    for (uint32_t h = 0; h < c->hand_count; h++) {
        hands[h].owner = c;
    }
    while (started < c->hand_count &&
           pthread_create(&hands[started].thread, NULL, run_hand, &hands[started]) == 0) {
        started++;
    }
    run_hand(&hands[0]);
    for (uint32_t h = 1; h < started; h++) {
        pthread_join(hands[h].thread, NULL);
        hands[0].min = GLY_MIN(hands[0].min, hands[h].min);
        hands[0].max = GLY_MAX(hands[0].max, hands[h].max);
        hands[0].row_count += hands[h].row_count;
    }
}

bool gly_join_table_build(gly_join_table *table, const gly_row_store *const *stores,
                          uint32_t store_count, uint32_t threads, bool force) {
    hand hands[MOST_HANDS];
    uint64_t rows = 0;
    for (uint32_t s = 0; s < store_count; s++) {
        rows += stores[s]->row_count;
    }
    if (rows == 0) {
        return true;
    }
    crew c = {.table = table, .stores = stores, .store_count = store_count};
    c.hand_count = rows < ROWS_FOR_THREADS ? 1 : GLY_MAX(GLY_MIN(threads, MOST_HANDS), 1u);
    uint64_t capacity = 64;
    while (capacity < rows + rows / 2) {
        capacity *= 2;
    }
    table->is_array = false;
    if (table->is_integer) {
        run_crew(&c, hands, find_range);
        uint64_t range = (uint64_t)hands[0].max - (uint64_t)hands[0].min;
        if (hands[0].min <= hands[0].max && range < GLY_MAX(capacity * 2, UINT64_C(4096))) {
            table->is_array = true;
            table->min = hands[0].min;
            capacity = range + 1;
        }
    }
    if (!allocate(table, capacity, force)) {
        return false;
    }
    run_crew(&c, hands, table->is_array ? fill_array : fill_chains);
    table->row_count = hands[0].row_count;
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
