/* split_stages.c - cutting a physical plan at exchanges.
 *
 * One post-order walk over the DAG.  Each node gets a replacement: an EXCHANGE a SHUFFLE_READ (and
 * a new stage for what was below), a node over replaced children a copy with the new children, all
 * others themselves.  Post-order makes stages come after the stages they read.
 * Invariant: nodes of the given plan are never written, so the driver can explain it afterwards.
 * Not here: where tasks would like to run (dag_scheduler.c), how plans travel (plan_codec.c).
 */
#include "driver/scheduler/split_stages.h"

#include "lib/base/array.h"
#include "lib/base/map.h"

typedef struct splitter {
    gly_arena *arena;
    gly_map replacements; /* node pointer -> its replacement */
    uint32_t *next_shuffle_id;
    uint32_t next_node_id;
    GLY_ARRAY(gly_stage_plan) stages;
} splitter;

static uint64_t key_of(const gly_physical *node) { return (uint64_t)(uintptr_t)node; }

static uint32_t stage_of_shuffle(const splitter *s, uint32_t shuffle_id) {
    for (uint32_t i = 0; i < s->stages.count; i++) {
        if (s->stages.items[i].shuffle_id == shuffle_id) {
            return i;
        }
    }
    GLY_UNREACHABLE();
}

static void add_parent(gly_stage_plan *stage, uint32_t parent) {
    uint32_t at = stage->parent_count;
    for (uint32_t i = 0; i < stage->parent_count; i++) {
        if (stage->parents[i] == parent) {
            return;
        }
    }
    while (at > 0 && stage->parents[at - 1] > parent) {
        stage->parents[at] = stage->parents[at - 1];
        at--;
    }
    stage->parents[at] = parent;
    stage->parent_count++;
}

/* Fills in what the finished stage reads. */
static void find_parents(splitter *s, gly_stage_plan *stage) {
    GLY_ARRAY(const gly_physical *) stack = {0};
    gly_map seen = {0};
    /* Only earlier stages can be read. */
    stage->parents = GLY_ARENA_ARRAY(s->arena, uint32_t, s->stages.count);
    gly_array_push(&stack, stage->plan);
    while (stack.count > 0) {
        const gly_physical *node = stack.items[--stack.count];
        if (gly_map_get(&seen, key_of(node)) != NULL) {
            continue;
        }
        gly_map_put(&seen, key_of(node), s);
        if (node->kind == GLY_PHYSICAL_SHUFFLE_READ) {
            add_parent(stage, stage_of_shuffle(s, node->shuffle_read.shuffle_id));
        }
        for (uint32_t i = 0; i < node->child_count; i++) {
            gly_array_push(&stack, node->children[i]);
        }
    }
    gly_map_clear(&seen);
    gly_array_clear(&stack);
    stage->parent_shuffle_ids = GLY_ARENA_ARRAY(s->arena, uint32_t, stage->parent_count);
    for (uint32_t i = 0; i < stage->parent_count; i++) {
        stage->parent_shuffle_ids[i] = s->stages.items[stage->parents[i]].shuffle_id;
    }
}

static void add_stage(splitter *s, gly_physical *plan, uint32_t shuffle_id) {
    gly_stage_plan stage = {
        .stage = (uint32_t)s->stages.count,
        .shuffle_id = shuffle_id,
        .plan = plan,
        .task_count = plan->partition_count,
        .is_result = shuffle_id == 0,
        .is_broadcast = shuffle_id != 0 &&
                        plan->exchange.partitioning.kind == GLY_PARTITIONING_BROADCAST,
    };
    find_parents(s, &stage);
    gly_array_push(&s->stages, stage);
}

static gly_physical *cut_exchange(splitter *s, const gly_physical *exchange, gly_physical *child) {
    uint32_t shuffle_id = (*s->next_shuffle_id)++;
    gly_physical *write = gly_physical_make(s->arena, GLY_PHYSICAL_SHUFFLE_WRITE, 1);
    write->id = s->next_node_id++;
    write->children[0] = child;
    write->schema = child->schema;
    write->partition_count = child->partition_count; /* tasks; what it makes is in partitioning */
    write->row_estimate = exchange->row_estimate;
    write->exchange.partitioning = exchange->exchange.partitioning;
    add_stage(s, write, shuffle_id);

    gly_physical *read = gly_physical_make(s->arena, GLY_PHYSICAL_SHUFFLE_READ, 0);
    read->id = exchange->id;
    read->schema = exchange->schema;
    read->partition_count = exchange->partition_count;
    read->row_estimate = exchange->row_estimate;
    read->shuffle_read.shuffle_id = shuffle_id;
    read->shuffle_read.is_broadcast =
        exchange->exchange.partitioning.kind == GLY_PARTITIONING_BROADCAST;
    return read;
}

/* Children have their replacements. */
static void replace(splitter *s, gly_physical *node) {
    gly_physical *result = node;
    if (node->kind == GLY_PHYSICAL_EXCHANGE) {
        result = cut_exchange(s, node, gly_map_get(&s->replacements, key_of(node->children[0])));
    } else {
        for (uint32_t i = 0; i < node->child_count; i++) {
            gly_physical *child = gly_map_get(&s->replacements, key_of(node->children[i]));
            if (child != node->children[i] && result == node) {
                result = gly_arena_copy(s->arena, node, sizeof *node);
                result->children = gly_arena_copy(s->arena, node->children,
                                                  node->child_count * sizeof *node->children);
            }
            if (result != node) {
                result->children[i] = child;
            }
        }
    }
    gly_map_put(&s->replacements, key_of(node), result);
}

uint32_t gly_split_stages_count(const gly_physical *root) {
    GLY_ARRAY(const gly_physical *) stack = {0};
    gly_map seen = {0};
    uint32_t count = 0;
    gly_array_push(&stack, root);
    while (stack.count > 0) {
        const gly_physical *node = stack.items[--stack.count];
        if (gly_map_get(&seen, key_of(node)) != NULL) {
            continue;
        }
        gly_map_put(&seen, key_of(node), &stack);
        count += node->kind == GLY_PHYSICAL_EXCHANGE;
        for (uint32_t i = 0; i < node->child_count; i++) {
            gly_array_push(&stack, node->children[i]);
        }
    }
    gly_map_clear(&seen);
    gly_array_clear(&stack);
    return count;
}

void gly_split_stages(gly_arena *arena, gly_physical *root, uint32_t *next_shuffle_id,
                      uint32_t *ret_count, gly_stage_plan **ret) {
    splitter s = {.arena = arena, .next_shuffle_id = next_shuffle_id};
    GLY_ARRAY(gly_physical *) stack = {0};
    GLY_ASSERT(*next_shuffle_id > 0);
    s.next_node_id = gly_physical_max_id(root) + 1;
    gly_array_push(&stack, root);
    while (stack.count > 0) {
        gly_physical *node = stack.items[stack.count - 1];
        bool is_ready = true;
        if (gly_map_get(&s.replacements, key_of(node)) == NULL) {
            for (uint32_t i = node->child_count; i > 0; i--) {
                if (gly_map_get(&s.replacements, key_of(node->children[i - 1])) == NULL) {
                    gly_array_push(&stack, node->children[i - 1]);
                    is_ready = false;
                }
            }
            if (is_ready) {
                replace(&s, node);
            }
        }
        if (is_ready) {
            stack.count--;
        }
    }
    add_stage(&s, gly_map_get(&s.replacements, key_of(root)), 0);
    *ret_count = (uint32_t)s.stages.count;
    *ret = gly_arena_copy(arena, s.stages.items, s.stages.count * sizeof *s.stages.items);
    gly_array_clear(&s.stages);
    gly_map_clear(&s.replacements);
    gly_array_clear(&stack);
}
