/* block_store.c - cached partitions in a list by use; memory is given back by writing to disk.
 *
 * Compressed blocks are what a shuffle would have written, so a cached table costs little memory
 * and scanning it costs a decompression.  Memory is reserved before the lock is taken, because a
 * refused reservation calls reclaim, which takes it.
 *
 * Invariant: a block has memory (then its size is reserved) or a scratch file.  Blocks that someone
 * holds are neither moved nor freed; dropped ones go with their last holder.
 */
#include "lib/engine/pipeline/block_store.h"

#include "lib/base/alloc.h"
#include "lib/shuffle/scratch_file.h"

#include <pthread.h>

struct gly_cached_block {
    gly_cached_block *next;
    uint64_t cache_id;
    uint32_t partition;
    uint32_t holders;
    bool is_dropped; /* not in the list any more */
    uint32_t column_count;
    gly_type *types;
    uint64_t row_count, size;
    uint64_t used_at;
    char *memory;
    gly_scratch_file *file;
};

struct gly_block_store {
    pthread_mutex_t lock;
    gly_budget *memory;
    char *local_dir;
    gly_disk_space *disk;
    gly_cached_block *blocks;
    uint64_t clock;
};

gly_block_store *gly_block_store_make(gly_budget *memory, const char *local_dir) {
    gly_block_store *store = GLY_NEW(gly_block_store);
    pthread_mutex_init(&store->lock, NULL);
    store->memory = memory;
    store->local_dir = gly_alloc_string(local_dir);
    return store;
}

void gly_block_store_set_disk(gly_block_store *store, gly_disk_space *disk) { store->disk = disk; }

static void free_block(gly_block_store *store, gly_cached_block *block) {
    if (block->memory != NULL) {
        gly_budget_release(store->memory, (size_t)block->size);
    }
    free(block->memory);
    gly_scratch_file_close(block->file);
    free(block->types);
    free(block);
}

void gly_block_store_free(gly_block_store *store) {
    if (store == NULL) {
        return;
    }
    for (gly_cached_block *block = store->blocks; block != NULL;) {
        gly_cached_block *next = block->next;
        free_block(store, block);
        block = next;
    }
    pthread_mutex_destroy(&store->lock);
    free(store->local_dir);
    free(store);
}

/* Takes the blocks that match out of the list; locked. */
static void unlink_blocks(gly_block_store *store, uint64_t cache_id, uint32_t partition,
                          bool all_partitions) {
    gly_cached_block **place = &store->blocks;
    while (*place != NULL) {
        gly_cached_block *block = *place;
        if (block->cache_id != cache_id || (!all_partitions && block->partition != partition)) {
            place = &block->next;
            continue;
        }
        *place = block->next;
        block->is_dropped = true;
        if (block->holders == 0) {
            free_block(store, block);
        }
    }
}

/* Moves the bytes to a scratch file; the caller sees to the budget. */
static gly_status to_disk(gly_block_store *store, gly_cached_block *block, gly_error *err) {
    gly_scratch_file *file;
    GLY_TRY(gly_scratch_file_open(store->local_dir, store->disk, &file, err));
    gly_status status = gly_scratch_file_write(file, block->memory, (size_t)block->size, err);
    if (status != GLY_OK) {
        gly_scratch_file_close(file);
        return status;
    }
    free(block->memory);
    block->memory = NULL;
    block->file = file;
    return GLY_OK;
}

gly_status gly_block_store_put(gly_block_store *store, uint64_t cache_id, uint32_t partition,
                               const gly_type *types, uint32_t column_count, uint64_t row_count,
                               gly_builder *bytes, gly_scratch_file *file, gly_error *err) {
    gly_cached_block *block = GLY_NEW(gly_cached_block);
    block->cache_id = cache_id;
    block->partition = partition;
    block->column_count = column_count;
    block->types = GLY_NEW_ARRAY(gly_type, column_count + 1);
    if (column_count > 0) {
        memcpy(block->types, types, column_count * sizeof *types);
    }
    block->row_count = row_count;
    block->file = file;
    block->size = file != NULL ? gly_scratch_file_size(file) : bytes->size;
    if (file == NULL) {
        block->memory = gly_alloc_resize(bytes->data, bytes->size + 1);
        *bytes = (gly_builder){0};
    }
    if (file == NULL && !gly_budget_try_reserve(store->memory, (size_t)block->size)) {
        gly_status status = to_disk(store, block, err);
        if (status != GLY_OK) {
            free(block->memory);
            block->memory = NULL;
            free_block(store, block);
            return status;
        }
    }
    pthread_mutex_lock(&store->lock);
    unlink_blocks(store, cache_id, partition, false);
    block->used_at = ++store->clock;
    block->next = store->blocks;
    store->blocks = block;
    pthread_mutex_unlock(&store->lock);
    return GLY_OK;
}

const char *gly_block_store_directory(const gly_block_store *store) { return store->local_dir; }

gly_cached_block *gly_block_store_hold(gly_block_store *store, uint64_t cache_id,
                                       uint32_t partition) {
    pthread_mutex_lock(&store->lock);
    gly_cached_block *block = store->blocks;
    while (block != NULL && (block->cache_id != cache_id || block->partition != partition)) {
        block = block->next;
    }
    if (block != NULL) {
        block->holders++;
        block->used_at = ++store->clock;
    }
    pthread_mutex_unlock(&store->lock);
    return block;
}

void gly_block_store_release(gly_block_store *store, gly_cached_block *block) {
    if (block == NULL) {
        return;
    }
    pthread_mutex_lock(&store->lock);
    block->holders--;
    if (block->holders == 0 && block->is_dropped) {
        free_block(store, block);
    }
    pthread_mutex_unlock(&store->lock);
}

const gly_type *gly_block_store_types(const gly_cached_block *block, uint32_t *ret_column_count) {
    *ret_column_count = block->column_count;
    return block->types;
}

uint64_t gly_block_store_size(const gly_cached_block *block) { return block->size; }

uint64_t gly_block_store_rows(const gly_cached_block *block) { return block->row_count; }

gly_status gly_block_store_read(gly_cached_block *block, uint64_t offset, size_t length,
                                gly_builder *out, gly_error *err) {
    GLY_ASSERT(offset <= block->size && length <= block->size - offset);
    if (block->memory != NULL) {
        gly_builder_add(out, block->memory + offset, length);
        return GLY_OK;
    }
    char *room = gly_builder_room(out, length);
    GLY_TRY(gly_scratch_file_read_at(block->file, offset, length, room, err));
    room[length] = '\0';
    out->size += length;
    return GLY_OK;
}

void gly_block_store_drop(gly_block_store *store, uint64_t cache_id) {
    pthread_mutex_lock(&store->lock);
    unlink_blocks(store, cache_id, 0, true);
    pthread_mutex_unlock(&store->lock);
}

static gly_cached_block *oldest_in_memory(gly_block_store *store) {
    gly_cached_block *oldest = NULL;
    for (gly_cached_block *block = store->blocks; block != NULL; block = block->next) {
        if (block->memory != NULL && block->size > 0 && block->holders == 0 &&
            (oldest == NULL || block->used_at < oldest->used_at)) {
            oldest = block;
        }
    }
    return oldest;
}

size_t gly_block_store_reclaim(void *context, size_t bytes) {
    gly_block_store *store = context;
    size_t freed = 0;
    pthread_mutex_lock(&store->lock);
    while (freed < bytes) {
        gly_cached_block *block = oldest_in_memory(store);
        if (block == NULL || to_disk(store, block, NULL) != GLY_OK) {
            break;
        }
        gly_budget_release(store->memory, (size_t)block->size);
        freed += (size_t)block->size;
    }
    pthread_mutex_unlock(&store->lock);
    return freed;
}

void gly_block_store_usage(gly_block_store *store, uint64_t *ret_memory, uint64_t *ret_disk) {
    *ret_memory = *ret_disk = 0;
    pthread_mutex_lock(&store->lock);
    for (gly_cached_block *block = store->blocks; block != NULL; block = block->next) {
        *(block->memory != NULL ? ret_memory : ret_disk) += block->size;
    }
    pthread_mutex_unlock(&store->lock);
}
