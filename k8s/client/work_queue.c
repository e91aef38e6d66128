/* work_queue.c - a binary heap of due keys, and a hash table that finds a key's entry.
 *
 * Every key that waits or has failed before has one entry; it leaves the table when it neither
 * waits nor has failures, so the table is as large as the work and not as the history.  Keys due at
 * the same millisecond come in the order in which they were added.  Back-off has jitter (up to a
 * quarter less) from a seeded generator, so that keys that failed together do not come back
 * together.
 */
#include "k8s/client/work_queue.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/base/map.h"
#include "lib/base/random.h"

enum { FIRST_DELAY_MS = 100, MOST_DELAY_MS = 300000, NOT_WAITING = -1 };

typedef struct entry {
    struct entry *next; /* with the same hash */
    int64_t due_ms;
    uint64_t order; /* of adding, among equally due */
    ptrdiff_t at;   /* in the heap, or NOT_WAITING */
    uint32_t failures;
    size_t size;
    char key[];
} entry;

struct gly_work_queue {
    gly_map table; /* hash of the key -> chain of entries */
    GLY_ARRAY(entry *) heap;
    uint64_t next_order;
    gly_random random;
};

gly_work_queue *gly_work_queue_make(uint64_t seed) {
    gly_work_queue *queue = GLY_NEW(gly_work_queue);
    queue->random.state = seed;
    return queue;
}

void gly_work_queue_free(gly_work_queue *queue) {
    if (queue == NULL) {
        return;
    }
    size_t position = 0;
    entry *chain;
    while ((chain = gly_map_next(&queue->table, &position)) != NULL) {
        while (chain != NULL) {
            entry *next = chain->next;
            free(chain);
            chain = next;
        }
    }
    gly_map_clear(&queue->table);
    gly_array_clear(&queue->heap);
    free(queue);
}

/* --- the table --- */

static entry *find(const gly_work_queue *queue, gly_str key) {
    entry *found = gly_map_get(&queue->table, gly_hash_bytes(key.data, key.size));
    while (found != NULL && !gly_str_equal((gly_str){found->key, found->size}, key)) {
        found = found->next;
    }
    return found;
}

static entry *find_or_add(gly_work_queue *queue, gly_str key) {
    entry *found = find(queue, key);
    if (found != NULL) {
        return found;
    }
    uint64_t hash = gly_hash_bytes(key.data, key.size);
    entry *added = gly_alloc_zero(1, sizeof *added + key.size);
    added->next = gly_map_get(&queue->table, hash);
    added->at = NOT_WAITING;
    added->size = key.size;
    if (key.size > 0) {
        memcpy(added->key, key.data, key.size);
    }
    gly_map_put(&queue->table, hash, added);
    return added;
}

/* Frees the entry if nothing is to be remembered of it. */
static void drop_if_idle(gly_work_queue *queue, entry *idle) {
    if (idle->at != NOT_WAITING || idle->failures > 0) {
        return;
    }
    uint64_t hash = gly_hash_bytes(idle->key, idle->size);
    entry *first = gly_map_get(&queue->table, hash);
    if (first == idle) {
        if (idle->next != NULL) {
            gly_map_put(&queue->table, hash, idle->next);
        } else {
            gly_map_remove(&queue->table, hash);
        }
    } else {
        while (first->next != idle) {
            first = first->next;
        }
        first->next = idle->next;
    }
    free(idle);
}

/* --- the heap --- */

static bool is_before(const entry *a, const entry *b) {
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void place(gly_work_queue *queue, entry *moved, size_t at) {
    queue->heap.items[at] = moved;
    moved->at = (ptrdiff_t)at;
}

static void sift_up(gly_work_queue *queue, entry *moved) {
    size_t at = (size_t)moved->at;
    while (at > 0) {
        entry *parent = queue->heap.items[(at - 1) / 2];
        if (!is_before(moved, parent)) {
            break;
        }
        place(queue, parent, at);
        at = (at - 1) / 2;
    }
    place(queue, moved, at);
}

static void sift_down(gly_work_queue *queue, entry *moved) {
    size_t at = (size_t)moved->at, count = queue->heap.count;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count &&
            is_before(queue->heap.items[child + 1], queue->heap.items[child])) {
            child++;
        }
        if (!is_before(queue->heap.items[child], moved)) {
            break;
        }
        place(queue, queue->heap.items[child], at);
        at = child;
    }
    place(queue, moved, at);
}

static void wait_until(gly_work_queue *queue, entry *waiting, int64_t due_ms) {
    if (waiting->at == NOT_WAITING) {
        waiting->due_ms = due_ms;
        waiting->order = queue->next_order++;
        gly_array_push(&queue->heap, waiting);
        waiting->at = (ptrdiff_t)queue->heap.count - 1;
        sift_up(queue, waiting);
    } else if (due_ms < waiting->due_ms) {
        waiting->due_ms = due_ms;
        sift_up(queue, waiting);
    }
}

/* --- what callers see --- */

void gly_work_queue_add(gly_work_queue *queue, gly_str key, int64_t now_ms, int64_t delay_ms) {
    wait_until(queue, find_or_add(queue, key), now_ms + GLY_MAX(delay_ms, 0));
}

void gly_work_queue_retry(gly_work_queue *queue, gly_str key, int64_t now_ms) {
    entry *failed = find_or_add(queue, key);
    int64_t delay_ms = MOST_DELAY_MS;
    if (failed->failures < 12) { /* 100 ms * 2^12 is more than five minutes */
        delay_ms = GLY_MIN((int64_t)FIRST_DELAY_MS << failed->failures, MOST_DELAY_MS);
        failed->failures++;
    }
    delay_ms -= (int64_t)gly_random_below(&queue->random, (uint64_t)delay_ms / 4);
    wait_until(queue, failed, now_ms + delay_ms);
}

void gly_work_queue_forget(gly_work_queue *queue, gly_str key) {
    entry *found = find(queue, key);
    if (found != NULL) {
        found->failures = 0;
        drop_if_idle(queue, found);
    }
}

bool gly_work_queue_next(gly_work_queue *queue, int64_t now_ms, gly_builder *ret_key) {
    if (queue->heap.count == 0 || queue->heap.items[0]->due_ms > now_ms) {
        return false;
    }
    entry *due = queue->heap.items[0];
    entry *last = queue->heap.items[--queue->heap.count];
    due->at = NOT_WAITING;
    if (last != due) {
        last->at = 0;
        sift_down(queue, last);
    }
    gly_builder_reset(ret_key);
    gly_builder_add(ret_key, due->key, due->size);
    drop_if_idle(queue, due);
    return true;
}

int64_t gly_work_queue_wait_ms(const gly_work_queue *queue, int64_t now_ms) {
    if (queue->heap.count == 0) {
        return -1;
    }
    return GLY_MAX(queue->heap.items[0]->due_ms - now_ms, 0);
}

size_t gly_work_queue_count(const gly_work_queue *queue) { return queue->heap.count; }
