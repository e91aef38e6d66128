/* plan_codec.c - a physical plan to bytes.
 *
 *   "GLYP" | version | functions, operators, types known (three u32)
 *   u32 n  | n expressions, children before parents, named by their position
 *   u32 m  | m nodes, children before parents; the last one is the root
 *
 * Both tables are written in post-order and refer backwards only, so a shared expression or node
 * is written once, no plan can contain a cycle, and neither side needs recursion.  All integers
 * are little-endian; a text is u32 size, bytes.
 * Not here: reading (plan_decode.c) and the checks of a read plan (plan_check.c).
 */
#include "lib/plan/plan_codec.h"

#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/plan/plan_decode.h"

/* Pointer -> position, open addressing; capacity is a power of two. */
typedef struct pointer_map {
    const void **keys;
    uint32_t *values;
    size_t capacity, count;
} pointer_map;

typedef struct writer {
    pointer_map exprs, nodes;
    gly_builder expr_bytes, node_bytes;
    GLY_ARRAY(const gly_expr *) expr_stack;
    bool is_fingerprint; /* leave out what does not change the result */
    bool is_random;      /* a nondeterministic call was written */
} writer;

static size_t map_slot(const pointer_map *map, const void *key) {
    size_t i = gly_hash_u64((uint64_t)(uintptr_t)key) & (map->capacity - 1);
    while (map->keys[i] != NULL && map->keys[i] != key) {
        i = (i + 1) & (map->capacity - 1);
    }
    return i;
}

static void map_put(pointer_map *map, const void *key) {
    if (map->count * 2 >= map->capacity) {
        pointer_map larger = {.capacity = GLY_MAX(map->capacity * 2, (size_t)64),
                              .count = map->count};
        larger.keys = GLY_NEW_ARRAY(const void *, larger.capacity);
        larger.values = GLY_NEW_ARRAY(uint32_t, larger.capacity);
        for (size_t i = 0; i < map->capacity; i++) {
            if (map->keys[i] != NULL) {
                size_t slot = map_slot(&larger, map->keys[i]);
                larger.keys[slot] = map->keys[i];
                larger.values[slot] = map->values[i];
            }
        }
        free(map->keys);
        free(map->values);
        *map = larger;
    }
    size_t slot = map_slot(map, key);
    map->keys[slot] = key;
    map->values[slot] = (uint32_t)map->count++;
}

static bool map_has(const pointer_map *map, const void *key) {
    return map->capacity > 0 && map->keys[map_slot(map, key)] == key;
}

static void map_clear(pointer_map *map) {
    free(map->keys);
    free(map->values);
}

static void put_u8(gly_builder *out, uint8_t value) { gly_builder_add(out, &value, 1); }

static void put_u32(gly_builder *out, uint32_t value) {
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    gly_builder_add(out, bytes, sizeof bytes);
}

static void put_u64(gly_builder *out, uint64_t value) {
    put_u32(out, (uint32_t)value);
    put_u32(out, (uint32_t)(value >> 32));
}

static void put_str(gly_builder *out, gly_str text) {
    put_u32(out, (uint32_t)text.size);
    gly_builder_add_str(out, text);
}

static void put_type(gly_builder *out, gly_type type) {
    put_u8(out, type.id);
    put_u8(out, type.precision);
    put_u8(out, (uint8_t)type.scale);
}

static void put_value(gly_builder *out, const gly_value *value) {
    put_type(out, value->type);
    put_u8(out, value->is_null);
    if (value->is_null) {
        return;
    }
    uint64_t bits = 0;
    switch (gly_type_kind(value->type)) {
    case GLY_KIND_TEXT:
        put_str(out, value->text);
        return;
    case GLY_KIND_I128:
        put_u64(out, (uint64_t)value->i128);
        put_u64(out, (uint64_t)((gly_u128)value->i128 >> 64));
        return;
    case GLY_KIND_F32:
    case GLY_KIND_F64:
        memcpy(&bits, &value->f64, sizeof bits);
        break;
    default:
        bits = (uint64_t)value->i64;
    }
    put_u64(out, bits);
}

static void put_schema(const writer *w, gly_builder *out, const gly_schema *schema) {
    put_u32(out, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        put_str(out, w->is_fingerprint ? (gly_str){"", 0} : schema->fields[i].name);
        put_type(out, schema->fields[i].type);
        put_u8(out, schema->fields[i].nullable);
    }
}

static void put_options(gly_builder *out, uint32_t count, const gly_option *options) {
    put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        put_str(out, options[i].key);
        put_str(out, options[i].value);
    }
}

static uint32_t expr_index(const writer *w, const gly_expr *expr) {
    return w->exprs.values[map_slot(&w->exprs, expr)];
}

static void write_expr(writer *w, const gly_expr *expr) {
    gly_builder *out = &w->expr_bytes;
    put_u8(out, expr->kind);
    put_u8(out, expr->mode);
    put_u8(out, (uint8_t)(expr->nullable | expr->is_distinct << 1 | expr->is_try << 2 |
                          (expr->filter != NULL) << 3));
    put_type(out, expr->type);
    put_u32(out, w->is_fingerprint ? 0 : expr->line);
    put_u32(out, w->is_fingerprint ? 0 : expr->position);
    put_str(out, w->is_fingerprint ? (gly_str){"", 0} : expr->name);
    if (expr->kind == GLY_EXPR_CALL) {
        w->is_random |= (gly_function_get(expr->function)->flags & GLY_FUNCTION_NONDET) != 0;
    }
    switch ((gly_expr_kind)expr->kind) {
    case GLY_EXPR_LITERAL:
        put_value(out, &expr->value);
        break;
    case GLY_EXPR_COLUMN:
        put_u32(out, expr->column);
        break;
    case GLY_EXPR_CALL:
    case GLY_EXPR_CAST:
        put_u32(out, (uint32_t)expr->function);
        put_u32(out, expr->arg_count);
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            put_u32(out, expr_index(w, expr->args[i]));
        }
        break;
    }
    if (expr->filter != NULL) {
        put_u32(out, expr_index(w, expr->filter));
    }
    map_put(&w->exprs, expr);
}

/* Writes expr's whole tree into the expression table unless it is there. */
static void add_expr(writer *w, const gly_expr *root) {
    gly_array_push(&w->expr_stack, root);
    while (w->expr_stack.count > 0) {
        const gly_expr *expr = w->expr_stack.items[w->expr_stack.count - 1];
        bool is_ready = true;
        if (!map_has(&w->exprs, expr)) {
            for (uint32_t i = expr->arg_count; i > 0; i--) {
                if (!map_has(&w->exprs, expr->args[i - 1])) {
                    gly_array_push(&w->expr_stack, expr->args[i - 1]);
                    is_ready = false;
                }
            }
            if (expr->filter != NULL && !map_has(&w->exprs, expr->filter)) {
                gly_array_push(&w->expr_stack, expr->filter);
                is_ready = false;
            }
            if (is_ready) {
                write_expr(w, expr);
            }
        }
        if (is_ready) {
            w->expr_stack.count--;
        }
    }
}

/* An expression or nothing: position + 1, 0 for NULL. */
static void put_expr(writer *w, gly_builder *out, const gly_expr *expr) {
    if (expr == NULL) {
        put_u32(out, 0);
        return;
    }
    add_expr(w, expr);
    put_u32(out, expr_index(w, expr) + 1);
}

static void put_exprs(writer *w, gly_builder *out, uint32_t count, gly_expr *const *exprs) {
    put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        put_expr(w, out, exprs[i]);
    }
}

static void write_scan(writer *w, gly_builder *out, const gly_physical *node) {
    put_str(out, node->scan.format);
    put_str(out, node->scan.name);
    put_options(out, node->scan.option_count, node->scan.options);
    put_schema(w, out, node->scan.file_schema);
    put_u32(out, node->scan.partition_column_count);
    put_u32(out, node->scan.file_count);
    for (uint32_t i = 0; i < node->scan.file_count; i++) {
        const gly_relation_file *file = &node->scan.files[i];
        put_str(out, file->path);
        put_u64(out, file->size_bytes);
        bool has_values = file->partition_values != NULL;
        put_u8(out, has_values);
        for (uint32_t k = 0; has_values && k < node->scan.partition_column_count; k++) {
            put_value(out, &file->partition_values[k]);
        }
    }
    for (uint32_t i = 0; i < node->schema.field_count; i++) {
        put_u32(out, node->scan.fields[i]);
    }
    put_exprs(w, out, node->scan.filter_count, node->scan.filters);
    put_u32(out, node->scan.split_count);
    for (uint32_t i = 0; i < node->scan.split_count; i++) {
        put_u32(out, node->scan.splits[i].file);
        put_u64(out, node->scan.splits[i].offset);
        put_u64(out, node->scan.splits[i].length);
    }
    for (uint32_t i = 0; i <= node->partition_count; i++) {
        put_u32(out, node->scan.first_split[i]);
    }
}

static void write_join(writer *w, gly_builder *out, const gly_physical *node) {
    put_u8(out, node->join.kind);
    put_u8(out, node->join.is_flipped);
    put_u8(out, node->join.is_broadcast);
    put_exprs(w, out, node->join.key_count, node->join.probe_keys);
    put_exprs(w, out, node->join.key_count, node->join.build_keys);
    put_expr(w, out, node->join.condition);
}

/* long: one case for each kind of node */
static void write_detail(writer *w, gly_builder *out, const gly_physical *node) {
    switch (node->kind) {
    case GLY_PHYSICAL_SCAN:
        write_scan(w, out, node);
        break;
    case GLY_PHYSICAL_CACHED:
    case GLY_PHYSICAL_CACHE_WRITE:
        put_u64(out, node->cached.cache_id);
        put_str(out, node->cached.table);
        put_u8(out, node->cached.fields != NULL);
        for (uint32_t i = 0; node->cached.fields != NULL && i < node->schema.field_count; i++) {
            put_u32(out, node->cached.fields[i]);
        }
        break;
    case GLY_PHYSICAL_VALUES:
        put_u32(out, node->values.row_count);
        for (uint32_t r = 0; r < node->values.row_count; r++) {
            for (uint32_t c = 0; c < node->schema.field_count; c++) {
                put_value(out, &node->values.rows[r][c]);
            }
        }
        break;
    case GLY_PHYSICAL_RANGE:
        put_u64(out, (uint64_t)node->range.start);
        put_u64(out, (uint64_t)node->range.end);
        put_u64(out, (uint64_t)node->range.step);
        break;
    case GLY_PHYSICAL_FILTER:
        put_expr(w, out, node->filter.condition);
        break;
    case GLY_PHYSICAL_PROJECT:
        put_exprs(w, out, node->schema.field_count, node->project.exprs);
        break;
    case GLY_PHYSICAL_AGGREGATE:
        put_exprs(w, out, node->aggregate.group_count, node->aggregate.groups);
        put_exprs(w, out, node->aggregate.aggregate_count, node->aggregate.aggregates);
        put_u8(out, node->aggregate.skip_allowed);
        break;
    case GLY_PHYSICAL_HASH_JOIN:
        write_join(w, out, node);
        break;
    case GLY_PHYSICAL_NESTED_JOIN:
        put_u8(out, node->nested_join.kind);
        put_expr(w, out, node->nested_join.condition);
        break;
    case GLY_PHYSICAL_SORT:
    case GLY_PHYSICAL_TOPN:
        put_u64(out, node->sort.limit);
        put_u32(out, node->sort.key_count);
        for (uint32_t i = 0; i < node->sort.key_count; i++) {
            put_u8(out, (uint8_t)(node->sort.keys[i].descending |
                                  node->sort.keys[i].nulls_first << 1));
            put_expr(w, out, node->sort.keys[i].expr);
        }
        break;
    case GLY_PHYSICAL_LIMIT:
        put_u64(out, node->limit.limit);
        put_u64(out, node->limit.offset);
        break;
    case GLY_PHYSICAL_EXCHANGE:
    case GLY_PHYSICAL_SHUFFLE_WRITE:
        put_u8(out, node->exchange.partitioning.kind);
        put_u32(out, node->exchange.partitioning.partition_count);
        put_exprs(w, out, node->exchange.partitioning.expr_count,
                  node->exchange.partitioning.exprs);
        break;
    case GLY_PHYSICAL_SHUFFLE_READ:
        put_u32(out, node->shuffle_read.shuffle_id);
        put_u8(out, node->shuffle_read.is_broadcast);
        put_u8(out, node->shuffle_read.is_sorted_merge);
        break;
    case GLY_PHYSICAL_FILE_WRITE:
        put_str(out, node->file_write.format);
        put_str(out, node->file_write.path);
        put_options(out, node->file_write.option_count, node->file_write.options);
        put_u8(out, node->file_write.mode);
        break;
    case GLY_PHYSICAL_UNION:
    case GLY_PHYSICAL_RESULT:
        break;
    case GLY_PHYSICAL_COUNT:
        GLY_UNREACHABLE();
    }
}

static void write_node(writer *w, const gly_physical *node) {
    gly_builder *out = &w->node_bytes;
    put_u8(out, (uint8_t)node->kind);
    put_u32(out, w->is_fingerprint ? 0 : node->id);
    put_u32(out, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++) {
        put_u32(out, w->nodes.values[map_slot(&w->nodes, node->children[i])]);
    }
    put_schema(w, out, &node->schema);
    put_u32(out, node->partition_count);
    put_u64(out, w->is_fingerprint ? 0 : node->row_estimate);
    write_detail(w, out, node);
    map_put(&w->nodes, node);
}

static void write_nodes(writer *w, const gly_physical *root) {
    GLY_ARRAY(const gly_physical *) stack = {0};
    gly_array_push(&stack, root);
    while (stack.count > 0) {
        const gly_physical *node = stack.items[stack.count - 1];
        bool is_ready = true;
        if (!map_has(&w->nodes, node)) {
            for (uint32_t i = node->child_count; i > 0; i--) {
                if (!map_has(&w->nodes, node->children[i - 1])) {
                    gly_array_push(&stack, node->children[i - 1]);
                    is_ready = false;
                }
            }
            if (is_ready) {
                write_node(w, node);
            }
        }
        if (is_ready) {
            stack.count--;
        }
    }
    gly_array_clear(&stack);
}

static bool encode(const gly_physical *plan, bool is_fingerprint, gly_builder *out) {
    writer w = {.is_fingerprint = is_fingerprint};
    write_nodes(&w, plan);
    gly_builder_add(out, "GLYP", 4);
    put_u32(out, GLY_PLAN_CODEC_VERSION);
    put_u32(out, GLY_FN_COUNT_OF_FUNCTIONS);
    put_u32(out, GLY_PHYSICAL_COUNT);
    put_u32(out, GLY_TYPE_COUNT);
    put_u32(out, (uint32_t)w.exprs.count);
    gly_builder_add_str(out, gly_builder_str(&w.expr_bytes));
    put_u32(out, (uint32_t)w.nodes.count);
    gly_builder_add_str(out, gly_builder_str(&w.node_bytes));
    gly_builder_clear(&w.expr_bytes);
    gly_builder_clear(&w.node_bytes);
    gly_array_clear(&w.expr_stack);
    map_clear(&w.exprs);
    map_clear(&w.nodes);
    return !w.is_random;
}

void gly_plan_codec_encode(const gly_physical *plan, gly_builder *out) {
    (void)encode(plan, false, out);
}

bool gly_plan_codec_fingerprint(const gly_physical *plan, gly_builder *out) {
    return encode(plan, true, out);
}

gly_status gly_plan_codec_decode(gly_arena *arena, gly_str bytes, gly_physical **ret,
                                 gly_error *err) {
    return gly_plan_decode_bytes(arena, bytes, ret, err);
}
