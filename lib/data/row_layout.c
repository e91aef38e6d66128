/* row_layout.c - columns to rows and back, and comparing the two.
 *
 * One loop per kind and direction, stamped out by macros; the shapes of a column (flat, constant,
 * dictionary) and selections are folded into one index array first, so that no loop asks per value.
 * Invariant: offsets are aligned to the value's width (16-byte values to 8), rows to 8 bytes.
 * Not here: memory for rows and for long text (row_store.c).
 */
#include "lib/data/row_layout.h"

void gly_row_layout_make(gly_arena *arena, uint32_t header_size, const gly_type *types,
                         uint32_t column_count, uint32_t tail_size, gly_row_layout *ret) {
    gly_row_layout layout = {.column_count = column_count};
    layout.types = GLY_ARENA_ARRAY(arena, gly_type, column_count);
    layout.kinds = GLY_ARENA_ARRAY(arena, uint8_t, column_count);
    layout.offsets = GLY_ARENA_ARRAY(arena, uint32_t, column_count);
    uint32_t at = (uint32_t)GLY_ALIGN_UP(header_size, 8);
    for (uint32_t c = 0; c < column_count; c++) {
        layout.types[c] = types[c];
        layout.kinds[c] = (uint8_t)gly_type_kind(types[c]);
        layout.has_text = layout.has_text || layout.kinds[c] == GLY_KIND_TEXT;
    }
    for (size_t width = 16; width > 0; width /= 2) {
        for (uint32_t c = 0; c < column_count; c++) {
            if (gly_kind_width((gly_kind)layout.kinds[c]) == width) {
                layout.offsets[c] = at;
                at += (uint32_t)width;
            }
        }
    }
    layout.null_offset = at;
    at += GLY_MAX((column_count + 7) / 8, 1u); /* at least one byte: it may be written */
    layout.tail_offset = (uint32_t)GLY_ALIGN_UP(at, 8);
    layout.row_size = (uint32_t)GLY_ALIGN_UP(layout.tail_offset + tail_size, 8);
    *ret = layout;
}

const uint32_t *gly_row_layout_index(const gly_column *column, const uint16_t *positions,
                                     uint32_t count, uint32_t *buffer) {
    switch (column->shape) {
    case GLY_SHAPE_FLAT:
        if (positions == NULL) {
            return NULL;
        }
        for (uint32_t i = 0; i < count; i++) {
            buffer[i] = positions[i];
        }
        return buffer;
    case GLY_SHAPE_CONSTANT:
        memset(buffer, 0, count * sizeof *buffer);
        return buffer;
    default:
        if (positions == NULL) {
            return column->codes;
        }
        for (uint32_t i = 0; i < count; i++) {
            buffer[i] = column->codes[positions[i]];
        }
        return buffer;
    }
}

typedef struct wide {
    uint64_t words[2];
} wide;

static bool scatter_nulls(const gly_row_layout *layout, uint32_t c, const gly_column *column,
                          const uint16_t *positions, uint32_t count, uint8_t *const *rows) {
    if (column->type.id == GLY_TYPE_NULL) {
        for (uint32_t i = 0; i < count; i++) {
            gly_row_layout_set_null(layout, c, rows[i]);
        }
        return true;
    }
    if (column->validity == NULL) {
        return false;
    }
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!gly_column_valid(column, positions == NULL ? i : positions[i])) {
            gly_row_layout_set_null(layout, c, rows[i]);
            any = true;
        }
    }
    return any;
}

bool gly_row_layout_scatter(const gly_row_layout *layout, uint32_t c, const gly_column *column,
                            const uint16_t *positions, uint32_t count, uint8_t *const *rows) {
    uint32_t buffer[GLY_BATCH_ROWS];
    const uint32_t offset = layout->offsets[c];
    if (count == 0) {
        return false;
    }
    bool any_null = scatter_nulls(layout, c, column, positions, count, rows);
    if (column->type.id == GLY_TYPE_NULL ||
        (column->shape == GLY_SHAPE_DICTIONARY && column->dictionary_count == 0)) {
        const size_t width = gly_kind_width((gly_kind)layout->kinds[c]);
        for (uint32_t i = 0; i < count; i++) { /* all NULL: there is nothing to read */
            memset(rows[i] + offset, 0, width);
        }
        return any_null;
    }
    const uint32_t *index = gly_row_layout_index(column, positions, count, buffer);
#define SCATTER(kind, type)                                                                        \
    case kind: {                                                                                   \
        const type *data = column->data;                                                           \
        if (index == NULL) {                                                                       \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                memcpy(rows[i] + offset, &data[i], sizeof(type));                                  \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                memcpy(rows[i] + offset, &data[index[i]], sizeof(type));                           \
            }                                                                                      \
        }                                                                                          \
        break;                                                                                     \
    }
    switch ((gly_kind)layout->kinds[c]) {
        SCATTER(GLY_KIND_I8, uint8_t)
        SCATTER(GLY_KIND_I16, uint16_t)
        SCATTER(GLY_KIND_I32, uint32_t)
        SCATTER(GLY_KIND_F32, uint32_t)
        SCATTER(GLY_KIND_I64, uint64_t)
        SCATTER(GLY_KIND_F64, uint64_t)
        SCATTER(GLY_KIND_I128, wide)
        SCATTER(GLY_KIND_TEXT, wide)
    case GLY_KIND_COUNT:
        GLY_UNREACHABLE();
    }
#undef SCATTER
    return any_null;
}

static void gather_nulls(const gly_row_layout *layout, uint32_t c, const uint8_t *const *rows,
                         const uint16_t *positions, uint32_t count, uint64_t *validity_buffer,
                         gly_column *ret) {
    const uint32_t byte = layout->null_offset + (c >> 3);
    const unsigned bit = c & 7;
    unsigned any = 0;
    for (uint32_t i = 0; i < count; i++) {
        any |= rows[i][byte];
    }
    if (((any >> bit) & 1) == 0) {
        return;
    }
    memset(validity_buffer, 0xff, gly_column_words(ret->count) * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        if ((rows[i][byte] >> bit) & 1) {
            gly_bit_clear(validity_buffer, positions == NULL ? i : positions[i]);
        }
    }
    ret->validity = validity_buffer;
}

void gly_row_layout_gather(const gly_row_layout *layout, uint32_t c, const uint8_t *const *rows,
                           const uint16_t *positions, uint32_t count, bool may_be_null,
                           uint64_t *validity_buffer, gly_column *ret) {
    const uint32_t offset = layout->offsets[c];
    ret->validity = NULL;
#define GATHER(kind, type)                                                                         \
    case kind: {                                                                                   \
        type *data = ret->data;                                                                    \
        if (positions == NULL) {                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                memcpy(&data[i], rows[i] + offset, sizeof(type));                                  \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++) {                                                 \
                memcpy(&data[positions[i]], rows[i] + offset, sizeof(type));                       \
            }                                                                                      \
        }                                                                                          \
        break;                                                                                     \
    }
    switch ((gly_kind)layout->kinds[c]) {
        GATHER(GLY_KIND_I8, uint8_t)
        GATHER(GLY_KIND_I16, uint16_t)
        GATHER(GLY_KIND_I32, uint32_t)
        GATHER(GLY_KIND_F32, uint32_t)
        GATHER(GLY_KIND_I64, uint64_t)
        GATHER(GLY_KIND_F64, uint64_t)
        GATHER(GLY_KIND_I128, wide)
        GATHER(GLY_KIND_TEXT, wide)
    case GLY_KIND_COUNT:
        GLY_UNREACHABLE();
    }
#undef GATHER
    if (may_be_null) {
        gather_nulls(layout, c, rows, positions, count, validity_buffer, ret);
    }
}

/* The first filter of a comparison: both NULL stay as matched without a look at the values. */
static uint32_t match_nulls(const gly_row_layout *layout, uint32_t c, const gly_column *column,
                            const uint16_t *positions, uint8_t *const *rows, uint16_t *chosen,
                            uint32_t chosen_count, uint16_t *both_null, uint32_t *both_count,
                            uint16_t *missed, uint32_t *missed_count) {
    uint32_t kept = 0;
    uint32_t nulls = 0;
    uint32_t misses = *missed_count;
    for (uint32_t i = 0; i < chosen_count; i++) {
        uint16_t e = chosen[i];
        bool a = column->type.id == GLY_TYPE_NULL ||
                 !gly_column_valid(column, positions == NULL ? e : positions[e]);
        bool b = gly_row_layout_is_null(layout, c, rows[e]);
        if (a != b) {
            missed[misses++] = e;
        } else if (a) {
            both_null[nulls++] = e;
        } else {
            chosen[kept++] = e;
        }
    }
    *both_count = nulls;
    *missed_count = misses;
    return kept;
}

static bool equal_wide(const wide *a, const wide *b) {
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

static bool equal_text(const wide *a, const wide *b) {
    return gly_text_equal((const gly_text *)(const void *)a, (const gly_text *)(const void *)b);
}

uint32_t gly_row_layout_match(const gly_row_layout *layout, uint32_t c, const gly_column *column,
                              const uint32_t *index, const uint16_t *positions,
                              uint8_t *const *rows, bool may_be_null, uint16_t *chosen,
                              uint32_t chosen_count, uint16_t *missed, uint32_t *missed_count) {
    uint16_t both_null[GLY_BATCH_ROWS];
    uint32_t both_count = 0;
    if (may_be_null || column->validity != NULL || column->type.id == GLY_TYPE_NULL) {
        chosen_count = match_nulls(layout, c, column, positions, rows, chosen, chosen_count,
                                   both_null, &both_count, missed, missed_count);
    }
    const uint32_t offset = layout->offsets[c];
    uint32_t kept = 0;
    uint32_t misses = *missed_count;
#define MATCH_LOOP(type, equal)                                                                    \
    {                                                                                              \
        const type *data = column->data;                                                           \
        for (uint32_t i = 0; i < chosen_count; i++) {                                              \
            uint16_t e = chosen[i];                                                                \
            type b;                                                                                \
            memcpy(&b, rows[e] + offset, sizeof b);                                                \
            const type *a = &data[index == NULL ? e : index[e]];                                   \
            bool same = equal;                                                                     \
            chosen[kept] = e;                                                                      \
            kept += same;                                                                          \
            missed[misses] = e;                                                                    \
            misses += !same;                                                                       \
        }                                                                                          \
        break;                                                                                     \
    }
    switch ((gly_kind)layout->kinds[c]) {
    case GLY_KIND_I8:
        MATCH_LOOP(uint8_t, *a == b)
    case GLY_KIND_I16:
        MATCH_LOOP(uint16_t, *a == b)
    case GLY_KIND_I32:
    case GLY_KIND_F32: /* floats are normalised before they get here: bits decide */
        MATCH_LOOP(uint32_t, *a == b)
    case GLY_KIND_I64:
    case GLY_KIND_F64:
        MATCH_LOOP(uint64_t, *a == b)
    case GLY_KIND_I128:
        MATCH_LOOP(wide, equal_wide(a, &b))
    case GLY_KIND_TEXT:
        for (uint32_t i = 0; i < chosen_count; i++) { /* so that the misses overlap */
            gly_text stored;
            memcpy(&stored, rows[chosen[i]] + offset, sizeof stored);
            __builtin_prefetch(stored.size > GLY_TEXT_INLINE ? stored.pointer : NULL);
        }
        MATCH_LOOP(wide, equal_text(a, &b))
    case GLY_KIND_COUNT:
        GLY_UNREACHABLE();
    }
#undef MATCH_LOOP
    memcpy(chosen + kept, both_null, both_count * sizeof *chosen);
    *missed_count = misses;
    return kept + both_count;
}
