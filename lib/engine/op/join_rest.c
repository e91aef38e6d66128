/* join_rest.c - what a hash join puts out after its probe side has streamed by.
 *
 *   RIGHT, FULL   build rows in memory that found no partner
 *   spilled       partition by partition: load a chunk of the build side that fits, read the whole
 * probe side past it, put out the chunk's unmatched rows, next chunk
 *
 * When a partition takes several chunks, a flag per probe row remembers across them whether it has
 * found a match, so every kind of join works in chunks.
 * Invariant: a chunk has at least one batch, so there is always progress.
 */
#include "lib/engine/op/join_state.h"

#include "lib/base/alloc.h"

typedef enum step { RESIDENT, TAKE, LOAD, READ, PUT, UNMATCHED } step;

enum { ROW_OVERHEAD = 24 }; /* of the directory, at most */

typedef struct rest {
    gly_join_state *join;
    step step;
    gly_arena *arena; /* the batch put out; scratch while loading */
    gly_join_probe *probe;
    gly_batch out;
    uint32_t partition;
    /* build side */
    gly_join_build *chunk;
    size_t build_spill;
    gly_partition_reader *build_reader;
    const gly_batch *waiting; /* read, but did not fit in the last chunk */
    bool is_last;
    /* probe side */
    size_t probe_spill;
    gly_partition_reader *probe_reader;
    bool *seen;
    size_t seen_bytes;
    uint64_t ordinal; /* of the next probe row */
    /* unmatched rows of a store */
    const gly_row_store *store;
    gly_row_cursor cursor;
} rest;

bool gly_join_rest_keeps_build(const gly_join_state *join) {
    return join->spec.kind == GLY_JOIN_RIGHT || join->spec.kind == GLY_JOIN_FULL;
}

bool gly_join_rest_is_needed(gly_op_node *node) {
    gly_join_state *join = node->state;
    return join->spilled_mask != 0 || (gly_join_rest_keeps_build(join) && join->build->has_rows);
}

gly_status gly_join_rest_open(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    gly_join_state *join = node->state;
    (void)worker;
    (void)err;
    rest *r = GLY_NEW(rest);
    r->join = join;
    r->step = gly_join_rest_keeps_build(join) ? RESIDENT : TAKE;
    r->arena = gly_arena_make();
    r->probe = gly_join_probe_make(&join->spec, false);
    *ret_local = r;
    return GLY_OK;
}

static void forget_seen(rest *r) {
    if (r->seen != NULL) {
        gly_row_store_unmap(r->seen, r->seen_bytes);
        gly_budget_release(&r->join->budget, r->seen_bytes);
        r->seen = NULL;
    }
}

void gly_join_rest_close(void *local) {
    rest *r = local;
    gly_join_probe_free(r->probe);
    gly_join_build_free(r->chunk);
    gly_partition_reader_free(r->build_reader);
    gly_partition_reader_free(r->probe_reader);
    forget_seen(r);
    gly_arena_free(r->arena);
    free(r);
}

/* The next unmatched rows of r->store; false at its end. */
static bool put_unmatched(rest *r, const gly_join_side *side) {
    uint8_t *rows[GLY_BATCH_ROWS];
    for (;;) {
        uint32_t count = gly_row_store_scan(r->store, &r->cursor, GLY_BATCH_ROWS, rows);
        if (count == 0) {
            return false;
        }
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            rows[kept] = rows[i];
            kept += !gly_join_table_is_marked(side->table, rows[i]);
        }
        if (kept > 0) {
            gly_arena_reset(r->arena);
            gly_join_probe_unmatched(&r->join->spec, side, rows, kept, r->arena, &r->out);
            return true;
        }
    }
}

static bool next_resident(rest *r) {
    gly_join_build *build = r->join->build;
    gly_join_side side = gly_join_build_side(build);
    for (;;) {
        if (r->store != NULL && put_unmatched(r, &side)) {
            return true;
        }
        uint32_t next = atomic_fetch_add(&r->join->next_store, 1);
        if (next >= build->stores.count) {
            r->store = NULL;
            return false;
        }
        r->store = build->stores.items[next];
        r->cursor = (gly_row_cursor){0};
    }
}

/* Takes a spilled partition; false: all are taken. */
static bool take_partition(rest *r) {
    for (;;) {
        uint32_t p = atomic_fetch_add(&r->join->next_partition, 1);
        if (p >= GLY_PARTITION_SPILL_COUNT) {
            return false;
        }
        if ((r->join->spilled_mask >> p) & 1) {
            r->partition = p;
            r->build_spill = 0;
            r->waiting = NULL;
            forget_seen(r);
            return true;
        }
    }
}

/* The next batch of the partition's build side, NULL at its end. */
static gly_status read_build(rest *r, const gly_batch **ret, gly_error *err) {
    for (;;) {
        if (r->build_reader != NULL) {
            GLY_TRY(gly_partition_reader_next(r->build_reader, ret, err));
            if (*ret != NULL) {
                return GLY_OK;
            }
            gly_partition_reader_free(r->build_reader);
            r->build_reader = NULL;
        }
        *ret = NULL;
        if (r->build_spill == r->join->build_spills.count) {
            return GLY_OK;
        }
        r->build_reader =
            gly_partition_reader_make(r->join->build_spills.items[r->build_spill++], r->partition);
    }
}

static uint64_t probe_rows(const rest *r) {
    uint64_t rows = 0;
    for (size_t i = 0; i < r->join->probe_spills.count; i++) {
        rows += gly_partition_spill_rows(r->join->probe_spills.items[i], r->partition);
    }
    return rows;
}

static gly_status load_chunk(rest *r, gly_error *err) {
    gly_join_state *join = r->join;
    if (r->chunk == NULL) {
        r->chunk = gly_join_build_make(&join->budget, join->layout_types, join->layout_count,
                                       join->layout_keys, join->spec.key_count,
                                       gly_join_rest_keeps_build(join));
    }
    gly_join_build_empty(r->chunk);
    gly_row_store *store = gly_join_build_add_store(r->chunk);
    for (;;) {
        const gly_batch *batch = r->waiting;
        if (batch == NULL) {
            GLY_TRY(read_build(r, &batch, err));
        }
        r->waiting = NULL;
        if (batch == NULL) {
            break;
        }
        bool is_first = store->row_count == 0;
        gly_arena_reset(r->arena);
        if ((!is_first && gly_budget_available(&join->budget) <
                              (store->row_count + batch->selected) * ROW_OVERHEAD) ||
            !gly_join_build_put_batch(r->chunk, store, batch, r->arena, is_first)) {
            r->waiting = batch;
            break;
        }
    }
    r->is_last = r->waiting == NULL;
    if (!r->is_last && r->seen == NULL && join->spec.kind != GLY_JOIN_INNER &&
        join->spec.kind != GLY_JOIN_RIGHT) {
        r->seen_bytes = GLY_MAX((size_t)probe_rows(r), (size_t)1);
        gly_budget_force(&join->budget, r->seen_bytes);
        r->seen = gly_row_store_map(r->seen_bytes);
    }
    (void)gly_join_build_seal(r->chunk, 1, true);
    r->chunk->has_rows = join->build->has_rows;
    r->chunk->has_null_key = join->build->has_null_key;
    gly_join_probe_set_side(r->probe, gly_join_build_side(r->chunk));
    r->probe_spill = 0;
    r->ordinal = 0;
    return GLY_OK;
}

/* Gives the probe its next batch; false: the probe side is at its end. */
static gly_status read_probe(rest *r, bool *ret_more, gly_error *err) {
    gly_join_state *join = r->join;
    for (;;) {
        if (r->probe_reader != NULL) {
            const gly_batch *batch;
            GLY_TRY(gly_partition_reader_next(r->probe_reader, &batch, err));
            if (batch != NULL) {
                bool *seen = r->seen == NULL ? NULL : r->seen + r->ordinal;
                r->ordinal += batch->selected;
                *ret_more = true;
                return gly_join_probe_begin(r->probe, batch, seen, r->is_last, err);
            }
            gly_partition_reader_free(r->probe_reader);
            r->probe_reader = NULL;
        }
        if (r->probe_spill == join->probe_spills.count) {
            *ret_more = false;
            return GLY_OK;
        }
        r->probe_reader =
            gly_partition_reader_make(join->probe_spills.items[r->probe_spill++], r->partition);
    }
}

/* One step of the machine; *ret set if there is a batch to put out. */
static gly_status run_step(rest *r, const gly_batch **ret, bool *ret_done, gly_error *err) {
    bool more;
    switch (r->step) {
    case RESIDENT:
        if (next_resident(r)) {
            *ret = &r->out;
        } else {
            r->step = TAKE;
        }
        return GLY_OK;
    case TAKE:
        *ret_done = !take_partition(r);
        r->step = LOAD;
        return GLY_OK;
    case LOAD:
        r->step = READ;
        return load_chunk(r, err);
    case READ:
        GLY_TRY(read_probe(r, &more, err));
        r->step = more ? PUT : UNMATCHED;
        r->store = more ? NULL : r->chunk->stores.items[0];
        r->cursor = (gly_row_cursor){0};
        return GLY_OK;
    case PUT:
        GLY_TRY(gly_join_probe_next(r->probe, ret, err));
        r->step = *ret == NULL ? READ : PUT;
        return GLY_OK;
    case UNMATCHED: {
        gly_join_side side = gly_join_build_side(r->chunk);
        if (gly_join_rest_keeps_build(r->join) && put_unmatched(r, &side)) {
            *ret = &r->out;
        } else {
            r->step = r->is_last ? TAKE : LOAD;
        }
        return GLY_OK;
    }
    }
    return GLY_OK;
}

gly_status gly_join_rest_next(void *local, const gly_batch **ret, gly_error *err) {
    rest *r = local;
    bool is_done = false;
    *ret = NULL;
    while (*ret == NULL && !is_done) {
        GLY_TRY(run_step(r, ret, &is_done, err));
    }
    if (is_done && r->chunk != NULL) {
        gly_join_build_empty(r->chunk);
    }
    return GLY_OK;
}
