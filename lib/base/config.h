/* config.h - settings: one table (config.def), layered values, typed reading.
 *
 * A gly_config may have a parent (session over process).  Unknown keys are kept as text so that
 * Spark's settings we do not have can be set and read back.  Not thread-safe for writing.
 */
#ifndef GLY_CONFIG_H
#define GLY_CONFIG_H

#include "lib/base/str.h"

typedef enum gly_config_id {
#define GLY_CONFIG(id, key, alias, type, value, scope, doc) GLY_CONFIG_##id,
#include "lib/base/config.def"
#undef GLY_CONFIG
    GLY_CONFIG_COUNT
} gly_config_id;

typedef struct gly_config gly_config;

gly_config *gly_config_make(const gly_config *parent); /* parent may be NULL and must outlive it */
void gly_config_free(gly_config *config);
/* Checks the value against the setting's type; from_session: refuses START settings. */
GLY_NODISCARD gly_status gly_config_set(gly_config *config, gly_str key, gly_str value,
                                        bool from_session, gly_error *err);
void gly_config_unset(gly_config *config, gly_str key);
void gly_config_unset_all(gly_config *config); /* its own layer's; the parent stays */
/* "key=value" as on a command line. */
GLY_NODISCARD gly_status gly_config_set_pair(gly_config *config, gly_str pair, gly_error *err);
/* The value as text: own, parent's, default; false if the key is unknown and unset. */
bool gly_config_get(const gly_config *config, gly_str key, gly_str *ret);

/* Typed; valid because set checked. */
int64_t gly_config_int(const gly_config *config, gly_config_id id); /* INT, BYTES, MS */
bool gly_config_bool(const gly_config *config, gly_config_id id);
double gly_config_double(const gly_config *config, gly_config_id id);
gly_str gly_config_text(const gly_config *config, gly_config_id id);
const char *gly_config_key(gly_config_id id);
const char *gly_config_doc(gly_config_id id);
/* visit(context, key, value) for every known setting and every unknown one that is set. */
void gly_config_each(const gly_config *config,
                     void (*visit)(void *context, gly_str key, gly_str value, const char *doc),
                     void *context);

#endif
