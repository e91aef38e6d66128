/* op_scan.c - files to batches: one reader per split, filters applied inside the reader.
 *
 * The format prunes with the filters it understands and calls select() for the exact answer, so
 * that the other columns are decoded for surviving rows only.  A wide task cuts its splits into
 * pieces: a piece reads the row groups (or lines) that start in it, so any cut is right.
 *
 * Invariant: a worker has at most one reader open; counters are summed when it closes.
 */
#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/op/operators.h"
#include "lib/io/format.h"

#define SMALLEST_PIECE (UINT64_C(4) << 20)

typedef struct state {
    const gly_format *format;
    gly_expr_program *filters; /* NULL: none */
    bool *is_filter_column;
    GLY_ARRAY(gly_split) pieces;
    atomic_uint_fast32_t next;
} state;

typedef struct local {
    gly_op_node *node;
    gly_worker *worker;
    gly_expr_state *filters;
    gly_reader *reader;
    gly_scan scan;
    uint32_t file; /* of the open reader */
    gly_task_metrics sums;
} local;

static void mark_column(void *context, uint32_t column) { ((bool *)context)[column] = true; }

static gly_status prepare_filters(gly_op_node *node, state *shared, gly_error *err) {
    const gly_physical *plan = node->plan;
    if (plan->scan.filter_count == 0) {
        return GLY_OK;
    }
    shared->is_filter_column =
        GLY_ARENA_ARRAY(node->task->arena, bool, plan->schema.field_count + 1);
    for (uint32_t f = 0; f < plan->scan.filter_count; f++) {
        gly_expr_each_column(plan->scan.filters[f], mark_column, shared->is_filter_column);
    }
    return gly_expr_compile(node->task->arena, plan->scan.filter_count, plan->scan.filters,
                            &shared->filters, err);
}

static void cut(state *shared, const gly_split *split, uint32_t width) {
    uint64_t piece = split->length;
    if (width > 1) { /* a few for each worker, so that they end together */
        piece = GLY_MAX(split->length / (width * 4u) + 1, SMALLEST_PIECE);
    }
    uint64_t done = 0;
    do {
        gly_split part = *split;
        part.offset += done;
        part.length = GLY_MIN(piece, split->length - done);
        gly_array_push(&shared->pieces, part);
        done += part.length;
    } while (done < split->length);
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    node->state = shared;
    shared->format = gly_format_find(plan->scan.format);
    if (shared->format == NULL) {
        return gly_fail(err, GLY_E_FILE_FORMAT, "%.*s is not a file format; there are: %s",
                        GLY_STR_ARG(plan->scan.format), gly_format_names());
    }
    if (node->partition >= plan->partition_count) {
        return gly_fail(err, GLY_E_INTERNAL, "a scan of %u partitions has no partition %u",
                        plan->partition_count, node->partition);
    }
    GLY_TRY(prepare_filters(node, shared, err));
    uint32_t first = plan->scan.first_split[node->partition];
    uint32_t end = plan->scan.first_split[node->partition + 1];
    for (uint32_t s = first; s < end; s++) {
        GLY_ASSERT(s < plan->scan.split_count);
        GLY_ASSERT(plan->scan.splits[s].file < plan->scan.file_count);
        cut(shared, &plan->scan.splits[s], node->task->spec->width);
    }
    return GLY_OK;
}

static void dispose(gly_op_node *node) {
    if (node->state != NULL) {
        gly_array_clear(&((state *)node->state)->pieces);
    }
}

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)err;
    const state *shared = node->state;
    local *self = GLY_NEW(local);
    self->node = node;
    self->worker = worker;
    if (shared->filters != NULL) {
        self->filters = gly_expr_state_make(shared->filters, node->partition);
    }
    *ret_local = self;
    return GLY_OK;
}

static gly_status apply_filters(void *context, const gly_batch *batch, uint16_t *ret_selection,
                                uint32_t *ret_count, gly_error *err) {
    local *self = context;
    gly_arena_reset(self->worker->scratch); /* a reader may reject many windows in one call */
    return gly_expr_select(self->filters, batch, self->worker->scratch, ret_selection, ret_count,
                           err);
}

static gly_status open_reader(local *self, const gly_split *piece, gly_error *err) {
    const gly_physical *plan = self->node->plan;
    const state *shared = self->node->state;
    self->scan = (gly_scan){
        .file = &plan->scan.files[piece->file],
        .split_offset = piece->offset,
        .split_length = piece->length,
        .option_count = plan->scan.option_count,
        .options = plan->scan.options,
        .file_schema = plan->scan.file_schema,
        .partition_column_count = plan->scan.partition_column_count,
        .column_count = plan->schema.field_count,
        .fields = plan->scan.fields,
        .filter_count = plan->scan.filter_count,
        .filters = plan->scan.filters,
        .is_filter_column = shared->is_filter_column,
        .select = shared->filters == NULL ? NULL : apply_filters,
        .select_context = self,
        .budget = &self->node->task->budget,
    };
    self->file = piece->file;
    return shared->format->reader_open(&self->scan, &self->reader, err);
}

static void close_reader(local *self) {
    const state *shared = self->node->state;
    if (self->reader != NULL) {
        shared->format->reader_close(self->reader);
        self->reader = NULL;
        self->sums.input_bytes += self->scan.bytes_read;
        self->sums.input_rows += self->scan.rows_read;
        self->sums.row_groups_read += self->scan.row_groups_read;
        self->sums.row_groups_skipped += self->scan.row_groups_skipped;
    }
}

/* Goes to the next piece, with the same reader if it is of the same file; *ret_end: there is none.
 */
static gly_status next_piece(local *self, bool *ret_end, gly_error *err) {
    state *shared = self->node->state;
    uint32_t at = (uint32_t)atomic_fetch_add(&shared->next, 1);
    *ret_end = at >= shared->pieces.count;
    if (*ret_end) {
        return GLY_OK;
    }
    const gly_split *piece = &shared->pieces.items[at];
    if (self->reader != NULL && piece->file == self->file && shared->format->reader_seek != NULL) {
        return shared->format->reader_seek(self->reader, piece->offset, piece->length, err);
    }
    close_reader(self);
    return open_reader(self, piece, err);
}

static gly_status next(void *context, const gly_batch **ret, gly_error *err) {
    local *self = context;
    const state *shared = self->node->state;
    *ret = NULL;
    for (;;) {
        if (self->reader != NULL) {
            GLY_TRY(shared->format->reader_next(self->reader, ret, err));
            if (*ret != NULL) {
                return GLY_OK;
            }
        }
        bool is_end;
        GLY_TRY(next_piece(self, &is_end, err));
        if (is_end) {
            return GLY_OK;
        }
    }
}

static void close_source(void *context) {
    local *self = context;
    close_reader(self);
    gly_task_state *task = self->node->task;
    pthread_mutex_lock(task->lock);
    gly_task_metrics *metrics = &task->result->metrics;
    metrics->input_bytes += self->sums.input_bytes;
    metrics->input_rows += self->sums.input_rows;
    metrics->row_groups_read += self->sums.row_groups_read;
    metrics->row_groups_skipped += self->sums.row_groups_skipped;
    pthread_mutex_unlock(task->lock);
    gly_expr_state_free(self->filters);
    free(self);
}

const gly_operator gly_op_scan = {.name = "Scan",
                                  .prepare = prepare,
                                  .dispose = dispose,
                                  .open_source = open_source,
                                  .next = next,
                                  .close_source = close_source};
