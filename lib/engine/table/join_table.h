/* join_table.h - the hash table of a join: built once, then only read (but for match marks).
 *
 *   directory word  | Bloom tag 16 | pointer to the first row 48 |        slot: low bits of the
 * hash row             | hash, after build: salt 16, next row 48 | values | null bits | mark 1 (if
 * asked for) |
 *
 * Two bits of the tag are set for each row behind a word, so most misses end in the directory. When
 * the key is one integer and the keys lie dense, the directory is an array indexed by key - min and
 * nothing is hashed or compared.  Rows with a NULL key are kept, but not in the directory.
 */
#ifndef GLY_JOIN_TABLE_H
#define GLY_JOIN_TABLE_H

#include "lib/data/row_store.h"

enum { GLY_JOIN_TABLE_HEADER = 8, GLY_JOIN_TABLE_TAIL = 8 };

typedef struct gly_join_table {
    gly_budget *budget;
    const gly_row_layout *layout;
    uint32_t key_count;
    const uint32_t *keys; /* layout columns */
    uint64_t *directory;  /* NULL: empty */
    uint64_t capacity;
    size_t directory_bytes;
    bool is_array;
    bool is_integer;    /* one key of an integer kind */
    int64_t min;        /* is_array */
    uint64_t row_count; /* in the directory */
} gly_join_table;

void gly_join_table_init(gly_join_table *table, const gly_row_layout *layout, uint32_t key_count,
                         const uint32_t *keys, gly_budget *budget);
void gly_join_table_clear(gly_join_table *table); /* frees the directory, not the rows */

/* Builds the directory over the rows of the stores, whose headers hold their hashes; with up to
 * `threads` threads (the caller is one) when there are many rows.  False: the budget refused it and
 * nothing was changed (never with force). */
bool gly_join_table_build(gly_join_table *table, const gly_row_store *const *stores,
                          uint32_t store_count, uint32_t threads, bool force);

static inline bool gly_join_table_is_marked(const gly_join_table *table, const uint8_t *row) {
    return row[table->layout->tail_offset] != 0;
}
/* May be called by several threads: all write the same byte. */
static inline void gly_join_table_mark(const gly_join_table *table, uint8_t *row) {
    __atomic_store_n(&row[table->layout->tail_offset], 1, __ATOMIC_RELAXED);
}

/* One batch of keys on its way through the chains.  Elements are rows of the dense key columns. */
typedef struct gly_join_walk {
    const gly_column *keys; /* key_count FLAT columns */
    const uint64_t *hashes;
    uint32_t active_count;
    uint16_t active[GLY_BATCH_ROWS]; /* ascending: elements that have a row to look at */
    uint8_t *rows[GLY_BATCH_ROWS];   /* by element */
} gly_join_walk;

/* Finds the first row for each of `count` elements without NULL keys (is_valid NULL: all). */
void gly_join_table_start(const gly_join_table *table, gly_join_walk *walk, const gly_column *keys,
                          const uint64_t *hashes, uint32_t count, const bool *is_valid);
/* One step along all chains: writes the elements whose row has their key (ascending) and the row;
 * each element at most once.  Done when walk->active_count is 0. */
uint32_t gly_join_table_step(const gly_join_table *table, gly_join_walk *walk, uint16_t *matched,
                             uint8_t **found);

#endif
