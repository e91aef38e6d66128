/* shuffle_block.c - what can be said of blocks without decoding them: where they end, checksums.
 *
 * Building is in shuffle_block_builder.c, decoding in shuffle_block_reader.c, the bytes are drawn
 * in shuffle_block_layout.h.
 */
#include "lib/base/hash.h"
#include "lib/shuffle/shuffle_block_layout.h"

gly_status gly_shuffle_block_measure(gly_str bytes, size_t *ret_whole, size_t *ret_needed,
                                     gly_error *err) {
    size_t at = 0;
    *ret_needed = sizeof(gly_block_header);
    while (bytes.size - at >= sizeof(gly_block_header)) {
        gly_block_header header;
        memcpy(&header, bytes.data + at, sizeof header);
        if (header.magic != GLY_BLOCK_MAGIC || header.version != GLY_BLOCK_VERSION ||
            header.stored_size > 2 * GLY_BLOCK_MAX_RAW) {
            return gly_fail(err, GLY_E_CORRUPT_FILE, "no block begins at byte %zu", at);
        }
        size_t size = sizeof header + (size_t)header.stored_size;
        if (size > bytes.size - at) {
            *ret_needed = at == 0 ? size : 0;
            break;
        }
        at += size;
    }
    *ret_whole = at;
    return GLY_OK;
}

void gly_shuffle_block_sign(char *block, size_t size) {
    gly_block_header header;
    GLY_ASSERT(size >= sizeof header);
    memcpy(&header, block, sizeof header);
    header.checksum =
        gly_hash_combine(gly_hash_checksum(block + sizeof header, size - sizeof header),
                         gly_hash_checksum(block, 32));
    memcpy(block, &header, sizeof header);
}
