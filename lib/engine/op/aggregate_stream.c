/* aggregate_stream.c - partial aggregation with keys: a table of about the size of the cache.
 *
 * When the table is full its groups are pushed on and it starts anew.  If hardly anything repeats,
 * it first grows when an estimate says that this would help, and else rows are passed on as states
 * (if the plan allows it).
 * Invariant: bounded memory, so nothing is spilled.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/aggregate_state.h"

enum {
    STREAM_TABLE_BYTES = 1 << 20,
    STREAM_LARGEST_BYTES = 8 << 20,
    STREAM_LEAST_SLOTS = 4096,
};

typedef struct streamer {
    gly_aggregation *owner;
    gly_worker *worker;
    gly_downstream next;
    gly_expr_state *expr;
    gly_agg_groups groups;
    gly_arena *arena; /* scratch of what is downstream while groups are pushed */
    bool is_passing;
    uint64_t rows_in, groups_out;
    uint64_t rows_since; /* the table was empty */
} streamer;

/* Bytes of memory for a slot of the table. */
static size_t slot_bytes(const streamer *s) {
    const gly_group_table *table = &s->groups.table;
    return table->is_word ? table->layout->row_size : table->layout->row_size + sizeof(uint64_t);
}

/* The table is full and hardly anything repeated.  Would it, with room for all keys there are?  n
 * rows of D equally likely keys repeat about n^2 / 2D times, so D is about n^2 / 2(n - groups). */
static bool grow_table(streamer *s) {
    const gly_physical *child = s->owner->node->plan->children[0];
    double rows = (double)s->rows_since;
    double groups = (double)gly_agg_groups_count(&s->groups);
    double keys = rows * rows / (2 * (rows - groups) + 1);
    double share = child->row_estimate == UINT64_MAX
                       ? 1e18
                       : (double)child->row_estimate / GLY_MAX(child->partition_count, 1u);
    uint64_t slots = s->groups.table.max_capacity;
    if (groups < rows / 2 || keys * 4 > share) {
        return false;
    }
    while ((double)slots * 5 / 8 < keys * 1.1) {
        slots *= 2;
        if (slots * slot_bytes(s) > STREAM_LARGEST_BYTES) {
            return false;
        }
    }
    bool grows = slots > s->groups.table.max_capacity;
    s->groups.table.max_capacity = slots;
    return grows;
}

gly_status gly_aggregate_stream_open(gly_op_node *node, gly_worker *worker,
                                     gly_downstream next_stream, void **ret_local, gly_error *err) {
    gly_aggregation *a = node->state;
    (void)err;
    streamer *s = GLY_NEW(streamer);
    s->owner = a;
    s->worker = worker;
    s->next = next_stream;
    s->expr = gly_aggregate_state_make_expr(a);
    s->arena = gly_arena_make();
    gly_agg_groups_init(&s->groups, &a->plan, a->keys, a->key_count, &a->budget);
    uint64_t slots = STREAM_LEAST_SLOTS;
    while (slots * 2 * slot_bytes(s) <= STREAM_TABLE_BYTES) {
        slots *= 2;
    }
    s->groups.table.max_capacity = slots;
    *ret_local = s;
    return GLY_OK;
}

void gly_aggregate_stream_close(void *local) {
    streamer *s = local;
    gly_agg_groups_clear(&s->groups);
    gly_arena_free(s->arena);
    if (s->expr != NULL) {
        gly_expr_state_free(s->expr);
    }
    free(s);
}

/* Pushes a batch with a scratch of its own: many batches come of one push. */
static gly_status push_on(streamer *s, const gly_batch *batch, gly_error *err) {
    gly_arena *outer = s->worker->scratch;
    s->worker->scratch = s->arena;
    gly_status status = gly_downstream_push(&s->next, batch, err);
    s->worker->scratch = outer;
    return status;
}

static gly_status push_groups(streamer *s, gly_error *err) {
    gly_group_cursor cursor = {0};
    s->groups_out += gly_agg_groups_count(&s->groups);
    for (;;) {
        gly_batch batch;
        gly_arena_reset(s->arena);
        GLY_TRY(
            gly_agg_groups_emit(&s->groups, &cursor, GLY_AGG_FORM_OUTPUT, s->arena, &batch, err));
        if (batch.count == 0) {
            return GLY_OK;
        }
        GLY_TRY(push_on(s, &batch, err));
    }
}

static gly_status pass(streamer *s, const gly_batch *batch, const gly_column *columns,
                       gly_error *err) {
    gly_aggregation *a = s->owner;
    gly_arena *scratch = s->worker->scratch;
    gly_batch out = *batch;
    out.column_count = a->node->plan->schema.field_count;
    out.columns = GLY_ARENA_ARRAY(scratch, gly_column, out.column_count);
    memcpy(out.columns, columns, a->key_count * sizeof *columns);
    gly_agg_batch rows = {columns + a->key_count, batch->selection, batch->selected, batch->count};
    gly_agg_run_pass(&a->plan, &rows, scratch, out.columns + a->key_count);
    return gly_downstream_push(&s->next, &out, err);
}

gly_status gly_aggregate_stream_push(void *local, const gly_batch *batch, gly_error *err) {
    streamer *s = local;
    gly_aggregation *a = s->owner;
    gly_arena *scratch = s->worker->scratch;
    gly_column *columns = GLY_ARENA_ARRAY(scratch, gly_column, a->expr_count);
    bool is_full;
    GLY_TRY(gly_aggregate_state_evaluate(a, s->expr, batch, scratch, columns, err));
    if (s->is_passing) {
        return pass(s, batch, columns, err);
    }
    gly_agg_batch rows = {columns + a->key_count, batch->selection, batch->selected, batch->count};
    GLY_TRY(gly_agg_groups_add(&s->groups, columns, &rows, false, false, scratch, &is_full, err));
    if (is_full && grow_table(s)) {
        GLY_TRY(
            gly_agg_groups_add(&s->groups, columns, &rows, false, false, scratch, &is_full, err));
    }
    if (is_full) {
        GLY_TRY(push_groups(s, err));
        if (a->node->plan->aggregate.skip_allowed && s->groups_out > s->rows_in / 5 * 4) {
            s->is_passing = true;
            gly_agg_groups_drop(&s->groups);
            return pass(s, batch, columns, err);
        }
        gly_agg_groups_reset(&s->groups);
        s->rows_since = 0;
        GLY_TRY(
            gly_agg_groups_add(&s->groups, columns, &rows, false, true, scratch, &is_full, err));
    }
    s->rows_in += batch->selected;
    s->rows_since += batch->selected;
    return GLY_OK;
}

gly_status gly_aggregate_stream_flush(void *local, gly_error *err) {
    streamer *s = local;
    gly_status status = push_groups(s, err);
    gly_agg_groups_drop(&s->groups);
    return status;
}
