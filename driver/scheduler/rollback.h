/* rollback.h - an indeterminate stage that lost outputs runs again whole, and so do its readers. */
#ifndef GLY_ROLLBACK_H
#define GLY_ROLLBACK_H

#include "driver/scheduler/scheduler_internal.h"

/* Called before an attempt of the stage starts.  False: it cannot be re-run without mixing old and
 * new rows; its jobs end with an error. */
bool gly_rollback_prepare(gly_stage *stage);

#endif
