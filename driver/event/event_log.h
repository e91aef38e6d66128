/* event_log.h - every event as one JSON line in a file that is renamed when it is complete.
 *
 * <dir>/<application id>.inprogress while the application runs, <dir>/<application id> after a
 * clean close.  A crash leaves .inprogress, readable up to the last whole line.
 */
#ifndef GLY_EVENT_LOG_H
#define GLY_EVENT_LOG_H

#include "driver/event/event.h"

typedef struct gly_event_log gly_event_log;

/* directory must exist.  An existing .inprogress file of that application is replaced. */
GLY_NODISCARD gly_status gly_event_log_open(gly_str directory, gly_str application_id,
                                            gly_event_log **ret, gly_error *err);
/* A gly_event_reader; context is the log.  The first failure to write ends the log: it is reported
 * by close, because an event has nobody to tell. */
void gly_event_log_read(void *log, const gly_event *event);
/* Writes what is buffered, syncs, renames, and frees the log in any case. */
GLY_NODISCARD gly_status gly_event_log_close(gly_event_log *log, gly_error *err);
/* Where it is being written now. */
const char *gly_event_log_path(const gly_event_log *log);

#endif
