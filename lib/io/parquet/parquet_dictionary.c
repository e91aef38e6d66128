/* parquet_dictionary.c - open addressing over entries that lie in PLAIN encoding, ready to be
 * written.
 *
 * Invariant: at most half of the slots are used; offsets and codes are 32 bits, so the encoder
 * gives a dictionary up long before it has 4 GiB.
 */
#include "lib/io/parquet/parquet_dictionary.h"

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

enum { FIRST_SLOTS = 1024 };

void gly_parquet_dictionary_clear(gly_parquet_dictionary *dictionary) {
    gly_builder_clear(&dictionary->bytes);
    free(dictionary->slots);
    free(dictionary->hashes);
    free(dictionary->offsets);
    *dictionary = (gly_parquet_dictionary){.width = dictionary->width};
}

void gly_parquet_dictionary_reset(gly_parquet_dictionary *dictionary) {
    gly_builder_reset(&dictionary->bytes);
    dictionary->count = 0;
    if (dictionary->slots != NULL) {
        memset(dictionary->slots, 0, dictionary->slot_count * sizeof *dictionary->slots);
    }
}

size_t gly_parquet_dictionary_memory(const gly_parquet_dictionary *dictionary) {
    return dictionary->bytes.capacity + (size_t)dictionary->slot_count * 4 +
           (size_t)dictionary->capacity * 12;
}

static void make_room(gly_parquet_dictionary *dictionary, uint32_t more) {
    uint32_t wanted = dictionary->count + more;
    if (wanted > dictionary->capacity) {
        uint32_t capacity = GLY_MAX(wanted, dictionary->capacity * 2);
        dictionary->hashes = gly_alloc_resize(dictionary->hashes, (size_t)capacity * 8);
        dictionary->offsets = gly_alloc_resize(dictionary->offsets, (size_t)capacity * 4);
        dictionary->capacity = capacity;
    }
    uint32_t slot_count = GLY_MAX(dictionary->slot_count, (uint32_t)FIRST_SLOTS);
    while (slot_count / 2 < wanted) {
        slot_count *= 2;
    }
    if (slot_count == dictionary->slot_count) {
        return;
    }
    free(dictionary->slots);
    dictionary->slots = gly_alloc_zero(slot_count, sizeof *dictionary->slots);
    dictionary->slot_count = slot_count;
    for (uint32_t code = 0; code < dictionary->count; code++) {
        uint32_t at = (uint32_t)dictionary->hashes[code] & (slot_count - 1);
        while (dictionary->slots[at] != 0) {
            at = (at + 1) & (slot_count - 1);
        }
        dictionary->slots[at] = code + 1;
    }
}

gly_str gly_parquet_dictionary_get(const gly_parquet_dictionary *dictionary, uint32_t code) {
    if (dictionary->width > 0) {
        return (gly_str){dictionary->bytes.data + (size_t)code * dictionary->width,
                         dictionary->width};
    }
    uint32_t size;
    const char *at = dictionary->bytes.data + dictionary->offsets[code];
    memcpy(&size, at, 4);
    return (gly_str){at + 4, size};
}

static uint32_t find(gly_parquet_dictionary *dictionary, uint64_t hash, const void *bytes,
                     size_t size) {
    uint32_t mask = dictionary->slot_count - 1;
    uint32_t at = (uint32_t)hash & mask;
    while (dictionary->slots[at] != 0) {
        uint32_t code = dictionary->slots[at] - 1;
        if (dictionary->hashes[code] == hash) {
            gly_str entry = gly_parquet_dictionary_get(dictionary, code);
            if (entry.size == size && memcmp(entry.data, bytes, size) == 0) {
                return code;
            }
        }
        at = (at + 1) & mask;
    }
    uint32_t code = dictionary->count++;
    dictionary->slots[at] = code + 1;
    dictionary->hashes[code] = hash;
    dictionary->offsets[code] = (uint32_t)dictionary->bytes.size;
    if (dictionary->width == 0) {
        uint32_t prefix = (uint32_t)size;
        gly_builder_add(&dictionary->bytes, &prefix, 4);
    }
    gly_builder_add(&dictionary->bytes, bytes, size);
    return code;
}

void gly_parquet_dictionary_add(gly_parquet_dictionary *dictionary, const void *values,
                                uint32_t count, uint32_t *codes) {
    make_room(dictionary, count);
    const char *next = values;
    uint32_t width = dictionary->width;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash;
        if (width == 8) {
            uint64_t value;
            memcpy(&value, next, 8);
            hash = gly_hash_u64(value);
        } else if (width == 4) {
            uint32_t value;
            memcpy(&value, next, 4);
            hash = gly_hash_u64(value);
        } else {
            hash = gly_hash_bytes(next, width);
        }
        codes[i] = find(dictionary, hash, next, width);
        next += width;
    }
}

void gly_parquet_dictionary_add_text(gly_parquet_dictionary *dictionary, const gly_text *values,
                                     uint32_t count, uint32_t *codes) {
    make_room(dictionary, count);
    for (uint32_t i = 0; i < count; i++) {
        gly_str text = gly_text_str(&values[i]);
        codes[i] = find(dictionary, gly_hash_bytes(text.data, text.size), text.data, text.size);
    }
}
