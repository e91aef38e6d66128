/* function_signature.h - type rules that are data: what each argument becomes, and the result.
 *
 * For functions whose arguments do not depend on each other; the others have a rule of their own in
 * function_type.c.
 */
#ifndef GLY_FUNCTION_SIGNATURE_H
#define GLY_FUNCTION_SIGNATURE_H

#include "lib/plan/function.h"

/* False if an argument cannot become what the function takes; *ret_expected is then a text for
 * people, "(string, int)".  types: as in gly_function_types.  The function has a signature. */
bool gly_function_signature_apply(gly_function_id id, uint32_t count, gly_type *types,
                                  gly_type *ret_type, const char **ret_expected);

#endif
