/* base.c - what happens when an assertion fails: one line on stderr, then abort.
 *
 * Assertions are for bugs only; the scheduler above re-runs the task of a process that ended so.
 */
#include "lib/base/base.h"

#include <stdio.h>
#include <stdlib.h>

void gly_base_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "galley: bug: %s does not hold at %s:%d\n", condition, file, line);
    abort();
}
