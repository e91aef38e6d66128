/* snappy_unpack.h - Snappy decompression into padded memory. */
#ifndef GLY_SNAPPY_UNPACK_H
#define GLY_SNAPPY_UNPACK_H

#include "lib/base/base.h"

/* What must be readable behind the input and writable behind the output. */
enum { GLY_SNAPPY_UNPACK_SLACK = 64 };

/* Decompresses size bytes to exactly output_size bytes; false if they are not that. */
GLY_NODISCARD bool gly_snappy_unpack(const uint8_t *input, size_t size, uint8_t *output,
                                     size_t output_size);

#endif
