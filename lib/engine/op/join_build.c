/* join_build.c - rows of a join's build side in stores, one per worker or partition, and their
 * table.
 *
 * Invariant: a row's header is its hash until seal.  Not here: when to spill (op_hash_join.c).
 */
#include "lib/engine/op/join_build.h"

#include "lib/base/alloc.h"
#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/table/key_columns.h"

gly_join_build *gly_join_build_make(gly_budget *parent, const gly_type *types,
                                    uint32_t column_count, const uint32_t *keys, uint32_t key_count,
                                    bool has_marks) {
    gly_join_build *build = GLY_NEW(gly_join_build);
    build->arena = gly_arena_make();
    gly_budget_init(&build->budget, parent, SIZE_MAX);
    gly_row_layout_make(build->arena, GLY_JOIN_TABLE_HEADER, types, column_count,
                        has_marks ? GLY_JOIN_TABLE_TAIL : 0, &build->layout);
    if (build->layout.row_size % 32 == 24 && build->layout.row_size < 64) {
        build->layout.row_size += 8; /* then no row lies across two cache lines */
    }
    build->key_count = key_count;
    build->keys = gly_arena_copy(build->arena, keys, key_count * sizeof *keys);
    build->has_nulls = GLY_ARENA_ARRAY(build->arena, bool, column_count);
    gly_join_table_init(&build->table, &build->layout, key_count, build->keys, &build->budget);
    return build;
}

void gly_join_build_empty(gly_join_build *build) {
    gly_join_table_clear(&build->table);
    for (size_t i = 0; i < build->stores.count; i++) {
        gly_row_store_clear(build->stores.items[i]);
        free(build->stores.items[i]);
    }
    build->stores.count = 0;
    memset(build->has_nulls, 0, build->layout.column_count * sizeof *build->has_nulls);
}

void gly_join_build_free(gly_join_build *build) {
    if (build != NULL) {
        gly_join_build_empty(build);
        gly_array_clear(&build->stores);
        gly_arena_free(build->arena);
        free(build);
    }
}

gly_row_store *gly_join_build_add_store(gly_join_build *build) {
    gly_row_store *store = GLY_NEW(gly_row_store);
    gly_row_store_init(store, &build->layout, &build->budget);
    gly_array_push(&build->stores, store);
    return store;
}

bool gly_join_build_put(gly_row_store *store, const gly_column *columns, const uint16_t *positions,
                        const uint64_t *hashes, uint32_t count, bool force) {
    uint8_t *rows[GLY_BATCH_ROWS];
    size_t text_bytes = gly_row_store_text_bytes(store->layout, columns, positions, count);
    if (count == 0) {
        return true;
    }
    if (!gly_row_store_reserve(store, count, text_bytes, force)) {
        return false;
    }
    gly_row_store_append(store, count, rows);
    const uint32_t mark = store->layout->tail_offset;
    const bool has_marks = store->layout->row_size > mark; /* padding may be written, too */
    for (uint32_t i = 0; i < count; i++) {
        *(uint64_t *)(void *)rows[i] = hashes[i];
        if (has_marks) {
            rows[i][mark] = 0;
        }
    }
    gly_row_store_put(store, columns, positions, count, rows);
    return true;
}

bool gly_join_build_put_batch(gly_join_build *build, gly_row_store *store, const gly_batch *batch,
                              gly_arena *scratch, bool force) {
    uint64_t hashes[GLY_BATCH_ROWS];
    gly_column *keys = GLY_ARENA_ARRAY(scratch, gly_column, build->key_count);
    gly_column *columns =
        gly_arena_copy(scratch, batch->columns, batch->column_count * sizeof *columns);
    for (uint32_t k = 0; k < build->key_count; k++) { /* all rows, so that selections still apply */
        gly_column *key = &columns[build->keys[k]];
        gly_key_columns_prepare(&batch->columns[build->keys[k]], NULL, batch->count, scratch, key);
        keys[k] = *key;
    }
    gly_k_hash_columns(keys, build->key_count, batch->selection, batch->selected, hashes);
    return gly_join_build_put(store, columns, batch->selection, hashes, batch->selected, force);
}

gly_status gly_join_build_spill(gly_row_store *store, gly_partition_spill *spill, gly_error *err) {
    const gly_row_layout *layout = store->layout;
    gly_arena *arena = gly_arena_make();
    gly_row_cursor cursor = {0};
    uint8_t *rows[GLY_BATCH_ROWS];
    uint64_t hashes[GLY_BATCH_ROWS];
    gly_status status = GLY_OK;
    for (uint32_t n;
         status == GLY_OK && (n = gly_row_store_scan(store, &cursor, GLY_BATCH_ROWS, rows)) > 0;) {
        gly_arena_reset(arena);
        gly_batch batch = {layout->column_count, n, n, NULL, NULL};
        batch.columns = GLY_ARENA_ARRAY(arena, gly_column, layout->column_count);
        for (uint32_t c = 0; c < layout->column_count; c++) {
            gly_column *column = &batch.columns[c];
            gly_column_make_flat(arena, layout->types[c], n, column);
            column->count = n;
            uint64_t *validity = gly_arena_alloc_aligned(arena, gly_column_words(n) * 8);
            gly_row_layout_gather(layout, c, (const uint8_t *const *)rows, NULL, n,
                                  store->has_nulls[c], validity, column);
        }
        for (uint32_t i = 0; i < n; i++) {
            memcpy(&hashes[i], rows[i], sizeof hashes[i]);
        }
        status = gly_partition_spill_scatter(spill, &batch, hashes, 0, err);
    }
    gly_arena_free(arena);
    gly_row_store_clear(store);
    return status;
}

bool gly_join_build_seal(gly_join_build *build, uint32_t threads, bool force) {
    if (!gly_join_table_build(&build->table, (const gly_row_store *const *)build->stores.items,
                              (uint32_t)build->stores.count, threads, force)) {
        return false;
    }
    for (size_t i = 0; i < build->stores.count; i++) {
        const gly_row_store *store = build->stores.items[i];
        for (uint32_t c = 0; store->has_nulls != NULL && c < build->layout.column_count; c++) {
            build->has_nulls[c] = build->has_nulls[c] || store->has_nulls[c];
        }
    }
    return true;
}

gly_join_side gly_join_build_side(const gly_join_build *build) {
    return (gly_join_side){&build->table, build->has_nulls, build->has_rows, build->has_null_key};
}
