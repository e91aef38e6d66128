/* group_table.c - linear probing over salted pointers to rows, or over the rows themselves.
 *
 * The generic form probes a batch in rounds: every row walks the directory to a word with its salt
 * or to an empty one (then it becomes a new group at once, so later rows of the batch find it), keys
 * are compared column by column, and rows whose keys differ walk on.  The word form (one integer
 * key) needs none of this: the key is in the slot.  Doubling moves slot s to s or s + old capacity
 * in two sequential streams, because slots are low bits of the hash.
 * Invariant: at most 5/8 of the slots are taken, so every walk ends.
 * Not here: what the states mean (function/agg_*.c), spilling (op_aggregate.c).
 */
#include "lib/engine/table/group_table.h"

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/engine/kernel/k_hash.h"

enum { FIRST_CAPACITY = 1024, STEEP_CAPACITY = 32768, PREFETCH_DISTANCE = 16, WORD_SPECIALS = 2 };

#define SALT_SHIFT 48
#define POINTER_MASK ((UINT64_C(1) << SALT_SHIFT) - 1)

static uint64_t limit_of(uint64_t capacity) { return capacity / 8 * 5; }

static size_t slot_bytes(const gly_group_table *table, uint64_t capacity) {
    return table->is_word ? (size_t)(capacity + WORD_SPECIALS) * table->layout->row_size
                          : (size_t)capacity * sizeof(uint64_t);
}

static bool is_word_key(gly_type type) {
    gly_kind kind = gly_type_kind(type);
    return type.id != GLY_TYPE_NULL && (kind == GLY_KIND_I8 || kind == GLY_KIND_I16 ||
                                        kind == GLY_KIND_I32 || kind == GLY_KIND_I64);
}

void gly_group_table_init(gly_group_table *table, gly_arena *arena, const gly_type *keys,
                          uint32_t key_count, uint32_t state_size, const uint8_t *state_template,
                          gly_budget *budget) {
    *table = (gly_group_table){.budget = budget, .state_size = state_size};
    table->state_template = state_template;
    table->is_word = key_count == 1 && is_word_key(keys[0]);
    table->layout = GLY_ARENA_NEW(arena, gly_row_layout);
    gly_row_layout_make(arena, table->is_word ? 0 : 8, keys, key_count, state_size, table->layout);
    if (table->is_word) { /* the null bits are not needed: NULL has its own slot */
        table->layout->tail_offset = 8;
        table->layout->row_size = (uint32_t)GLY_ALIGN_UP(8 + state_size, 8);
    }
    gly_row_store_init(&table->store, table->layout, budget);
}

static void free_slots(gly_group_table *table) {
    size_t bytes = slot_bytes(table, table->capacity);
    if (table->capacity > 0) {
        gly_row_store_unmap(table->is_word ? (void *)table->slots : (void *)table->directory,
                            bytes);
        gly_budget_release(table->budget, bytes);
    }
    table->slots = NULL;
    table->directory = NULL;
    table->capacity = 0;
}

void gly_group_table_clear(gly_group_table *table) {
    if (table->budget == NULL) {
        return;
    }
    free_slots(table);
    gly_row_store_clear(&table->store);
    table->group_count = 0;
    table->has_zero = table->has_null = false;
}

void gly_group_table_reset(gly_group_table *table) {
    if (table->capacity > 0) {
        memset(table->is_word ? (void *)table->slots : (void *)table->directory, 0,
               slot_bytes(table, table->capacity));
    }
    gly_row_store_reset(&table->store);
    table->group_count = 0;
    table->has_zero = table->has_null = false;
}

size_t gly_group_table_bytes(const gly_group_table *table) {
    return table->store.reserved_bytes +
           (table->capacity > 0 ? slot_bytes(table, table->capacity) : 0);
}

static void move_slots(gly_group_table *table, uint8_t *fresh, uint64_t capacity) {
    const size_t row_size = table->layout->row_size;
    const uint64_t mask = capacity - 1;
    const uint8_t *old = table->slots;
    for (uint64_t s = 0; s < table->capacity; s++, old += row_size) {
        uint64_t key;
        memcpy(&key, old, 8);
        if (key == 0) {
            continue;
        }
        uint64_t at = gly_hash_u64(key) & mask;
        uint8_t *slot = fresh + at * row_size;
        while (*(uint64_t *)(void *)slot != 0) {
            at = (at + 1) & mask;
            slot = fresh + at * row_size;
        }
        if (row_size == 16) {
            memcpy(slot, old, 16);
        } else {
            memcpy(slot, old, row_size);
        }
    }
    if (table->capacity > 0) {
        memcpy(fresh + capacity * row_size, table->slots + table->capacity * row_size,
               WORD_SPECIALS * row_size);
    }
}

static void fill_directory(const gly_group_table *table, uint64_t *fresh, uint64_t capacity) {
    const uint64_t mask = capacity - 1;
    gly_row_cursor cursor = {0};
    uint8_t *rows[256];
    for (uint32_t n; (n = gly_row_store_scan(&table->store, &cursor, 256, rows)) > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            __builtin_prefetch(&fresh[*(uint64_t *)(void *)rows[i] & mask], 1);
        }
        for (uint32_t i = 0; i < n; i++) {
            uint64_t hash = *(uint64_t *)(void *)rows[i];
            uint64_t at = hash & mask;
            while (fresh[at] != 0) {
                at = (at + 1) & mask;
            }
            fresh[at] = (hash >> SALT_SHIFT << SALT_SHIFT) | (uint64_t)(uintptr_t)rows[i];
        }
    }
}

static bool grow(gly_group_table *table, uint64_t wanted, bool force) {
    uint64_t capacity = GLY_MAX(table->capacity, (uint64_t)FIRST_CAPACITY);
    while (limit_of(capacity) < wanted) {
        capacity *= 2;
    }
    if (capacity == table->capacity) {
        return true;
    }
    if (!force && table->max_capacity != 0 && capacity > table->max_capacity &&
        table->capacity > 0) {
        return false;
    }
    bool is_steep = capacity < STEEP_CAPACITY &&
                    (table->max_capacity == 0 || capacity * 2 <= table->max_capacity);
    capacity = is_steep ? capacity * 2 : capacity; /* small tables grow by fours */
    size_t bytes = slot_bytes(table, capacity);
    if (!gly_budget_try_reserve(table->budget, bytes)) {
        capacity = is_steep ? capacity / 2 : capacity;
        bytes = slot_bytes(table, capacity);
        if (!gly_budget_try_reserve(table->budget, bytes)) {
            if (!force) {
                return false;
            }
            gly_budget_force(table->budget, bytes);
        }
    }
    void *fresh = gly_row_store_map(bytes);
    if (table->is_word) {
        move_slots(table, fresh, capacity);
        free_slots(table);
        table->slots = fresh;
    } else {
        fill_directory(table, fresh, capacity);
        free_slots(table);
        table->directory = fresh;
    }
    table->capacity = capacity;
    return true;
}

bool gly_group_table_reserve(gly_group_table *table, uint32_t row_count, size_t text_bytes,
                             bool force) {
    if (table->is_word) {
        if (text_bytes > 0 && !gly_row_store_reserve(&table->store, 0, text_bytes, force)) {
            return false;
        }
    } else if (!gly_row_store_reserve(&table->store, row_count, text_bytes, force)) {
        return false;
    }
    uint64_t wanted = table->group_count + row_count;
    return wanted <= limit_of(table->capacity) || grow(table, wanted, force);
}

static inline void start_states(const gly_group_table *table, uint8_t *row, bool is_zeroed) {
    uint8_t *state = row + table->layout->tail_offset;
    if (table->state_template != NULL) {
        memcpy(state, table->state_template, table->state_size);
    } else if (!is_zeroed) {
        memset(state, 0, table->state_size);
    }
}

/* ---- WORD ---- */

static const int64_t *widen(const gly_column *key, uint32_t count, int64_t *buffer) {
#define WIDEN(kind, type)                                                                          \
    case kind:                                                                                     \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            buffer[i] = ((const type *)key->data)[i];                                              \
        }                                                                                          \
        return buffer;
    switch (gly_type_kind(key->type)) {
        WIDEN(GLY_KIND_I8, int8_t)
        WIDEN(GLY_KIND_I16, int16_t)
        WIDEN(GLY_KIND_I32, int32_t)
    default:
        return key->data;
    }
#undef WIDEN
}

static uint8_t *special_slot(gly_group_table *table, bool is_null) {
    uint8_t *row = table->slots + (table->capacity + (is_null ? 1 : 0)) * table->layout->row_size;
    bool *used = is_null ? &table->has_null : &table->has_zero;
    if (!*used) {
        *used = true;
        table->group_count++;
        start_states(table, row, true);
    }
    return row;
}

/* k_hash hashes every integer as gly_hash_u64 of its 64-bit value: what move_slots computes again.
 */
static void find_words(gly_group_table *table, const gly_column *key, const uint64_t *hashes,
                       uint32_t count, uint8_t **rows) {
    int64_t buffer[GLY_BATCH_ROWS];
    const int64_t *words = widen(key, count, buffer);
    const size_t row_size = table->layout->row_size;
    const uint64_t mask = table->capacity - 1;
    uint8_t *slots = table->slots;
    uint8_t *end = slots + table->capacity * row_size;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t ahead = i + PREFETCH_DISTANCE < count ? i + PREFETCH_DISTANCE : i;
        __builtin_prefetch(slots + (hashes[ahead] & mask) * row_size, 1);
        uint64_t word = (uint64_t)words[i];
        if (GLY_UNLIKELY(word == 0 || key->validity != NULL)) {
            bool is_null = key->validity != NULL && !gly_bit_get(key->validity, i);
            if (is_null || word == 0) {
                rows[i] = special_slot(table, is_null);
                continue;
            }
        }
        uint8_t *slot = slots + (hashes[i] & mask) * row_size;
        for (;;) {
            uint64_t found = *(uint64_t *)(void *)slot;
            if (GLY_LIKELY(found == word)) {
                break;
            }
            if (found == 0) {
                *(uint64_t *)(void *)slot = word;
                table->group_count++;
                if (table->state_template != NULL) {
                    memcpy(slot + 8, table->state_template, table->state_size);
                }
                break;
            }
            slot += row_size;
            slot = slot == end ? slots : slot;
        }
        rows[i] = slot;
    }
}

/* ---- ROWS ---- */

typedef struct probe {
    const gly_column *keys;
    const uint64_t *hashes;
    uint8_t **rows;
    uint64_t slots[GLY_BATCH_ROWS];
    uint16_t pending[GLY_BATCH_ROWS];
    uint16_t candidates[GLY_BATCH_ROWS];
    uint16_t fresh[GLY_BATCH_ROWS];
    uint8_t *fresh_rows[GLY_BATCH_ROWS];
} probe;

/* Walks every pending row to its candidate or makes it a new group; returns how many candidates. */
static uint32_t walk(gly_group_table *table, probe *p, uint32_t pending_count,
                     uint32_t *ret_fresh) {
    const uint64_t mask = table->capacity - 1;
    uint64_t *directory = table->directory;
    uint32_t candidates = 0;
    uint32_t fresh = 0;
    for (uint32_t j = 0; j < pending_count; j++) {
        uint32_t ahead = p->pending[GLY_MIN(j + PREFETCH_DISTANCE, pending_count - 1)];
        __builtin_prefetch(&directory[p->slots[ahead]]);
        uint16_t i = p->pending[j];
        uint64_t at = p->slots[i];
        uint64_t salt = p->hashes[i] >> SALT_SHIFT;
        for (;;) {
            uint64_t word = directory[at];
            if (word == 0) {
                uint8_t *row = gly_row_store_add(&table->store);
                *(uint64_t *)(void *)row = p->hashes[i];
                directory[at] = salt << SALT_SHIFT | (uint64_t)(uintptr_t)row;
                p->rows[i] = row;
                p->fresh_rows[fresh] = row;
                p->fresh[fresh++] = i;
                break;
            }
            if (word >> SALT_SHIFT == salt) {
                p->rows[i] = (uint8_t *)(uintptr_t)(word & POINTER_MASK);
                __builtin_prefetch(p->rows[i]);
                p->slots[i] = at;
                p->candidates[candidates++] = i;
                break;
            }
            at = (at + 1) & mask;
        }
    }
    *ret_fresh = fresh;
    return candidates;
}

static void find_rows(gly_group_table *table, const gly_column *keys, const uint64_t *hashes,
                      uint32_t count, uint8_t **rows) {
    probe p;
    p.keys = keys;
    p.hashes = hashes;
    p.rows = rows;
    const uint64_t mask = table->capacity - 1;
    uint32_t pending = count;
    for (uint32_t i = 0; i < count; i++) {
        p.slots[i] = hashes[i] & mask;
        p.pending[i] = (uint16_t)i;
    }
    while (pending > 0) {
        uint32_t fresh;
        uint32_t candidates = walk(table, &p, pending, &fresh);
        for (uint32_t c = 0; fresh > 0 && c < table->layout->column_count; c++) {
            gly_row_store_put_column(&table->store, c, &keys[c], p.fresh, fresh, p.fresh_rows);
        }
        for (uint32_t i = 0; i < fresh; i++) {
            start_states(table, p.fresh_rows[i], false);
        }
        table->group_count += fresh;
        uint32_t missed = 0;
        for (uint32_t c = 0; candidates > 0 && c < table->layout->column_count; c++) {
            candidates = gly_row_layout_match(table->layout, c, &keys[c], NULL, NULL, rows,
                                              table->store.has_nulls[c], p.candidates, candidates,
                                              p.pending, &missed);
        }
        for (uint32_t j = 0; j < missed; j++) {
            uint16_t i = p.pending[j];
            p.slots[i] = (p.slots[i] + 1) & mask;
        }
        pending = missed;
    }
}

void gly_group_table_find_or_insert(gly_group_table *table, const gly_column *keys,
                                    const uint64_t *hashes, uint32_t count, uint8_t **rows) {
    if (count == 0) {
        return;
    }
    if (table->is_word) {
        find_words(table, keys, hashes, count, rows);
    } else {
        find_rows(table, keys, hashes, count, rows);
    }
}

uint32_t gly_group_table_scan(const gly_group_table *table, gly_group_cursor *cursor, uint32_t max,
                              uint8_t **rows) {
    if (!table->is_word) {
        return gly_row_store_scan(&table->store, &cursor->row, max, rows);
    }
    const size_t row_size = table->layout->row_size;
    uint32_t count = 0;
    uint64_t s = cursor->slot;
    const uint64_t capacity = table->capacity;
    uint8_t *slot = table->slots + s * row_size;
    for (; s < capacity && count < max; s++, slot += row_size) {
        rows[count] = slot;
        count += *(const uint64_t *)(const void *)slot != 0;
    }
    for (; s >= capacity && capacity > 0 && s < capacity + WORD_SPECIALS && count < max; s++) {
        if (s == capacity ? table->has_zero : table->has_null) {
            rows[count++] = table->slots + s * row_size;
        }
    }
    cursor->slot = s;
    return count;
}

static void gather_words(const gly_group_table *table, uint8_t *const *rows, uint32_t count,
                         uint64_t *validity_buffer, gly_column *ret) {
#define GATHER(kind, type)                                                                         \
    case kind:                                                                                     \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            ((type *)ret->data)[i] = (type) * (const int64_t *)(const void *)rows[i];              \
        }                                                                                          \
        break;
    switch ((gly_kind)table->layout->kinds[0]) {
        GATHER(GLY_KIND_I8, int8_t)
        GATHER(GLY_KIND_I16, int16_t)
        GATHER(GLY_KIND_I32, int32_t)
    default:
        GATHER(GLY_KIND_I64, int64_t)
    }
#undef GATHER
    ret->validity = NULL;
    if (!table->has_null) {
        return;
    }
    const uint8_t *null_row = table->slots + (table->capacity + 1) * table->layout->row_size;
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i] == null_row) {
            memset(validity_buffer, 0xff, gly_column_words(ret->count) * sizeof(uint64_t));
            gly_bit_clear(validity_buffer, i);
            ret->validity = validity_buffer;
        }
    }
}

void gly_group_table_gather(const gly_group_table *table, uint32_t c, uint8_t *const *rows,
                            uint32_t count, uint64_t *validity_buffer, gly_column *ret) {
    if (table->is_word) {
        gather_words(table, rows, count, validity_buffer, ret);
    } else {
        gly_row_layout_gather(table->layout, c, (const uint8_t *const *)rows, NULL, count,
                              table->store.has_nulls != NULL && table->store.has_nulls[c],
                              validity_buffer, ret);
    }
}

void gly_group_table_hashes(const gly_group_table *table, uint8_t *const *rows, uint32_t count,
                            gly_arena *scratch, uint64_t *ret) {
    if (!table->is_word) {
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&ret[i], rows[i], sizeof ret[i]);
        }
        return;
    }
    gly_column keys;
    uint64_t *validity = gly_arena_alloc_aligned(scratch, gly_column_words(count) * 8);
    gly_column_make_flat(scratch, table->layout->types[0], count, &keys);
    keys.count = count;
    gly_group_table_gather(table, 0, rows, count, validity, &keys);
    gly_k_hash_column(&keys, NULL, count, ret, false);
}
