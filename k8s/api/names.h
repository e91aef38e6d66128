/* names.h - names, labels and paths of what we make for an application: deterministic, of legal
 * length.
 *
 * A name longer than 63 characters keeps its beginning and gets 8 hex digits of a hash of all of
 * it.
 */
#ifndef GLY_NAMES_H
#define GLY_NAMES_H

#include "lib/base/arena.h"

#define GLY_LABEL_APPLICATION "galley.dev/application" /* name, shortened as above */
#define GLY_LABEL_APPLICATION_UID "galley.dev/application-uid"
#define GLY_LABEL_ROLE "galley.dev/role" /* driver, executor */
#define GLY_LABEL_EXECUTOR_ID "galley.dev/executor-id"
#define GLY_LABEL_ATTEMPT "galley.dev/attempt"
#define GLY_LABEL_SCHEDULE "galley.dev/schedule"

#define GLY_CONTAINER_DRIVER "galley-driver"
#define GLY_CONTAINER_EXECUTOR "galley-executor"
#define GLY_PATH_TLS "/var/run/galley/tls"
#define GLY_PATH_LOCAL "/var/lib/galley"
#define GLY_PATH_JOB "/etc/galley/job"

/* "<application>-driver"; "<application>-driver-<attempt>" from the second attempt on, so that the
 * logs of a failed one stay readable. */
const char *gly_names_driver_pod(gly_arena *arena, const char *application, uint32_t attempt);
/* "<application>-exec-<id>"; "<application>-exec-<attempt>-<id>" from the second attempt on. */
const char *gly_names_executor_pod(gly_arena *arena, const char *application, uint32_t attempt,
                                   uint32_t executor_id);
const char *gly_names_driver_tls(gly_arena *arena, const char *application);
const char *gly_names_executor_tls(gly_arena *arena, const char *application);
/* "<schedule>-<minute>": an application made by a schedule, by minutes since 1970. */
const char *gly_names_scheduled(gly_arena *arena, const char *schedule, int64_t minute);
/* Shortened to a legal label value. */
const char *gly_names_label(gly_arena *arena, const char *text);

#endif
