/* kernel.h - what all kernels share: clones per CPU, and the operations' names.
 *
 * A kernel is a loop with plain arguments.  "count" rows lie in arrays; a constant operand is one
 * value.  The _rows forms compute only the listed rows, in place (out[row]), operands masked: mask
 * 0 is a constant, UINT32_MAX a flat array.
 */
#ifndef GLY_KERNEL_H
#define GLY_KERNEL_H

#include "lib/data/column.h"

/* One version for each CPU generation, chosen at load time.  Sanitizers run before the choice can
 * be made, and clang has another spelling: they get the plain version. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GLY_KERNEL_CLONES                                                                          \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GLY_KERNEL_CLONES
#endif
#define GLY_KERNEL_INLINE static inline __attribute__((always_inline))

typedef enum gly_k_compare_op {
    GLY_K_EQUAL,
    GLY_K_NOT_EQUAL,
    GLY_K_LESS,
    GLY_K_LESS_EQUAL,
    GLY_K_GREATER,
    GLY_K_GREATER_EQUAL,
} gly_k_compare_op;

typedef enum gly_k_arith_op {
    GLY_K_ADD,
    GLY_K_SUBTRACT,
    GLY_K_MULTIPLY,
    GLY_K_BIT_AND,
    GLY_K_BIT_OR,
    GLY_K_BIT_XOR,
} gly_k_arith_op;

#endif
