/* plan_decode.h - the reading half of plan_codec.h; call gly_plan_codec_decode. */
#ifndef GLY_PLAN_DECODE_H
#define GLY_PLAN_DECODE_H

#include "lib/plan/physical.h"

GLY_NODISCARD gly_status gly_plan_decode_bytes(gly_arena *arena, gly_str bytes, gly_physical **ret,
                                               gly_error *err);

#endif
