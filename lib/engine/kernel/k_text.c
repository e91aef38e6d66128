/* k_text.c - searching a short needle in short texts.
 *
 * memmem prepares tables on every call, which costs more than searching a comment of 50 bytes.
 * Here 16 places are tried at once by their first and last byte, and only where both agree the
 * middle is compared (Mula, "SIMD-friendly algorithms for substring searching").  The last block
 * overlaps the one before so that nothing behind the text is read; texts shorter than a block are
 * searched by memchr.
 */
#include "lib/engine/kernel/k_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 16 };

static size_t find_slowly(const char *text, size_t size, size_t from, const char *needle,
                          size_t needle_size) {
    while (size - from >= needle_size) {
        const char *found = memchr(text + from, needle[0], size - from - needle_size + 1);
        if (found == NULL) {
            return SIZE_MAX;
        }
        if (memcmp(found + 1, needle + 1, needle_size - 1) == 0) {
            return (size_t)(found - text);
        }
        from = (size_t)(found - text) + 1;
    }
    return SIZE_MAX;
}

#ifdef __SSE2__
/* Which of 16 places from at have the needle's first and last byte. */
static inline uint32_t candidates(const char *at, size_t last, __m128i first_byte,
                                  __m128i last_byte) {
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(at + last));
    return (uint32_t)_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(a, first_byte), _mm_cmpeq_epi8(b, last_byte)));
}

size_t gly_k_text_find(const char *text, size_t size, size_t from, const char *needle,
                       size_t needle_size) {
    if (needle_size == 0) {
        return from;
    }
    if (size - from < needle_size + BLOCK - 1) {
        return find_slowly(text, size, from, needle, needle_size);
    }
    size_t last = needle_size - 1;
    size_t final = size - needle_size - (BLOCK - 1); /* where the last block starts */
    __m128i first_byte = _mm_set1_epi8(needle[0]), last_byte = _mm_set1_epi8(needle[last]);
    for (size_t at = from;; at += BLOCK) {
        at = at > final ? final : at;
        uint32_t places = candidates(text + at, last, first_byte, last_byte);
        for (; places != 0; places &= places - 1) {
            size_t place = at + (size_t)__builtin_ctz(places);
            if (needle_size <= 2 || memcmp(text + place + 1, needle + 1, needle_size - 2) == 0) {
                return place;
            }
        }
        if (at == final) {
            return SIZE_MAX;
        }
    }
}
#else
size_t gly_k_text_find(const char *text, size_t size, size_t from, const char *needle,
                       size_t needle_size) {
    return needle_size == 0 ? from : find_slowly(text, size, from, needle, needle_size);
}
#endif

size_t gly_k_text_count(const char *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

bool gly_k_text_is_ascii(const char *text, size_t size) {
    uint64_t all = 0, word;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        memcpy(&word, text + at, 8);
        all |= word;
    }
    for (; at < size; at++) {
        all |= (unsigned char)text[at];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}
