/* share_exchanges.c - the same rows spread in the same way are computed once (Spark: ReuseExchange).
 *
 * Exchanges are compared by fingerprints of what is below them (plan_codec.h), lowest first, so that
 * equal towers collapse from the bottom.  A common table expression used twice, or a subquery that
 * repeats its surroundings, becomes one stage that is read twice.
 * Invariant: runs before nodes have ids and before anyone else sees the plan; children pointers are
 * the only thing written.  Plans with random calls are never shared.
 */
#include "lib/sql/physical/physical_internal.h"

#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/base/map.h"
#include "lib/plan/plan_codec.h"

typedef struct known {
    uint64_t hash;
    gly_str bytes; /* owned */
    gly_physical *exchange;
} known;

typedef struct sharing {
    GLY_ARRAY(known) exchanges;
    gly_map finished; /* node -> what stands for it */
} sharing;

static uint64_t key_of(const gly_physical *node) { return (uint64_t)(uintptr_t)node; }

/* The first exchange seen that does the same, or this one. */
static gly_physical *find_same(sharing *s, gly_physical *exchange) {
    gly_builder bytes = {0};
    if (!gly_plan_codec_fingerprint(exchange, &bytes)) {
        gly_builder_clear(&bytes);
        return exchange;
    }
    gly_str text = gly_builder_str(&bytes);
    uint64_t hash = gly_hash_bytes(text.data, text.size);
    for (size_t i = 0; i < s->exchanges.count; i++) {
        const known *other = &s->exchanges.items[i];
        if (other->hash == hash && gly_str_equal(other->bytes, text)) {
            gly_builder_clear(&bytes);
            return other->exchange;
        }
    }
    known fresh = {hash, text, exchange}; /* keeps the builder's memory */
    gly_array_push(&s->exchanges, fresh);
    return exchange;
}

static void finish(sharing *s, gly_physical *node) {
    for (uint32_t i = 0; i < node->child_count; i++) {
        node->children[i] = gly_map_get(&s->finished, key_of(node->children[i]));
    }
    gly_physical *standing = node->kind == GLY_PHYSICAL_EXCHANGE ? find_same(s, node) : node;
    gly_map_put(&s->finished, key_of(node), standing);
}

void gly_share_exchanges_in(gly_physical *root) {
    sharing s = {0};
    GLY_ARRAY(gly_physical *) stack = {0};
    gly_array_push(&stack, root);
    while (stack.count > 0) {
        gly_physical *node = stack.items[stack.count - 1];
        bool is_ready = true;
        if (gly_map_get(&s.finished, key_of(node)) == NULL) {
            for (uint32_t i = node->child_count; i > 0; i--) {
                if (gly_map_get(&s.finished, key_of(node->children[i - 1])) == NULL) {
                    gly_array_push(&stack, node->children[i - 1]);
                    is_ready = false;
                }
            }
            if (is_ready) {
                finish(&s, node);
            }
        }
        if (is_ready) {
            stack.count--;
        }
    }
    for (size_t i = 0; i < s.exchanges.count; i++) {
        free((void *)s.exchanges.items[i].bytes.data);
    }
    gly_array_clear(&s.exchanges);
    gly_map_clear(&s.finished);
    gly_array_clear(&stack);
}
