/* block_stream.c - a window of bytes that slides over a range; whole blocks in it are decoded.
 *
 * Invariant: window holds bytes [.., offset) of the range, the first `whole` of them are in the
 * reader's hands, the rest is the beginning of a block that the next window completes.
 */
#include "lib/engine/pipeline/block_stream.h"

#include "lib/base/alloc.h"

enum { WINDOW = 4 << 20 };

struct gly_block_stream {
    gly_shuffle_block_reader *reader;
    gly_budget *budget;
    gly_block_stream_read *read;
    void *context;
    gly_builder window;
    size_t whole, charged;
    uint64_t offset, end;
};

gly_block_stream *gly_block_stream_make(const gly_type *types, uint32_t column_count,
                                        gly_budget *budget, gly_block_stream_read *read,
                                        void *context) {
    gly_block_stream *stream = GLY_NEW(gly_block_stream);
    stream->reader = gly_shuffle_block_reader_make(types, column_count);
    stream->budget = budget;
    stream->read = read;
    stream->context = context;
    return stream;
}

void gly_block_stream_free(gly_block_stream *stream) {
    if (stream != NULL) {
        gly_shuffle_block_reader_free(stream->reader);
        gly_builder_clear(&stream->window);
        gly_budget_release(stream->budget, stream->charged);
        free(stream);
    }
}

void gly_block_stream_start(gly_block_stream *stream, uint64_t start, uint64_t end) {
    stream->offset = start;
    stream->end = end;
    stream->whole = 0;
    gly_builder_reset(&stream->window);
    gly_shuffle_block_reader_set(stream->reader, (gly_str){NULL, 0});
}

static void charge(gly_block_stream *stream) {
    if (stream->window.capacity > stream->charged) {
        gly_budget_force(stream->budget, stream->window.capacity - stream->charged);
        stream->charged = stream->window.capacity;
    }
}

gly_status gly_block_stream_start_bytes(gly_block_stream *stream, gly_builder *bytes,
                                        gly_error *err) {
    gly_block_stream_start(stream, 0, 0);
    gly_builder_clear(&stream->window);
    stream->window = *bytes;
    *bytes = (gly_builder){0};
    charge(stream);
    size_t needed;
    GLY_TRY(
        gly_shuffle_block_measure(gly_builder_str(&stream->window), &stream->whole, &needed, err));
    gly_shuffle_block_reader_set(stream->reader, (gly_str){stream->window.data, stream->whole});
    return GLY_OK;
}

/* Reads until the window begins with a whole block. */
static gly_status fill(gly_block_stream *stream, gly_error *err) {
    gly_builder *window = &stream->window;
    window->size -= stream->whole;
    if (window->size > 0) {
        memmove(window->data, window->data + stream->whole, window->size);
    }
    stream->whole = 0;
    size_t wanted = WINDOW;
    while (stream->whole == 0) {
        uint64_t left = stream->end - stream->offset;
        if (left == 0) {
            return gly_fail(err, GLY_E_CORRUPT_FILE, "the last block is cut off");
        }
        size_t length = (size_t)GLY_MIN((uint64_t)wanted, left);
        GLY_TRY(stream->read(stream->context, stream->offset, length, window, err));
        stream->offset += length;
        charge(stream);
        size_t needed;
        GLY_TRY(gly_shuffle_block_measure(gly_builder_str(window), &stream->whole, &needed, err));
        wanted = GLY_MAX((size_t)WINDOW, needed > window->size ? needed - window->size : 0);
    }
    gly_shuffle_block_reader_set(stream->reader, (gly_str){window->data, stream->whole});
    return GLY_OK;
}

gly_status gly_block_stream_next(gly_block_stream *stream, const gly_batch **ret, gly_error *err) {
    GLY_TRY(gly_shuffle_block_reader_next(stream->reader, ret, err));
    while (*ret == NULL) {
        if (stream->offset == stream->end && stream->whole == stream->window.size) {
            return GLY_OK;
        }
        GLY_TRY(fill(stream, err));
        GLY_TRY(gly_shuffle_block_reader_next(stream->reader, ret, err));
    }
    return GLY_OK;
}
