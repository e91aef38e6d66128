/* app_log.h - the driver's events as log lines, for kubectl logs. */
#ifndef GLY_APP_LOG_H
#define GLY_APP_LOG_H

#include "driver/event/event.h"

/* A gly_event_reader without context: jobs, stages, executors, targets, warnings and failed tasks.
 * Tasks that go well are not logged. */
void gly_app_log_read(void *unused, const gly_event *event);

#endif
