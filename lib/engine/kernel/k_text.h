/* k_text.h - bytes of one text: searching, counting characters. */
#ifndef GLY_K_TEXT_H
#define GLY_K_TEXT_H

#include "lib/engine/kernel/kernel.h"

/* Offset of the first needle at or behind from (<= size), or SIZE_MAX.  Reads no byte outside. */
size_t gly_k_text_find(const char *text, size_t size, size_t from, const char *needle,
                       size_t needle_size);
/* Bytes that start a character (all but UTF-8 continuation bytes). */
size_t gly_k_text_count(const char *text, size_t size);
bool gly_k_text_is_ascii(const char *text, size_t size);

#endif
