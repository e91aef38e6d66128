/* pod_template.h - a pod begun from the user's PodTemplateSpec, and the verbs to put ours over it.
 *
 * "set" replaces what the user wrote, "offer" adds only what the user left out.  Values that are
 * passed in are taken over, also when they are not used.
 *
 * Our container among the template's: the one with our name, or with the name that Spark gives it
 * (spark-kubernetes-driver, spark-kubernetes-executor), or the first one without a name.  All
 * others stay as they are, behind it: side cars.
 */
#ifndef GLY_POD_TEMPLATE_H
#define GLY_POD_TEMPLATE_H

#include "lib/base/base.h"

#include <cjson/cJSON.h>

typedef struct gly_pod_template {
    cJSON *pod; /* all others point into it */
    cJSON *metadata, *labels, *annotations, *spec, *container;
    cJSON *env; /* ours, until gly_pod_template_finish */
} gly_pod_template;

/* template: or NULL; copied.  To be ended by gly_pod_template_finish; then ret->pod is the
 * caller's. */
void gly_pod_template_begin(const cJSON *template, const char *container_name,
                            const char *spark_name, gly_pod_template *ret);
/* Puts the environment together. */
void gly_pod_template_finish(gly_pod_template *template);

void gly_pod_template_set(cJSON *object, const char *key, cJSON *value);
void gly_pod_template_set_text(cJSON *object, const char *key, const char *value);
void gly_pod_template_offer(cJSON *object, const char *key, cJSON *value);
/* The object at key; made if it is not there or is no object.  Never NULL. */
cJSON *gly_pod_template_object(cJSON *parent, const char *key);
cJSON *gly_pod_template_array(cJSON *parent, const char *key);

/* The user's labels that begin with that. */
void gly_pod_template_remove_labels(gly_pod_template *template, const char *prefix);

/* Environment of our container.  Ours stands before the user's, so that theirs may use $(OURS). */
void gly_pod_template_set_env(gly_pod_template *template, const char *name, const char *value);
void gly_pod_template_set_env_field(gly_pod_template *template, const char *name,
                                    const char *field_path);
void gly_pod_template_add_env_secret(gly_pod_template *template, const char *secret);

/* A volume of our name mounted into our container.  source: {"emptyDir": {...}}. */
void gly_pod_template_set_volume(gly_pod_template *template, const char *name, cJSON *source,
                                 const char *mount_path, bool read_only);
/* The same, but the user's volume of that name is kept, and if the user mounts something else at
 * mount_path there is no volume of ours.  Whether ours is in use. */
bool gly_pod_template_offer_volume(gly_pod_template *template, const char *name, cJSON *source,
                                   const char *mount_path);

#endif
