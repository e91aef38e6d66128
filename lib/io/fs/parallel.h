/* parallel.h - the same small thing for many files at once, for threads that mostly wait. */
#ifndef GLY_PARALLEL_H
#define GLY_PARALLEL_H

#include "lib/base/base.h"

/* run(context, i) for every i below count, by up to `threads` threads, the caller's included;
 * returns when all are done. */
void gly_parallel_each(uint32_t count, uint32_t threads, void (*run)(void *context, uint32_t index),
                       void *context);

#endif
