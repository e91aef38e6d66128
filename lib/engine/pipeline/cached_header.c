/* cached_header.c - encoding and checking it: it comes from another process. */
#include "lib/engine/pipeline/cached_header.h"

#include <stdio.h>

enum { MOST_COLUMNS = 1 << 16 };

static const char magic[4] = {'G', 'C', 'P', '1'};

void gly_cached_header_encode(const gly_cached_header *header, gly_builder *out) {
    gly_builder_add(out, magic, sizeof magic);
    gly_builder_add(out, (const char *)&header->column_count, sizeof header->column_count);
    gly_builder_add(out, (const char *)&header->row_count, sizeof header->row_count);
    gly_builder_add(out, (const char *)&header->block_bytes, sizeof header->block_bytes);
    for (uint32_t c = 0; c < header->column_count; c++) {
        gly_builder_add_char(out, (char)header->types[c].id);
        gly_builder_add_char(out, (char)header->types[c].precision);
        gly_builder_add_char(out, (char)header->types[c].scale);
    }
}

static gly_status refuse(gly_error *err) {
    return gly_fail(err, GLY_E_FETCH_FAILED, "a cached partition begins with something else");
}

gly_status gly_cached_header_decode(gly_str fixed, gly_cached_header *ret, size_t *ret_size,
                                    gly_error *err) {
    *ret = (gly_cached_header){0};
    if (fixed.size != GLY_CACHED_HEADER_FIXED || memcmp(fixed.data, magic, sizeof magic) != 0) {
        return refuse(err);
    }
    memcpy(&ret->column_count, fixed.data + 4, sizeof ret->column_count);
    memcpy(&ret->row_count, fixed.data + 8, sizeof ret->row_count);
    memcpy(&ret->block_bytes, fixed.data + 16, sizeof ret->block_bytes);
    *ret_size =
        GLY_CACHED_HEADER_FIXED + (size_t)ret->column_count * (size_t)GLY_CACHED_HEADER_TYPE;
    return ret->column_count <= MOST_COLUMNS && ret->block_bytes < UINT64_MAX / 2 ? GLY_OK
                                                                                  : refuse(err);
}

gly_status gly_cached_header_decode_types(gly_arena *arena, gly_str rest, gly_cached_header *ret,
                                          gly_error *err) {
    if (rest.size != (size_t)ret->column_count * GLY_CACHED_HEADER_TYPE) {
        return refuse(err);
    }
    ret->types = GLY_ARENA_ARRAY(arena, gly_type, ret->column_count + 1);
    for (uint32_t c = 0; c < ret->column_count; c++) {
        const char *at = rest.data + (size_t)c * GLY_CACHED_HEADER_TYPE;
        gly_type type = {(uint8_t)at[0], (uint8_t)at[1], (int8_t)at[2]};
        bool is_decimal = type.id == GLY_TYPE_DECIMAL;
        if (type.id >= GLY_TYPE_COUNT ||
            (is_decimal && (type.precision < 1 || type.precision > GLY_DECIMAL_MAX_PRECISION ||
                            type.scale < 0 || type.scale > type.precision))) {
            return refuse(err);
        }
        ret->types[c] = type;
    }
    return GLY_OK;
}

const char *gly_cached_header_name(char buffer[GLY_CACHED_NAME_SIZE], uint64_t cache_id,
                                   uint32_t partition) {
    snprintf(buffer, GLY_CACHED_NAME_SIZE, "cache/%llx/%u", (unsigned long long)cache_id,
             partition);
    return buffer;
}

bool gly_cached_header_parse_name(gly_str name, uint64_t *ret_cache_id, uint32_t *ret_partition) {
    char text[GLY_CACHED_NAME_SIZE], again[GLY_CACHED_NAME_SIZE];
    unsigned long long cache_id;
    unsigned partition;
    if (name.size >= sizeof text) {
        return false;
    }
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    if (sscanf(text, "cache/%16llx/%9u", &cache_id, &partition) != 2) {
        return false;
    }
    *ret_cache_id = cache_id;
    *ret_partition = partition;
    return strcmp(gly_cached_header_name(again, cache_id, partition), text) == 0;
}
