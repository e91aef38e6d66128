/* k_cast.h - conversions between number kinds that compute all rows. */
#ifndef GLY_K_CAST_H
#define GLY_K_CAST_H

#include "lib/engine/kernel/kernel.h"

/* out[i] = data[i] for kinds I8 to I64, F32, F64, but not from a float to an integer.  Returns true
 * if a value did not fit (it is wrapped), garbage rows included. */
bool gly_k_cast_run(gly_kind from, gly_kind to, const void *data, uint32_t count, void *out);

#endif
