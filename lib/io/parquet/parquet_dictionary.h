/* parquet_dictionary.h - the dictionary of a column chunk that is being written: value to code. */
#ifndef GLY_PARQUET_DICTIONARY_H
#define GLY_PARQUET_DICTIONARY_H

#include "lib/data/text.h"

typedef struct gly_parquet_dictionary {
    uint32_t width; /* bytes of a value; 0: text */
    uint32_t count;
    gly_builder bytes;   /* the entries in PLAIN encoding, in the order of their codes */
    uint32_t *slots;     /* code + 1; 0: free */
    uint32_t slot_count; /* a power of two, or 0 */
    uint64_t *hashes;    /* of each entry */
    uint32_t *offsets;   /* text: where each entry begins in bytes */
    uint32_t capacity;   /* of hashes and offsets */
} gly_parquet_dictionary;

/* A zeroed dictionary with its width set is ready.  Clear frees; reset keeps the memory. */
void gly_parquet_dictionary_clear(gly_parquet_dictionary *dictionary);
void gly_parquet_dictionary_reset(gly_parquet_dictionary *dictionary);
/* The codes of count values of `width` bytes each; new values are added. */
void gly_parquet_dictionary_add(gly_parquet_dictionary *dictionary, const void *values,
                                uint32_t count, uint32_t *codes);
void gly_parquet_dictionary_add_text(gly_parquet_dictionary *dictionary, const gly_text *values,
                                     uint32_t count, uint32_t *codes);
/* An entry's bytes (text: without its length). */
gly_str gly_parquet_dictionary_get(const gly_parquet_dictionary *dictionary, uint32_t code);
size_t gly_parquet_dictionary_memory(const gly_parquet_dictionary *dictionary);

#endif
