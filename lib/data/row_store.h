/* row_store.h - rows of one layout in pages, their long text in heap pages, all from a budget.
 *
 * Rows never move, so tables may point at them.  Pages grow from 8 KiB to 2 MiB with the store;
 * those from 1 MiB are mapped from the system and go back to it at clear (RSS really falls).
 * Not thread-safe; different stores of one budget may be used by different threads.
 */
#ifndef GLY_ROW_STORE_H
#define GLY_ROW_STORE_H

#include "lib/base/budget.h"
#include "lib/data/row_layout.h"

/* Memory for tables: zeroed, 64-byte aligned, from the system when large (then huge pages are asked
 * for).  NOT counted in a budget: callers reserve first.  free needs the same size. */
void *gly_row_store_map(size_t size) __attribute__((returns_nonnull));
void gly_row_store_unmap(void *memory, size_t size); /* accepts NULL */

typedef struct gly_row_page {
    uint8_t *data;
    size_t size; /* bytes; what was reserved */
    size_t used;
} gly_row_page;

typedef struct gly_row_pages {
    gly_row_page *items;
    uint32_t count, capacity;
    uint32_t current; /* the page being filled; pages behind it are empty */
} gly_row_pages;

typedef struct gly_row_store {
    gly_budget *budget;
    const gly_row_layout *layout;
    uint64_t row_count;
    size_t reserved_bytes; /* in budget */
    gly_row_pages rows, heap;
    bool *has_nulls; /* per column: a NULL was ever put */
} gly_row_store;

typedef struct gly_row_cursor {
    uint32_t page;
    size_t offset;
} gly_row_cursor;

/* layout and budget must outlive the store. */
void gly_row_store_init(gly_row_store *store, const gly_row_layout *layout, gly_budget *budget);
void gly_row_store_clear(gly_row_store *store); /* frees all; ready for use again */
void gly_row_store_reset(gly_row_store *store); /* empties, keeps the pages */

/* Bytes that the long texts among these rows need in the heap. */
size_t gly_row_store_text_bytes(const gly_row_layout *layout, const gly_column *columns,
                                const uint16_t *positions, uint32_t count);
/* Makes room for row_count rows and text_bytes of long text: the appends and puts that follow
 * cannot fail.  False if the budget refused (nothing changed); never with force. */
bool gly_row_store_reserve(gly_row_store *store, uint32_t row_count, size_t text_bytes, bool force);
/* One new row with zeroed null bits; room must have been reserved. */
uint8_t *gly_row_store_add(gly_row_store *store);
/* count new rows with zeroed null bits. */
void gly_row_store_append(gly_row_store *store, uint32_t count, uint8_t **rows);
/* Writes columns (the layout's, in order) into rows, copying long text into the heap. */
void gly_row_store_put(gly_row_store *store, const gly_column *columns, const uint16_t *positions,
                       uint32_t count, uint8_t *const *rows);
void gly_row_store_put_column(gly_row_store *store, uint32_t c, const gly_column *column,
                              const uint16_t *positions, uint32_t count, uint8_t *const *rows);
/* A copy of the text with its long bytes in the heap; room must have been reserved. */
gly_text gly_row_store_copy_text(gly_row_store *store, const gly_text *text);

/* The next rows (at most max) in the order of appending; a zeroed cursor starts.  0 at the end. */
uint32_t gly_row_store_scan(const gly_row_store *store, gly_row_cursor *cursor, uint32_t max,
                            uint8_t **rows);

#endif
