/* explain_node.c - the words EXPLAIN has for one node.
 *
 * Spark's names and orders where Spark has the thing; long lists are cut after 25 entries as
 * spark.sql.debug.maxToStringFields does.  A join that builds its left side is shown as the join
 * of the SQL text with BuildLeft.
 */
#include "lib/plan/explain_node.h"

#include "lib/data/value.h"

enum { MOST_SHOWN = 25, MOST_STRUCT = 100 };

static const char *const join_names[] = {"Inner",    "LeftOuter", "RightOuter",       "FullOuter",
                                         "LeftSemi", "LeftAnti",  "NullAwareLeftAnti"};
/* What a join is from the SQL text's left when that left is the build side. */
static const uint8_t flipped_kinds[] = {GLY_JOIN_INNER, GLY_JOIN_RIGHT, GLY_JOIN_LEFT,
                                        GLY_JOIN_FULL,  GLY_JOIN_SEMI,  GLY_JOIN_ANTI,
                                        GLY_JOIN_NULL_AWARE_ANTI};
static const char *const write_modes[] = {"Overwrite", "Append", "ErrorIfExists", "Ignore"};

/* Separates list entries; true when the list is too long to go on ("... n more" was written). */
static bool begin_entry(gly_builder *out, const char *separator, uint32_t index, uint32_t count) {
    if (index >= MOST_SHOWN) {
        gly_builder_format(out, "%s... %u more", separator, count - index);
        return true;
    }
    if (index > 0) {
        gly_builder_add_text(out, separator);
    }
    return false;
}

/* An aggregate call with a mode: partial_sum(x), merge_sum(x), sum(x). */
static void add_aggregate(gly_builder *out, const gly_expr *call) {
    static const char *const prefixes[] = {"", "partial_", "merge_", ""};
    gly_builder_add_text(out, prefixes[call->mode]);
    if (call->name.size > 0) {
        gly_builder_add_str(out, call->name);
    } else {
        gly_expr_format(call, false, out);
    }
}

static void add_exprs(gly_builder *out, bool with_ids, uint32_t count, gly_expr *const *exprs) {
    gly_builder_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (begin_entry(out, ", ", i, count)) {
            break;
        }
        gly_expr_format(exprs[i], with_ids, out);
    }
    gly_builder_add_char(out, ']');
}

static void add_aggregates(gly_builder *out, const gly_physical *node) {
    gly_builder_add_char(out, '[');
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        if (begin_entry(out, ", ", i, node->aggregate.aggregate_count)) {
            break;
        }
        add_aggregate(out, node->aggregate.aggregates[i]);
    }
    gly_builder_add_char(out, ']');
}

static void add_sort_keys(gly_builder *out, bool with_ids, uint32_t count,
                          const gly_sort_key *keys) {
    gly_builder_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (begin_entry(out, ", ", i, count)) {
            break;
        }
        gly_expr_format(keys[i].expr, with_ids, out);
        gly_builder_add_text(out, keys[i].descending ? " DESC" : " ASC");
        gly_builder_add_text(out, keys[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    gly_builder_add_char(out, ']');
}

static void add_output(gly_builder *out, const gly_output *output, uint32_t count) {
    gly_builder_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (begin_entry(out, ", ", i, count)) {
            break;
        }
        gly_builder_format(out, "%.*s#%u", GLY_STR_ARG(output[i].name), output[i].id);
    }
    gly_builder_add_char(out, ']');
}

static void add_fields(gly_builder *out, const char *separator, const gly_schema *schema) {
    gly_builder_add_char(out, '[');
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (begin_entry(out, separator, i, schema->field_count)) {
            break;
        }
        gly_builder_add_str(out, schema->fields[i].name);
    }
    gly_builder_add_char(out, ']');
}

static void add_struct(gly_builder *out, const gly_schema *schema) {
    char type[GLY_TYPE_TEXT_SIZE];
    gly_builder_add_text(out, "struct<");
    for (uint32_t i = 0; i < schema->field_count && i < MOST_STRUCT; i++) {
        gly_builder_format(out, "%s%.*s:%s", i > 0 ? "," : "", GLY_STR_ARG(schema->fields[i].name),
                           gly_type_format(schema->fields[i].type, type, sizeof type));
    }
    gly_builder_add_text(out, schema->field_count > MOST_STRUCT ? ",...>" : ">");
}

/* Expressions with the names they get; columns that only pass through are shown bare. */
static void add_project(gly_builder *out, uint32_t count, gly_expr *const *exprs,
                        const gly_output *output, const gly_schema *schema) {
    bool with_ids = output != NULL;
    gly_builder_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (begin_entry(out, ", ", i, count)) {
            break;
        }
        gly_str name = with_ids ? output[i].name : schema->fields[i].name;
        gly_expr_format(exprs[i], with_ids, out);
        bool is_bare = exprs[i]->kind == GLY_EXPR_COLUMN && gly_str_equal(exprs[i]->name, name) &&
                       (!with_ids || output[i].id == exprs[i]->column);
        if (!is_bare) {
            gly_builder_format(out, " AS %.*s", GLY_STR_ARG(name));
            if (with_ids) {
                gly_builder_format(out, "#%u", output[i].id);
            }
        }
    }
    gly_builder_add_char(out, ']');
}

static void add_limit(gly_builder *out, uint64_t limit, uint64_t offset) {
    if (limit == UINT64_MAX) {
        gly_builder_format(out, "Offset %llu", (unsigned long long)offset);
        return;
    }
    gly_builder_format(out, "Limit %llu", (unsigned long long)limit);
    if (offset > 0) {
        gly_builder_format(out, ", Offset %llu", (unsigned long long)offset);
    }
}

static void add_logical_aggregate(gly_builder *out, const gly_logical *node) {
    uint32_t groups = node->aggregate.group_count;
    gly_builder_add_text(out, "Aggregate ");
    add_exprs(out, true, groups, node->aggregate.groups);
    gly_builder_add_text(out, ", [");
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (begin_entry(out, ", ", i, node->output_count)) {
            break;
        }
        if (i >= groups) {
            gly_expr_format(node->aggregate.aggregates[i - groups], true, out);
            gly_builder_add_text(out, " AS ");
        }
        gly_builder_format(out, "%.*s#%u", GLY_STR_ARG(node->output[i].name), node->output[i].id);
    }
    gly_builder_add_char(out, ']');
}

static void add_logical_join(gly_builder *out, const gly_logical *node) {
    gly_builder_format(out, "Join %s", join_names[node->join.kind]);
    if (node->join.condition != NULL) {
        gly_builder_add_text(out, ", ");
        gly_expr_format(node->join.condition, true, out);
    }
    if (node->join.hint != GLY_JOIN_HINT_NONE) {
        gly_builder_format(out, ", %sHint=(strategy=broadcast)",
                           node->join.hint == GLY_JOIN_HINT_BROADCAST_LEFT ? "left" : "right");
    }
}

static void add_logical_scan(gly_builder *out, const gly_logical *node) {
    gly_builder_format(out, "Relation %.*s ", GLY_STR_ARG(node->scan.relation->name));
    add_output(out, node->output, node->output_count);
    gly_builder_format(out, " %.*s", GLY_STR_ARG(node->scan.relation->format));
    if (node->scan.filter_count > 0) {
        gly_builder_add_text(out, ", PushedFilters: ");
        add_exprs(out, true, node->scan.filter_count, node->scan.filters);
    }
}

/* long: one case for each kind of node */
void gly_explain_node_logical(const gly_logical *node, gly_builder *out) {
    switch (node->kind) {
    case GLY_LOGICAL_SCAN:
        add_logical_scan(out, node);
        return;
    case GLY_LOGICAL_CACHED:
        gly_builder_format(out, "InMemoryRelation %.*s ", GLY_STR_ARG(node->cached.table));
        add_output(out, node->output, node->output_count);
        return;
    case GLY_LOGICAL_VALUES:
        if (node->output_count == 0 && node->values.row_count == 1) {
            gly_builder_add_text(out, "OneRowRelation");
            return;
        }
        gly_builder_add_text(out, "LocalRelation ");
        add_output(out, node->output, node->output_count);
        gly_builder_format(out, ", %u rows", node->values.row_count);
        return;
    case GLY_LOGICAL_RANGE:
        gly_builder_format(out, "Range (%lld, %lld, step=%lld) ", (long long)node->range.start,
                           (long long)node->range.end, (long long)node->range.step);
        add_output(out, node->output, node->output_count);
        return;
    case GLY_LOGICAL_FILTER:
        gly_builder_add_text(out, "Filter ");
        gly_expr_format(node->filter.condition, true, out);
        return;
    case GLY_LOGICAL_PROJECT:
        gly_builder_add_text(out, "Project ");
        add_project(out, node->output_count, node->project.exprs, node->output, NULL);
        return;
    case GLY_LOGICAL_AGGREGATE:
        add_logical_aggregate(out, node);
        return;
    case GLY_LOGICAL_JOIN:
        add_logical_join(out, node);
        return;
    case GLY_LOGICAL_SORT:
        gly_builder_add_text(out, "Sort ");
        add_sort_keys(out, true, node->sort.key_count, node->sort.keys);
        gly_builder_add_text(out, node->sort.is_local ? ", false" : ", true");
        return;
    case GLY_LOGICAL_LIMIT:
        add_limit(out, node->limit.limit, node->limit.offset);
        return;
    case GLY_LOGICAL_UNION:
        gly_builder_add_text(out, "Union");
        return;
    case GLY_LOGICAL_REPARTITION:
        gly_builder_add_text(out, node->repartition.expr_count > 0 ? "RepartitionByExpression "
                                                                   : "Repartition ");
        if (node->repartition.expr_count > 0) {
            add_exprs(out, true, node->repartition.expr_count, node->repartition.exprs);
            gly_builder_add_text(out, ", ");
        }
        gly_builder_format(out, "%u", node->repartition.partition_count);
        return;
    case GLY_LOGICAL_WRITE:
        gly_builder_format(out, "InsertIntoDirectory %.*s, %.*s, %s",
                           GLY_STR_ARG(node->write.path), GLY_STR_ARG(node->write.format),
                           write_modes[node->write.mode]);
        return;
    case GLY_LOGICAL_COUNT:
        break;
    }
    gly_builder_add_text(out, "Unknown");
}

void gly_explain_node_name(const gly_physical *node, gly_builder *out) {
    switch (node->kind) {
    case GLY_PHYSICAL_SCAN:
        gly_builder_format(out, "FileScan %.*s", GLY_STR_ARG(node->scan.format));
        return;
    case GLY_PHYSICAL_HASH_JOIN:
        gly_builder_add_text(out, node->join.is_broadcast ? "BroadcastHashJoin"
                                                          : "ShuffledHashJoin");
        return;
    case GLY_PHYSICAL_EXCHANGE:
        gly_builder_add_text(out, node->exchange.partitioning.kind == GLY_PARTITIONING_BROADCAST
                                      ? "BroadcastExchange"
                                      : "Exchange");
        return;
    case GLY_PHYSICAL_AGGREGATE:
    default:
        gly_builder_add_text(out, gly_physical_name(node->kind));
        return;
    }
}

static void add_partitioning(gly_builder *out, const gly_partitioning *partitioning) {
    switch ((gly_partitioning_kind)partitioning->kind) {
    case GLY_PARTITIONING_SINGLE:
        gly_builder_add_text(out, "SinglePartition");
        return;
    case GLY_PARTITIONING_HASH:
        gly_builder_add_text(out, "hashpartitioning(");
        for (uint32_t i = 0; i < partitioning->expr_count; i++) {
            gly_expr_format(partitioning->exprs[i], false, out);
            gly_builder_add_text(out, ", ");
        }
        gly_builder_format(out, "%u)", partitioning->partition_count);
        return;
    case GLY_PARTITIONING_ROUND_ROBIN:
        gly_builder_format(out, "RoundRobinPartitioning(%u)", partitioning->partition_count);
        return;
    case GLY_PARTITIONING_BROADCAST:
        gly_builder_add_text(out, "BroadcastMode");
        return;
    }
}

static const char *join_name(uint8_t kind, bool is_flipped) {
    return join_names[is_flipped ? flipped_kinds[kind] : kind];
}

static void add_hash_join(gly_builder *out, const gly_physical *node) {
    bool flipped = node->join.is_flipped;
    gly_builder_add_char(out, ' ');
    add_exprs(out, false, node->join.key_count,
              flipped ? node->join.build_keys : node->join.probe_keys);
    gly_builder_add_text(out, ", ");
    add_exprs(out, false, node->join.key_count,
              flipped ? node->join.probe_keys : node->join.build_keys);
    gly_builder_format(out, ", %s, %s", join_name(node->join.kind, flipped),
                       flipped ? "BuildLeft" : "BuildRight");
    if (node->join.condition != NULL) {
        gly_builder_add_text(out, ", ");
        gly_expr_format(node->join.condition, false, out);
    }
}

static void add_scan(gly_builder *out, const gly_physical *node) {
    gly_builder_format(out, " %.*s ", GLY_STR_ARG(node->scan.name));
    add_fields(out, ",", &node->schema);
    gly_builder_add_text(out, " PushedFilters: ");
    add_exprs(out, false, node->scan.filter_count, node->scan.filters);
}

/* long: one case for each kind of node */
void gly_explain_node_line(const gly_physical *node, gly_builder *out) {
    gly_explain_node_name(node, out);
    switch (node->kind) {
    case GLY_PHYSICAL_SCAN:
        add_scan(out, node);
        break;
    case GLY_PHYSICAL_CACHED:
        gly_builder_format(out, " %.*s ", GLY_STR_ARG(node->cached.table));
        add_fields(out, ",", &node->schema);
        break;
    case GLY_PHYSICAL_VALUES:
        gly_builder_add_char(out, ' ');
        add_fields(out, ", ", &node->schema);
        gly_builder_format(out, ", %u row%s", node->values.row_count,
                           node->values.row_count == 1 ? "" : "s");
        break;
    case GLY_PHYSICAL_RANGE:
        gly_builder_format(out, " (%lld, %lld, step=%lld, splits=%u)",
                           (long long)node->range.start, (long long)node->range.end,
                           (long long)node->range.step, node->partition_count);
        break;
    case GLY_PHYSICAL_FILTER:
        gly_builder_add_char(out, ' ');
        gly_expr_format(node->filter.condition, false, out);
        break;
    case GLY_PHYSICAL_PROJECT:
        gly_builder_add_char(out, ' ');
        add_project(out, node->schema.field_count, node->project.exprs, NULL, &node->schema);
        break;
    case GLY_PHYSICAL_AGGREGATE:
        gly_builder_add_text(out, "(keys=");
        add_exprs(out, false, node->aggregate.group_count, node->aggregate.groups);
        gly_builder_add_text(out, ", functions=");
        add_aggregates(out, node);
        gly_builder_add_char(out, ')');
        break;
    case GLY_PHYSICAL_HASH_JOIN:
        add_hash_join(out, node);
        break;
    case GLY_PHYSICAL_NESTED_JOIN:
        gly_builder_format(out, " BuildRight, %s", join_names[node->nested_join.kind]);
        if (node->nested_join.condition != NULL) {
            gly_builder_add_text(out, ", ");
            gly_expr_format(node->nested_join.condition, false, out);
        }
        break;
    case GLY_PHYSICAL_SORT:
        gly_builder_add_char(out, ' ');
        add_sort_keys(out, false, node->sort.key_count, node->sort.keys);
        break;
    case GLY_PHYSICAL_TOPN:
        gly_builder_format(out, "(limit=%llu, orderBy=", (unsigned long long)node->sort.limit);
        add_sort_keys(out, false, node->sort.key_count, node->sort.keys);
        gly_builder_add_char(out, ')');
        break;
    case GLY_PHYSICAL_LIMIT:
        out->size -= strlen(gly_physical_name(node->kind));
        add_limit(out, node->limit.limit, node->limit.offset);
        break;
    case GLY_PHYSICAL_EXCHANGE:
    case GLY_PHYSICAL_SHUFFLE_WRITE:
        gly_builder_add_char(out, ' ');
        add_partitioning(out, &node->exchange.partitioning);
        break;
    case GLY_PHYSICAL_SHUFFLE_READ:
        gly_builder_format(out, " %u%s", node->shuffle_read.shuffle_id,
                           node->shuffle_read.is_broadcast ? ", broadcast" : "");
        break;
    case GLY_PHYSICAL_FILE_WRITE:
        gly_builder_format(out, " %.*s, %.*s, %s", GLY_STR_ARG(node->file_write.path),
                           GLY_STR_ARG(node->file_write.format),
                           write_modes[node->file_write.mode]);
        break;
    case GLY_PHYSICAL_CACHE_WRITE:
        gly_builder_format(out, " %.*s", GLY_STR_ARG(node->cached.table));
        break;
    case GLY_PHYSICAL_UNION:
    case GLY_PHYSICAL_RESULT:
    case GLY_PHYSICAL_COUNT:
        break;
    }
}

static void add_scan_detail(gly_builder *out, const gly_physical *node) {
    char size[32];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < node->scan.file_count; i++) {
        bytes += node->scan.files[i].size_bytes;
    }
    gly_builder_format(out, "Location: %u file%s, %s", node->scan.file_count,
                       node->scan.file_count == 1 ? "" : "s",
                       gly_str_format_bytes(bytes, size, sizeof size));
    if (node->scan.file_count > 0) {
        gly_builder_format(out, " [%.*s%s]", GLY_STR_ARG(node->scan.files[0].path),
                           node->scan.file_count > 1 ? ", ..." : "");
    }
    gly_builder_add_text(out, "\nPushedFilters: ");
    add_exprs(out, false, node->scan.filter_count, node->scan.filters);
    gly_builder_add_text(out, "\nReadSchema: ");
    add_struct(out, &node->schema);
    gly_builder_add_char(out, '\n');
}

static void add_join_detail(gly_builder *out, const gly_physical *node) {
    bool flipped = node->join.is_flipped;
    gly_builder_format(out, "Left keys [%u]: ", node->join.key_count);
    add_exprs(out, false, node->join.key_count,
              flipped ? node->join.build_keys : node->join.probe_keys);
    gly_builder_format(out, "\nRight keys [%u]: ", node->join.key_count);
    add_exprs(out, false, node->join.key_count,
              flipped ? node->join.probe_keys : node->join.build_keys);
    gly_builder_format(out, "\nJoin type: %s\nBuild side: %s\nJoin condition: ",
                       join_name(node->join.kind, flipped), flipped ? "left" : "right");
    if (node->join.condition == NULL) {
        gly_builder_add_text(out, "None");
    } else {
        gly_expr_format(node->join.condition, false, out);
    }
    gly_builder_add_char(out, '\n');
}

static void add_detail(gly_builder *out, const gly_physical *node) {
    switch (node->kind) {
    case GLY_PHYSICAL_SCAN:
        add_scan_detail(out, node);
        return;
    case GLY_PHYSICAL_AGGREGATE:
        gly_builder_format(out, "Keys [%u]: ", node->aggregate.group_count);
        add_exprs(out, false, node->aggregate.group_count, node->aggregate.groups);
        gly_builder_format(out, "\nFunctions [%u]: ", node->aggregate.aggregate_count);
        add_aggregates(out, node);
        gly_builder_add_char(out, '\n');
        return;
    case GLY_PHYSICAL_HASH_JOIN:
        add_join_detail(out, node);
        return;
    case GLY_PHYSICAL_UNION:
    case GLY_PHYSICAL_RESULT:
        return;
    default:
        gly_builder_add_text(out, "Arguments: ");
        gly_explain_node_line(node, out);
        gly_builder_add_char(out, '\n');
        return;
    }
}

void gly_explain_node_paragraph(const gly_physical *node, gly_builder *out) {
    char count[32];
    gly_builder_format(out, "\n(%u) ", node->id);
    gly_explain_node_name(node, out);
    if (node->kind == GLY_PHYSICAL_SCAN) {
        gly_builder_format(out, " %.*s", GLY_STR_ARG(node->scan.name));
    }
    gly_builder_format(out, "\nOutput [%u]: ", node->schema.field_count);
    add_fields(out, ", ", &node->schema);
    gly_builder_add_char(out, '\n');
    add_detail(out, node);
    gly_builder_format(out, "Partitions: %u\nEstimated rows: %s\n", node->partition_count,
                       node->row_estimate == UINT64_MAX
                           ? "unknown"
                           : gly_str_format_count(node->row_estimate, count, sizeof count));
}
