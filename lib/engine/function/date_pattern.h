/* date_pattern.h - Java's date patterns: y M L d D H h K k m s S a E Q q X x Z z, 'text'. */
#ifndef GLY_DATE_PATTERN_H
#define GLY_DATE_PATTERN_H

#include "lib/base/arena.h"
#include "lib/data/date.h"

typedef struct gly_date_pattern gly_date_pattern;

/* Memory in the arena.  The message on failure names the letter but not the place. */
GLY_NODISCARD gly_status gly_date_pattern_compile(gly_arena *arena, gly_str text,
                                                  const gly_date_pattern **ret, gly_error *err);
void gly_date_pattern_format(const gly_date_pattern *pattern, int64_t micros, gly_builder *out);
/* The whole text must match; what the pattern leaves out is 1970-01-01 00:00:00. */
bool gly_date_pattern_parse(const gly_date_pattern *pattern, gly_str text, int64_t *ret_micros);

#endif
