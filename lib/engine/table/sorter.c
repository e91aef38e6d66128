/* sorter.c - collects rows, sorts them by key words, spills sorted runs, merges.
 *
 * Rows lie in a row store; sorting moves only (key words, pointer) entries, made when a run is
 * complete, for which memory is reserved while rows come in.  When memory is refused the run is
 * sorted and written as blocks, and a new one begins.  The merge looks at runs as streams of
 * entries: a run in memory is one array, a spilled run is read batch by batch into rows of its own.
 * Invariant: the merge stops a batch when a spilled run's rows are used up, so that the pointers it
 * has picked stay valid.
 */
#include "lib/engine/table/sorter.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/table/partition_spill.h"
#include "lib/engine/table/sort_entries.h"

enum { LEAST_CUT = 8192, MOST_RUNS = 64, LEAST_RUNS = 4 };

struct gly_sorter {
    const gly_sort_spec *spec;
    gly_task_state *task;
    gly_budget *budget;
    gly_row_store store;
    size_t entry_bytes;  /* reserved for entries of the rows in store */
    uint64_t *entries;   /* after finish */
    size_t mapped_bytes; /* of entries */
    uint64_t count;      /* of entries */
    GLY_ARRAY(gly_partition_spill *) runs;
    uint64_t spilled_rows;
    bool has_bound; /* top-N: rows that sort behind bound are not wanted */
    uint64_t bound[GLY_SORT_KEY_WORDS];
};

static size_t entry_size(const gly_sort_spec *spec) { return (spec->keys.words + 1) * 8u; }

gly_sorter *gly_sorter_make(const gly_sort_spec *spec, gly_task_state *task, gly_budget *budget) {
    gly_sorter *sorter = GLY_NEW(gly_sorter);
    sorter->spec = spec;
    sorter->task = task;
    sorter->budget = budget;
    gly_row_store_init(&sorter->store, &spec->layout, budget);
    return sorter;
}

static void drop_entries(gly_sorter *sorter) {
    gly_row_store_unmap(sorter->entries, sorter->mapped_bytes);
    sorter->entries = NULL;
    sorter->count = 0;
    if (sorter->entry_bytes > 0) {
        gly_budget_release(sorter->budget, sorter->entry_bytes);
        sorter->entry_bytes = 0;
    }
}

void gly_sorter_free(gly_sorter *sorter) {
    if (sorter == NULL) {
        return;
    }
    drop_entries(sorter);
    gly_row_store_clear(&sorter->store);
    for (size_t i = 0; i < sorter->runs.count; i++) {
        gly_partition_spill_free(sorter->runs.items[i]);
    }
    gly_array_clear(&sorter->runs);
    free(sorter);
}

uint64_t gly_sorter_rows(const gly_sorter *sorter) {
    return sorter->store.row_count + sorter->spilled_rows;
}

/* ---- rows and columns ---- */

/* Columns of rows; c below `count` only. */
static void rows_to_batch(const gly_sort_spec *spec, uint8_t *const *rows, uint32_t row_count,
                          uint32_t column_count, const bool *has_nulls, gly_arena *arena,
                          gly_batch *ret) {
    *ret = (gly_batch){column_count, row_count, row_count, NULL, NULL};
    ret->columns = GLY_ARENA_ARRAY(arena, gly_column, column_count);
    for (uint32_t c = 0; c < column_count; c++) {
        gly_column *column = &ret->columns[c];
        bool may_be_null = has_nulls == NULL || has_nulls[c];
        gly_column_make_flat(arena, spec->layout.types[c], row_count, column);
        column->count = row_count;
        uint64_t *validity =
            may_be_null ? gly_arena_alloc_aligned(arena, gly_column_words(row_count) * 8) : NULL;
        gly_row_layout_gather(&spec->layout, c, (const uint8_t *const *)rows, NULL, row_count,
                              may_be_null, validity, column);
    }
}

/* Entries for rows whose key columns are given (dense). */
static void fill_entries(const gly_sort_spec *spec, const gly_column *columns, uint8_t *const *rows,
                         uint32_t count, uint64_t *entries) {
    const uint32_t stride = spec->keys.words + 1;
    gly_sort_key_encode(&spec->keys, columns, NULL, count, entries, stride);
    for (uint32_t i = 0; i < count; i++) {
        entries[(size_t)i * stride + spec->keys.words] = (uint64_t)(uintptr_t)rows[i];
    }
}

/* Makes and sorts the entries of all rows in the store. */
static void sort_store(gly_sorter *sorter) {
    const gly_sort_spec *spec = sorter->spec;
    const uint32_t stride = spec->keys.words + 1;
    gly_arena *arena = gly_arena_make();
    gly_row_cursor cursor = {0};
    uint8_t *rows[GLY_BATCH_ROWS];
    sorter->count = sorter->store.row_count;
    sorter->mapped_bytes = GLY_MAX(sorter->count * entry_size(spec), (size_t)8);
    sorter->entries = gly_row_store_map(sorter->mapped_bytes);
    uint64_t at = 0;
    gly_column *columns = GLY_NEW_ARRAY(gly_column, spec->layout.column_count);
    for (uint32_t n; (n = gly_row_store_scan(&sorter->store, &cursor, GLY_BATCH_ROWS, rows)) > 0;) {
        gly_arena_reset(arena);
        for (uint32_t p = 0; p < spec->keys.part_count; p++) {
            uint32_t c = spec->keys.parts[p].column;
            gly_column *column = &columns[c];
            *column = (gly_column){0};
            gly_column_make_flat(arena, spec->layout.types[c], n, column);
            column->count = n;
            uint64_t *validity = gly_arena_alloc_aligned(arena, gly_column_words(n) * 8);
            gly_row_layout_gather(&spec->layout, c, (const uint8_t *const *)rows, NULL, n,
                                  sorter->store.has_nulls[c], validity, column);
        }
        fill_entries(spec, columns, rows, n, sorter->entries + at * stride);
        at += n;
    }
    free(columns);
    gly_arena_free(arena);
    gly_sort_entries_sort(&spec->keys, &spec->layout, sorter->entries, sorter->count);
    sorter->count = GLY_MIN(sorter->count, spec->limit);
}

/* The given entries' rows as the next batches of a run. */
static gly_status write_rows(gly_sorter *sorter, gly_partition_spill *run, uint8_t *const *rows,
                             uint32_t count, gly_arena *arena, gly_error *err) {
    gly_batch batch;
    gly_arena_reset(arena);
    rows_to_batch(sorter->spec, rows, count, sorter->spec->layout.column_count, NULL, arena,
                  &batch);
    return gly_partition_spill_append(run, 0, &batch, NULL, count, err);
}

static gly_status make_run(gly_sorter *sorter, gly_partition_spill **ret, gly_error *err) {
    const gly_row_layout *layout = &sorter->spec->layout;
    GLY_TRY(gly_partition_spill_make(sorter->task, sorter->budget, layout->types,
                                     layout->column_count, 1, ret, err));
    gly_array_push(&sorter->runs, *ret);
    return GLY_OK;
}

static gly_status spill_run(gly_sorter *sorter, gly_error *err) {
    const uint32_t words = sorter->spec->keys.words;
    gly_partition_spill *run;
    GLY_TRY(make_run(sorter, &run, err));
    sort_store(sorter);
    gly_arena *arena = gly_arena_make();
    uint8_t *rows[GLY_BATCH_ROWS];
    gly_status status = GLY_OK;
    for (uint64_t at = 0; status == GLY_OK && at < sorter->count;) {
        uint32_t n = (uint32_t)GLY_MIN(sorter->count - at, (uint64_t)GLY_BATCH_ROWS);
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = (uint8_t *)(uintptr_t)sorter->entries[(at + i) * (words + 1) + words];
        }
        status = write_rows(sorter, run, rows, n, arena, err);
        at += n;
    }
    gly_arena_free(arena);
    if (status == GLY_OK) {
        status = gly_partition_spill_seal(run, err);
    }
    sorter->spilled_rows += sorter->count;
    drop_entries(sorter);
    gly_row_store_clear(&sorter->store);
    return status;
}

/* Top-N: keeps the first rows only and remembers where the last one is. */
static gly_status cut(gly_sorter *sorter, gly_error *err) {
    const gly_sort_spec *spec = sorter->spec;
    const uint32_t words = spec->keys.words;
    (void)err;
    sort_store(sorter);
    memcpy(sorter->bound, sorter->entries + (sorter->count - 1) * (words + 1), words * 8u);
    sorter->has_bound = true;
    gly_row_store kept;
    gly_row_store_init(&kept, &spec->layout, sorter->budget);
    gly_arena *arena = gly_arena_make();
    uint8_t *rows[GLY_BATCH_ROWS];
    uint8_t *copies[GLY_BATCH_ROWS];
    for (uint64_t at = 0; at < sorter->count;) {
        uint32_t n = (uint32_t)GLY_MIN(sorter->count - at, (uint64_t)GLY_BATCH_ROWS);
        gly_batch batch;
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = (uint8_t *)(uintptr_t)sorter->entries[(at + i) * (words + 1) + words];
        }
        gly_arena_reset(arena);
        rows_to_batch(spec, rows, n, spec->layout.column_count, sorter->store.has_nulls, arena,
                      &batch);
        (void)gly_row_store_reserve(
            &kept, n, gly_row_store_text_bytes(&spec->layout, batch.columns, NULL, n), true);
        gly_row_store_append(&kept, n, copies);
        gly_row_store_put(&kept, batch.columns, NULL, n, copies);
        at += n;
    }
    gly_arena_free(arena);
    gly_row_store_clear(&sorter->store);
    uint64_t count = sorter->count;
    drop_entries(sorter);
    sorter->entry_bytes = count * entry_size(spec);
    gly_budget_force(sorter->budget, sorter->entry_bytes);
    sorter->store = kept;
    return GLY_OK;
}

/* Top-N: the live rows that may be among the first. */
static uint32_t within_bound(gly_sorter *sorter, const gly_column *columns,
                             const uint16_t *selection, uint32_t live, uint16_t *ret) {
    const gly_sort_key_layout *keys = &sorter->spec->keys;
    uint64_t words[GLY_BATCH_ROWS * GLY_SORT_KEY_WORDS];
    uint32_t kept = 0;
    gly_sort_key_encode(keys, columns, selection, live, words, keys->words);
    for (uint32_t i = 0; i < live; i++) {
        const uint64_t *own = words + (size_t)i * keys->words;
        int order = 0;
        for (uint32_t w = 0; w < keys->words && order == 0; w++) {
            order = (own[w] > sorter->bound[w]) - (own[w] < sorter->bound[w]);
        }
        ret[kept] = selection == NULL ? (uint16_t)i : selection[i];
        kept += order < 0 || (order == 0 && !keys->is_exact);
    }
    return kept;
}

static bool reserve(gly_sorter *sorter, uint32_t count, size_t text_bytes, bool force) {
    size_t bytes = count * entry_size(sorter->spec);
    if (force) {
        gly_budget_force(sorter->budget, bytes);
    } else if (!gly_budget_try_reserve(sorter->budget, bytes)) {
        return false;
    }
    if (!gly_row_store_reserve(&sorter->store, count, text_bytes, force)) {
        gly_budget_release(sorter->budget, bytes);
        return false;
    }
    sorter->entry_bytes += bytes;
    return true;
}

gly_status gly_sorter_add(gly_sorter *sorter, const gly_column *columns, const uint16_t *selection,
                          uint32_t live, gly_error *err) {
    const gly_sort_spec *spec = sorter->spec;
    uint16_t wanted[GLY_BATCH_ROWS];
    uint8_t *rows[GLY_BATCH_ROWS];
    if (spec->limit == 0) {
        return GLY_OK;
    }
    if (sorter->has_bound) {
        live = within_bound(sorter, columns, selection, live, wanted);
        selection = wanted;
    }
    if (live == 0) {
        return GLY_OK;
    }
    size_t text_bytes = gly_row_store_text_bytes(&spec->layout, columns, selection, live);
    if (!reserve(sorter, live, text_bytes, false)) {
        if (sorter->store.row_count > 0) {
            GLY_TRY(spill_run(sorter, err));
        }
        (void)reserve(sorter, live, text_bytes, true);
    }
    gly_row_store_append(&sorter->store, live, rows);
    gly_row_store_put(&sorter->store, columns, selection, live, rows);
    if (spec->limit < UINT64_MAX / 2 && sorter->store.row_count > spec->limit &&
        sorter->store.row_count >= GLY_MAX(2 * spec->limit, (uint64_t)LEAST_CUT)) {
        return cut(sorter, err);
    }
    return GLY_OK;
}

gly_status gly_sorter_finish(gly_sorter *sorter, gly_error *err) {
    (void)err;
    if (sorter->store.row_count > 0) {
        sort_store(sorter);
    }
    return GLY_OK;
}

/* ---- merge ---- */

typedef struct run { /* a stream of entries in order */
    const uint64_t *entries;
    uint64_t count, at;
    gly_partition_reader *reader; /* NULL: all entries are there */
    gly_row_store store;          /* of the batch just read */
    uint64_t *buffer;
} run;

struct gly_sort_merge {
    const gly_sort_spec *spec;
    gly_budget *budget;
    gly_arena *arena;
    uint32_t run_count;
    run *runs;
    uint32_t heap_count;
    uint32_t *heap; /* runs, the one with the least entry first */
    uint64_t rows_out;
    bool *has_nulls; /* NULL: any column may have them */
    gly_batch batch;
};

static const uint64_t *head_of(const gly_sort_merge *merge, uint32_t r) {
    const run *own = &merge->runs[r];
    return own->entries + own->at * (merge->spec->keys.words + 1);
}

static bool is_before(const gly_sort_merge *merge, uint32_t a, uint32_t b) {
    return gly_sort_entries_compare(&merge->spec->keys, &merge->spec->layout, head_of(merge, a),
                                    head_of(merge, b)) < 0;
}

static void sift(gly_sort_merge *merge, uint32_t at) {
    uint32_t *heap = merge->heap;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= merge->heap_count) {
            return;
        }
        if (child + 1 < merge->heap_count && is_before(merge, heap[child + 1], heap[child])) {
            child++;
        }
        if (!is_before(merge, heap[child], heap[at])) {
            return;
        }
        uint32_t held = heap[at];
        heap[at] = heap[child];
        heap[child] = held;
        at = child;
    }
}

/* Gets more entries of a spilled run; count 0: it is at its end. */
static gly_status refill(gly_sort_merge *merge, run *own, gly_error *err) {
    const gly_sort_spec *spec = merge->spec;
    own->at = own->count = 0;
    if (own->reader == NULL) {
        return GLY_OK;
    }
    const gly_batch *batch;
    GLY_TRY(gly_partition_reader_next(own->reader, &batch, err));
    if (batch == NULL) {
        return GLY_OK;
    }
    uint8_t *rows[GLY_BATCH_ROWS];
    GLY_ASSERT(batch->selection == NULL);
    gly_row_store_reset(&own->store);
    (void)gly_row_store_reserve(
        &own->store, batch->count,
        gly_row_store_text_bytes(&spec->layout, batch->columns, NULL, batch->count), true);
    gly_row_store_append(&own->store, batch->count, rows);
    gly_row_store_put(&own->store, batch->columns, NULL, batch->count, rows);
    fill_entries(spec, batch->columns, rows, batch->count, own->buffer);
    own->entries = own->buffer;
    own->count = batch->count;
    return GLY_OK;
}

static gly_status start_heap(gly_sort_merge *merge, gly_error *err) {
    for (uint32_t r = 0; r < merge->run_count; r++) {
        if (merge->runs[r].reader != NULL) {
            GLY_TRY(refill(merge, &merge->runs[r], err));
        }
        if (merge->runs[r].count > 0) {
            merge->heap[merge->heap_count++] = r;
        }
    }
    for (uint32_t i = merge->heap_count / 2; i-- > 0;) {
        sift(merge, i);
    }
    return GLY_OK;
}

static gly_sort_merge *make_merge(const gly_sort_spec *spec, gly_budget *budget,
                                  uint32_t run_capacity) {
    gly_sort_merge *merge = GLY_NEW(gly_sort_merge);
    merge->spec = spec;
    merge->budget = budget;
    merge->arena = gly_arena_make();
    merge->runs = GLY_NEW_ARRAY(run, run_capacity);
    merge->heap = GLY_NEW_ARRAY(uint32_t, run_capacity);
    return merge;
}

static void add_spilled(gly_sort_merge *merge, const gly_partition_spill *spill) {
    run *own = &merge->runs[merge->run_count++];
    own->reader = gly_partition_reader_make(spill, 0);
    gly_row_store_init(&own->store, &merge->spec->layout, merge->budget);
    size_t bytes = GLY_BATCH_ROWS * entry_size(merge->spec);
    gly_budget_force(merge->budget, bytes);
    own->buffer = gly_alloc(bytes);
}

void gly_sort_merge_free(gly_sort_merge *merge) {
    if (merge == NULL) {
        return;
    }
    for (uint32_t r = 0; r < merge->run_count; r++) {
        run *own = &merge->runs[r];
        if (own->reader != NULL) {
            gly_partition_reader_free(own->reader);
            gly_row_store_clear(&own->store);
            free(own->buffer);
            gly_budget_release(merge->budget, GLY_BATCH_ROWS * entry_size(merge->spec));
        }
    }
    gly_arena_free(merge->arena);
    free(merge->has_nulls);
    free(merge->runs);
    free(merge->heap);
    free(merge);
}

/* Picks the next rows in order. */
static gly_status pick(gly_sort_merge *merge, uint8_t **rows, uint32_t *ret_count, gly_error *err) {
    const gly_sort_spec *spec = merge->spec;
    const uint32_t words = spec->keys.words;
    uint64_t left = spec->limit - merge->rows_out;
    uint32_t max = (uint32_t)GLY_MIN(left, (uint64_t)GLY_BATCH_ROWS);
    uint32_t count = 0;
    while (count < max && merge->heap_count > 0) {
        run *own = &merge->runs[merge->heap[0]];
        if (own->at == own->count) { /* used up in the batch before */
            GLY_TRY(refill(merge, own, err));
            if (own->count == 0) {
                merge->heap[0] = merge->heap[--merge->heap_count];
            }
            sift(merge, 0);
            continue;
        }
        if (merge->heap_count == 1) { /* no one to compare with */
            uint64_t n = GLY_MIN(own->count - own->at, (uint64_t)(max - count));
            for (uint64_t i = 0; i < n; i++, own->at++) {
                rows[count++] = (uint8_t *)(uintptr_t)own->entries[own->at * (words + 1) + words];
            }
        } else {
            rows[count++] = (uint8_t *)(uintptr_t)own->entries[own->at * (words + 1) + words];
            own->at++;
        }
        if (own->at == own->count) {
            break; /* rows of this run must stay until the batch is made */
        }
        sift(merge, 0);
    }
    merge->rows_out += count;
    *ret_count = count;
    return GLY_OK;
}

gly_status gly_sort_merge_next(gly_sort_merge *merge, const gly_batch **ret, gly_error *err) {
    uint8_t *rows[GLY_BATCH_ROWS];
    uint32_t count;
    GLY_TRY(pick(merge, rows, &count, err));
    if (count == 0) {
        *ret = NULL;
        return GLY_OK;
    }
    gly_arena_reset(merge->arena);
    rows_to_batch(merge->spec, rows, count, merge->spec->output_count, merge->has_nulls,
                  merge->arena, &merge->batch);
    *ret = &merge->batch;
    return GLY_OK;
}

/* How many runs may be read at once. */
static uint32_t fan_in(const gly_sorter *sorter) {
    size_t own = GLY_BATCH_ROWS * (sorter->spec->layout.row_size + entry_size(sorter->spec)) +
                 (size_t)512 * 1024;
    size_t runs = gly_budget_available(sorter->budget) / own;
    return (uint32_t)GLY_MAX(GLY_MIN(runs, (size_t)MOST_RUNS), (size_t)LEAST_RUNS);
}

/* Merges `count` spilled runs of one sorter, from the first, into a new one at the end. */
static gly_status merge_some(gly_sorter *sorter, uint32_t count, gly_error *err) {
    gly_partition_spill *target;
    GLY_TRY(make_run(sorter, &target, err));
    gly_sort_merge *merge = make_merge(sorter->spec, sorter->budget, count);
    for (uint32_t i = 0; i < count; i++) {
        add_spilled(merge, sorter->runs.items[i]);
    }
    gly_arena *arena = gly_arena_make();
    gly_status status = start_heap(merge, err);
    uint8_t *rows[GLY_BATCH_ROWS];
    for (uint32_t n = 1; status == GLY_OK && n > 0;) {
        status = pick(merge, rows, &n, err);
        if (status == GLY_OK && n > 0) {
            status = write_rows(sorter, target, rows, n, arena, err);
        }
    }
    gly_arena_free(arena);
    gly_sort_merge_free(merge);
    for (uint32_t i = 0; status == GLY_OK && i < count; i++) {
        gly_partition_spill_free(sorter->runs.items[0]);
        gly_array_remove_at(&sorter->runs, 0);
    }
    return status == GLY_OK ? gly_partition_spill_seal(target, err) : status;
}

gly_status gly_sort_merge_make(gly_sorter *const *sorters, uint32_t count, gly_sort_merge **ret,
                               gly_error *err) {
    GLY_ASSERT(count > 0);
    uint32_t runs = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t most = GLY_MAX(fan_in(sorters[i]) / count, 2u);
        while (sorters[i]->runs.count > most) {
            size_t excess = sorters[i]->runs.count - most + 1;
            GLY_TRY(
                merge_some(sorters[i], (uint32_t)GLY_MIN(excess, (size_t)GLY_MAX(most, 2u)), err));
        }
        runs += (uint32_t)sorters[i]->runs.count + 1;
    }
    gly_sort_merge *merge = make_merge(sorters[0]->spec, sorters[0]->budget, runs);
    bool has_spilled = false;
    merge->has_nulls = GLY_NEW_ARRAY(bool, merge->spec->layout.column_count);
    for (uint32_t i = 0; i < count; i++) {
        gly_sorter *sorter = sorters[i];
        if (sorter->count > 0) {
            merge->runs[merge->run_count++] =
                (run){.entries = sorter->entries, .count = sorter->count};
            for (uint32_t c = 0; c < merge->spec->layout.column_count; c++) {
                merge->has_nulls[c] = merge->has_nulls[c] || sorter->store.has_nulls[c];
            }
        }
        for (size_t r = 0; r < sorter->runs.count; r++) {
            add_spilled(merge, sorter->runs.items[r]);
            has_spilled = true;
        }
    }
    if (has_spilled) {
        free(merge->has_nulls);
        merge->has_nulls = NULL;
    }
    gly_status status = start_heap(merge, err);
    if (status != GLY_OK) {
        gly_sort_merge_free(merge);
        return status;
    }
    *ret = merge;
    return GLY_OK;
}
