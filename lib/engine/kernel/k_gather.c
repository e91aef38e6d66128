/* k_gather.c - decoding dictionaries and merging branches: copies of 1, 2, 4, 8 or 16 bytes.
 *
 * Values are copied as bytes of their width, so one loop serves all types.  Callers guarantee that
 * every code is inside the dictionary (column.h), also for rows that are NULL or not selected.
 */
#include "lib/engine/kernel/k_gather.h"

typedef struct bytes16 {
    uint64_t words[2];
} bytes16;

#define BY_WIDTH(LOOP)                                                                             \
    switch (width) {                                                                               \
    case 1:                                                                                        \
        LOOP(uint8_t)                                                                              \
        break;                                                                                     \
    case 2:                                                                                        \
        LOOP(uint16_t)                                                                             \
        break;                                                                                     \
    case 4:                                                                                        \
        LOOP(uint32_t)                                                                             \
        break;                                                                                     \
    case 8:                                                                                        \
        LOOP(uint64_t)                                                                             \
        break;                                                                                     \
    case 16:                                                                                       \
        LOOP(bytes16)                                                                              \
        break;                                                                                     \
    default:                                                                                       \
        GLY_UNREACHABLE();                                                                         \
    }

GLY_KERNEL_CLONES
void gly_k_gather_codes(const void *data, size_t width, const uint32_t *codes, uint32_t count,
                        void *out) {
#define LOOP(type)                                                                                 \
    {                                                                                              \
        const type *restrict from = data;                                                          \
        type *restrict to = out;                                                                   \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            to[i] = from[codes[i]];                                                                \
        }                                                                                          \
    }
    BY_WIDTH(LOOP)
#undef LOOP
}

/* Up to 64 entries are one word: a shift per row, which vectorizes. */
GLY_KERNEL_CLONES
static void gather_bits(uint64_t bits, const uint32_t *restrict codes, uint32_t count,
                        uint8_t *restrict out) {
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (uint8_t)(bits >> codes[i] & 1);
    }
}

void gly_k_gather_flags(const uint8_t *flags, uint32_t entries, const uint32_t *codes,
                        uint32_t count, uint8_t *out) {
    if (entries > 64) {
        gly_k_gather_codes(flags, 1, codes, count, out);
        return;
    }
    uint64_t bits = 0;
    for (uint32_t i = 0; i < entries; i++) {
        bits |= (uint64_t)(flags[i] & 1) << i;
    }
    gather_bits(bits, codes, count, out);
}

void gly_k_gather_merge(const void *data, size_t width, uint32_t mask, const uint16_t *rows,
                        uint32_t count, void *out) {
#define LOOP(type)                                                                                 \
    {                                                                                              \
        const type *from = data;                                                                   \
        type *to = out;                                                                            \
        if (rows == NULL && mask != 0) {                                                           \
            memcpy(to, from, count * sizeof(type));                                                \
        } else if (rows == NULL) {                                                                 \
            type value = from[0];                                                                  \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[i] = value;                                                                     \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                to[rows[i]] = from[rows[i] & mask];                                                \
            }                                                                                      \
        }                                                                                          \
    }
    BY_WIDTH(LOOP)
#undef LOOP
}

void gly_k_gather_rows(const void *data, size_t width, const uint16_t *rows, uint32_t count,
                       void *out) {
#define LOOP(type)                                                                                 \
    {                                                                                              \
        const type *restrict from = data;                                                          \
        type *restrict to = out;                                                                   \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            to[i] = from[rows[i]];                                                                 \
        }                                                                                          \
    }
    BY_WIDTH(LOOP)
#undef LOOP
}
