/* app_status.h - the driver's part of a GalleyApplication's status, from events to a merge patch.
 *
 * Keys executors (but not admitted), progress, display, warnings; see k8s/README.md.  Events come
 * in on the scheduler's thread, the patch is taken by another: all functions are thread-safe.
 */
#ifndef GLY_APP_STATUS_H
#define GLY_APP_STATUS_H

#include "driver/event/progress_counter.h"

typedef struct gly_app_status gly_app_status;

enum { GLY_APP_STATUS_WARNINGS = 10 };

/* selector: of the executors' pods, for the scale subresource. */
gly_app_status *gly_app_status_make(const char *selector) __attribute__((returns_nonnull));
void gly_app_status_free(gly_app_status *status);               /* accepts NULL */
void gly_app_status_read(void *status, const gly_event *event); /* a gly_event_reader */
/* The newest GLY_APP_STATUS_WARNINGS are kept; one of a known reason replaces the older one. */
void gly_app_status_warn(gly_app_status *status, const char *reason, const char *message,
                         int64_t wall_ms);
/* The executors are gone; no event comes any more. */
void gly_app_status_end(gly_app_status *status);
void gly_app_status_progress(gly_app_status *status, gly_progress *ret);
/* Writes {"status":{...}} if something has changed since it was taken last; false: nothing has. */
bool gly_app_status_take(gly_app_status *status, gly_builder *out);
/* Writes {"executors":{...},"progress":{...},"display":{...}} as things are, for the driver's last
 * words (k8s/README.md). */
void gly_app_status_print(gly_app_status *status, gly_builder *out);
void gly_app_status_put_back(gly_app_status *status); /* what was taken did not arrive */

#endif
