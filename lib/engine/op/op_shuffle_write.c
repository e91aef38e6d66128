/* op_shuffle_write.c - the end of a map stage: which reduce partition each row goes to.
 *
 *   HASH         remixed hash of the keys, multiply-shift (equal on all executors)
 *   ROUND_ROBIN  row by row from the map's partition number; with several workers, where the order
 *                of rows is not repeatable, by a hash of the whole row, because a task that runs
 *                again must send every row where it went before
 *   SINGLE, BROADCAST   partition 0
 *
 * Buffering and the file are lib/shuffle/shuffle_writer.c.  Invariant: the file exists after seal
 * and only then; a failed task leaves none.
 */
#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/op/operators.h"
#include "lib/shuffle/shuffle_files.h"
#include "lib/shuffle/shuffle_writer.h"

typedef struct state {
    gly_expr_program *keys; /* HASH */
    gly_type *types;
    uint32_t column_count;
    GLY_ARRAY(gly_shuffle_writer *) writers; /* of finished workers */
} state;

typedef struct local {
    gly_op_node *node;
    gly_worker *worker;
    gly_shuffle_writer *writer;
    gly_expr_state *expr_state;
    gly_column *keys;
    uint32_t next; /* ROUND_ROBIN */
    uint64_t hashes[GLY_BATCH_ROWS];
    uint32_t partitions[GLY_BATCH_ROWS];
} local;

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_schema *schema = &node->plan->children[0]->schema;
    const gly_partitioning *partitioning = &node->plan->exchange.partitioning;
    if (partitioning->partition_count == 0) {
        return gly_fail(err, GLY_E_INTERNAL, "a shuffle of no partitions");
    }
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    shared->column_count = schema->field_count;
    shared->types = GLY_ARENA_ARRAY(node->task->arena, gly_type, schema->field_count + 1);
    for (uint32_t c = 0; c < schema->field_count; c++) {
        shared->types[c] = schema->fields[c].type;
    }
    node->state = shared;
    if (partitioning->kind == GLY_PARTITIONING_HASH) {
        GLY_TRY(gly_expr_compile(node->task->arena, partitioning->expr_count, partitioning->exprs,
                                 &shared->keys, err));
    }
    return GLY_OK;
}

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared != NULL) {
        for (size_t i = 0; i < shared->writers.count; i++) {
            gly_shuffle_writer_free(shared->writers.items[i]);
        }
        gly_array_clear(&shared->writers);
    }
}

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    (void)err;
    const gly_partitioning *partitioning = &node->plan->exchange.partitioning;
    const state *shared = node->state;
    local *self = GLY_NEW(local);
    self->node = node;
    self->worker = worker;
    self->next = node->partition % partitioning->partition_count;
    gly_shuffle_writer_options options = {
        .partition_count = partitioning->partition_count,
        .codec = node->task->environment->shuffle_codec,
        .budget = &node->task->budget,
        .spill_dir = node->task->environment->local_dir,
        .disk = node->task->environment->disk,
    };
    self->writer = gly_shuffle_writer_make(shared->types, shared->column_count, &options);
    if (shared->keys != NULL) {
        self->expr_state = gly_expr_state_make(shared->keys, node->partition);
        self->keys = GLY_NEW_ARRAY(gly_column, partitioning->expr_count + 1);
    }
    *ret_local = self;
    return GLY_OK;
}

/* hash -> partition: the high 32 bits of the remixed hash, scaled (Lemire's multiply-shift). */
static void scale_hashes(const uint64_t *hashes, uint32_t count, uint32_t partition_count,
                         uint32_t *partitions) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t high = gly_hash_remix(hashes[i]) >> 32;
        partitions[i] = (uint32_t)((high * partition_count) >> 32);
    }
}

static gly_status choose(local *self, const gly_batch *batch, gly_error *err) {
    const gly_partitioning *partitioning = &self->node->plan->exchange.partitioning;
    uint32_t partition_count = partitioning->partition_count;
    if (partitioning->kind == GLY_PARTITIONING_HASH) {
        GLY_TRY(gly_expr_run(self->expr_state, batch, self->worker->scratch, self->keys, err));
        gly_k_hash_columns(self->keys, partitioning->expr_count, batch->selection, batch->selected,
                           self->hashes);
        scale_hashes(self->hashes, batch->selected, partition_count, self->partitions);
    } else if (self->node->task->spec->width > 1) {
        gly_k_hash_columns(batch->columns, batch->column_count, batch->selection, batch->selected,
                           self->hashes);
        scale_hashes(self->hashes, batch->selected, partition_count, self->partitions);
    } else {
        for (uint32_t i = 0; i < batch->selected; i++) {
            self->partitions[i] = self->next;
            self->next = self->next + 1 == partition_count ? 0 : self->next + 1;
        }
    }
    return GLY_OK;
}

static gly_status sink(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    const gly_partitioning *partitioning = &self->node->plan->exchange.partitioning;
    bool is_one = partitioning->partition_count == 1 ||
                  partitioning->kind == GLY_PARTITIONING_SINGLE ||
                  partitioning->kind == GLY_PARTITIONING_BROADCAST;
    if (!is_one) {
        GLY_TRY(choose(self, batch, err));
    }
    return gly_shuffle_writer_push(self->writer, batch, is_one ? NULL : self->partitions, err);
}

static gly_status finish(void *context, gly_error *err) {
    local *self = context;
    gly_task_state *task = self->node->task;
    GLY_TRY(gly_shuffle_writer_finish(self->writer, err));
    atomic_fetch_add(&task->spill_bytes, gly_shuffle_writer_spilled_bytes(self->writer));
    atomic_fetch_add(&task->spill_count, gly_shuffle_writer_spill_count(self->writer));
    state *shared = self->node->state;
    pthread_mutex_lock(task->lock);
    gly_array_push(&shared->writers, self->writer);
    self->writer = NULL;
    pthread_mutex_unlock(task->lock);
    return GLY_OK;
}

static void close_sink(void *context) {
    local *self = context;
    gly_shuffle_writer_free(self->writer);
    gly_expr_state_free(self->expr_state);
    free(self->keys);
    free(self);
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    state *shared = node->state;
    gly_task_state *task = node->task;
    const gly_task_spec *spec = task->spec;
    const gly_task_environment *environment = task->environment;
    uint32_t partition_count = node->plan->exchange.partitioning.partition_count;
    char *path = gly_shuffle_files_path(task->arena, environment->local_dir, spec->query_id,
                                        spec->shuffle_id, spec->partition, spec->task_id);
    gly_map_status *status = &task->result->map_status;
    status->offsets = GLY_ARENA_ARRAY(task->arena, uint64_t, partition_count + 1u);
    GLY_TRY(gly_shuffle_writer_save(shared->writers.items, (uint32_t)shared->writers.count, path,
                                    status->offsets, err));
    status->map_partition = spec->partition;
    status->executor_id = environment->executor_id;
    status->host_id = environment->host_id;
    status->endpoint = environment->endpoint;
    status->path = gly_str_of(path);
    status->partition_count = partition_count;
    for (size_t i = 0; i < shared->writers.count; i++) {
        status->row_count += gly_shuffle_writer_rows(shared->writers.items[i]);
    }
    task->result->has_map_status = true;
    task->result->metrics.shuffle_write_rows = status->row_count;
    task->result->metrics.shuffle_write_bytes = status->offsets[partition_count];
    return GLY_OK;
}

const gly_operator gly_op_shuffle_write = {.name = "ShuffleWrite",
                                           .prepare = prepare,
                                           .dispose = dispose,
                                           .open_sink = open_sink,
                                           .sink = sink,
                                           .finish = finish,
                                           .close_sink = close_sink,
                                           .seal = seal};
