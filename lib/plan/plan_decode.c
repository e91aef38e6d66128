/* plan_decode.c - bytes to a physical plan, trusting nothing.
 *
 * The layout is drawn in plan_codec.c.  The reader is a cursor that remembers whether it ever ran
 * over the end: after that every read gives zero, and the next check of `bad` ends the decoding.
 * Invariants: a count is compared with the bytes that are left before anything is allocated for
 * it; references go backwards only, so there are no cycles; the size of every expression with its
 * shared parts counted anew is bounded, so that walkers cannot explode.
 * Not here: whether the parts fit each other (plan_check.c, called for each node).
 */
#include "lib/plan/plan_decode.h"

#include "lib/base/alloc.h"
#include "lib/plan/plan_check.h"
#include "lib/plan/plan_codec.h"

typedef struct measure { /* of one expression or node with everything below */
    uint32_t depth;
    uint32_t size;
} measure;

typedef struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
    gly_arena *arena;
    uint32_t expr_count, node_count;
    gly_expr **exprs;
    measure *expr_measures;
    uint64_t expr_total; /* sizes of all references from nodes */
    gly_physical **nodes;
    measure *node_measures;
} reader;

static bool take(reader *r, size_t size) {
    if (r->bad || r->left < size) {
        r->bad = true;
        return false;
    }
    r->at += size;
    r->left -= size;
    return true;
}

static uint8_t get_u8(reader *r) { return take(r, 1) ? r->at[-1] : 0; }

static bool get_bool(reader *r) {
    uint8_t value = get_u8(r);
    r->bad |= value > 1;
    return value == 1;
}

static uint32_t get_u32(reader *r) {
    if (!take(r, 4)) {
        return 0;
    }
    const uint8_t *b = r->at - 4;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static uint64_t get_u64(reader *r) {
    uint64_t low = get_u32(r);
    return low | (uint64_t)get_u32(r) << 32;
}

/* How many things of at least least_size bytes follow; 0 and bad if they cannot be there. */
static uint32_t get_count(reader *r, size_t least_size) {
    uint32_t count = get_u32(r);
    if (count > r->left / least_size) {
        r->bad = true;
        return 0;
    }
    return count;
}

static gly_str get_str(reader *r) {
    uint32_t size = get_u32(r);
    if (!take(r, size)) {
        return (gly_str){"", 0};
    }
    return gly_arena_str(r->arena, (gly_str){(const char *)r->at - size, size});
}

static gly_type get_type(reader *r) {
    gly_type type = {.id = get_u8(r)};
    type.precision = get_u8(r);
    type.scale = (int8_t)get_u8(r);
    if (!gly_plan_check_type(type)) {
        r->bad = true;
        return GLY_TYPE_OF(NULL);
    }
    return type;
}

static gly_value get_value(reader *r) {
    gly_value value = {.type = get_type(r)};
    value.is_null = get_bool(r);
    if (value.is_null) {
        return value;
    }
    uint64_t bits;
    switch (gly_type_kind(value.type)) {
    case GLY_KIND_TEXT:
        value.text = get_str(r);
        return value;
    case GLY_KIND_I128: {
        gly_u128 low = get_u64(r);
        value.i128 = (gly_i128)(low | (gly_u128)get_u64(r) << 64);
        return value;
    }
    case GLY_KIND_F32:
    case GLY_KIND_F64:
        bits = get_u64(r);
        memcpy(&value.f64, &bits, sizeof bits);
        return value;
    case GLY_KIND_I8:
        value.i64 = (int64_t)get_u64(r);
        r->bad |= value.i64 < INT8_MIN || value.i64 > INT8_MAX ||
                  (value.type.id == GLY_TYPE_BOOLEAN && (value.i64 & ~INT64_C(1)) != 0);
        return value;
    case GLY_KIND_I16:
        value.i64 = (int64_t)get_u64(r);
        r->bad |= value.i64 < INT16_MIN || value.i64 > INT16_MAX;
        return value;
    case GLY_KIND_I32:
        value.i64 = (int64_t)get_u64(r);
        r->bad |= value.i64 < INT32_MIN || value.i64 > INT32_MAX;
        return value;
    default:
        value.i64 = (int64_t)get_u64(r);
        return value;
    }
}

static gly_schema get_schema(reader *r) {
    gly_schema schema = {.field_count = get_count(r, 8)};
    schema.fields = GLY_ARENA_ARRAY(r->arena, gly_field, schema.field_count);
    for (uint32_t i = 0; i < schema.field_count && !r->bad; i++) {
        schema.fields[i].name = get_str(r);
        schema.fields[i].type = get_type(r);
        schema.fields[i].nullable = get_bool(r);
    }
    return schema;
}

static gly_option *get_options(reader *r, uint32_t *ret_count) {
    *ret_count = get_count(r, 8);
    gly_option *options = GLY_ARENA_ARRAY(r->arena, gly_option, *ret_count);
    for (uint32_t i = 0; i < *ret_count && !r->bad; i++) {
        options[i].key = get_str(r);
        options[i].value = get_str(r);
    }
    return options;
}

/* An earlier expression by position; adds its measure to total's. */
static gly_expr *get_operand(reader *r, uint32_t before, measure *total) {
    uint32_t index = get_u32(r);
    if (r->bad || index >= before) {
        r->bad = true;
        return NULL;
    }
    total->depth = GLY_MAX(total->depth, r->expr_measures[index].depth + 1);
    total->size += r->expr_measures[index].size;
    r->bad |= total->size > GLY_PLAN_CHECK_MAX_EXPRS || total->depth > GLY_PLAN_CHECK_MAX_DEPTH;
    return r->exprs[index];
}

static void read_expr(reader *r, uint32_t index) {
    gly_expr *expr = GLY_ARENA_NEW(r->arena, gly_expr);
    measure total = {1, 1};
    r->exprs[index] = expr;
    expr->kind = get_u8(r);
    expr->mode = get_u8(r);
    uint8_t flags = get_u8(r);
    expr->nullable = flags & 1;
    expr->is_distinct = flags & 2;
    expr->is_try = flags & 4;
    expr->type = get_type(r);
    expr->line = get_u32(r);
    expr->position = get_u32(r);
    expr->name = get_str(r);
    r->bad |= flags > 15 || expr->kind > GLY_EXPR_CAST || expr->mode > GLY_AGGREGATE_FINAL ||
              ((flags & 8) != 0 && expr->kind != GLY_EXPR_CALL);
    if (r->bad) {
        return;
    }
    if (expr->kind == GLY_EXPR_LITERAL) {
        expr->value = get_value(r);
    } else if (expr->kind == GLY_EXPR_COLUMN) {
        expr->column = get_u32(r);
    } else {
        uint32_t function = get_u32(r);
        expr->arg_count = get_count(r, 4);
        if (function >= GLY_FN_COUNT_OF_FUNCTIONS) {
            r->bad = true;
            return;
        }
        expr->function = (gly_function_id)function;
        expr->args = GLY_ARENA_ARRAY(r->arena, gly_expr *, expr->arg_count);
        for (uint32_t i = 0; i < expr->arg_count && !r->bad; i++) {
            expr->args[i] = get_operand(r, index, &total);
        }
    }
    if ((flags & 8) != 0 && !r->bad) {
        expr->filter = get_operand(r, index, &total);
    }
    r->expr_measures[index] = total;
}

/* What put_expr wrote: position + 1, or 0 for none (then bad unless it may be missing). */
static gly_expr *get_expr(reader *r, bool is_optional) {
    uint32_t index = get_u32(r);
    if (r->bad || index > r->expr_count || (index == 0 && !is_optional)) {
        r->bad = true;
        return NULL;
    }
    if (index == 0) {
        return NULL;
    }
    r->expr_total += r->expr_measures[index - 1].size;
    r->bad |= r->expr_total > GLY_PLAN_CHECK_MAX_EXPRS;
    return r->exprs[index - 1];
}

static gly_expr **get_exprs(reader *r, uint32_t *ret_count) {
    *ret_count = get_count(r, 4);
    gly_expr **exprs = GLY_ARENA_ARRAY(r->arena, gly_expr *, *ret_count);
    for (uint32_t i = 0; i < *ret_count && !r->bad; i++) {
        exprs[i] = get_expr(r, false);
    }
    return exprs;
}

static uint32_t *get_fields(reader *r, uint32_t count) {
    if (count > r->left / 4) {
        r->bad = true;
        return NULL;
    }
    uint32_t *fields = GLY_ARENA_ARRAY(r->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = get_u32(r);
    }
    return fields;
}

static void read_files(reader *r, gly_physical *node) {
    uint32_t columns = node->scan.partition_column_count;
    node->scan.file_count = get_count(r, 13);
    node->scan.files = GLY_ARENA_ARRAY(r->arena, gly_relation_file, node->scan.file_count);
    for (uint32_t i = 0; i < node->scan.file_count && !r->bad; i++) {
        gly_relation_file *file = &node->scan.files[i];
        file->path = get_str(r);
        file->size_bytes = get_u64(r);
        if (!get_bool(r)) {
            continue;
        }
        if (columns > r->left / 4) {
            r->bad = true;
            return;
        }
        file->partition_values = GLY_ARENA_ARRAY(r->arena, gly_value, columns);
        for (uint32_t k = 0; k < columns && !r->bad; k++) {
            file->partition_values[k] = get_value(r);
        }
    }
}

static void read_scan(reader *r, gly_physical *node) {
    node->scan.format = get_str(r);
    node->scan.name = get_str(r);
    node->scan.options = get_options(r, &node->scan.option_count);
    node->scan.file_schema = GLY_ARENA_NEW(r->arena, gly_schema);
    *node->scan.file_schema = get_schema(r);
    node->scan.partition_column_count = get_u32(r);
    read_files(r, node);
    node->scan.fields = get_fields(r, node->schema.field_count);
    node->scan.filters = get_exprs(r, &node->scan.filter_count);
    node->scan.split_count = get_count(r, 20);
    node->scan.splits = GLY_ARENA_ARRAY(r->arena, gly_split, node->scan.split_count);
    for (uint32_t i = 0; i < node->scan.split_count; i++) {
        node->scan.splits[i].file = get_u32(r);
        node->scan.splits[i].offset = get_u64(r);
        node->scan.splits[i].length = get_u64(r);
    }
    if (node->partition_count == UINT32_MAX) {
        r->bad = true;
        return;
    }
    node->scan.first_split = get_fields(r, node->partition_count + 1);
}

static void read_values(reader *r, gly_physical *node) {
    uint32_t columns = node->schema.field_count;
    /* A row of no columns takes no bytes: SELECT without FROM has one, a few more do no harm. */
    node->values.row_count = columns == 0 ? get_u32(r) : get_count(r, (size_t)4 * columns);
    if (columns == 0 && node->values.row_count > GLY_PLAN_CHECK_MAX_NODES) {
        r->bad = true;
        return;
    }
    node->values.rows = GLY_ARENA_ARRAY(r->arena, gly_value *, node->values.row_count);
    for (uint32_t i = 0; i < node->values.row_count && !r->bad; i++) {
        node->values.rows[i] = GLY_ARENA_ARRAY(r->arena, gly_value, columns);
        for (uint32_t c = 0; c < columns && !r->bad; c++) {
            node->values.rows[i][c] = get_value(r);
        }
    }
}

static void read_join(reader *r, gly_physical *node) {
    uint32_t build_count;
    node->join.kind = get_u8(r);
    node->join.is_flipped = get_bool(r);
    node->join.is_broadcast = get_bool(r);
    node->join.probe_keys = get_exprs(r, &node->join.key_count);
    node->join.build_keys = get_exprs(r, &build_count);
    r->bad |= build_count != node->join.key_count;
    node->join.condition = get_expr(r, true);
}

static void read_sort(reader *r, gly_physical *node) {
    node->sort.limit = get_u64(r);
    node->sort.key_count = get_count(r, 5);
    node->sort.keys = GLY_ARENA_ARRAY(r->arena, gly_sort_key, node->sort.key_count);
    for (uint32_t i = 0; i < node->sort.key_count && !r->bad; i++) {
        uint8_t flags = get_u8(r);
        r->bad |= flags > 3;
        node->sort.keys[i].descending = flags & 1;
        node->sort.keys[i].nulls_first = flags & 2;
        node->sort.keys[i].expr = get_expr(r, false);
    }
}

/* long: one case for each kind of node */
static void read_detail(reader *r, gly_physical *node) {
    uint32_t count;
    switch (node->kind) {
    case GLY_PHYSICAL_SCAN:
        read_scan(r, node);
        break;
    case GLY_PHYSICAL_CACHED:
    case GLY_PHYSICAL_CACHE_WRITE:
        node->cached.cache_id = get_u64(r);
        node->cached.table = get_str(r);
        node->cached.fields = get_bool(r) ? get_fields(r, node->schema.field_count) : NULL;
        break;
    case GLY_PHYSICAL_VALUES:
        read_values(r, node);
        break;
    case GLY_PHYSICAL_RANGE:
        node->range.start = (int64_t)get_u64(r);
        node->range.end = (int64_t)get_u64(r);
        node->range.step = (int64_t)get_u64(r);
        break;
    case GLY_PHYSICAL_FILTER:
        node->filter.condition = get_expr(r, false);
        break;
    case GLY_PHYSICAL_PROJECT:
        node->project.exprs = get_exprs(r, &count);
        r->bad |= count != node->schema.field_count;
        break;
    case GLY_PHYSICAL_AGGREGATE:
        node->aggregate.groups = get_exprs(r, &node->aggregate.group_count);
        node->aggregate.aggregates = get_exprs(r, &node->aggregate.aggregate_count);
        node->aggregate.skip_allowed = get_bool(r);
        break;
    case GLY_PHYSICAL_HASH_JOIN:
        read_join(r, node);
        break;
    case GLY_PHYSICAL_NESTED_JOIN:
        node->nested_join.kind = get_u8(r);
        node->nested_join.condition = get_expr(r, true);
        break;
    case GLY_PHYSICAL_SORT:
    case GLY_PHYSICAL_TOPN:
        read_sort(r, node);
        break;
    case GLY_PHYSICAL_LIMIT:
        node->limit.limit = get_u64(r);
        node->limit.offset = get_u64(r);
        break;
    case GLY_PHYSICAL_EXCHANGE:
    case GLY_PHYSICAL_SHUFFLE_WRITE:
        node->exchange.partitioning.kind = get_u8(r);
        node->exchange.partitioning.partition_count = get_u32(r);
        node->exchange.partitioning.exprs = get_exprs(r, &node->exchange.partitioning.expr_count);
        break;
    case GLY_PHYSICAL_SHUFFLE_READ:
        node->shuffle_read.shuffle_id = get_u32(r);
        node->shuffle_read.is_broadcast = get_bool(r);
        node->shuffle_read.is_sorted_merge = get_bool(r);
        break;
    case GLY_PHYSICAL_FILE_WRITE:
        node->file_write.format = get_str(r);
        node->file_write.path = get_str(r);
        node->file_write.options = get_options(r, &node->file_write.option_count);
        node->file_write.mode = get_u8(r);
        break;
    case GLY_PHYSICAL_UNION:
    case GLY_PHYSICAL_RESULT:
        break;
    case GLY_PHYSICAL_COUNT:
        r->bad = true;
    }
}

static void read_node(reader *r, uint32_t index) {
    uint8_t kind = get_u8(r);
    uint32_t id = get_u32(r);
    uint32_t child_count = get_count(r, 4);
    if (r->bad || kind >= GLY_PHYSICAL_COUNT) {
        r->bad = true;
        return;
    }
    gly_physical *node = gly_physical_make(r->arena, (gly_physical_kind)kind, child_count);
    measure total = {1, 1};
    r->nodes[index] = node;
    node->id = id;
    for (uint32_t i = 0; i < child_count; i++) {
        uint32_t child = get_u32(r);
        if (r->bad || child >= index) {
            r->bad = true;
            return;
        }
        node->children[i] = r->nodes[child];
        total.depth = GLY_MAX(total.depth, r->node_measures[child].depth + 1);
        total.size += r->node_measures[child].size;
        if (total.size > GLY_PLAN_CHECK_MAX_NODES || total.depth > GLY_PLAN_CHECK_MAX_DEPTH) {
            r->bad = true;
            return;
        }
    }
    r->node_measures[index] = total;
    node->schema = get_schema(r);
    node->partition_count = get_u32(r);
    node->row_estimate = get_u64(r);
    if (!r->bad) {
        read_detail(r, node);
    }
}

static gly_status read_header(reader *r, gly_error *err) {
    if (r->left < 20 || memcmp(r->at, "GLYP", 4) != 0) {
        return gly_fail(err, GLY_E_PROTOCOL,
                        "The task's plan is not a Galley plan (%zu bytes without its mark).",
                        r->left);
    }
    take(r, 4);
    uint32_t version = get_u32(r);
    uint32_t functions = get_u32(r), operators = get_u32(r), types = get_u32(r);
    if (version != GLY_PLAN_CODEC_VERSION || functions != GLY_FN_COUNT_OF_FUNCTIONS ||
        operators != GLY_PHYSICAL_COUNT || types != GLY_TYPE_COUNT) {
        return gly_fail(err, GLY_E_PROTOCOL,
                        "The task's plan was written by another build of Galley (plan version %u, "
                        "here %d); driver and executors must be the same build.",
                        version, GLY_PLAN_CODEC_VERSION);
    }
    return GLY_OK;
}

static gly_status read_plan(reader *r, gly_physical **ret, gly_error *err) {
    GLY_TRY(read_header(r, err));
    r->expr_count = get_count(r, 22);
    r->exprs = GLY_NEW_ARRAY(gly_expr *, (size_t)r->expr_count + 1);
    r->expr_measures = GLY_NEW_ARRAY(measure, (size_t)r->expr_count + 1);
    for (uint32_t i = 0; i < r->expr_count && !r->bad; i++) {
        read_expr(r, i);
    }
    r->node_count = get_count(r, 25);
    r->nodes = GLY_NEW_ARRAY(gly_physical *, (size_t)r->node_count + 1);
    r->node_measures = GLY_NEW_ARRAY(measure, (size_t)r->node_count + 1);
    for (uint32_t i = 0; i < r->node_count && !r->bad; i++) {
        read_node(r, i);
        if (!r->bad) {
            GLY_TRY(gly_plan_check_node(r->nodes[i], err));
        }
    }
    if (r->bad || r->left != 0 || r->node_count == 0) {
        return gly_fail(err, GLY_E_PROTOCOL, "The task's plan is damaged (near byte %zu from its "
                        "end); send it again.", r->left);
    }
    *ret = r->nodes[r->node_count - 1];
    return GLY_OK;
}

gly_status gly_plan_decode_bytes(gly_arena *arena, gly_str bytes, gly_physical **ret,
                                 gly_error *err) {
    reader r = {.at = (const uint8_t *)bytes.data, .left = bytes.size, .arena = arena};
    gly_status status = read_plan(&r, ret, err);
    free(r.exprs);
    free(r.expr_measures);
    free(r.nodes);
    free(r.node_measures);
    return status;
}
