/* piece_prefetch.c - fetch threads that work through a list of pieces, in order.
 *
 * Latency is what a reduce task waits for when its maps are on other hosts: with THREADS requests
 * under way it waits for a fraction of them.  No thread is started if none can be had: then pieces
 * are fetched when they are taken.
 *
 * Invariant: a slot goes IDLE -> FETCHING -> DONE -> TAKEN; held_bytes is the length of all slots
 * that are FETCHING or DONE by a fetch thread.
 */
#include "lib/engine/pipeline/piece_prefetch.h"

#include "lib/base/alloc.h"
#include "lib/engine/pipeline/block_place.h"

enum { THREADS = 4 };

typedef enum slot_state { IDLE, FETCHING, DONE, TAKEN } slot_state;

typedef struct slot {
    gly_piece piece;
    slot_state state;
    gly_status status;
    gly_error *error; /* when it failed */
    gly_builder bytes;
} slot;

struct gly_piece_prefetch {
    gly_task_state *task;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t slot_count, next;
    uint64_t held_bytes, ahead_bytes;
    bool is_stopped;
    uint32_t thread_count;
    pthread_t threads[THREADS];
    slot slots[];
};

static gly_status fetch(const gly_piece_prefetch *prefetch, const gly_piece *piece,
                        gly_builder *out, gly_error *err) {
    const gly_task_environment *environment = prefetch->task->environment;
    const gly_fetcher *fetcher = &environment->fetcher;
    gly_block_place place = {0};
    gly_block_place_set(&place, environment, piece->map);
    gly_status status;
    do {
        const gly_map_status *map = &place.now;
        out->size = 0;
        status = fetcher->fetch(fetcher->context, map->endpoint, map->executor_id, map->path,
                                piece->offset, piece->length, out, err);
        if (status == GLY_OK && out->size != piece->length) {
            status = gly_fail(err, GLY_E_FETCH_FAILED, "%.*s sent %zu bytes instead of %llu",
                              GLY_STR_ARG(map->endpoint), out->size,
                              (unsigned long long)piece->length);
        }
    } while (status != GLY_OK && gly_block_place_has_moved(&place, environment));
    gly_block_place_clear(&place);
    return status;
}

/* The next piece to fetch ahead; NULL: stop.  Locked. */
static slot *wait_for_work(gly_piece_prefetch *prefetch) {
    for (;;) {
        while (prefetch->next < prefetch->slot_count &&
               prefetch->slots[prefetch->next].state != IDLE) {
            prefetch->next++; /* somebody did not wait for us */
        }
        if (prefetch->is_stopped || prefetch->next == prefetch->slot_count) {
            return NULL;
        }
        slot *item = &prefetch->slots[prefetch->next];
        if (prefetch->held_bytes == 0 ||
            prefetch->held_bytes + item->piece.length <= prefetch->ahead_bytes) {
            prefetch->next++;
            return item;
        }
        pthread_cond_wait(&prefetch->changed, &prefetch->lock);
    }
}

static void *thread_main(void *context) {
    gly_piece_prefetch *prefetch = context;
    pthread_mutex_lock(&prefetch->lock);
    for (slot *item; (item = wait_for_work(prefetch)) != NULL;) {
        item->state = FETCHING;
        prefetch->held_bytes += item->piece.length;
        gly_budget_force(&prefetch->task->budget, (size_t)item->piece.length);
        pthread_mutex_unlock(&prefetch->lock);
        gly_error err = {0};
        gly_builder bytes = {0};
        gly_status status = fetch(prefetch, &item->piece, &bytes, &err);
        pthread_mutex_lock(&prefetch->lock);
        item->bytes = bytes;
        item->status = status;
        if (status != GLY_OK) {
            item->error = GLY_NEW(gly_error);
            *item->error = err;
        }
        item->state = DONE;
        pthread_cond_broadcast(&prefetch->changed);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return NULL;
}

gly_piece_prefetch *gly_piece_prefetch_start(gly_task_state *task, uint32_t piece_count,
                                             const gly_piece *pieces, uint64_t ahead_bytes) {
    gly_piece_prefetch *prefetch = gly_alloc_zero(1, sizeof *prefetch + piece_count * sizeof(slot));
    prefetch->task = task;
    prefetch->slot_count = piece_count;
    prefetch->ahead_bytes = ahead_bytes;
    pthread_mutex_init(&prefetch->lock, NULL);
    pthread_cond_init(&prefetch->changed, NULL);
    for (uint32_t i = 0; i < piece_count; i++) {
        prefetch->slots[i].piece = pieces[i];
    }
    uint32_t wanted = GLY_MIN(piece_count, (uint32_t)THREADS);
    while (prefetch->thread_count < wanted &&
           pthread_create(&prefetch->threads[prefetch->thread_count], NULL, thread_main,
                          prefetch) == 0) {
        prefetch->thread_count++;
    }
    return prefetch;
}

gly_status gly_piece_prefetch_take(gly_piece_prefetch *prefetch, uint32_t piece, gly_builder *ret,
                                   gly_error *err) {
    slot *item = &prefetch->slots[piece];
    pthread_mutex_lock(&prefetch->lock);
    GLY_ASSERT(item->state != TAKEN);
    if (item->state == IDLE) {
        item->state = TAKEN;
        pthread_mutex_unlock(&prefetch->lock);
        return fetch(prefetch, &item->piece, ret, err);
    }
    while (item->state == FETCHING) {
        pthread_cond_wait(&prefetch->changed, &prefetch->lock);
    }
    item->state = TAKEN;
    prefetch->held_bytes -= item->piece.length;
    gly_budget_release(&prefetch->task->budget, (size_t)item->piece.length);
    *ret = item->bytes;
    item->bytes = (gly_builder){0};
    pthread_cond_broadcast(&prefetch->changed);
    pthread_mutex_unlock(&prefetch->lock);
    return item->status == GLY_OK ? GLY_OK : gly_error_copy(err, item->error);
}

void gly_piece_prefetch_stop(gly_piece_prefetch *prefetch) {
    if (prefetch == NULL) {
        return;
    }
    pthread_mutex_lock(&prefetch->lock);
    prefetch->is_stopped = true;
    pthread_cond_broadcast(&prefetch->changed);
    pthread_mutex_unlock(&prefetch->lock);
    for (uint32_t t = 0; t < prefetch->thread_count; t++) {
        pthread_join(prefetch->threads[t], NULL);
    }
    gly_budget_release(&prefetch->task->budget, (size_t)prefetch->held_bytes);
    for (uint32_t i = 0; i < prefetch->slot_count; i++) {
        gly_builder_clear(&prefetch->slots[i].bytes);
        free(prefetch->slots[i].error);
    }
    pthread_cond_destroy(&prefetch->changed);
    pthread_mutex_destroy(&prefetch->lock);
    free(prefetch);
}
