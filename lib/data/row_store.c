/* row_store.c - pages of rows and of text bytes.
 *
 * Room is reserved for a whole batch before anything is written, so that the hot loops that follow
 * cannot fail half way: a refused reservation changes nothing and the owner spills.
 * Invariant: reserved_bytes is the sum of all page sizes and is what the budget counts for us.
 * A batch's text goes into one heap page, a batch's rows into at most two row pages.
 */
#include "lib/data/row_store.h"

#include "lib/base/alloc.h"

#include <sys/mman.h>

enum {
    FIRST_PAGE = 8 << 10,
    LARGEST_PAGE = 2 << 20,
    MAPPED_SIZE = 1 << 20, /* from here memory comes from the system and goes back to it */
    HUGE_PAGE = 2 << 20,
};

static void *map_aligned(size_t size, size_t alignment) {
    size_t whole = size + alignment;
    uint8_t *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    uint8_t *start = (uint8_t *)GLY_ALIGN_UP((uintptr_t)memory, alignment);
    if (start > memory) {
        munmap(memory, (size_t)(start - memory));
    }
    if (start + size < memory + whole) {
        munmap(start + size, (size_t)(memory + whole - (start + size)));
    }
    return start;
}

void *gly_row_store_map(size_t size) {
    if (size < MAPPED_SIZE) {
        return memset(gly_alloc_aligned(size), 0, size);
    }
    size = GLY_ALIGN_UP(size + 64, 4096); /* kernels may read 64 bytes behind */
    void *memory;
    if (size >= HUGE_PAGE) {
        memory = map_aligned(size, HUGE_PAGE);
        if (memory != NULL) {
            (void)madvise(memory, size, MADV_HUGEPAGE);
        }
    } else {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memory = memory == MAP_FAILED ? NULL : memory;
    }
    return memory != NULL ? memory
                          : memset(gly_alloc_aligned(size), 0, size); /* ends the process */
}

void gly_row_store_unmap(void *memory, size_t size) {
    if (memory == NULL) {
        return;
    }
    if (size < MAPPED_SIZE) {
        free(memory);
        return;
    }
    munmap(memory, GLY_ALIGN_UP(size + 64, 4096));
}

void gly_row_store_init(gly_row_store *store, const gly_row_layout *layout, gly_budget *budget) {
    *store = (gly_row_store){.budget = budget, .layout = layout};
    store->has_nulls = GLY_NEW_ARRAY(bool, layout->column_count);
}

static void free_pages(gly_row_pages *pages) {
    for (uint32_t i = 0; i < pages->count; i++) {
        gly_row_store_unmap(pages->items[i].data, pages->items[i].size);
    }
    free(pages->items);
    *pages = (gly_row_pages){0};
}

void gly_row_store_clear(gly_row_store *store) {
    free_pages(&store->rows);
    free_pages(&store->heap);
    if (store->reserved_bytes > 0) {
        gly_budget_release(store->budget, store->reserved_bytes);
    }
    free(store->has_nulls);
    const gly_row_layout *layout = store->layout;
    gly_budget *budget = store->budget;
    *store = (gly_row_store){.budget = budget, .layout = layout};
}

void gly_row_store_reset(gly_row_store *store) {
    for (uint32_t i = 0; i < store->rows.count; i++) {
        store->rows.items[i].used = 0;
    }
    for (uint32_t i = 0; i < store->heap.count; i++) {
        store->heap.items[i].used = 0;
    }
    store->rows.current = store->heap.current = 0;
    store->row_count = 0;
}

size_t gly_row_store_text_bytes(const gly_row_layout *layout, const gly_column *columns,
                                const uint16_t *positions, uint32_t count) {
    size_t total = 0;
    if (!layout->has_text) {
        return 0;
    }
    for (uint32_t c = 0; c < layout->column_count; c++) {
        const gly_column *column = &columns[c];
        if (layout->kinds[c] != GLY_KIND_TEXT ||
            (column->shape == GLY_SHAPE_DICTIONARY && column->dictionary_count == 0)) {
            continue;
        }
        const gly_text *data = column->data;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = positions == NULL ? i : positions[i];
            if (gly_column_valid(column, row)) {
                uint32_t size = data[gly_column_index(column, row)].size;
                total += size > GLY_TEXT_INLINE ? size : 0;
            }
        }
    }
    return total;
}

/* How large the next page should be: an eighth of what there is, in powers of two. */
static size_t page_size(const gly_row_store *store, size_t minimum) {
    size_t size = FIRST_PAGE;
    while (size < LARGEST_PAGE && size < store->reserved_bytes / 8) {
        size *= 2;
    }
    return GLY_MAX(size, GLY_ALIGN_UP(minimum, 4096));
}

/* Whether pages have room for size bytes: in the current page (what `together` asks for), or in it
 * and the next one. */
static bool has_room(const gly_row_pages *pages, size_t size, size_t unit) {
    size_t room = 0;
    for (uint32_t i = pages->current; i < pages->count && i < pages->current + 2; i++) {
        size_t free_bytes = pages->items[i].size - pages->items[i].used;
        room += unit == 0 ? 0 : free_bytes / unit * unit;
        if (unit == 0 && free_bytes >= size) {
            return true;
        }
    }
    return unit != 0 && room >= size;
}

static bool add_page(gly_row_store *store, gly_row_pages *pages, size_t minimum, bool force) {
    size_t size = page_size(store, minimum);
    if (!gly_budget_try_reserve(store->budget, size)) {
        size = GLY_ALIGN_UP(minimum, 64);
        if (!gly_budget_try_reserve(store->budget, size)) {
            if (!force) {
                return false;
            }
            gly_budget_force(store->budget, size);
        }
    }
    store->reserved_bytes += size;
    if (pages->count == pages->capacity) {
        pages->capacity = GLY_MAX(pages->capacity * 2, 8u);
        pages->items = gly_alloc_resize(pages->items, pages->capacity * sizeof *pages->items);
    }
    /* Directly behind the current page: empty pages kept by reset move to the end. */
    uint32_t at = GLY_MIN(pages->current + 1, pages->count);
    memmove(pages->items + at + 1, pages->items + at, (pages->count - at) * sizeof *pages->items);
    pages->items[at] = (gly_row_page){.data = gly_row_store_map(size), .size = size};
    pages->count++;
    return true;
}

bool gly_row_store_reserve(gly_row_store *store, uint32_t row_count, size_t text_bytes,
                           bool force) {
    if (store->has_nulls == NULL) {
        store->has_nulls = GLY_NEW_ARRAY(bool, store->layout->column_count);
    }
    size_t row_size = store->layout->row_size;
    size_t row_bytes = row_size * row_count;
    if (!has_room(&store->rows, row_bytes, row_size) &&
        !add_page(store, &store->rows, row_bytes, force)) {
        return false;
    }
    if (text_bytes > 0 && !has_room(&store->heap, text_bytes, 0) &&
        !add_page(store, &store->heap, text_bytes, force)) {
        return false;
    }
    return true;
}

static inline void clear_nulls(const gly_row_layout *layout, uint8_t *row) {
    row[layout->null_offset] = 0;
    for (uint32_t i = 1; i < (layout->column_count + 7) / 8; i++) {
        row[layout->null_offset + i] = 0;
    }
}

uint8_t *gly_row_store_add(gly_row_store *store) {
    const size_t row_size = store->layout->row_size;
    gly_row_pages *pages = &store->rows;
    gly_row_page *page = &pages->items[pages->current];
    if (page->size - page->used < row_size) {
        pages->current++;
        GLY_ASSERT(pages->current < pages->count);
        page = &pages->items[pages->current];
    }
    uint8_t *row = page->data + page->used;
    page->used += row_size;
    store->row_count++;
    clear_nulls(store->layout, row);
    return row;
}

void gly_row_store_append(gly_row_store *store, uint32_t count, uint8_t **rows) {
    const gly_row_layout *layout = store->layout;
    const size_t row_size = layout->row_size;
    gly_row_pages *pages = &store->rows;
    for (uint32_t i = 0; i < count;) {
        gly_row_page *page = &pages->items[pages->current];
        uint32_t fit = (uint32_t)GLY_MIN((page->size - page->used) / row_size, (size_t)(count - i));
        if (fit == 0) {
            pages->current++;
            GLY_ASSERT(pages->current < pages->count);
            continue;
        }
        uint8_t *row = page->data + page->used;
        for (uint32_t end = i + fit; i < end; i++, row += row_size) {
            clear_nulls(layout, row);
            rows[i] = row;
        }
        page->used += fit * row_size;
    }
    store->row_count += count;
}

gly_text gly_row_store_copy_text(gly_row_store *store, const gly_text *text) {
    if (text->size <= GLY_TEXT_INLINE) {
        return *text;
    }
    gly_row_pages *pages = &store->heap;
    while (pages->items[pages->current].size - pages->items[pages->current].used < text->size) {
        pages->current++;
        GLY_ASSERT(pages->current < pages->count);
    }
    gly_row_page *page = &pages->items[pages->current];
    char *bytes = (char *)page->data + page->used;
    memcpy(bytes, text->pointer, text->size);
    page->used += text->size;
    gly_text copy = *text;
    copy.pointer = bytes;
    return copy;
}

void gly_row_store_put_column(gly_row_store *store, uint32_t c, const gly_column *column,
                              const uint16_t *positions, uint32_t count, uint8_t *const *rows) {
    const gly_row_layout *layout = store->layout;
    if (gly_row_layout_scatter(layout, c, column, positions, count, rows)) {
        store->has_nulls[c] = true;
    }
    if (layout->kinds[c] != GLY_KIND_TEXT) {
        return;
    }
    const uint32_t offset = layout->offsets[c];
    for (uint32_t i = 0; i < count; i++) {
        gly_text text;
        memcpy(&text, rows[i] + offset, sizeof text);
        if (text.size > GLY_TEXT_INLINE) {
            if (store->has_nulls[c] && gly_row_layout_is_null(layout, c, rows[i])) {
                memset(&text, 0, sizeof text); /* what lies under a NULL was not counted */
            } else {
                text = gly_row_store_copy_text(store, &text);
            }
            memcpy(rows[i] + offset, &text, sizeof text);
        }
    }
}

void gly_row_store_put(gly_row_store *store, const gly_column *columns, const uint16_t *positions,
                       uint32_t count, uint8_t *const *rows) {
    for (uint32_t c = 0; c < store->layout->column_count; c++) {
        gly_row_store_put_column(store, c, &columns[c], positions, count, rows);
    }
}

uint32_t gly_row_store_scan(const gly_row_store *store, gly_row_cursor *cursor, uint32_t max,
                            uint8_t **rows) {
    const size_t row_size = store->layout->row_size;
    uint32_t count = 0;
    while (count < max && cursor->page < store->rows.count) {
        const gly_row_page *page = &store->rows.items[cursor->page];
        while (count < max && cursor->offset < page->used) {
            rows[count++] = page->data + cursor->offset;
            cursor->offset += row_size;
        }
        if (cursor->offset >= page->used) {
            if (cursor->page >= store->rows.current) {
                break; /* stay: more rows may be appended here */
            }
            cursor->page++;
            cursor->offset = 0;
        }
    }
    return count;
}
