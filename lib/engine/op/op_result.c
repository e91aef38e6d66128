/* op_result.c - the rows of a query, on their way to the driver, as blocks.
 *
 * Small results travel inside the completion message; once there is more than
 * max_direct_result_bytes all goes to a block file that the driver fetches.
 *
 * Invariant: a file exists only if the task succeeds.  Its name begins as the query's shuffle
 * files' do, so that it is removed with them.
 */
#include "lib/base/alloc.h"
#include "lib/engine/op/block_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct state {
    gly_block_sink sink; /* first */
    gly_builder bytes;   /* until they are too many */
    uint64_t size;
    uint64_t taken; /* of the disk space, for the file */
    char *path;     /* of the file, once there is one */
    int fd;
} state;

static void dispose(gly_op_node *node) {
    state *shared = node->state;
    if (shared == NULL) {
        return;
    }
    if (shared->fd >= 0) { /* not sealed */
        close(shared->fd);
        unlink(shared->path);
        gly_disk_space_give(node->task->environment->disk, GLY_DISK_FILES, shared->taken);
    }
    gly_builder_clear(&shared->bytes);
}

static gly_status write_file(const gly_op_node *node, const char *bytes, size_t size,
                             gly_error *err) {
    state *shared = node->state;
    GLY_TRY(gly_disk_space_take(node->task->environment->disk, GLY_DISK_FILES, size, err));
    shared->taken += size;
    while (size > 0) {
        ssize_t wrote = write(shared->fd, bytes, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return gly_error_from_errno(err, wrote == 0 ? ENOSPC : errno,
                                        "cannot write the result file %s", shared->path);
        }
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return GLY_OK;
}

static gly_status open_file(gly_op_node *node, gly_error *err) {
    state *shared = node->state;
    const gly_task_spec *spec = node->task->spec;
    shared->path =
        gly_arena_format(node->task->arena, "%s/shuffle-%llx-result-%u-%u-%llu.data",
                         node->task->environment->local_dir, (unsigned long long)spec->query_id,
                         spec->stage_id, spec->partition, (unsigned long long)spec->task_id);
    shared->fd = open(shared->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (shared->fd < 0) {
        return gly_error_from_errno(err, errno, "cannot make the result file %s", shared->path);
    }
    GLY_TRY(write_file(node, shared->bytes.data, shared->bytes.size, err));
    gly_builder_clear(&shared->bytes);
    return GLY_OK;
}

/* Appends a worker's block; locked. */
static gly_status append(gly_op_node *node, gly_str block, gly_error *err) {
    state *shared = node->state;
    uint64_t limit = node->task->environment->max_direct_result_bytes;
    if (shared->fd < 0 && shared->size + block.size > limit) {
        GLY_TRY(open_file(node, err));
    }
    shared->size += block.size;
    if (shared->fd >= 0) {
        return write_file(node, block.data, block.size, err);
    }
    gly_builder_add_str(&shared->bytes, block);
    return GLY_OK;
}

static gly_status prepare(gly_op_node *node, gly_error *err) {
    (void)err;
    state *shared = GLY_ARENA_NEW(node->task->arena, state);
    shared->fd = -1;
    gly_block_sink_prepare(node, &shared->sink, append);
    node->state = shared;
    return GLY_OK;
}

static gly_status seal(gly_op_node *node, gly_error *err) {
    state *shared = node->state;
    gly_task_result *result = node->task->result;
    if (shared->fd >= 0) {
        int fd = shared->fd;
        shared->fd = -1;
        if (close(fd) != 0) {
            int failure = errno;
            unlink(shared->path);
            return gly_error_from_errno(err, failure, "cannot write the result file %s",
                                        shared->path);
        }
        result->result_path = gly_str_of(shared->path);
    } else {
        result->result = gly_arena_str(node->task->arena, gly_builder_str(&shared->bytes));
    }
    result->result_bytes = shared->size;
    result->result_rows = shared->sink.rows;
    result->metrics.output_rows = shared->sink.rows;
    result->metrics.output_bytes = shared->size;
    return GLY_OK;
}

const gly_operator gly_op_result = {.name = "CollectResult",
                                    .prepare = prepare,
                                    .dispose = dispose,
                                    .open_sink = gly_block_sink_open,
                                    .sink = gly_block_sink_take,
                                    .finish = gly_block_sink_finish,
                                    .close_sink = gly_block_sink_close,
                                    .seal = seal};
