/* sort_entries.c - radix sort from the top bit that differs, then quicksort for short ranges.
 *
 * In place: the radix step permutes by cycles ("American flag", McIlroy, Bostic and McIlroy 1993),
 * on the eight bits from the first one that is not equal in the whole range, so common prefixes cost
 * one look.  Ranges whose words are all equal are sorted by comparing rows.  Code is stamped out per
 * entry size, so that entries move as registers.
 * Invariant: quicksort falls back to heap sort when it gets too deep, so nothing is quadratic.
 */
#include "lib/engine/table/sort_entries.h"

enum {
    SMALL_RANGE = 24,
    RADIX_RANGE = 256,
    BUCKETS = 256,
    LARGEST_DEPTH = 64,
    PREFETCH_DISTANCE = 6
};

typedef struct context {
    const gly_sort_key_layout *keys;
    const gly_row_layout *rows;
} context;

/* A range that quicksort still has to look at, and how deep it is. */
typedef struct range {
    uint64_t begin, end;
    uint32_t steps;
} range;

#define DEFINE_SORT(W)                                                                             \
    typedef struct entry##W {                                                                      \
        uint64_t words[W];                                                                         \
        uint64_t row;                                                                              \
    } entry##W;                                                                                    \
                                                                                                   \
    static inline bool less##W(const context *c, const entry##W *a, const entry##W *b) {           \
        for (uint32_t w = 0; w < W; w++) {                                                         \
            if (a->words[w] != b->words[w]) {                                                      \
                return a->words[w] < b->words[w];                                                  \
            }                                                                                      \
        }                                                                                          \
        return !c->keys->is_exact &&                                                               \
               gly_sort_key_compare(c->keys, c->rows, (const uint8_t *)(uintptr_t)a->row,          \
                                    (const uint8_t *)(uintptr_t)b->row) < 0;                       \
    }                                                                                              \
                                                                                                   \
    static inline void swap##W(entry##W *a, entry##W *b) {                                         \
        entry##W held = *a;                                                                        \
        *a = *b;                                                                                   \
        *b = held;                                                                                 \
    }                                                                                              \
                                                                                                   \
    static void insertion##W(const context *c, entry##W *items, uint64_t count) {                  \
        for (uint64_t i = 1; i < count; i++) {                                                     \
            entry##W held = items[i];                                                              \
            uint64_t at = i;                                                                       \
            for (; at > 0 && less##W(c, &held, &items[at - 1]); at--) {                            \
                items[at] = items[at - 1];                                                         \
            }                                                                                      \
            items[at] = held;                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void sift##W(const context *c, entry##W *items, uint64_t at, uint64_t count) {          \
        for (;;) {                                                                                 \
            uint64_t child = 2 * at + 1;                                                           \
            if (child >= count) {                                                                  \
                return;                                                                            \
            }                                                                                      \
            if (child + 1 < count && less##W(c, &items[child], &items[child + 1])) {               \
                child++;                                                                           \
            }                                                                                      \
            if (!less##W(c, &items[at], &items[child])) {                                          \
                return;                                                                            \
            }                                                                                      \
            swap##W(&items[at], &items[child]);                                                    \
            at = child;                                                                            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void heap##W(const context *c, entry##W *items, uint64_t count) {                       \
        for (uint64_t i = count / 2; i-- > 0;) {                                                   \
            sift##W(c, items, i, count);                                                           \
        }                                                                                          \
        for (uint64_t i = count; i-- > 1;) {                                                       \
            swap##W(&items[0], &items[i]);                                                         \
            sift##W(c, items, 0, i);                                                               \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    /* Hoare's partition around the middle of three; the smaller side goes on the stack. */        \
    static void quick##W(const context *c, entry##W *items, uint64_t count) {                      \
        range stack[LARGEST_DEPTH];                                                                \
        uint32_t depth = 0;                                                                        \
        uint32_t steps = 0;                                                                        \
        uint32_t limit = 2 * (64 - (uint32_t)__builtin_clzll(count | 1));                          \
        uint64_t begin = 0;                                                                        \
        uint64_t end = count;                                                                      \
        for (;;) {                                                                                 \
            if (end - begin <= SMALL_RANGE || ++steps > limit) {                                   \
                if (end - begin <= SMALL_RANGE) {                                                  \
                    insertion##W(c, items + begin, end - begin);                                   \
                } else {                                                                           \
                    heap##W(c, items + begin, end - begin);                                        \
                }                                                                                  \
                if (depth == 0) {                                                                  \
                    return;                                                                        \
                }                                                                                  \
                range next = stack[--depth];                                                       \
                begin = next.begin;                                                                \
                end = next.end;                                                                    \
                steps = next.steps;                                                                \
                continue;                                                                          \
            }                                                                                      \
            entry##W *low = &items[begin];                                                         \
            entry##W *middle = &items[begin + (end - begin) / 2];                                  \
            entry##W *high = &items[end - 1];                                                      \
            if (less##W(c, middle, low)) {                                                         \
                swap##W(middle, low);                                                              \
            }                                                                                      \
            if (less##W(c, high, middle)) {                                                        \
                swap##W(high, middle);                                                             \
                if (less##W(c, middle, low)) {                                                     \
                    swap##W(middle, low);                                                          \
                }                                                                                  \
            }                                                                                      \
            const entry##W pivot = *middle;                                                        \
            uint64_t i = begin;                                                                    \
            uint64_t j = end - 1;                                                                  \
            while (i <= j) {                                                                       \
                while (less##W(c, &items[i], &pivot)) {                                            \
                    i++;                                                                           \
                }                                                                                  \
                while (less##W(c, &pivot, &items[j])) {                                            \
                    j--;                                                                           \
                }                                                                                  \
                if (i <= j) {                                                                      \
                    swap##W(&items[i], &items[j]);                                                 \
                    i++;                                                                           \
                    if (j == begin) {                                                              \
                        break;                                                                     \
                    }                                                                              \
                    j--;                                                                           \
                }                                                                                  \
            }                                                                                      \
            range left = {begin, j + 1, steps};                                                    \
            range right = {i, end, steps};                                                         \
            bool left_is_small = left.end - left.begin < right.end - right.begin;                  \
            stack[depth++] = left_is_small ? right : left;                                         \
            begin = left_is_small ? left.begin : right.begin;                                      \
            end = left_is_small ? left.end : right.end;                                            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void radix##W(const context *c, entry##W *items, uint64_t count, uint32_t word) {       \
        uint64_t starts[BUCKETS];                                                                  \
        uint64_t ends[BUCKETS];                                                                    \
        if (count <= RADIX_RANGE) {                                                                \
            quick##W(c, items, count);                                                             \
            return;                                                                                \
        }                                                                                          \
        uint64_t differing = 0;                                                                    \
        for (; word < W; word++) {                                                                 \
            for (uint64_t i = 1; i < count; i++) {                                                 \
                differing |= items[i].words[word] ^ items[0].words[word];                          \
            }                                                                                      \
            if (differing != 0) {                                                                  \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
        if (differing == 0) {                                                                      \
            if (!c->keys->is_exact) {                                                              \
                quick##W(c, items, count);                                                         \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        const uint32_t top = 63 - (uint32_t)__builtin_clzll(differing);                            \
        const uint32_t shift = top < 7 ? 0 : top - 7;                                              \
        uint64_t counts[BUCKETS] = {0};                                                            \
        for (uint64_t i = 0; i < count; i++) {                                                     \
            counts[(items[i].words[word] >> shift) & 255]++;                                       \
        }                                                                                          \
        uint64_t at = 0;                                                                           \
        for (uint32_t b = 0; b < BUCKETS; b++) {                                                   \
            starts[b] = at;                                                                        \
            at += counts[b];                                                                       \
            ends[b] = at;                                                                          \
        }                                                                                          \
        for (uint32_t b = 0; b < BUCKETS; b++) {                                                   \
            while (starts[b] < ends[b]) {                                                          \
                entry##W held = items[starts[b]];                                                  \
                uint32_t to = (held.words[word] >> shift) & 255;                                   \
                while (to != b) {                                                                  \
                    entry##W *next = &items[starts[to]++];                                         \
                    __builtin_prefetch(next + PREFETCH_DISTANCE, 1);                               \
                    swap##W(&held, next);                                                          \
                    to = (held.words[word] >> shift) & 255;                                        \
                }                                                                                  \
                items[starts[b]++] = held;                                                         \
            }                                                                                      \
        }                                                                                          \
        for (uint32_t b = 0; b < BUCKETS; b++) {                                                   \
            radix##W(c, items + ends[b] - counts[b], counts[b], word);                             \
        }                                                                                          \
    }

DEFINE_SORT(1)
DEFINE_SORT(2)
DEFINE_SORT(3)
DEFINE_SORT(4)

void gly_sort_entries_sort(const gly_sort_key_layout *keys, const gly_row_layout *rows,
                           uint64_t *entries, uint64_t count) {
    context c = {keys, rows};
    switch (keys->words) {
    case 1:
        radix1(&c, (entry1 *)(void *)entries, count, 0);
        break;
    case 2:
        radix2(&c, (entry2 *)(void *)entries, count, 0);
        break;
    case 3:
        radix3(&c, (entry3 *)(void *)entries, count, 0);
        break;
    default:
        radix4(&c, (entry4 *)(void *)entries, count, 0);
        break;
    }
}
