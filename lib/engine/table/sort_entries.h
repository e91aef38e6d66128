/* sort_entries.h - sorts (key words, row) entries in place. */
#ifndef GLY_SORT_ENTRIES_H
#define GLY_SORT_ENTRIES_H

#include "lib/data/sort_key.h"

/* An entry is layout->words key words and a row pointer: words + 1 64-bit numbers. */
static inline const uint8_t *gly_sort_entries_row(const uint64_t *entry, uint32_t words) {
    return (const uint8_t *)(uintptr_t)entry[words];
}

/* Order of two entries; rows are compared where words do not decide. */
static inline int gly_sort_entries_compare(const gly_sort_key_layout *keys,
                                           const gly_row_layout *rows, const uint64_t *a,
                                           const uint64_t *b) {
    for (uint32_t w = 0; w < keys->words; w++) {
        if (a[w] != b[w]) {
            return a[w] < b[w] ? -1 : 1;
        }
    }
    return keys->is_exact ? 0
                          : gly_sort_key_compare(keys, rows, gly_sort_entries_row(a, keys->words),
                                                 gly_sort_entries_row(b, keys->words));
}

/* Not stable. */
void gly_sort_entries_sort(const gly_sort_key_layout *keys, const gly_row_layout *rows,
                           uint64_t *entries, uint64_t count);

#endif
