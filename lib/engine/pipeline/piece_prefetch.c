/* piece_prefetch.c - fetch threads that work through a list of pieces, in order.
 *
 * A shuffle of 200 by 200 is 40,000 pieces of a few KiB, and a round trip costs more than they do:
 * a thread takes the next piece and, with it, those that follow from the same executor, up to
 * BATCH_BYTES.  If such a batch fails, its pieces are fetched one by one, so that the one that
 * cannot be had is known, and the others are not blamed.
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

enum { THREADS = 4, BATCH_BYTES = 2 << 20, BATCH_PIECES = 256 };

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
            status =
                gly_fail(err, GLY_E_FETCH_FAILED, "%.*s sent %zu bytes instead of %llu",
                         GLY_STR_ARG(map->endpoint), out->size, (unsigned long long)piece->length);
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

/* Claims the piece and others from its executor, all of which are then FETCHING.  Locked. */
static uint32_t claim_batch(gly_piece_prefetch *prefetch, slot *first, slot **batch) {
    uint32_t next = (uint32_t)(first - prefetch->slots) + 1;
    bool can_batch = prefetch->task->environment->fetcher.fetch_many != NULL;
    uint64_t bytes = first->piece.length;
    uint32_t count = 0;
    batch[count++] = first;
    for (uint32_t i = next; can_batch && i < prefetch->slot_count; i++) {
        slot *item = &prefetch->slots[i];
        uint64_t more = bytes + item->piece.length;
        if (count == BATCH_PIECES || more > BATCH_BYTES ||
            prefetch->held_bytes + more > prefetch->ahead_bytes) {
            break;
        }
        if (item->state == IDLE &&
            gly_str_equal(item->piece.map->endpoint, first->piece.map->endpoint)) {
            bytes = more;
            batch[count++] = item;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        batch[i]->state = FETCHING;
    }
    prefetch->held_bytes += bytes;
    gly_budget_force(&prefetch->task->budget, (size_t)bytes);
    return count;
}

/* All pieces in one round trip, into their slots; false: one by one, please. */
static bool fetch_batch(const gly_piece_prefetch *prefetch, slot **batch, uint32_t count) {
    const gly_task_environment *environment = prefetch->task->environment;
    const gly_fetcher *fetcher = &environment->fetcher;
    const gly_map_status *map = batch[0]->piece.map;
    gly_fetch_range ranges[BATCH_PIECES];
    uint64_t total = 0;
    bool is_simple = count > 1;
    for (uint32_t i = 0; is_simple && i < count; i++) {
        gly_block_place place = {0};
        gly_block_place_set(&place, environment, batch[i]->piece.map);
        is_simple = place.texts.size == 0; /* it has not moved */
        gly_block_place_clear(&place);
        const gly_piece *piece = &batch[i]->piece;
        ranges[i] = (gly_fetch_range){piece->map->path, piece->offset, piece->length};
        total += piece->length;
    }
    gly_builder all = {0};
    gly_error ignored;
    if (!is_simple ||
        fetcher->fetch_many(fetcher->context, map->endpoint, map->executor_id, ranges, count, &all,
                            &ignored) != GLY_OK ||
        all.size != total) {
        gly_builder_clear(&all);
        return false;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        gly_builder_add(&batch[i]->bytes, all.data + at, (size_t)batch[i]->piece.length);
        at += (size_t)batch[i]->piece.length;
    }
    gly_builder_clear(&all);
    return true;
}

static void fetch_slot(const gly_piece_prefetch *prefetch, slot *item) {
    gly_error err = {0};
    item->status = fetch(prefetch, &item->piece, &item->bytes, &err);
    if (item->status != GLY_OK) {
        item->error = GLY_NEW(gly_error);
        *item->error = err;
    }
}

/* Fetches the piece and what comes along with it.  Locked, but not while it fetches. */
static void work_on(gly_piece_prefetch *prefetch, slot *first) {
    slot *batch[BATCH_PIECES];
    uint32_t count = claim_batch(prefetch, first, batch);
    pthread_mutex_unlock(&prefetch->lock);
    bool is_fetched = fetch_batch(prefetch, batch, count);
    for (uint32_t i = 0; i < count && !is_fetched; i++) {
        fetch_slot(prefetch, batch[i]); /* nobody else touches a slot that is FETCHING */
    }
    pthread_mutex_lock(&prefetch->lock);
    for (uint32_t i = 0; i < count; i++) {
        batch[i]->state = DONE;
    }
    pthread_cond_broadcast(&prefetch->changed);
}

static void *thread_main(void *context) {
    gly_piece_prefetch *prefetch = context;
    pthread_mutex_lock(&prefetch->lock);
    for (slot *item; (item = wait_for_work(prefetch)) != NULL;) {
        work_on(prefetch, item);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return NULL;
}

/* As many threads as there is something to wait for at once. */
static uint32_t choose_threads(const gly_piece_prefetch *prefetch) {
    uint64_t bytes = 0;
    uint32_t peers = 0;
    for (uint32_t i = 0; i < prefetch->slot_count; i++) {
        bool is_known = false;
        gly_str endpoint = prefetch->slots[i].piece.map->endpoint;
        for (uint32_t k = 0; k < i && k < 2 * THREADS && !is_known; k++) {
            is_known = gly_str_equal(prefetch->slots[k].piece.map->endpoint, endpoint);
        }
        peers += !is_known;
        bytes += prefetch->slots[i].piece.length;
    }
    uint64_t wanted = GLY_MAX((uint64_t)peers, bytes / BATCH_BYTES + 1);
    if (prefetch->task->environment->fetcher.fetch_many == NULL) {
        wanted = prefetch->slot_count;
    }
    return (uint32_t)GLY_MIN(wanted, (uint64_t)THREADS);
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
    uint32_t wanted = choose_threads(prefetch);
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
        work_on(prefetch, item);
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
