/* app_config.h - a GalleyApplication's spec as settings of the driver. */
#ifndef GLY_APP_CONFIG_H
#define GLY_APP_CONFIG_H

#include "k8s/api/application.h"
#include "lib/base/config.h"

/* spec.conf first, then what the spec's own fields say, which wins.  The error names the field. */
GLY_NODISCARD gly_status gly_app_config_fill(const gly_application *application, gly_config *config,
                                             gly_error *err);

#endif
