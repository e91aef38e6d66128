/* codec.c - lz4 (raw block), zstd, snappy and gzip behind one face.
 *
 * Why one file: a codec is two calls.  Contexts that are costly to make (zstd, libdeflate) are kept
 * per thread.  Invariant: decompression writes exactly output_size bytes or fails; nothing is read
 * or written outside the given buffers, whatever the input is.
 */
#include "lib/base/codec.h"

#include <libdeflate.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zstd.h>

#include <pthread.h>
#include <stdlib.h>

typedef struct contexts {
    ZSTD_CCtx *zstd_compress;
    ZSTD_DCtx *zstd_decompress;
    struct libdeflate_compressor *gzip_compress;
    struct libdeflate_decompressor *gzip_decompress;
} contexts;

static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void free_contexts(void *memory) {
    contexts *mine = memory;
    ZSTD_freeCCtx(mine->zstd_compress);
    ZSTD_freeDCtx(mine->zstd_decompress);
    if (mine->gzip_compress != NULL) {
        libdeflate_free_compressor(mine->gzip_compress);
    }
    if (mine->gzip_decompress != NULL) {
        libdeflate_free_decompressor(mine->gzip_decompress);
    }
    free(mine);
}

static void make_key(void) { pthread_key_create(&contexts_key, free_contexts); }

static contexts *my_contexts(void) {
    pthread_once(&contexts_once, make_key);
    contexts *mine = pthread_getspecific(contexts_key);
    if (mine == NULL) {
        mine = calloc(1, sizeof *mine);
        GLY_ASSERT(mine != NULL);
        pthread_setspecific(contexts_key, mine);
    }
    return mine;
}

static size_t bound_none(size_t size) { return size; }

static bool compress_none(const void *in, size_t size, void *out, size_t capacity, size_t *ret) {
    if (size > capacity) {
        return false;
    }
    memcpy(out, in, size);
    *ret = size;
    return true;
}

static bool decompress_none(const void *in, size_t size, void *out, size_t out_size) {
    if (size != out_size) {
        return false;
    }
    memcpy(out, in, size);
    return true;
}

static size_t bound_snappy(size_t size) { return snappy_max_compressed_length(size); }

static bool compress_snappy(const void *in, size_t size, void *out, size_t capacity, size_t *ret) {
    *ret = capacity;
    return snappy_compress(in, size, out, ret) == SNAPPY_OK;
}

static bool decompress_snappy(const void *in, size_t size, void *out, size_t out_size) {
    size_t length;
    if (snappy_uncompressed_length(in, size, &length) != SNAPPY_OK || length != out_size) {
        return false;
    }
    return snappy_uncompress(in, size, out, &length) == SNAPPY_OK && length == out_size;
}

static size_t bound_lz4(size_t size) {
    return size > LZ4_MAX_INPUT_SIZE ? SIZE_MAX : (size_t)LZ4_compressBound((int)size);
}

static bool compress_lz4(const void *in, size_t size, void *out, size_t capacity, size_t *ret) {
    if (size > LZ4_MAX_INPUT_SIZE) {
        return false;
    }
    int written =
        LZ4_compress_default(in, out, (int)size, (int)GLY_MIN(capacity, (size_t)INT_MAX));
    *ret = (size_t)written;
    return written > 0 || size == 0;
}

static bool decompress_lz4(const void *in, size_t size, void *out, size_t out_size) {
    if (size > INT_MAX || out_size > INT_MAX) {
        return false;
    }
    return LZ4_decompress_safe(in, out, (int)size, (int)out_size) == (int)out_size;
}

static size_t bound_zstd(size_t size) { return ZSTD_compressBound(size); }

static bool compress_zstd(const void *in, size_t size, void *out, size_t capacity, size_t *ret) {
    contexts *mine = my_contexts();
    if (mine->zstd_compress == NULL) {
        mine->zstd_compress = ZSTD_createCCtx();
    }
    *ret = ZSTD_compressCCtx(mine->zstd_compress, out, capacity, in, size, 3);
    return !ZSTD_isError(*ret);
}

static bool decompress_zstd(const void *in, size_t size, void *out, size_t out_size) {
    contexts *mine = my_contexts();
    if (mine->zstd_decompress == NULL) {
        mine->zstd_decompress = ZSTD_createDCtx();
    }
    size_t written = ZSTD_decompressDCtx(mine->zstd_decompress, out, out_size, in, size);
    return !ZSTD_isError(written) && written == out_size;
}

static size_t bound_gzip(size_t size) { return size + size / 1000 + 1024; }

static bool compress_gzip(const void *in, size_t size, void *out, size_t capacity, size_t *ret) {
    contexts *mine = my_contexts();
    if (mine->gzip_compress == NULL) {
        mine->gzip_compress = libdeflate_alloc_compressor(6);
    }
    *ret = libdeflate_gzip_compress(mine->gzip_compress, in, size, out, capacity);
    return *ret > 0;
}

static bool decompress_gzip(const void *in, size_t size, void *out, size_t out_size) {
    contexts *mine = my_contexts();
    if (mine->gzip_decompress == NULL) {
        mine->gzip_decompress = libdeflate_alloc_decompressor();
    }
    size_t done = 0;
    while (done < out_size || size > 0) { /* concatenated members are allowed */
        size_t used;
        size_t written;
        if (libdeflate_gzip_decompress_ex(mine->gzip_decompress, in, size, (char *)out + done,
                                          out_size - done, &used,
                                          &written) != LIBDEFLATE_SUCCESS) {
            return false;
        }
        in = (const char *)in + used;
        size -= used;
        done += written;
    }
    return done == out_size;
}

static const struct {
    const char *text;
    bool (*compress)(const void *, size_t, void *, size_t, size_t *);
    bool (*decompress)(const void *, size_t, void *, size_t);
    size_t (*bound)(size_t);
} codecs[GLY_CODEC_COUNT] = {
#define GLY_CODEC(name, text, compress, decompress, bound)                                         \
    [GLY_CODEC_##name] = {text, compress, decompress, bound},
#include "lib/base/codecs.def"
#undef GLY_CODEC
};

const char *gly_codec_name(gly_codec codec) {
    return codec < GLY_CODEC_COUNT ? codecs[codec].text : "unknown";
}

bool gly_codec_find(gly_str name, gly_codec *ret) {
    if (gly_str_equal_ignore_case(name, GLY_STR("uncompressed"))) {
        *ret = GLY_CODEC_NONE;
        return true;
    }
    for (int i = 0; i < GLY_CODEC_COUNT; i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(codecs[i].text))) {
            *ret = (gly_codec)i;
            return true;
        }
    }
    return false;
}

size_t gly_codec_bound(gly_codec codec, size_t size) { return codecs[codec].bound(size); }

gly_status gly_codec_compress(gly_codec codec, const void *input, size_t size, void *output,
                              size_t output_capacity, size_t *ret_size, gly_error *err) {
    if (!codecs[codec].compress(input, size, output, output_capacity, ret_size)) {
        return gly_fail(err, GLY_E_INTERNAL, "%s could not compress %zu bytes",
                        codecs[codec].text, size);
    }
    return GLY_OK;
}

gly_status gly_codec_decompress(gly_codec codec, const void *input, size_t size, void *output,
                                size_t output_size, gly_error *err) {
    if (!codecs[codec].decompress(input, size, output, output_size)) {
        return gly_fail(err, GLY_E_CORRUPT_FILE,
                        "%zu bytes do not decompress with %s to the %zu bytes they should be",
                        size, codecs[codec].text, output_size);
    }
    return GLY_OK;
}
