/* optimize.h - questions about the optimizer's settings; gly_optimize itself is in sql.h. */
#ifndef GLY_OPTIMIZE_H
#define GLY_OPTIMIZE_H

#include "lib/base/config.h"

/* Is the rule named in spark.sql.optimizer.excludedRules? */
bool gly_optimize_is_excluded(const gly_config *config, const char *rule);
/* Names that may stand there, one after the other; NULL behind the last. */
const char *gly_optimize_rule_name(size_t index);

#endif
