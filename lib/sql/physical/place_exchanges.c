/* place_exchanges.c - where rows move between executors, and where they need not.
 *
 * Every planned node knows how its rows are spread (gly_spread), so that a join and an aggregation
 * on the same keys share one exchange, and a plan of one partition has none.
 * Invariant: hash exchanges of two join sides use expressions of equal types in the same order and
 * the same partition count, so equal keys meet.
 * Not here: which strategy a join or an aggregation takes (choose_join.c, choose_aggregate.c).
 */
#include "lib/sql/physical/physical_internal.h"

enum { BYTES_PER_PARTITION = 64 << 20 };

static gly_physical *add_exchange(gly_planner *planner, gly_planned *planned,
                                  gly_partitioning_kind kind, uint32_t partition_count) {
    gly_physical *exchange = gly_physical_make(planner->arena, GLY_PHYSICAL_EXCHANGE, 1);
    exchange->children[0] = planned->node;
    exchange->schema = planned->node->schema;
    exchange->partition_count = partition_count;
    exchange->row_estimate = planned->node->row_estimate;
    exchange->exchange.partitioning.kind = (uint8_t)kind;
    exchange->exchange.partitioning.partition_count = partition_count;
    planned->node = exchange;
    planned->spread = (gly_spread){0};
    return exchange;
}

void gly_place_exchanges_single(gly_planner *planner, gly_planned *planned) {
    if (planned->node->partition_count != 1) {
        add_exchange(planner, planned, GLY_PARTITIONING_SINGLE, 1);
    }
}

void gly_place_exchanges_broadcast(gly_planner *planner, gly_planned *planned) {
    add_exchange(planner, planned, GLY_PARTITIONING_BROADCAST, 1);
}

void gly_place_exchanges_round_robin(gly_planner *planner, gly_planned *planned, uint32_t count) {
    if (count == 1) {
        gly_place_exchanges_single(planner, planned);
    } else {
        add_exchange(planner, planned, GLY_PARTITIONING_ROUND_ROBIN, count);
    }
}

void gly_place_exchanges_hash_bound(gly_planner *planner, gly_planned *planned, uint32_t count,
                                    gly_expr **exprs, uint32_t partition_count) {
    if (partition_count == 1) {
        gly_place_exchanges_single(planner, planned);
        return;
    }
    gly_physical *exchange =
        add_exchange(planner, planned, GLY_PARTITIONING_HASH, partition_count);
    exchange->exchange.partitioning.expr_count = count;
    exchange->exchange.partitioning.exprs = exprs;
}

gly_spread gly_place_exchanges_spread(gly_planner *planner, uint32_t count,
                                      gly_expr *const *exprs) {
    gly_spread spread = {.is_hash = true, .key_count = count};
    spread.keys = GLY_ARENA_ARRAY(planner->arena, gly_spread_key, count);
    for (uint32_t i = 0; i < count; i++) {
        spread.keys[i].count = 1;
        spread.keys[i].alternatives = GLY_ARENA_ARRAY(planner->arena, gly_expr *, 1);
        spread.keys[i].alternatives[0] = exprs[i];
    }
    return spread;
}

gly_status gly_place_exchanges_hash(gly_planner *planner, gly_planned *planned, uint32_t count,
                                    gly_expr *const *exprs, uint32_t partition_count,
                                    gly_error *err) {
    gly_expr **bound;
    GLY_TRY(gly_bind_exprs(planner, count, exprs, planned, &bound, err));
    gly_place_exchanges_hash_bound(planner, planned, count, bound, partition_count);
    planned->spread = gly_place_exchanges_spread(planner, count, exprs);
    return GLY_OK;
}

uint32_t gly_place_exchanges_count(const gly_planner *planner, double bytes) {
    if (planner->is_shuffle_fixed) {
        return planner->shuffle_partitions;
    }
    double wanted = bytes / BYTES_PER_PARTITION + 1;
    uint32_t count = wanted >= planner->shuffle_partitions ? planner->shuffle_partitions
                                                           : (uint32_t)wanted;
    return GLY_MIN(GLY_MAX(count, planner->slot_count), planner->shuffle_partitions);
}

static bool find_alternative(const gly_spread_key *key, uint32_t count, gly_expr *const *exprs,
                             uint32_t *ret) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t a = 0; a < key->count; a++) {
            if (gly_expr_equal(key->alternatives[a], exprs[i])) {
                *ret = i;
                return true;
            }
        }
    }
    return false;
}

bool gly_place_exchanges_match(const gly_planned *planned, uint32_t count, gly_expr *const *exprs,
                               uint32_t *indexes) {
    if (!planned->spread.is_hash || planned->spread.key_count == 0) {
        return false;
    }
    for (uint32_t k = 0; k < planned->spread.key_count; k++) {
        if (!find_alternative(&planned->spread.keys[k], count, exprs, &indexes[k])) {
            return false;
        }
    }
    return true;
}

bool gly_place_exchanges_is_clustered(const gly_planned *planned, uint32_t count,
                                      gly_expr *const *exprs) {
    if (planned->node->partition_count == 1) {
        return true;
    }
    if (!planned->spread.is_hash || planned->spread.key_count == 0) {
        return false;
    }
    for (uint32_t k = 0; k < planned->spread.key_count; k++) {
        uint32_t index;
        if (!find_alternative(&planned->spread.keys[k], count, exprs, &index)) {
            return false;
        }
    }
    return true;
}

gly_spread gly_place_exchanges_rename(gly_planner *planner, const gly_spread *below, uint32_t count,
                                      gly_expr *const *exprs, const gly_output *output) {
    gly_spread spread = {.is_hash = below->is_hash, .key_count = below->key_count};
    spread.keys = GLY_ARENA_ARRAY(planner->arena, gly_spread_key, below->key_count);
    for (uint32_t k = 0; k < below->key_count; k++) {
        gly_spread_key *key = &spread.keys[k];
        key->alternatives = GLY_ARENA_ARRAY(planner->arena, gly_expr *, count);
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t a = 0; a < below->keys[k].count; a++) {
                if (gly_expr_equal(exprs[i], below->keys[k].alternatives[a])) {
                    key->alternatives[key->count++] =
                        gly_expr_column(planner->arena, output[i].id, output[i].type,
                                        output[i].nullable, output[i].name);
                    break;
                }
            }
        }
        if (key->count == 0) {
            return (gly_spread){0};
        }
    }
    return spread;
}
