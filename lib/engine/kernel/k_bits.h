/* k_bits.h - byte masks, bit sets and selections turned into each other.
 *
 * Bit sets are 64-bit words, LSB first, like validity.  Bits beyond count are zero in results.
 */
#ifndef GLY_K_BITS_H
#define GLY_K_BITS_H

#include "lib/engine/kernel/kernel.h"

/* Bytes 0 or 1 to bits.  Reads up to 63 bytes behind count. */
void gly_k_bits_from_bytes(const uint8_t *bytes, uint32_t count, uint64_t *bits);
void gly_k_bits_to_bytes(const uint64_t *bits, uint32_t count, uint8_t *bytes);
/* Positions of the set bits, ascending; returns how many.  Writes up to 8 entries beyond them: room
 * for count + 8 entries. */
uint32_t gly_k_bits_to_selection(const uint64_t *bits, uint32_t count, uint16_t *selection);
void gly_k_bits_from_selection(const uint16_t *selection, uint32_t selected, uint32_t count,
                               uint64_t *bits);
uint32_t gly_k_bits_count(const uint64_t *bits, uint32_t count);
/* a &= b over the words of count rows. */
void gly_k_bits_and(uint64_t *a, const uint64_t *b, uint32_t count);
/* The rows of selection (NULL: 0..selected-1) whose bit is set; out may be selection. */
uint32_t gly_k_bits_filter(const uint64_t *bits, const uint16_t *selection, uint32_t selected,
                           uint16_t *out);
/* The rows of selection whose byte is not 0; out may be selection. */
uint32_t gly_k_bits_filter_bytes(const uint8_t *bytes, const uint16_t *selection,
                                 uint32_t selected, uint16_t *out);

#endif
