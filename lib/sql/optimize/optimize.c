/* optimize.c - runs the rules of rules.def in batches.
 *
 *   SIMPLIFY until nothing changes | DERIVE once | SIMPLIFY | PRUNE once | JOINS once | SIMPLIFY |
 *   LAST once | SIMPLIFY
 *
 * A rule that returns the plan it was given did nothing; that is how the end of a batch is found,
 * and a limit on rounds ends it in any case.  Rules named in spark.sql.optimizer.excludedRules are
 * left out; results must be the same without any of them.
 * Not here: the choices of the physical planner, which can be excluded by name too.
 */
#include "lib/sql/optimize/optimize.h"

#include "lib/sql/optimize/plan_depth.h"
#include "lib/sql/optimize/rule.h"
#include "lib/sql/sql.h"

enum { MOST_ROUNDS = 12 };

typedef enum batch { SIMPLIFY, DERIVE, PRUNE, JOINS, LAST } batch;

static const struct {
    const char *name;
    batch in;
    gly_rule_function apply;
} rules[] = {
#define GLY_RULE(name, batch) {#name, batch, gly_rule_##name##_apply},
#include "lib/sql/optimize/rules.def"
#undef GLY_RULE
};

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

const char *gly_optimize_rule_name(size_t index) {
    static const char *const physical[] = {"partial_aggregation", "choose_build_side",
                                           "reduce_join_sides", "share_exchanges"};
    if (index < GLY_ARRAY_LEN(rules)) {
        return rules[index].name;
    }
    index -= GLY_ARRAY_LEN(rules);
    return index < GLY_ARRAY_LEN(physical) ? physical[index] : NULL;
}

static gly_logical *run_batch(gly_rule_context *context, const bool *is_excluded, batch which,
                              gly_logical *plan) {
    bool is_repeated = which == SIMPLIFY;
    context->keeps_joins_together = which == PRUNE;
    for (int round = 0; round < (is_repeated ? MOST_ROUNDS : 1); round++) {
        gly_logical *before = plan;
        for (size_t i = 0; i < GLY_ARRAY_LEN(rules); i++) {
            if (rules[i].in == which && !is_excluded[i]) {
                plan = rules[i].apply(context, plan);
            }
        }
        if (plan == before) {
            break;
        }
    }
    return plan;
}

gly_status gly_optimize(gly_arena *arena, const gly_config *config, gly_logical *plan,
                        uint32_t *next_id, gly_logical **ret, gly_error *err) {
    static const batch order[] = {SIMPLIFY, DERIVE, SIMPLIFY, PRUNE,
                                  JOINS,    SIMPLIFY, LAST,   SIMPLIFY};
    bool is_excluded[GLY_ARRAY_LEN(rules)];
    gly_rule_context context = {
        .arena = arena,
        .next_id = next_id,
        .cardinality = gly_cardinality_make(arena),
        .broadcast_limit =
            (double)GLY_MAX(gly_config_int(config, GLY_CONFIG_BROADCAST_THRESHOLD), 0),
    };
    GLY_TRY(gly_plan_depth_check(plan, err));
    for (size_t i = 0; i < GLY_ARRAY_LEN(rules); i++) {
        is_excluded[i] = gly_optimize_is_excluded(config, rules[i].name);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(order); i++) {
        plan = run_batch(&context, is_excluded, order[i], plan);
    }
    *ret = plan;
    return GLY_OK;
}
