/* pipeline_build.c - walks a stage's plan from its sink to its leaves and writes down the steps.
 *
 * From a sink downwards, operators that only pass batches on collect as streams until a source is
 * reached: that is one pipeline.  A breaker (aggregate, sort) ends it, as the source, after its own
 * pipeline (with the breaker as sink) and its seal.  A join is a stream whose build side comes
 * first; what it has left afterwards (unmatched build rows, spilled partitions) is one more
 * pipeline through the streams above it, innermost join first, because its rows pass the joins
 * above.
 *
 *   Result <- HashJoin(probe: Filter <- Scan a, build: Scan b)
 *     BUILD?   scan b -> join        SEAL join
 *     RUN      scan a -> filter -> join -> result
 *     IF LEFT  join -> result                          SEAL result
 *
 * Recursion is one level per breaker or build side, limited to MAX_DEPTH; chains of streams are a
 * loop.  A node with two parents in one stage becomes two operators.
 */
#include "lib/engine/pipeline/pipeline_build.h"

#include "lib/base/array.h"
#include "lib/engine/op/op_aggregate.h"
#include "lib/engine/op/op_hash_join.h"
#include "lib/engine/op/op_union.h"

enum { MAX_DEPTH = 500 };

typedef GLY_ARRAY(gly_op_node *) node_list;

typedef struct builder {
    gly_task_state *task;
    node_list nodes;
    GLY_ARRAY(gly_step) steps;
    uint32_t depth;
} builder;

static gly_status make_node(builder *build, const gly_physical *plan, uint32_t partition,
                            gly_op_node **ret, gly_error *err) {
    const gly_operator *op = gly_operator_find(plan->kind);
    if (op == NULL) {
        return gly_fail(err, GLY_E_INTERNAL, "%s cannot run inside a task",
                        gly_physical_name(plan->kind));
    }
    gly_op_node *node = GLY_ARENA_NEW(build->task->arena, gly_op_node);
    node->op = op;
    node->plan = plan;
    node->task = build->task;
    node->partition = partition;
    gly_array_push(&build->nodes, node);
    *ret = node;
    return GLY_OK;
}

/* streams: nearest to the sink first; a pipeline has them the other way round. */
static gly_pipeline make_pipeline(builder *build, gly_op_node *source, const node_list *streams,
                                  size_t stream_count, gly_op_node *sink) {
    gly_pipeline pipeline = {.source = source, .sink = sink};
    pipeline.stream_count = (uint32_t)stream_count;
    pipeline.streams = GLY_ARENA_ARRAY(build->task->arena, gly_op_node *, stream_count + 1);
    for (size_t i = 0; i < stream_count; i++) {
        pipeline.streams[i] = streams->items[stream_count - 1 - i];
    }
    return pipeline;
}

static gly_step *add_step(builder *build, gly_step_kind kind, gly_op_node *node) {
    gly_step step = {.kind = (uint8_t)kind, .node = node};
    gly_array_push(&build->steps, step);
    return &build->steps.items[build->steps.count - 1];
}

static gly_status feed(builder *build, const gly_physical *plan, uint32_t partition,
                       gly_op_node *sink, gly_error *err);

/* The pipelines that fill a join's table. */
static gly_status build_side(builder *build, gly_op_node *join, gly_error *err) {
    bool is_hash = join->plan->kind == GLY_PHYSICAL_HASH_JOIN;
    size_t begin = build->steps.count;
    if (is_hash) {
        add_step(build, GLY_STEP_BUILD, join);
    }
    GLY_TRY(feed(build, join->plan->children[1], join->partition, join, err));
    add_step(build, GLY_STEP_SEAL, join);
    if (is_hash) {
        build->steps.items[begin].skip_to = (uint32_t)build->steps.count;
    }
    return GLY_OK;
}

typedef enum role { SOURCE, STREAM, BREAKER, JOIN } role;

static role role_of(const gly_physical *plan) {
    switch (plan->kind) {
    case GLY_PHYSICAL_FILTER:
    case GLY_PHYSICAL_PROJECT:
    case GLY_PHYSICAL_LIMIT:
    case GLY_PHYSICAL_UNION:
        return STREAM;
    case GLY_PHYSICAL_AGGREGATE:
        return gly_op_aggregate_is_stream(plan) ? STREAM : BREAKER;
    case GLY_PHYSICAL_SORT:
    case GLY_PHYSICAL_TOPN:
        return BREAKER;
    case GLY_PHYSICAL_HASH_JOIN:
    case GLY_PHYSICAL_NESTED_JOIN:
        return JOIN;
    default:
        return SOURCE;
    }
}

/* One level down from a stream: which child, which of its partitions. */
static gly_status child_of(const gly_op_node *node, const gly_physical **ret_plan,
                           uint32_t *ret_partition, gly_error *err) {
    *ret_partition = node->partition;
    if (node->plan->kind == GLY_PHYSICAL_UNION) {
        uint32_t child;
        GLY_TRY(gly_op_union_child(node->plan, node->partition, &child, ret_partition, err));
        *ret_plan = node->plan->children[child];
        return GLY_OK;
    }
    GLY_ASSERT(node->plan->child_count >= 1);
    *ret_plan = node->plan->children[0];
    return GLY_OK;
}

/* Goes down to the source of the pipeline into sink; notes joins passed in `joins` as the number of
 * streams above each. */
static gly_status descend(builder *build, const gly_physical *plan, uint32_t partition,
                          gly_op_node *sink, node_list *streams, node_list *joins, gly_error *err) {
    for (;;) {
        gly_op_node *node;
        GLY_TRY(make_node(build, plan, partition, &node, err));
        role kind = role_of(plan);
        if (kind == SOURCE || kind == BREAKER) {
            if (kind == BREAKER) {
                GLY_TRY(feed(build, plan->children[0], partition, node, err));
                add_step(build, GLY_STEP_SEAL, node);
            }
            gly_pipeline pipeline = make_pipeline(build, node, streams, streams->count, sink);
            add_step(build, GLY_STEP_RUN, NULL)->pipeline = pipeline;
            return GLY_OK;
        }
        if (kind == JOIN) {
            GLY_TRY(build_side(build, node, err));
            gly_array_push(joins, node);
        }
        gly_array_push(streams, node);
        GLY_TRY(child_of(node, &plan, &partition, err));
    }
}

/* All pipelines that end in sink, except for the sink's own seal. */
static gly_status feed(builder *build, const gly_physical *plan, uint32_t partition,
                       gly_op_node *sink, gly_error *err) {
    if (++build->depth > MAX_DEPTH) {
        return gly_fail(err, GLY_E_UNSUPPORTED,
                        "the query has more than %d joins, aggregations and sorts inside each "
                        "other in one stage",
                        MAX_DEPTH);
    }
    node_list streams = {0};
    node_list joins = {0};
    gly_status status = descend(build, plan, partition, sink, &streams, &joins, err);
    for (size_t j = joins.count; status == GLY_OK && j-- > 0;) {
        gly_op_node *join = joins.items[j];
        if (join->op->needs_after == NULL) {
            continue;
        }
        size_t above = 0;
        while (streams.items[above] != join) {
            above++;
        }
        gly_pipeline pipeline = make_pipeline(build, join, &streams, above, sink);
        add_step(build, GLY_STEP_RUN_IF_LEFT, join)->pipeline = pipeline;
    }
    gly_array_clear(&streams);
    gly_array_clear(&joins);
    build->depth--;
    return status;
}

static gly_status build_root(builder *build, gly_error *err) {
    const gly_task_spec *spec = build->task->spec;
    const gly_physical *plan = spec->plan;
    gly_op_node *root;
    GLY_TRY(make_node(build, plan, spec->partition, &root, err));
    if (root->op->open_sink == NULL || role_of(plan) != SOURCE || plan->child_count != 1) {
        return gly_fail(err, GLY_E_INTERNAL, "a stage cannot end with %s",
                        gly_physical_name(plan->kind));
    }
    GLY_TRY(feed(build, plan->children[0], spec->partition, root, err));
    add_step(build, GLY_STEP_SEAL, root);
    return GLY_OK;
}

gly_status gly_pipeline_build_steps(gly_task_state *task, gly_pipeline_steps *ret, gly_error *err) {
    builder build = {.task = task};
    gly_status status = build_root(&build, err);
    ret->node_count = (uint32_t)build.nodes.count;
    ret->nodes = gly_arena_copy(task->arena, build.nodes.items,
                                build.nodes.count * sizeof *build.nodes.items);
    ret->step_count = (uint32_t)build.steps.count;
    ret->steps = gly_arena_copy(task->arena, build.steps.items,
                                build.steps.count * sizeof *build.steps.items);
    gly_array_clear(&build.nodes);
    gly_array_clear(&build.steps);
    return status;
}
