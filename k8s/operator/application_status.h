/* application_status.h - the operator's part of a GalleyApplication's status, from JSON and as a
 * merge patch.
 *
 * Reading believes nothing: what is missing or of the wrong type is as if it had not been written.
 */
#ifndef GLY_APPLICATION_STATUS_H
#define GLY_APPLICATION_STATUS_H

#include "k8s/operator/application_state.h"

/* object: the whole GalleyApplication.  Texts point into object. */
void gly_application_status_read(const cJSON *object, gly_application_state *ret);

/* A merge patch of the status subresource; refused with 409 if the object has changed since
 * resource_version.  Free with cJSON_Delete. */
cJSON *gly_application_status_patch(gly_arena *arena, const gly_application_state *state,
                                    const char *resource_version);

/* Adds to such a patch the numbers a driver left in its last words: it may have ended while the API
 * server was away, and then its own last patch never arrived.  words: foreign text; only keys we
 * know with values of their type are taken. */
void gly_application_status_add_last_words(cJSON *patch, const char *words);

/* Whether a patch would change anything. */
bool gly_application_status_equal(const gly_application_state *a, const gly_application_state *b);

/* A hash of everything in the object that reconciling depends on: not of the driver's progress. */
uint64_t gly_application_status_hash(const cJSON *object);

/* Conditions as JSON, for schedules too. */
cJSON *gly_application_status_condition(gly_arena *arena, const char *type,
                                        const gly_application_condition *condition,
                                        int64_t generation);
void gly_application_status_read_condition(const cJSON *status, const char *type,
                                           gly_application_condition *ret);

#endif
