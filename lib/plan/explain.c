/* explain.c - plans as text, in Spark's words and shape.
 *
 *   HashAggregate(keys=[k], functions=[sum(v)])
 *   +- Exchange hashpartitioning(k, 200)
 *      +- HashAggregate(keys=[k], functions=[partial_sum(v)])
 *         +- FileScan parquet t [k,v] PushedFilters: [(v > 5)]
 *
 * The last child hangs on "+- ", the ones before it on ":- ".  Walks with a stack of its own:
 * plans can be deep.  A node with two parents is shown below each of them, but only the first time
 * with what is below it; FORMATTED describes it once.
 * Not here: how expressions look (expr.c); the node's own words are in explain_node.c.
 */
#include "lib/plan/explain.h"

#include "lib/base/array.h"
#include "lib/plan/explain_node.h"

typedef struct entry {
    const void *node;
    uint32_t depth;
    bool is_last;
} entry;

typedef struct tree {
    GLY_ARRAY(entry) stack;
    GLY_ARRAY(bool) is_open; /* [depth]: a sibling is still to come at this depth */
    GLY_ARRAY(const void *) shown; /* shared exchanges written so far */
} tree;

static void clear_tree(tree *t) {
    gly_array_clear(&t->stack);
    gly_array_clear(&t->is_open);
    gly_array_clear(&t->shown);
}

static void push_entry(tree *t, const void *node, uint32_t depth, bool is_last) {
    entry fresh = {node, depth, is_last};
    gly_array_push(&t->stack, fresh);
}

static void write_branches(tree *t, const entry *at, gly_builder *out) {
    gly_array_reserve(&t->is_open, (size_t)at->depth + 1);
    t->is_open.items[at->depth] = !at->is_last;
    for (uint32_t i = 1; i < at->depth; i++) {
        gly_builder_add_text(out, t->is_open.items[i] ? ":  " : "   ");
    }
    if (at->depth > 0) {
        gly_builder_add_text(out, at->is_last ? "+- " : ":- ");
    }
}

void gly_explain_logical(const gly_logical *plan, gly_builder *out) {
    tree t = {0};
    push_entry(&t, plan, 0, true);
    while (t.stack.count > 0) {
        entry at = t.stack.items[--t.stack.count];
        const gly_logical *node = at.node;
        write_branches(&t, &at, out);
        gly_explain_node_logical(node, out);
        gly_builder_add_char(out, '\n');
        for (uint32_t i = node->child_count; i > 0; i--) {
            push_entry(&t, node->children[i - 1], at.depth + 1, i == node->child_count);
        }
    }
    clear_tree(&t);
}

/* Children as the SQL text had them: the logical left first. */
static const gly_physical *child_at(const gly_physical *node, uint32_t index) {
    bool is_flipped = node->kind == GLY_PHYSICAL_HASH_JOIN && node->join.is_flipped;
    return node->children[is_flipped ? 1 - index : index];
}

/* True if node is an exchange that was shown before; remembers it. */
static bool was_shown(tree *t, const gly_physical *node) {
    if (node->kind != GLY_PHYSICAL_EXCHANGE) {
        return false;
    }
    for (size_t i = 0; i < t->shown.count; i++) {
        if (t->shown.items[i] == node) {
            return true;
        }
    }
    gly_array_push(&t->shown, (const void *)node);
    return false;
}

typedef struct style {
    bool is_short; /* name and (id) only */
    void (*note)(void *context, const gly_physical *node, gly_builder *out); /* or NULL */
    void *context;
} style;

static const gly_physical *shown_root(const gly_physical *plan) {
    return plan->kind == GLY_PHYSICAL_RESULT ? plan->children[0] : plan;
}

static void write_tree(const gly_physical *plan, style how, gly_builder *out) {
    tree t = {0};
    gly_builder_add_text(out, "== Physical Plan ==\n");
    push_entry(&t, shown_root(plan), 0, true);
    while (t.stack.count > 0) {
        entry at = t.stack.items[--t.stack.count];
        const gly_physical *node = at.node;
        write_branches(&t, &at, out);
        if (was_shown(&t, node)) {
            gly_builder_format(out, "ReusedExchange (%u)\n", node->id);
            continue;
        }
        if (how.is_short) {
            gly_explain_node_name(node, out);
            gly_builder_format(out, " (%u)", node->id);
        } else {
            gly_explain_node_line(node, out);
        }
        if (how.note != NULL) {
            how.note(how.context, node, out);
        }
        gly_builder_add_char(out, '\n');
        for (uint32_t i = node->child_count; i > 0; i--) {
            push_entry(&t, child_at(node, i - 1), at.depth + 1, i == node->child_count);
        }
    }
    clear_tree(&t);
}

void gly_explain_physical(const gly_physical *plan, gly_builder *out) {
    write_tree(plan, (style){0}, out);
}

void gly_explain_annotated(const gly_physical *plan,
                           void (*note)(void *context, const gly_physical *node,
                                        gly_builder *out),
                           void *context, gly_builder *out) {
    write_tree(plan, (style){.note = note, .context = context}, out);
}

static void push_children(tree *t, const gly_physical *node) {
    for (uint32_t i = node->child_count; i > 0; i--) {
        push_entry(t, child_at(node, i - 1), 0, true);
    }
}

void gly_explain_formatted(const gly_physical *plan, gly_builder *out) {
    tree t = {0};
    write_tree(plan, (style){.is_short = true}, out);
    gly_builder_add_char(out, '\n');
    push_entry(&t, shown_root(plan), 0, true);
    while (t.stack.count > 0) {
        const gly_physical *node = t.stack.items[--t.stack.count].node;
        if (was_shown(&t, node)) {
            continue;
        }
        gly_explain_node_paragraph(node, out);
        push_children(&t, node);
    }
    clear_tree(&t);
}
