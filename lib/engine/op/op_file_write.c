/* op_file_write.c - INSERT and CREATE TABLE AS: a file per task (per worker of a wide one).
 *
 *   <path>/<partition>-<task id>/part-00007-<job>.<extension>         worker 0
 *   <path>/<partition>-<task id>/part-00007-<job>-c001.<extension>    worker 1
 *
 * path is the job's temporary directory, <job> its last part: unique, so that appending never meets
 * a name that is there.  The driver moves the files of the attempts that won.  A
 * partition without rows writes nothing, except partition 0, so that the schema survives.
 *
 * Invariant: a task that fails leaves no directory.
 */
#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/op/operators.h"
#include "lib/io/format.h"

#include <stdio.h>

typedef struct state {
    const gly_format *format;
    const gly_filesystem *filesystem;
    gly_str directory;
    bool has_directory; /* something may be in it; guarded by the task's lock */
    bool is_sealed;
    GLY_ARRAY(gly_written_file) files; /* paths in the task's arena */
} state;

typedef struct local {
    gly_op_node *node;
    uint32_t index;
    gly_writer *writer; /* from the first batch */
    gly_str path;
    gly_builder token;
} local;

static gly_status prepare(gly_op_node *node, gly_error *err) {
    const gly_physical *plan = node->plan;
    const gly_task_spec *spec = node->task->spec;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    node->state = shared;
    shared->format = gly_format_find(plan->file_write.format);
    if (shared->format == NULL || shared->format->writer_open == NULL) {
        return gly_fail(err, GLY_E_FILE_FORMAT, "files cannot be written as %.*s; there are: %s",
                        GLY_STR_ARG(plan->file_write.format), gly_format_names());
    }
    GLY_TRY(gly_filesystem_find(plan->file_write.path, &shared->filesystem, err));
    shared->directory = gly_str_of(
        gly_arena_format(node->task->arena, "%.*s/%u-%llu", GLY_STR_ARG(plan->file_write.path),
                         spec->partition, (unsigned long long)spec->task_id));
    return GLY_OK;
}

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared == NULL) {
        return;
    }
    if (shared->has_directory && !shared->is_sealed) {
        gly_error ignored; /* the job's abort removes the whole tree */
        (void)!shared->filesystem->remove_all(shared->directory, &ignored);
    }
    gly_array_clear(&shared->files);
}

static gly_status open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                            gly_error *err) {
    (void)err;
    local *self = GLY_NEW(local);
    self->node = node;
    self->index = worker->index;
    *ret_local = self;
    return GLY_OK;
}

/* The last part of a path that may end with slashes. */
static gly_str last_part(gly_str path) {
    while (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    size_t start = path.size;
    while (start > 0 && path.data[start - 1] != '/') {
        start--;
    }
    return (gly_str){path.data + start, path.size - start};
}

static gly_str file_path(local *self) {
    const gly_task_spec *spec = self->node->task->spec;
    const state *shared = self->node->state;
    gly_arena *arena = self->node->task->arena;
    char part[16] = "";
    if (self->index > 0) {
        snprintf(part, sizeof part, "-c%03u", self->index);
    }
    const char *extension = shared->format->extension;
    gly_str job = last_part(self->node->plan->file_write.path);
    return gly_str_of(gly_arena_format(
        arena, "%.*s/part-%05u-%.*s%s%s%s", GLY_STR_ARG(shared->directory), spec->partition,
        GLY_STR_ARG(job), part, extension[0] == '.' ? "" : ".", extension));
}

static gly_status open_writer(local *self, gly_error *err) {
    gly_task_state *task = self->node->task;
    state *shared = self->node->state;
    const gly_physical *plan = self->node->plan;
    gly_status status = GLY_OK;
    pthread_mutex_lock(task->lock);
    if (!shared->has_directory) {
        shared->has_directory = true;
        status = shared->filesystem->make_directory(shared->directory, err);
    }
    self->path = file_path(self);
    pthread_mutex_unlock(task->lock);
    GLY_TRY(status);
    gly_writer_options options = {plan->file_write.option_count, plan->file_write.options,
                                  &task->budget, &self->token};
    return shared->format->writer_open(self->path, &plan->children[0]->schema, &options,
                                       &self->writer, err);
}

static gly_status sink(void *context, const gly_batch *batch, gly_error *err) {
    local *self = context;
    const state *shared = self->node->state;
    if (self->writer == NULL) {
        GLY_TRY(open_writer(self, err));
    }
    return shared->format->writer_write(self->writer, batch, err);
}

static gly_status finish(void *context, gly_error *err) {
    local *self = context;
    if (self->writer == NULL) {
        return GLY_OK;
    }
    state *shared = self->node->state;
    gly_writer *writer = self->writer;
    gly_written_file file = {.path = self->path};
    self->writer = NULL;
    GLY_TRY(shared->format->writer_finish(writer, &file.rows, &file.bytes, err));
    pthread_mutex_lock(self->node->task->lock);
    file.token = gly_arena_str(self->node->task->arena, gly_builder_str(&self->token));
    gly_array_push(&shared->files, file);
    pthread_mutex_unlock(self->node->task->lock);
    return GLY_OK;
}

static void close_sink(void *context) {
    local *self = context;
    if (self->writer != NULL) {
        ((state *)self->node->state)->format->writer_abort(self->writer);
    }
    gly_builder_clear(&self->token);
    free(self);
}

static gly_status write_empty_file(gly_op_node *node, gly_error *err) {
    local self = {.node = node};
    gly_status status = open_writer(&self, err);
    if (status == GLY_OK) {
        status = finish(&self, err);
    }
    gly_builder_clear(&self.token);
    return status;
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    state *shared = node->state;
    gly_task_result *result = node->task->result;
    if (shared->files.count == 0 && node->task->spec->partition == 0) {
        GLY_TRY(write_empty_file(node, err));
    }
    result->file_count = (uint32_t)shared->files.count;
    result->files = gly_arena_copy(node->task->arena, shared->files.items,
                                   shared->files.count * sizeof *shared->files.items);
    for (size_t i = 0; i < shared->files.count; i++) {
        result->metrics.output_rows += shared->files.items[i].rows;
        result->metrics.output_bytes += shared->files.items[i].bytes;
    }
    shared->is_sealed = true;
    return GLY_OK;
}

const gly_operator gly_op_file_write = {.name = "WriteFiles",
                                        .prepare = prepare,
                                        .dispose = dispose,
                                        .open_sink = open_sink,
                                        .sink = sink,
                                        .finish = finish,
                                        .close_sink = close_sink,
                                        .seal = seal};
