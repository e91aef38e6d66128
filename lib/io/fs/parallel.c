/* parallel.c - threads that take the next index until there is none.
 *
 * If no thread can be made the caller's does all the work, so nothing here can fail.
 */
#include "lib/io/fs/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MOST_THREADS = 64 };

typedef struct work {
    uint32_t count;
    void (*run)(void *context, uint32_t index);
    void *context;
    atomic_uint_fast32_t next;
} work;

static void *take_all(void *context) {
    work *from = context;
    for (;;) {
        uint32_t index = (uint32_t)atomic_fetch_add(&from->next, 1);
        if (index >= from->count) {
            return NULL;
        }
        from->run(from->context, index);
    }
}

void gly_parallel_each(uint32_t count, uint32_t threads, void (*run)(void *context, uint32_t index),
                       void *context) {
    pthread_t others[MOST_THREADS];
    work all = {.count = count, .run = run, .context = context};
    uint32_t wanted = GLY_MIN(GLY_MIN(threads, count), (uint32_t)MOST_THREADS + 1);
    uint32_t made = 0;
    while (made + 1 < wanted && pthread_create(&others[made], NULL, take_all, &all) == 0) {
        made++;
    }
    take_all(&all);
    for (uint32_t i = 0; i < made; i++) {
        pthread_join(others[i], NULL);
    }
}
