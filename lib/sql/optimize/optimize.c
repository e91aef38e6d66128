/* optimize.c - rules over logical plans, in batches.  (Rules come next.) */
#include "lib/sql/optimize/optimize.h"

#include "lib/sql/optimize/plan_depth.h"
#include "lib/sql/sql.h"

bool gly_optimize_is_excluded(const gly_config *config, const char *rule) {
    gly_str list = gly_config_text(config, GLY_CONFIG_EXCLUDED_RULES);
    while (list.size > 0) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t size = comma == NULL ? list.size : (size_t)(comma - list.data);
        if (gly_str_equal_ignore_case(gly_str_trim((gly_str){list.data, size}),
                                      gly_str_of(rule))) {
            return true;
        }
        list.data += comma == NULL ? size : size + 1;
        list.size -= comma == NULL ? size : size + 1;
    }
    return false;
}

gly_status gly_optimize(gly_arena *arena, const gly_config *config, gly_logical *plan,
                        uint32_t *next_id, gly_logical **ret, gly_error *err) {
    (void)arena;
    (void)config;
    (void)next_id;
    GLY_TRY(gly_plan_depth_check(plan, err));
    *ret = plan;
    return GLY_OK;
}
