/* codec.h - compression behind one face: lz4 (block), zstd, snappy, gzip (with zlib header forms).
 *
 * Thread-safe; contexts are kept per thread.  Adding one: a row in codecs.def and two functions.
 */
#ifndef GLY_CODEC_H
#define GLY_CODEC_H

#include "lib/base/base.h"
#include "lib/base/str.h"

typedef enum gly_codec {
#define GLY_CODEC(name, text, compress, decompress, bound) GLY_CODEC_##name,
#include "lib/base/codecs.def"
#undef GLY_CODEC
    GLY_CODEC_COUNT
} gly_codec;

const char *gly_codec_name(gly_codec codec);
bool gly_codec_find(gly_str name, gly_codec *ret); /* case ignored; "uncompressed" = none */
/* The most bytes gly_codec_compress can write for size input bytes. */
size_t gly_codec_bound(gly_codec codec, size_t size);
/* output must hold gly_codec_bound(size) bytes. */
GLY_NODISCARD gly_status gly_codec_compress(gly_codec codec, const void *input, size_t size,
                                            void *output, size_t output_capacity,
                                            size_t *ret_size, gly_error *err);
/* The decompressed size must be exactly output_size, else CORRUPT_FILE. */
GLY_NODISCARD gly_status gly_codec_decompress(gly_codec codec, const void *input, size_t size,
                                              void *output, size_t output_size, gly_error *err);

#endif
