/* app_run.h - the SQL of an application: where its text comes from, and running its statements. */
#ifndef GLY_APP_RUN_H
#define GLY_APP_RUN_H

#include "driver/application/app_status.h"
#include "driver/session/session.h"
#include "k8s/api/application.h"

/* spec.sql as it is, spec.sqlFile from wherever it lies, or the key of spec.configMap below
 * job_directory.  INVALID_ARGUMENT if there is no text. */
GLY_NODISCARD gly_status gly_app_run_load(const gly_application *application,
                                          const char *job_directory, gly_builder *ret,
                                          gly_error *err);
/* Runs the statements one after the other; rows go to standard output in the application's format.
 */
GLY_NODISCARD gly_status gly_app_run_text(gly_session *session, gly_str text, const char *format,
                                          gly_app_status *status, uint32_t *ret_statements,
                                          gly_error *err);

#endif
