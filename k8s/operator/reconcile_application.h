/* reconcile_application.h - one look at one GalleyApplication: read, decide, act, write.
 *
 * The deciding is application_state.c; this is everything around it.  Ends by putting the key back
 * into the queue, if it must be looked at again.
 */
#ifndef GLY_RECONCILE_APPLICATION_H
#define GLY_RECONCILE_APPLICATION_H

#include "k8s/operator/operator_core.h"

/* The key is "a/<namespace>/<name>". */
void gly_reconcile_application_start(gly_operator_core *core, const char *namespace_name,
                                     const char *name);
void gly_reconcile_application_key(const char *namespace_name, const char *name,
                                   gly_builder *ret_key);
/* Watch events: remember, and put the key into the queue if there is something new. */
void gly_reconcile_application_seen(gly_operator_core *core, const cJSON *application,
                                    bool is_deleted);
void gly_reconcile_application_pod_seen(gly_operator_core *core, const cJSON *pod, bool is_deleted);

#endif
