/* plan_samples.c - well-formed physical plans, built by hand, for tests of codec, EXPLAIN and
 * stages. */
#include "tests/support/plan_samples.h"

static void set_schema(gly_arena *arena, gly_physical *node, uint32_t count,
                       const gly_field *fields) {
    node->schema.field_count = count;
    node->schema.fields = gly_arena_copy(arena, fields, count * sizeof *fields);
}

static gly_expr *column(gly_arena *arena, const gly_physical *node, uint32_t index) {
    const gly_field *field = &node->schema.fields[index];
    return gly_expr_column(arena, index, field->type, field->nullable, field->name);
}

static gly_expr *call2(gly_arena *arena, gly_function_id function, gly_type type, gly_expr *a,
                       gly_expr *b) {
    gly_expr **args = GLY_ARENA_ARRAY(arena, gly_expr *, 2);
    args[0] = a;
    args[1] = b;
    return gly_expr_call(arena, function, type, true, 2, args);
}

static gly_expr *bigint(gly_arena *arena, int64_t value) {
    return gly_expr_literal(arena, gly_value_i64(GLY_TYPE_OF(BIGINT), value));
}

static gly_expr **list1(gly_arena *arena, gly_expr *expr) {
    gly_expr **list = GLY_ARENA_ARRAY(arena, gly_expr *, 1);
    list[0] = expr;
    return list;
}

gly_physical *gly_plan_samples_scan(gly_arena *arena) {
    static const gly_field fields[] = {
        {{"k", 1}, {GLY_TYPE_BIGINT, 0, 0}, false},
        {{"v", 1}, {GLY_TYPE_DOUBLE, 0, 0}, true},
        {{"s", 1}, {GLY_TYPE_STRING, 0, 0}, true},
        {{"dt", 2}, {GLY_TYPE_DATE, 0, 0}, true},
    };
    static const gly_split splits[] = {{0, 0, 100}, {0, 100, 50}, {1, 0, 10}};
    static const uint32_t first_split[] = {0, 2, 3};
    static const uint32_t columns[] = {0, 1, 2};
    gly_physical *scan = gly_physical_make(arena, GLY_PHYSICAL_SCAN, 0);
    set_schema(arena, scan, 3, fields);
    scan->partition_count = 2;
    scan->row_estimate = 1000;
    scan->scan.format = GLY_STR("parquet");
    scan->scan.name = GLY_STR("t");
    scan->scan.option_count = 1;
    scan->scan.options = GLY_ARENA_NEW(arena, gly_option);
    *scan->scan.options = (gly_option){GLY_STR("path"), GLY_STR("/data/t")};
    scan->scan.file_schema = GLY_ARENA_NEW(arena, gly_schema);
    scan->scan.file_schema->field_count = 4;
    scan->scan.file_schema->fields = gly_arena_copy(arena, fields, sizeof fields);
    scan->scan.partition_column_count = 1;
    scan->scan.file_count = 2;
    scan->scan.files = GLY_ARENA_ARRAY(arena, gly_relation_file, 2);
    for (int i = 0; i < 2; i++) {
        gly_relation_file *file = &scan->scan.files[i];
        file->path = gly_str_of(gly_arena_format(arena, "/data/t/dt=2024-01-0%d/f.parquet", i + 1));
        file->size_bytes = 150;
        file->partition_values = GLY_ARENA_NEW(arena, gly_value);
        *file->partition_values = gly_value_i64(GLY_TYPE_OF(DATE), 19723 + i);
    }
    scan->scan.fields = gly_arena_copy(arena, columns, sizeof columns);
    scan->scan.filter_count = 1;
    scan->scan.filters = list1(arena, call2(arena, GLY_FN_GREATER, GLY_TYPE_OF(BOOLEAN),
                                            column(arena, scan, 0), bigint(arena, 5)));
    scan->scan.split_count = 3;
    scan->scan.splits = gly_arena_copy(arena, splits, sizeof splits);
    scan->scan.first_split = gly_arena_copy(arena, first_split, sizeof first_split);
    return scan;
}

/* A node over one scan with the scan's columns. */
static gly_physical *over_scan(gly_arena *arena, gly_physical_kind kind) {
    gly_physical *node = gly_physical_make(arena, kind, 1);
    node->children[0] = gly_plan_samples_scan(arena);
    node->schema = node->children[0]->schema;
    node->partition_count = node->children[0]->partition_count;
    return node;
}

static gly_physical *make_join(gly_arena *arena, gly_physical_kind kind) {
    gly_physical *join = gly_physical_make(arena, kind, 2);
    gly_physical *probe = join->children[0] = gly_plan_samples_scan(arena);
    gly_physical *build = join->children[1] = gly_plan_samples_scan(arena);
    gly_field fields[6];
    for (uint32_t i = 0; i < 6; i++) {
        fields[i] = probe->schema.fields[i % 3];
    }
    set_schema(arena, join, 6, fields);
    join->partition_count = 2;
    gly_expr *other = gly_expr_column(arena, 4, GLY_TYPE_OF(DOUBLE), true, GLY_STR("v"));
    gly_expr *condition = call2(arena, GLY_FN_LESS, GLY_TYPE_OF(BOOLEAN),
                                column(arena, probe, 1), other);
    if (kind == GLY_PHYSICAL_NESTED_JOIN) {
        join->nested_join.kind = GLY_JOIN_LEFT;
        join->nested_join.condition = condition;
        return join;
    }
    join->join.kind = GLY_JOIN_LEFT;
    join->join.is_flipped = true;
    join->join.is_broadcast = true;
    join->join.key_count = 1;
    join->join.probe_keys = list1(arena, column(arena, probe, 0));
    join->join.build_keys = list1(arena, column(arena, build, 0));
    join->join.condition = condition;
    return join;
}

static gly_expr *sum_call(gly_arena *arena, gly_aggregate_mode mode, gly_expr *arg) {
    gly_expr *call = gly_expr_call(arena, GLY_FN_SUM, GLY_TYPE_OF(DOUBLE), true, 1,
                                   list1(arena, arg));
    call->mode = (uint8_t)mode;
    call->name = GLY_STR("sum(v)");
    return call;
}

static gly_physical *make_aggregate(gly_arena *arena, gly_physical *child,
                                    gly_aggregate_mode mode) {
    gly_physical *node = gly_physical_make(arena, GLY_PHYSICAL_AGGREGATE, 1);
    gly_field fields[] = {child->schema.fields[0],
                          {GLY_STR("sum(v)"), GLY_TYPE_OF(DOUBLE), true}};
    node->children[0] = child;
    node->partition_count = child->partition_count;
    set_schema(arena, node, 2, fields);
    node->aggregate.group_count = 1;
    node->aggregate.groups = list1(arena, column(arena, child, 0));
    node->aggregate.aggregate_count = 1;
    node->aggregate.aggregates = list1(arena, sum_call(arena, mode, column(arena, child, 1)));
    if (mode == GLY_AGGREGATE_PARTIAL) {
        node->aggregate.skip_allowed = true;
        gly_expr *small = call2(arena, GLY_FN_LESS, GLY_TYPE_OF(BOOLEAN),
                                column(arena, child, 0), bigint(arena, 100));
        node->aggregate.aggregates[0]->filter = small;
    }
    return node;
}

gly_physical *gly_plan_samples_exchange(gly_arena *arena, gly_physical *child,
                                        gly_partitioning_kind kind, uint32_t count) {
    gly_physical *node = gly_physical_make(arena, GLY_PHYSICAL_EXCHANGE, 1);
    node->children[0] = child;
    node->schema = child->schema;
    node->partition_count = count;
    node->exchange.partitioning.kind = (uint8_t)kind;
    node->exchange.partitioning.partition_count = count;
    if (kind == GLY_PARTITIONING_HASH) {
        node->exchange.partitioning.expr_count = 1;
        node->exchange.partitioning.exprs = list1(arena, column(arena, child, 0));
    }
    return node;
}

static gly_physical *make_values(gly_arena *arena) {
    static const gly_field fields[] = {
        {{"a", 1}, {GLY_TYPE_BOOLEAN, 0, 0}, true},  {{"b", 1}, {GLY_TYPE_DECIMAL, 38, 10}, true},
        {{"c", 1}, {GLY_TYPE_FLOAT, 0, 0}, true},    {{"d", 1}, {GLY_TYPE_BINARY, 0, 0}, true},
        {{"e", 1}, {GLY_TYPE_SMALLINT, 0, 0}, true}, {{"f", 1}, {GLY_TYPE_TIMESTAMP, 0, 0}, true},
    };
    gly_physical *values = gly_physical_make(arena, GLY_PHYSICAL_VALUES, 0);
    set_schema(arena, values, GLY_ARRAY_LEN(fields), fields);
    values->partition_count = 1;
    values->values.row_count = 2;
    values->values.rows = GLY_ARENA_ARRAY(arena, gly_value *, 2);
    for (int r = 0; r < 2; r++) {
        gly_value *row = values->values.rows[r] =
            GLY_ARENA_ARRAY(arena, gly_value, GLY_ARRAY_LEN(fields));
        for (size_t c = 0; c < GLY_ARRAY_LEN(fields); c++) {
            row[c] = gly_value_null(fields[c].type);
        }
        if (r == 0) {
            row[0] = gly_value_i64(fields[0].type, 1);
            row[1] = gly_value_decimal(fields[1].type, -((gly_i128)1 << 100));
            row[2] = gly_value_f64(fields[2].type, -0.5);
            row[3] = gly_value_text(fields[3].type, (gly_str){"\0\xff", 2});
            row[4] = gly_value_i64(fields[4].type, -32768);
            row[5] = gly_value_i64(fields[5].type, INT64_MIN);
        }
    }
    return values;
}

static gly_physical *make_project(gly_arena *arena) {
    gly_physical *node = over_scan(arena, GLY_PHYSICAL_PROJECT);
    const gly_physical *child = node->children[0];
    gly_field fields[] = {child->schema.fields[1], {GLY_STR("twice"), GLY_TYPE_OF(BIGINT), true},
                          {GLY_STR("n"), GLY_TYPE_OF(INT), true}};
    set_schema(arena, node, 3, fields);
    node->project.exprs = GLY_ARENA_ARRAY(arena, gly_expr *, 3);
    gly_expr *k = column(arena, child, 0);
    node->project.exprs[0] = column(arena, child, 1);
    node->project.exprs[1] = call2(arena, GLY_FN_ADD, GLY_TYPE_OF(BIGINT), k, k);
    node->project.exprs[1]->line = 3;
    node->project.exprs[1]->position = 14;
    node->project.exprs[2] = gly_expr_cast(arena, column(arena, child, 2), GLY_TYPE_OF(INT), true);
    return node;
}

static gly_physical *make_sort(gly_arena *arena, gly_physical_kind kind) {
    gly_physical *node = over_scan(arena, kind);
    node->sort.limit = kind == GLY_PHYSICAL_TOPN ? 10 : UINT64_MAX;
    node->sort.key_count = 2;
    node->sort.keys = GLY_ARENA_ARRAY(arena, gly_sort_key, 2);
    node->sort.keys[0] = (gly_sort_key){column(arena, node->children[0], 1), true, false};
    node->sort.keys[1] = (gly_sort_key){column(arena, node->children[0], 0), false, true};
    return node;
}

static gly_physical *make_file_write(gly_arena *arena) {
    static const gly_field fields[] = {{{"path", 4}, {GLY_TYPE_STRING, 0, 0}, false},
                                       {{"rows", 4}, {GLY_TYPE_BIGINT, 0, 0}, false},
                                       {{"bytes", 5}, {GLY_TYPE_BIGINT, 0, 0}, false}};
    gly_physical *node = over_scan(arena, GLY_PHYSICAL_FILE_WRITE);
    set_schema(arena, node, 3, fields);
    node->file_write.format = GLY_STR("parquet");
    node->file_write.path = GLY_STR("/out");
    node->file_write.mode = GLY_WRITE_OVERWRITE;
    node->file_write.option_count = 1;
    node->file_write.options = GLY_ARENA_NEW(arena, gly_option);
    *node->file_write.options = (gly_option){GLY_STR("compression"), GLY_STR("zstd")};
    return node;
}

static gly_physical *make_leaf(gly_arena *arena, gly_physical_kind kind) {
    static const gly_field field = {{"id", 2}, {GLY_TYPE_BIGINT, 0, 0}, false};
    static const uint32_t fields[] = {7};
    gly_physical *node = gly_physical_make(arena, kind, 0);
    set_schema(arena, node, 1, &field);
    node->partition_count = 3;
    if (kind == GLY_PHYSICAL_RANGE) {
        node->range.start = -5;
        node->range.end = 100;
        node->range.step = 3;
    } else if (kind == GLY_PHYSICAL_CACHED) {
        node->cached.cache_id = 99;
        node->cached.table = GLY_STR("c");
        node->cached.fields = gly_arena_copy(arena, fields, sizeof fields);
    } else {
        node->shuffle_read.shuffle_id = 12;
        node->shuffle_read.is_broadcast = true;
    }
    return node;
}

/* long: one case for each kind of node */
gly_physical *gly_plan_samples_node(gly_arena *arena, gly_physical_kind kind) {
    gly_physical *node;
    switch (kind) {
    case GLY_PHYSICAL_SCAN:
        return gly_plan_samples_scan(arena);
    case GLY_PHYSICAL_CACHED:
    case GLY_PHYSICAL_RANGE:
    case GLY_PHYSICAL_SHUFFLE_READ:
        return make_leaf(arena, kind);
    case GLY_PHYSICAL_VALUES:
        return make_values(arena);
    case GLY_PHYSICAL_FILTER:
        node = over_scan(arena, kind);
        node->filter.condition = node->children[0]->scan.filters[0];
        return node;
    case GLY_PHYSICAL_PROJECT:
        return make_project(arena);
    case GLY_PHYSICAL_AGGREGATE:
        return make_aggregate(arena, gly_plan_samples_scan(arena), GLY_AGGREGATE_PARTIAL);
    case GLY_PHYSICAL_HASH_JOIN:
    case GLY_PHYSICAL_NESTED_JOIN:
        return make_join(arena, kind);
    case GLY_PHYSICAL_SORT:
    case GLY_PHYSICAL_TOPN:
        return make_sort(arena, kind);
    case GLY_PHYSICAL_LIMIT:
        node = over_scan(arena, kind);
        node->limit.limit = 5;
        node->limit.offset = 2;
        return node;
    case GLY_PHYSICAL_UNION:
        node = gly_physical_make(arena, kind, 2);
        node->children[0] = node->children[1] = gly_plan_samples_scan(arena); /* shared */
        node->schema = node->children[0]->schema;
        node->partition_count = 4;
        return node;
    case GLY_PHYSICAL_EXCHANGE:
        return gly_plan_samples_exchange(arena, gly_plan_samples_scan(arena),
                                         GLY_PARTITIONING_HASH, 8);
    case GLY_PHYSICAL_SHUFFLE_WRITE:
        node = over_scan(arena, kind);
        node->exchange.partitioning.kind = GLY_PARTITIONING_ROUND_ROBIN;
        node->exchange.partitioning.partition_count = 5;
        return node;
    case GLY_PHYSICAL_FILE_WRITE:
        return make_file_write(arena);
    case GLY_PHYSICAL_RESULT:
        return over_scan(arena, kind);
    case GLY_PHYSICAL_CACHE_WRITE:
        node = over_scan(arena, kind);
        node->cached.cache_id = 4;
        node->cached.table = GLY_STR("c");
        return node;
    case GLY_PHYSICAL_COUNT:
        break;
    }
    return NULL;
}

gly_physical *gly_plan_samples_query(gly_arena *arena) {
    gly_physical *partial =
        make_aggregate(arena, gly_plan_samples_scan(arena), GLY_AGGREGATE_PARTIAL);
    gly_physical *exchange =
        gly_plan_samples_exchange(arena, partial, GLY_PARTITIONING_HASH, 4);
    gly_physical *final = make_aggregate(arena, exchange, GLY_AGGREGATE_FINAL);
    gly_physical *single = gly_plan_samples_exchange(arena, final, GLY_PARTITIONING_SINGLE, 1);
    gly_physical *sort = gly_physical_make(arena, GLY_PHYSICAL_SORT, 1);
    sort->children[0] = single;
    sort->schema = single->schema;
    sort->partition_count = 1;
    sort->sort.limit = UINT64_MAX;
    sort->sort.key_count = 1;
    sort->sort.keys = GLY_ARENA_NEW(arena, gly_sort_key);
    *sort->sort.keys = (gly_sort_key){column(arena, single, 0), false, true};
    gly_physical *root = gly_physical_make(arena, GLY_PHYSICAL_RESULT, 1);
    root->children[0] = sort;
    root->schema = sort->schema;
    root->partition_count = 1;
    (void)gly_physical_number(root, 1);
    return root;
}
