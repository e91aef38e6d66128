/* random.h - seeded randomness (splitmix64): the same seed gives the same sequence everywhere. */
#ifndef GLY_RANDOM_H
#define GLY_RANDOM_H

#include "lib/base/base.h"

typedef struct gly_random {
    uint64_t state;
} gly_random;

static inline uint64_t gly_random_u64(gly_random *random) {
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 <= result < bound; bound > 0. */
static inline uint64_t gly_random_below(gly_random *random, uint64_t bound) {
    return (uint64_t)(((gly_u128)gly_random_u64(random) * bound) >> 64);
}

/* 0.0 <= result < 1.0 */
static inline double gly_random_double(gly_random *random) {
    return (double)(gly_random_u64(random) >> 11) * 0x1.0p-53;
}

#endif
