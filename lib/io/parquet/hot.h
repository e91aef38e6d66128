/* hot.h - how the decoding loops of this room are compiled: -O3, and a clone per CPU generation.
 *
 * The sanitizers cannot run code before relocation (ifunc resolvers), so they get one plain copy.
 */
#ifndef GLY_HOT_H
#define GLY_HOT_H

#if defined(__clang__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GLY_HOT
#define GLY_HOT_CLONES
#elif defined(__x86_64__)
#define GLY_HOT __attribute__((optimize("O3")))
#define GLY_HOT_CLONES                                                                             \
    __attribute__((optimize("O3"), target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GLY_HOT __attribute__((optimize("O3")))
#define GLY_HOT_CLONES __attribute__((optimize("O3")))
#endif

#endif
