/* plan_codec.h - physical plans to bytes and back: what the driver sends to executors.
 *
 * Little-endian, length-prefixed, versioned; both sides must be the same build (the version is
 * checked).  Decoding hostile bytes never crashes: sizes, depths and indexes are checked.
 */
#ifndef GLY_PLAN_CODEC_H
#define GLY_PLAN_CODEC_H

#include "lib/plan/physical.h"

enum { GLY_PLAN_CODEC_VERSION = 1 };

/* Appends the plan to out.  Shared nodes are written once. */
void gly_plan_codec_encode(const gly_physical *plan, gly_builder *out);
/* Appends bytes that are equal for plans that compute the same: as encode, but without ids, places,
 * estimates and the names of columns.  False if the plan has a call whose result may differ from
 * run to run. */
bool gly_plan_codec_fingerprint(const gly_physical *plan, gly_builder *out);
/* Strings and arrays of the result belong to the arena. */
GLY_NODISCARD gly_status gly_plan_codec_decode(gly_arena *arena, gly_str bytes,
                                               gly_physical **ret, gly_error *err);

#endif
