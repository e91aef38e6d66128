/* group_table.h - the groups of an aggregation: find or insert a batch of keys, get state pointers.
 *
 * A group is a row: keys, then a state area that the table zeroes (or fills from a template) and
 * never looks at.  Two forms, chosen by the keys:
 *
 *   WORD   one integer key of at most 8 bytes: the rows themselves are the open-addressing slots,
 *          | key 8 | states |; key 0 and NULL have two slots of their own behind the others.
 *          A look-up touches one cache line.
 *   ROWS   anything else: a directory of 64-bit words | salt 16 | pointer 48 | over a row store,
 *          | hash 8 | keys | null bits | states |.
 *
 * Row pointers are valid until the next reserve, reset or clear.  Not thread-safe.
 */
#ifndef GLY_GROUP_TABLE_H
#define GLY_GROUP_TABLE_H

#include "lib/data/row_store.h"

typedef struct gly_group_table {
    gly_budget *budget;
    gly_row_layout *layout; /* of the keys; tail: the states; in the arena */
    bool is_word;
    uint32_t state_size;
    const uint8_t *state_template; /* NULL: zeros */
    uint64_t group_count;
    uint64_t capacity; /* slots or directory words; a power of two, 0 before the first reserve */
    uint64_t max_capacity;   /* reserve refuses to grow beyond; 0: only the budget limits */
    uint8_t *slots;          /* WORD */
    uint64_t *directory;     /* ROWS */
    gly_row_store store;     /* ROWS: rows and text; WORD: text that states keep */
    bool has_zero, has_null; /* WORD: the two special slots are in use */
} gly_group_table;

typedef struct gly_group_cursor {
    uint64_t slot;
    gly_row_cursor row;
} gly_group_cursor;

/* keys: their types; state_template has state_size bytes (or is NULL) and outlives the table, as do
 * arena and budget. */
void gly_group_table_init(gly_group_table *table, gly_arena *arena, const gly_type *keys,
                          uint32_t key_count, uint32_t state_size, const uint8_t *state_template,
                          gly_budget *budget);
void gly_group_table_clear(gly_group_table *table); /* frees all; ready for use again */
void gly_group_table_reset(gly_group_table *table); /* empties, keeps the memory */

/* Makes room for row_count new groups with text_bytes of long text (keys and states): the next
 * find_or_insert of so many rows cannot fail.  False: the budget or max_capacity refused. */
bool gly_group_table_reserve(gly_group_table *table, uint32_t row_count, size_t text_bytes,
                             bool force);
/* rows[i]: the group of keys[...][i].  keys: FLAT columns of count rows, floats normalised; hashes
 * of the keys (k_hash.h).  Sets new rows' states. */
void gly_group_table_find_or_insert(gly_group_table *table, const gly_column *keys,
                                    const uint64_t *hashes, uint32_t count, uint8_t **rows);
/* The next groups; a zeroed cursor starts; 0 at the end. */
uint32_t gly_group_table_scan(const gly_group_table *table, gly_group_cursor *cursor, uint32_t max,
                              uint8_t **rows);
/* Key c of the rows into a FLAT column with room for count; validity as in row_layout.h. */
void gly_group_table_gather(const gly_group_table *table, uint32_t c, uint8_t *const *rows,
                            uint32_t count, uint64_t *validity_buffer, gly_column *ret);
/* The rows' key hashes, as k_hash.h computes them. */
void gly_group_table_hashes(const gly_group_table *table, uint8_t *const *rows, uint32_t count,
                            gly_arena *scratch, uint64_t *ret);
/* Bytes reserved from the budget. */
size_t gly_group_table_bytes(const gly_group_table *table);
static inline uint8_t *gly_group_table_state(const gly_group_table *table, uint8_t *row) {
    return row + table->layout->tail_offset;
}

#endif
