/* op_shuffle_read.c - the beginning of a reduce stage: this partition's piece of every map's file.
 *
 * Workers draw maps one by one.  A piece is read from the file itself when it lies on this host,
 * else by the fetcher, ahead of its use (piece_prefetch.c).  Whatever goes wrong with a piece
 * (gone, cut off, checksum) is a FETCH_FAILED that names the map task, because running that task
 * again is the cure.  A piece that is gone may have been moved (block_place.c): then it is read there.
 *
 * Pieces of a few rows are put together (batch_gather.c): 200 maps of 10 rows are one batch.
 * Invariant: empty pieces cost a comparison; pieces are read in windows (block_stream.c), so a
 * broadcast of any size needs a few MiB.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/operators.h"
#include "lib/engine/pipeline/batch_gather.h"
#include "lib/engine/pipeline/block_place.h"
#include "lib/engine/pipeline/block_stream.h"
#include "lib/engine/pipeline/piece_prefetch.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/engine/pipeline/task_state.h"
#include "lib/shuffle/shuffle_files.h"

enum {
    LARGE_ENOUGH = GLY_MAX(GLY_BATCH_ROWS / 4, 1), /* passed on as it is */
    FULL_ENOUGH = GLY_MAX(GLY_BATCH_ROWS / 4 * 3, 1),
    LARGEST_PREFETCH = 8 << 20, /* larger pieces are read in windows */
    PREFETCH_AHEAD = 32 << 20,
};

typedef struct state {
    const gly_task_input *input;
    uint32_t partition;
    gly_type *types;
    atomic_uint_fast32_t next; /* map */
    gly_shuffle_files *files;
    gly_shuffle_files *own_files; /* when the environment shares none */
    gly_piece_prefetch *prefetch; /* NULL: nothing to fetch ahead */
    uint32_t *prefetched;         /* per map: its number there, UINT32_MAX: none */
} state;

typedef struct local {
    gly_op_node *node;
    gly_block_stream *stream;
    const gly_map_status *map; /* being read; NULL: draw one */
    gly_block_place place;     /* where map's file lies now */
    gly_batch_gather *gather;  /* from the first small batch */
    const gly_batch *held;     /* read, but did not fit into gather */
    bool is_passed_on;         /* what gather holds was given out */
    uint64_t rows, bytes, remote_bytes;
} local;

static gly_status check_input(const gly_op_node *node, const gly_task_input *input,
                              uint32_t partition, gly_error *err) {
    for (uint32_t m = 0; m < input->map_count; m++) {
        if (partition >= input->maps[m].partition_count) {
            return gly_fail(err, GLY_E_INTERNAL, "shuffle %u has %u partitions, not %u",
                            node->plan->shuffle_read.shuffle_id, input->maps[m].partition_count,
                            partition + 1);
        }
    }
    return GLY_OK;
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_task_spec *spec = node->task->spec;
    const gly_schema *schema = &node->plan->schema;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    for (uint32_t i = 0; i < spec->input_count; i++) {
        if (spec->inputs[i].shuffle_id == node->plan->shuffle_read.shuffle_id) {
            shared->input = &spec->inputs[i];
        }
    }
    if (shared->input == NULL) {
        return gly_fail(err, GLY_E_INTERNAL, "the task was given no input for shuffle %u",
                        node->plan->shuffle_read.shuffle_id);
    }
    shared->partition = node->plan->shuffle_read.is_broadcast ? 0 : node->partition;
    GLY_TRY(check_input(node, shared->input, shared->partition, err));
    shared->types = GLY_ARENA_ARRAY(node->task->arena, gly_type, schema->field_count + 1);
    for (uint32_t c = 0; c < schema->field_count; c++) {
        shared->types[c] = schema->fields[c].type;
    }
    if (node->task->environment->shared != NULL) {
        shared->files = gly_shared_cache_files(node->task->environment->shared);
    } else {
        shared->files = shared->own_files = gly_shuffle_files_make(16);
    }
    node->state = shared;
    return GLY_OK;
}

static bool has_fetcher(const gly_task_environment *environment, const gly_map_status *map) {
    return environment->fetcher.fetch != NULL && map->endpoint.size > 0 &&
           !gly_str_equal(map->endpoint, environment->endpoint);
}

/* Begins to fetch what lies on other hosts; once, by the first worker. */
static void start_prefetch(gly_op_node *node, state *shared) {
    const gly_task_environment *environment = node->task->environment;
    const gly_task_input *input = shared->input;
    gly_piece *pieces = GLY_NEW_ARRAY(gly_piece, input->map_count + 1);
    uint32_t count = 0;
    shared->prefetched = GLY_NEW_ARRAY(uint32_t, input->map_count + 1);
    for (uint32_t m = 0; m < input->map_count; m++) {
        const gly_map_status *map = &input->maps[m];
        uint64_t offset = map->offsets[shared->partition];
        uint64_t length = map->offsets[shared->partition + 1] - offset;
        shared->prefetched[m] = UINT32_MAX;
        if (length > 0 && length <= LARGEST_PREFETCH && has_fetcher(environment, map) &&
            !gly_str_equal(map->host_id, environment->host_id)) {
            shared->prefetched[m] = count;
            pieces[count++] = (gly_piece){map, offset, length};
        }
    }
    if (count > 1) {
        uint64_t ahead = GLY_MIN((uint64_t)PREFETCH_AHEAD, node->task->budget.limit_bytes / 4);
        shared->prefetch = gly_piece_prefetch_start(node->task, count, pieces, ahead);
    }
    free(pieces);
}

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared != NULL) {
        gly_piece_prefetch_stop(shared->prefetch);
        free(shared->prefetched);
        gly_shuffle_files_free(shared->own_files);
    }
}

static gly_status read_local(local *self, uint64_t offset, size_t length, gly_builder *out,
                             gly_error *err) {
    const state *shared = self->node->state;
    char *room = gly_builder_room(out, length);
    GLY_TRY(gly_shuffle_files_read_at(shared->files, self->place.now.path, offset, length, room,
                                      err));
    room[length] = '\0';
    out->size += length;
    return GLY_OK;
}

static gly_status read_there(local *self, uint64_t offset, size_t length, gly_builder *out,
                             gly_error *err) {
    const gly_task_environment *environment = self->node->task->environment;
    const gly_map_status *map = &self->place.now;
    bool can_fetch = has_fetcher(environment, map);
    if (gly_str_equal(map->host_id, environment->host_id)) {
        gly_status status = read_local(self, offset, length, out, err);
        if (status == GLY_OK || !can_fetch || status != GLY_E_PATH_NOT_FOUND) {
            return status;
        }
    }
    if (!can_fetch) {
        return gly_fail(err, GLY_E_FETCH_FAILED, "executor %.*s is on another host (%.*s)",
                        GLY_STR_ARG(map->executor_id), GLY_STR_ARG(map->host_id));
    }
    size_t before = out->size;
    self->remote_bytes += length;
    GLY_TRY(environment->fetcher.fetch(environment->fetcher.context, map->endpoint,
                                       map->executor_id, map->path, offset, length, out, err));
    if (out->size - before != length) {
        return gly_fail(err, GLY_E_FETCH_FAILED, "%.*s sent %zu bytes instead of %zu",
                        GLY_STR_ARG(map->endpoint), out->size - before, length);
    }
    return GLY_OK;
}

static gly_status read_piece(void *context, uint64_t offset, size_t length, gly_builder *out,
                             gly_error *err) {
    local *self = context;
    const gly_task_environment *environment = self->node->task->environment;
    size_t before = out->size;
    self->bytes += length;
    gly_status status = read_there(self, offset, length, out, err);
    while (status != GLY_OK && gly_block_place_has_moved(&self->place, environment)) {
        out->size = before;
        status = read_there(self, offset, length, out, err);
    }
    return status;
}

static gly_status open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                              gly_error *err) {
    (void)worker, (void)err;
    state *shared = node->state;
    pthread_mutex_lock(node->task->lock);
    if (shared->prefetched == NULL) {
        start_prefetch(node, shared);
    }
    pthread_mutex_unlock(node->task->lock);
    local *self = GLY_NEW(local);
    self->node = node;
    self->stream = gly_block_stream_make(shared->types, node->plan->schema.field_count,
                                         &node->task->budget, read_piece, self);
    *ret_local = self;
    return GLY_OK;
}

/* Takes the map's prefetched piece, or gets ready to read it in windows. */
static gly_status start_map(local *self, uint32_t m, gly_error *err) {
    const state *shared = self->node->state;
    uint64_t start = self->map->offsets[shared->partition];
    uint64_t end = self->map->offsets[shared->partition + 1];
    if (shared->prefetch == NULL || shared->prefetched[m] == UINT32_MAX) {
        gly_block_stream_start(self->stream, start, end);
        return GLY_OK;
    }
    gly_builder bytes = {0};
    self->bytes += end - start;
    self->remote_bytes += end - start;
    gly_status status =
        gly_piece_prefetch_take(shared->prefetch, shared->prefetched[m], &bytes, err);
    if (status != GLY_OK) {
        gly_builder_clear(&bytes);
        return status;
    }
    return gly_block_stream_start_bytes(self->stream, &bytes, err);
}

/* The next map with something for this partition; self->map NULL at the end. */
static gly_status draw_map(local *self, gly_error *err) {
    state *shared = self->node->state;
    for (;;) {
        uint32_t m = (uint32_t)atomic_fetch_add(&shared->next, 1);
        if (m >= shared->input->map_count) {
            return GLY_OK;
        }
        const gly_map_status *map = &shared->input->maps[m];
        if (map->offsets[shared->partition] < map->offsets[shared->partition + 1]) {
            self->map = map;
            gly_block_place_set(&self->place, self->node->task->environment, map);
            return start_map(self, m, err);
        }
    }
}

static gly_status explain_failure(local *self, const gly_error *cause, gly_error *err) {
    const state *shared = self->node->state;
    if (cause->status == GLY_E_CANCELLED) {
        return gly_error_copy(err, cause);
    }
    return gly_task_state_fetch_failed(self->node->task, shared->input->shuffle_id,
                                       self->map->map_partition, self->place.now.executor_id,
                                       cause, err);
}

/* The next batch of any map; *ret NULL at the end. */
static gly_status read_batch(local *self, const gly_batch **ret, gly_error *err) {
    *ret = self->held;
    self->held = NULL;
    while (*ret == NULL) {
        gly_error cause = {0};
        gly_status status = self->map == NULL ? draw_map(self, &cause) : GLY_OK;
        if (status == GLY_OK && self->map == NULL) {
            return GLY_OK;
        }
        if (status == GLY_OK) {
            status = gly_block_stream_next(self->stream, ret, &cause);
        }
        if (status != GLY_OK) {
            return explain_failure(self, &cause, err);
        }
        self->map = *ret == NULL ? NULL : self->map;
    }
    return GLY_OK;
}

static gly_status next(void *context, const gly_batch **ret, gly_error *err) {
    local *self = context;
    if (self->is_passed_on) {
        gly_batch_gather_reset(self->gather);
        self->is_passed_on = false;
    }
    uint32_t gathered = 0;
    do {
        const gly_batch *batch;
        GLY_TRY(read_batch(self, &batch, err));
        *ret = batch;
        if (batch == NULL && gathered == 0) {
            return GLY_OK;
        }
        if (batch != NULL && gathered == 0 && batch->count >= LARGE_ENOUGH) {
            self->rows += batch->count;
            return GLY_OK;
        }
        if (batch == NULL || batch->count > GLY_BATCH_ROWS - gathered) {
            self->held = batch;
            break;
        }
        if (self->gather == NULL) {
            self->gather = gly_batch_gather_make(((state *)self->node->state)->types,
                                                 self->node->plan->schema.field_count);
        }
        gly_batch_gather_append(self->gather, batch);
        gathered = gly_batch_gather_rows(self->gather);
    } while (gathered < FULL_ENOUGH);
    self->is_passed_on = true;
    self->rows += gathered;
    *ret = gly_batch_gather_batch(self->gather);
    return GLY_OK;
}

static void close_source(void *context) {
    local *self = context;
    gly_task_state *task = self->node->task;
    pthread_mutex_lock(task->lock);
    task->result->metrics.shuffle_read_rows += self->rows;
    task->result->metrics.shuffle_read_bytes += self->bytes;
    task->result->metrics.shuffle_remote_bytes += self->remote_bytes;
    pthread_mutex_unlock(task->lock);
    gly_block_stream_free(self->stream);
    gly_batch_gather_free(self->gather);
    gly_block_place_clear(&self->place);
    free(self);
}

const gly_operator gly_op_shuffle_read = {.name = "ShuffleRead",
                                          .prepare = prepare,
                                          .dispose = dispose,
                                          .open_source = open_source,
                                          .next = next,
                                          .close_source = close_source};
