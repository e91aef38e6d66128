/* cli_progress.h - live progress on a terminal, drawn from events alone. */
#ifndef GLY_CLI_PROGRESS_H
#define GLY_CLI_PROGRESS_H

#include "driver/driver.h"

typedef struct gly_cli_progress gly_cli_progress;

/* Subscribes to the driver's events and starts the drawing thread.  is_live: redraw in place with
 * escape sequences; else nothing is drawn while jobs run. */
gly_cli_progress *gly_cli_progress_start(gly_driver *driver, bool is_live);
/* Erases the drawing so that other output can come; it comes back with the next job. */
void gly_cli_progress_pause(gly_cli_progress *progress);
/* Ends the drawing thread.  The driver still calls the reader: free it after the driver. */
void gly_cli_progress_stop(gly_cli_progress *progress);
void gly_cli_progress_free(gly_cli_progress *progress);

/* The summary of one finished job: stages as an aligned table with skew, spill and bytes. */
void gly_cli_progress_print_summary(const gly_job_summary *summary);

#endif
