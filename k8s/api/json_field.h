/* json_field.h - fields of a JSON object with a type, a default and limits; errors name the field's
 * path.
 *
 * A reader keeps the first error: after it every call returns its fallback and changes nothing, so
 * a whole object can be read without looking, and reader.status says in the end whether it was
 * good. JSON's null counts as absent, as it does for the API server.
 */
#ifndef GLY_JSON_FIELD_H
#define GLY_JSON_FIELD_H

#include "lib/base/arena.h"

#include <cjson/cJSON.h>

typedef struct gly_json_field_reader {
    gly_arena *arena;
    gly_error *err;
    gly_status status;
} gly_json_field_reader;

typedef struct gly_json_field { /* an object and where it is: "spec.driver" */
    const cJSON *object;        /* NULL: absent */
    const char *path;           /* "" for the root */
} gly_json_field;

/* "<path>.<key>: " and the sentence; keeps the first. */
void gly_json_field_fail(gly_json_field_reader *reader, const char *path, const char *key,
                         const char *format, ...) GLY_PRINTF(4, 5);

/* The value of a key, NULL if it is absent or null.  Case-sensitive. */
const cJSON *gly_json_field_get(const cJSON *object, const char *key);
/* Descends without complaint: the value of keys in turn (last NULL), NULL if one is absent. */
const cJSON *gly_json_field_find(const cJSON *object, ...) __attribute__((sentinel));
/* A string value, fallback if it is something else. */
const char *gly_json_field_string_or(const cJSON *object, const char *key, const char *fallback);

gly_json_field gly_json_field_child(gly_json_field_reader *reader, gly_json_field parent,
                                    const char *key);
/* fallback also stands for an empty string. */
const char *gly_json_field_text(gly_json_field_reader *reader, gly_json_field parent,
                                const char *key, const char *fallback);
bool gly_json_field_flag(gly_json_field_reader *reader, gly_json_field parent, const char *key,
                         bool fallback);
uint32_t gly_json_field_count(gly_json_field_reader *reader, gly_json_field parent, const char *key,
                              uint32_t least, uint32_t most, uint32_t fallback);
/* A quantity: a string ("2Gi") or a whole number of bytes. */
uint64_t gly_json_field_bytes(gly_json_field_reader *reader, gly_json_field parent, const char *key,
                              uint64_t least, uint64_t fallback);
int64_t gly_json_field_duration(gly_json_field_reader *reader, gly_json_field parent,
                                const char *key, int64_t fallback_ms);
/* The index of the text among names (count of them). */
uint32_t gly_json_field_choice(gly_json_field_reader *reader, gly_json_field parent,
                               const char *key, const char *const *names, uint32_t count,
                               uint32_t fallback);

#endif
