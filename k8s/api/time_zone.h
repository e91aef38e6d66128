/* time_zone.h - time zones of the IANA data base, read from its compiled files (TZif, RFC 9636).
 *
 * No environment variable, no global state of the C library: a zone is a value.
 */
#ifndef GLY_TIME_ZONE_H
#define GLY_TIME_ZONE_H

#include "lib/base/arena.h"

typedef struct gly_time_zone gly_time_zone;

/* "" and "UTC" need no file; others are looked up in /usr/share/zoneinfo (directory NULL). */
GLY_NODISCARD gly_status gly_time_zone_load(gly_arena *arena, const char *name,
                                            const char *directory, const gly_time_zone **ret,
                                            gly_error *err);
/* The bytes of such a file (fuzzed). */
GLY_NODISCARD gly_status gly_time_zone_parse(gly_arena *arena, gly_str bytes,
                                             const gly_time_zone **ret, gly_error *err);

typedef struct gly_time_zone_span { /* a time during which the offset does not change */
    int64_t offset;                 /* seconds to be added to UTC */
    int64_t until;                  /* seconds since 1970 UTC, exclusive; INT64_MAX: for ever */
} gly_time_zone_span;

gly_time_zone_span gly_time_zone_at(const gly_time_zone *zone, int64_t utc_seconds);

#endif
