/* message_queue.h - what will happen in a simulated world, by time: a heap.  Messages of one moment
 * come in the order in which they were posted. */
#ifndef GLY_MESSAGE_QUEUE_H
#define GLY_MESSAGE_QUEUE_H

#include "lib/base/array.h"

typedef struct message {
    int64_t time_ms;
    uint64_t sequence;
    int kind; /* the simulation's own */
    uint64_t a, b;
} message;

typedef GLY_ARRAY(message) message_queue;

static bool message_is_earlier(const message *a, const message *b) {
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->sequence < b->sequence;
}

static void message_queue_put(message_queue *queue, message fresh) {
    gly_array_push(queue, fresh);
    message *items = queue->items;
    for (size_t i = queue->count - 1; i > 0 && message_is_earlier(&items[i], &items[(i - 1) / 2]);
         i = (i - 1) / 2) {
        message swapped = items[i];
        items[i] = items[(i - 1) / 2];
        items[(i - 1) / 2] = swapped;
    }
}

static message message_queue_take(message_queue *queue) {
    message *items = queue->items;
    message first = items[0];
    items[0] = items[--queue->count];
    for (size_t i = 0;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < queue->count && message_is_earlier(&items[child + 1], &items[child])) {
            child++;
        }
        if (child >= queue->count || !message_is_earlier(&items[child], &items[i])) {
            return first;
        }
        message swapped = items[i];
        items[i] = items[child];
        items[child] = swapped;
        i = child;
    }
}

#endif
