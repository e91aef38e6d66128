/* block_puller.c - copies a file (or a cached partition) of another executor into this one.
 *
 * A file keeps its name: names are unique in the application, and dropping the query deletes it
 * here as it would have there.  It appears under that name when it is complete.  On one host a hard
 * link is enough; else it comes in pieces through the fetcher, which retries and checks who
 * answers. Invariant: every order is reported exactly once, unless the executor ends first. Not
 * here: who should take what (driver/driver_decommission.c).
 */
#include "executor/block_puller.h"

#include "executor/moved_blocks.h"
#include "lib/base/alloc.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/cached_header.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/net/wire.h"
#include "lib/shuffle/scratch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { PULLED_FIELD = 6, PIECE = 8 << 20 };

typedef struct order {
    struct order *next;
    gly_arena *arena;
    const Galley__PullBlock *message;
} order;

struct gly_block_puller {
    gly_block_puller_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    order *head, **tail;
    bool stopping, has_thread;
    pthread_t thread;
};

gly_block_puller *gly_block_puller_make(const gly_block_puller_options *options) {
    gly_block_puller *puller = GLY_NEW(gly_block_puller);
    puller->options = *options;
    puller->tail = &puller->head;
    pthread_mutex_init(&puller->lock, NULL);
    pthread_cond_init(&puller->changed, NULL);
    return puller;
}

/* ---- files ---- */

static gly_status write_all(int fd, const char *path, const char *bytes, size_t size,
                            gly_error *err) {
    while (size > 0) {
        ssize_t wrote = write(fd, bytes, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return gly_error_from_errno(err, wrote == 0 ? ENOSPC : errno,
                                        "cannot write the block %s", path);
        }
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return GLY_OK;
}

static gly_status copy_pieces(const gly_task_environment *environment,
                              const Galley__PullBlock *message, uint64_t size, int fd,
                              const char *path, uint64_t *taken, gly_error *err) {
    const gly_fetcher *fetcher = &environment->fetcher;
    gly_builder piece = {0};
    gly_status status = GLY_OK;
    for (uint64_t at = 0; at < size && status == GLY_OK;) {
        uint64_t length = GLY_MIN(size - at, (uint64_t)PIECE);
        gly_builder_reset(&piece);
        status = fetcher->fetch(fetcher->context, gly_str_of(message->endpoint),
                                gly_str_of(message->executor_id), gly_str_of(message->path), at,
                                length, &piece, err);
        if (status == GLY_OK) {
            status = gly_disk_space_take(environment->disk, GLY_DISK_FILES, piece.size, err);
        }
        if (status == GLY_OK) {
            *taken += piece.size;
            status = write_all(fd, path, piece.data, piece.size, err);
        }
        at += length;
    }
    gly_builder_clear(&piece);
    return status;
}

static gly_status pull_file(const gly_task_environment *environment,
                            const Galley__PullBlock *message, uint64_t size, const char *path,
                            gly_error *err) {
    char partial[4200];
    if (message->host_id != NULL &&
        gly_str_equal(gly_str_of(message->host_id), environment->host_id) &&
        (link(message->path, path) == 0 || errno == EEXIST)) {
        return GLY_OK;
    }
    snprintf(partial, sizeof partial, "%s.part", path);
    int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot make the block %s", partial);
    }
    uint64_t taken = 0;
    gly_status status = copy_pieces(environment, message, size, fd, partial, &taken, err);
    if (close(fd) != 0 && status == GLY_OK) {
        status = gly_error_from_errno(err, errno, "cannot write the block %s", partial);
    }
    if (status == GLY_OK && rename(partial, path) != 0) {
        status = gly_error_from_errno(err, errno, "cannot name the block %s", path);
    }
    if (status != GLY_OK) {
        unlink(partial);
        gly_disk_space_give(environment->disk, GLY_DISK_FILES, taken);
    }
    return status;
}

/* ---- cached partitions ---- */

static gly_status fetch_part(const gly_task_environment *environment,
                             const Galley__PullBlock *message, uint64_t offset, uint64_t length,
                             gly_builder *out, gly_error *err) {
    const gly_fetcher *fetcher = &environment->fetcher;
    gly_builder_reset(out);
    GLY_TRY(fetcher->fetch(fetcher->context, gly_str_of(message->endpoint),
                           gly_str_of(message->executor_id), gly_str_of(message->path), offset,
                           length, out, err));
    return out->size == length
               ? GLY_OK
               : gly_fail(err, GLY_E_FETCH_FAILED, "%s ends too early", message->path);
}

static gly_status fetch_header(const gly_task_environment *environment, gly_arena *arena,
                               const Galley__PullBlock *message, gly_cached_header *ret,
                               size_t *ret_size, gly_builder *buffer, gly_error *err) {
    GLY_TRY(fetch_part(environment, message, 0, GLY_CACHED_HEADER_FIXED, buffer, err));
    GLY_TRY(gly_cached_header_decode(gly_builder_str(buffer), ret, ret_size, err));
    size_t rest = *ret_size - GLY_CACHED_HEADER_FIXED;
    gly_builder_reset(buffer);
    if (rest > 0) {
        GLY_TRY(fetch_part(environment, message, GLY_CACHED_HEADER_FIXED, rest, buffer, err));
    }
    return gly_cached_header_decode_types(arena, (gly_str){buffer->data, rest}, ret, err);
}

/* Goes through a scratch file, as the store may have no memory to spare just now. */
static gly_status pull_cached(const gly_task_environment *environment, gly_arena *arena,
                              const Galley__PullBlock *message, gly_builder *buffer,
                              gly_error *err) {
    gly_cached_header header;
    size_t begin;
    uint64_t cache_id;
    uint32_t partition;
    if (environment->shared == NULL ||
        !gly_cached_header_parse_name(gly_str_of(message->path), &cache_id, &partition)) {
        return gly_fail(err, GLY_E_PROTOCOL, "%s is not the name of a block", message->path);
    }
    GLY_TRY(fetch_header(environment, arena, message, &header, &begin, buffer, err));
    gly_scratch_file *file;
    GLY_TRY(gly_scratch_file_open(environment->local_dir, environment->disk, &file, err));
    gly_status status = GLY_OK;
    for (uint64_t at = 0; at < header.block_bytes && status == GLY_OK;) {
        uint64_t length = GLY_MIN(header.block_bytes - at, (uint64_t)PIECE);
        status = fetch_part(environment, message, begin + at, length, buffer, err);
        if (status == GLY_OK) {
            status = gly_scratch_file_write(file, buffer->data, buffer->size, err);
        }
        at += length;
    }
    if (status != GLY_OK) {
        gly_scratch_file_close(file);
        return status;
    }
    gly_builder none = {0};
    return gly_block_store_put(gly_shared_cache_blocks(environment->shared), cache_id, partition,
                               header.types, header.column_count, header.row_count, &none, file,
                               err);
}

/* ---- one order ---- */

static ProtobufCBinaryData binary(gly_str bytes) {
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
}

static gly_status take_file(const gly_task_environment *environment, gly_arena *arena,
                            const Galley__PullBlock *message, Galley__BlockPulled *answer,
                            gly_builder *map_status, gly_error *err) {
    gly_str name = gly_moved_blocks_name(gly_str_of(message->path));
    if (message->path[0] != '/') {
        gly_builder buffer = {0};
        answer->path = message->path;
        gly_status taken = pull_cached(environment, arena, message, &buffer, err);
        gly_builder_clear(&buffer);
        return taken;
    }
    if (!gly_str_starts_with(name, GLY_STR("shuffle-"))) {
        return gly_fail(err, GLY_E_PROTOCOL, "%s is not the name of a block", message->path);
    }
    uint64_t size = message->size_bytes;
    gly_map_status status = {0};
    if (message->has_map_status) {
        gly_str bytes = {(const char *)message->map_status.data, message->map_status.len};
        GLY_TRY(gly_map_status_decode(arena, bytes, &status, err));
        size = status.offsets[status.partition_count];
    }
    char *path = gly_arena_format(arena, "%s/%.*s", environment->local_dir, GLY_STR_ARG(name));
    GLY_TRY(pull_file(environment, message, size, path, err));
    answer->path = path;
    if (message->has_map_status) {
        status.executor_id = environment->executor_id;
        status.host_id = environment->host_id;
        status.endpoint = environment->endpoint;
        status.path = gly_str_of(path);
        gly_map_status_encode(&status, map_status);
        answer->has_map_status = true;
        answer->map_status = binary(gly_builder_str(map_status));
    }
    return GLY_OK;
}

static void work_off(gly_block_puller *puller, order *item) {
    gly_builder map_status = {0}, message = {0};
    gly_error error = {0};
    Galley__BlockPulled answer = GALLEY__BLOCK_PULLED__INIT;
    answer.transfer_id = item->message->transfer_id;
    if (take_file(puller->options.environment, item->arena, item->message, &answer, &map_status,
                  &error) != GLY_OK) {
        answer.error = error.message;
    }
    size_t size = galley__block_pulled__get_packed_size(&answer);
    gly_wire_add_header(&message, PULLED_FIELD, size);
    uint8_t *room = (uint8_t *)gly_builder_room(&message, size);
    message.size += galley__block_pulled__pack(&answer, room);
    puller->options.report(puller->options.context, gly_builder_str(&message));
    gly_builder_clear(&message);
    gly_builder_clear(&map_status);
}

static void free_order(order *item) {
    gly_arena_free(item->arena);
    free(item);
}

static void *thread_main(void *context) {
    gly_block_puller *puller = context;
    pthread_setname_np(pthread_self(), "gly-pull");
    pthread_mutex_lock(&puller->lock);
    for (;;) {
        while (puller->head == NULL && !puller->stopping) {
            pthread_cond_wait(&puller->changed, &puller->lock);
        }
        if (puller->stopping) {
            break;
        }
        order *item = puller->head;
        puller->head = item->next;
        if (puller->head == NULL) {
            puller->tail = &puller->head;
        }
        pthread_mutex_unlock(&puller->lock);
        work_off(puller, item);
        free_order(item);
        pthread_mutex_lock(&puller->lock);
    }
    pthread_mutex_unlock(&puller->lock);
    return NULL;
}

void gly_block_puller_push(gly_block_puller *puller, gly_arena *arena,
                           const Galley__PullBlock *message) {
    order *item = GLY_NEW(order);
    *item = (order){NULL, arena, message};
    pthread_mutex_lock(&puller->lock);
    *puller->tail = item;
    puller->tail = &item->next;
    if (!puller->has_thread && !puller->stopping) {
        puller->has_thread = pthread_create(&puller->thread, NULL, thread_main, puller) == 0;
    }
    pthread_cond_signal(&puller->changed);
    pthread_mutex_unlock(&puller->lock);
}

void gly_block_puller_free(gly_block_puller *puller) {
    if (puller == NULL) {
        return;
    }
    pthread_mutex_lock(&puller->lock);
    puller->stopping = true;
    pthread_cond_signal(&puller->changed);
    bool has_thread = puller->has_thread;
    pthread_mutex_unlock(&puller->lock);
    if (has_thread) {
        pthread_join(puller->thread, NULL);
    }
    while (puller->head != NULL) {
        order *item = puller->head;
        puller->head = item->next;
        free_order(item);
    }
    pthread_cond_destroy(&puller->changed);
    pthread_mutex_destroy(&puller->lock);
    free(puller);
}
