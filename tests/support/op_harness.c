/* op_harness.c - the worker loop in small, for one operator between tables and lines. */
#include "tests/support/op_harness.h"

#include "lib/base/alloc.h"
#include "lib/engine/pipeline/task_state.h"

#include <stdio.h>
#include <unistd.h>

typedef struct harness {
    gly_op_node node;
    gly_task_state task;
    const gly_op_table *input;
    gly_op_run *run;
    gly_op_lines *lines;
    pthread_mutex_t lock;
    atomic_uint next_row;
    enum { AS_SINK, AS_SOURCE, AS_STREAM } role;
} harness;

typedef struct hand { /* one worker */
    harness *owner;
    gly_worker worker;
    pthread_t thread;
    gly_random random;
    gly_status status;
    gly_error err;
} hand;

gly_op_table *gly_op_harness_table(gly_arena *arena, const gly_type *types, uint32_t column_count,
                                   uint32_t row_count) {
    gly_op_table *table = GLY_ARENA_NEW(arena, gly_op_table);
    table->column_count = column_count;
    table->types = gly_arena_copy(arena, types, column_count * sizeof *types);
    table->row_count = row_count;
    table->rows = GLY_ARENA_ARRAY(arena, gly_value *, row_count);
    for (uint32_t r = 0; r < row_count; r++) {
        table->rows[r] = GLY_ARENA_ARRAY(arena, gly_value, column_count);
        for (uint32_t c = 0; c < column_count; c++) {
            table->rows[r][c] = gly_value_null(types[c]);
        }
    }
    return table;
}

/* Makes a flat column of few different values a dictionary of just those. */
static bool make_small(gly_arena *arena, gly_random *random, gly_column *column) {
    enum { MOST = 12 };
    size_t width = gly_type_width(column->type);
    char *entries = gly_arena_alloc_aligned(arena, MOST * width);
    uint32_t *codes = gly_arena_alloc_aligned(arena, column->count * sizeof *codes);
    uint32_t used = 0;
    for (uint32_t i = 0; i < column->count; i++) {
        const char *value = (const char *)column->data + i * width;
        uint32_t at = 0;
        while (at < used && memcmp(entries + at * width, value, width) != 0) {
            at++;
        }
        if (at == used && used++ < MOST) {
            memcpy(entries + at * width, value, width);
        }
        if (used > MOST) {
            return false;
        }
        codes[i] = at;
    }
    column->shape = GLY_SHAPE_DICTIONARY;
    column->data = entries;
    column->codes = codes;
    column->dictionary_count = used;
    column->dictionary_id = gly_random_below(random, 2) == 0 ? 0 : gly_random_u64(random) | 1;
    return true;
}

/* Column c of `count` rows (positions[i] says where row first+i goes among all) in a random shape.
 */
static void make_column(gly_arena *arena, const gly_op_table *table, uint32_t c, uint32_t first,
                        uint32_t count, const uint16_t *positions, uint32_t all, gly_random *random,
                        gly_column *ret) {
    gly_type type = table->types[c];
    bool is_constant = count == 1 || (type.id != GLY_TYPE_DOUBLE && type.id != GLY_TYPE_FLOAT);
    for (uint32_t i = 1; i < count && is_constant; i++) {
        is_constant = gly_value_equal(&table->rows[first][c], &table->rows[first + i][c]);
    }
    if (is_constant && gly_random_below(random, 2) == 0) {
        gly_column_constant(arena, &table->rows[first][c], all, ret);
        return;
    }
    gly_column_make_flat(arena, type, all, ret);
    ret->count = all;
    memset(ret->data, 0, gly_type_width(type) * all);
    for (uint32_t i = 0; i < count; i++) {
        const gly_value *value = &table->rows[first + i][c];
        uint32_t at = positions == NULL ? i : positions[i];
        if (value->is_null) {
            gly_column_need_validity(arena, ret, all);
            gly_bit_clear(ret->validity, at);
        } else {
            gly_column_set(arena, ret, at, value);
        }
    }
    if (gly_random_below(random, 3) == 0 && make_small(arena, random, ret)) {
        return;
    }
    if (gly_random_below(random, 3) == 0) { /* the same as a dictionary, backwards */
        gly_column flat = *ret;
        size_t width = gly_type_width(type);
        ret->shape = GLY_SHAPE_DICTIONARY;
        ret->data = gly_arena_alloc_aligned(arena, width * all);
        ret->codes = gly_arena_alloc_aligned(arena, all * sizeof *ret->codes);
        ret->dictionary_count = all;
        for (uint32_t i = 0; i < all; i++) {
            memcpy((char *)ret->data + i * width, (char *)flat.data + (all - 1 - i) * width, width);
            ret->codes[i] = all - 1 - i;
        }
    }
}

static void make_batch(gly_arena *arena, const gly_op_table *table, uint32_t first, uint32_t count,
                       gly_random *random, gly_batch *ret) {
    uint16_t *positions = NULL;
    uint32_t all = count;
    if (gly_random_below(random, 2) == 0 && count < GLY_BATCH_ROWS) {
        all = count + (uint32_t)gly_random_below(random, GLY_BATCH_ROWS - count) + 1;
        positions = gly_arena_alloc(arena, all * sizeof *positions);
        uint32_t at = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t slack = all - at - (count - i);
            at += (uint32_t)gly_random_below(random, GLY_MIN(slack, 2u) + 1);
            positions[i] = (uint16_t)at++;
        }
    }
    *ret = (gly_batch){table->column_count, all, count, positions, NULL};
    ret->columns = GLY_ARENA_ARRAY(arena, gly_column, table->column_count);
    for (uint32_t c = 0; c < table->column_count; c++) {
        make_column(arena, table, c, first, count, positions, all, random, &ret->columns[c]);
    }
}

void gly_op_harness_format(const gly_value *row, uint32_t column_count, gly_builder *out) {
    for (uint32_t c = 0; c < column_count; c++) {
        gly_builder_add_text(out, c == 0 ? "" : "|");
        gly_value_format(&row[c], out);
    }
    gly_builder_add_text(out, "");
}

static void keep_row(gly_op_run *run, const gly_batch *batch, uint32_t row) {
    gly_op_table *kept = &run->kept;
    if ((kept->row_count & (kept->row_count + 1)) == 0) { /* 2^n - 1 rows: room for 2^(n+1) - 1 */
        gly_value **more = GLY_ARENA_ARRAY(run->keep, gly_value *, 2 * kept->row_count + 1);
        if (kept->row_count > 0) {
            memcpy(more, kept->rows, kept->row_count * sizeof *more);
        }
        kept->rows = more;
    }
    kept->column_count = batch->column_count;
    gly_value *values = GLY_ARENA_ARRAY(run->keep, gly_value, batch->column_count);
    for (uint32_t c = 0; c < batch->column_count; c++) {
        gly_value value = gly_column_get(&batch->columns[c], row);
        values[c] = gly_value_copy(run->keep, &value);
    }
    kept->rows[kept->row_count++] = values;
}

static gly_status collect(void *context, const gly_batch *batch, gly_error *err) {
    harness *h = context;
    const gly_schema *schema = &h->node.plan->schema;
    if (batch->column_count != schema->field_count || batch->selected > batch->count ||
        batch->count > GLY_BATCH_ROWS) {
        return gly_fail(err, GLY_E_INTERNAL, "a batch of %u columns, %u of %u rows",
                        batch->column_count, batch->selected, batch->count);
    }
    pthread_mutex_lock(&h->lock);
    for (uint32_t i = 0; h->run->keep != NULL && i < batch->selected; i++) {
        keep_row(h->run, batch, gly_batch_row(batch, i));
    }
    for (uint32_t i = 0; i < batch->selected; i++) {
        gly_builder line = {0};
        uint32_t row = gly_batch_row(batch, i);
        for (uint32_t c = 0; c < batch->column_count; c++) {
            const gly_column *column = &batch->columns[c];
            if (column->count != batch->count ||
                !gly_type_equal(column->type, schema->fields[c].type)) {
                pthread_mutex_unlock(&h->lock);
                gly_builder_clear(&line);
                return gly_fail(err, GLY_E_INTERNAL, "column %u: count %u of %u, or its type", c,
                                column->count, batch->count);
            }
            gly_value value = gly_column_get(column, row);
            gly_builder_add_text(&line, c == 0 ? "" : "|");
            gly_value_format(&value, &line);
        }
        gly_op_harness_add(h->lines, line.data == NULL ? "" : line.data);
        gly_builder_clear(&line);
    }
    h->run->rows_out += batch->selected;
    pthread_mutex_unlock(&h->lock);
    return GLY_OK;
}

/* Takes the next few rows of the input; false at its end. */
static bool take(hand *self, gly_batch *ret) {
    harness *h = self->owner;
    uint32_t want = (uint32_t)gly_random_below(&self->random, 4) == 0
                        ? (uint32_t)gly_random_below(&self->random, GLY_BATCH_ROWS) + 1
                        : GLY_BATCH_ROWS;
    uint32_t first = atomic_fetch_add(&h->next_row, want);
    if (first >= h->input->row_count) {
        return false;
    }
    gly_arena_reset(self->worker.scratch);
    make_batch(self->worker.scratch, h->input, first, GLY_MIN(want, h->input->row_count - first),
               &self->random, ret);
    return true;
}

static gly_status run_sink(hand *self, void **local, gly_error *err) {
    const gly_operator *op = self->owner->node.op;
    gly_batch batch;
    GLY_TRY(op->open_sink(&self->owner->node, &self->worker, local, err));
    while (take(self, &batch)) {
        GLY_TRY(op->sink(*local, &batch, err));
    }
    gly_arena_reset(self->worker.scratch);
    return op->finish == NULL ? GLY_OK : op->finish(*local, err);
}

static gly_status run_stream(hand *self, void **local, gly_error *err) {
    const gly_operator *op = self->owner->node.op;
    gly_batch batch;
    gly_downstream next = {collect, self->owner};
    GLY_TRY(op->open_stream(&self->owner->node, &self->worker, next, local, err));
    while (take(self, &batch)) {
        GLY_TRY(op->push(*local, &batch, err));
    }
    gly_arena_reset(self->worker.scratch);
    return op->flush == NULL ? GLY_OK : op->flush(*local, err);
}

static gly_status run_source(hand *self, void **local, gly_error *err) {
    const gly_operator *op = self->owner->node.op;
    GLY_TRY(op->open_source(&self->owner->node, &self->worker, local, err));
    for (;;) {
        const gly_batch *batch;
        gly_arena_reset(self->worker.scratch);
        GLY_TRY(op->next(*local, &batch, err));
        if (batch == NULL) {
            return GLY_OK;
        }
        GLY_TRY(collect(self->owner, batch, err));
    }
}

static void *hand_main(void *context) {
    hand *self = context;
    harness *h = self->owner;
    void *local = NULL;
    self->worker.scratch = gly_arena_make();
    switch (h->role) {
    case AS_SINK:
        self->status = run_sink(self, &local, &self->err);
        break;
    case AS_SOURCE:
        self->status = run_source(self, &local, &self->err);
        break;
    default:
        self->status = run_stream(self, &local, &self->err);
        break;
    }
    const gly_operator *op = h->node.op;
    void (*close)(void *) = h->role == AS_SINK     ? op->close_sink
                            : h->role == AS_SOURCE ? op->close_source
                                                   : op->close_stream;
    if (local != NULL && close != NULL) {
        close(local);
    }
    gly_arena_free(self->worker.scratch);
    return NULL;
}

static gly_status run_role(harness *h, int role, const gly_op_table *input, gly_error *err) {
    uint32_t width = GLY_MAX(h->run->width, 1u);
    hand *hands = GLY_NEW_ARRAY(hand, width);
    h->role = role;
    h->input = input;
    atomic_store(&h->next_row, 0);
    for (uint32_t w = 0; w < width; w++) {
        hands[w].owner = h;
        hands[w].random.state = h->run->seed * 1000 + w * 7 + (uint64_t)role;
        hands[w].worker = (gly_worker){.task = &h->task, .index = w};
        if (w > 0) {
            pthread_create(&hands[w].thread, NULL, hand_main, &hands[w]);
        }
    }
    hand_main(&hands[0]);
    gly_status status = GLY_OK;
    for (uint32_t w = 0; w < width; w++) {
        if (w > 0) {
            pthread_join(hands[w].thread, NULL);
        }
        if (status == GLY_OK && hands[w].status != GLY_OK) {
            status = gly_error_copy(err, &hands[w].err);
        }
    }
    free(hands);
    return status;
}

static gly_status run_all(harness *h, const gly_op_table *const *inputs, gly_error *err) {
    const gly_operator *op = h->node.op;
    gly_physical_kind kind = h->node.plan->kind;
    bool is_join = kind == GLY_PHYSICAL_HASH_JOIN || kind == GLY_PHYSICAL_NESTED_JOIN;
    bool is_partial = kind == GLY_PHYSICAL_AGGREGATE && h->node.plan->aggregate.group_count > 0 &&
                      h->node.plan->aggregate.aggregate_count > 0 &&
                      h->node.plan->aggregate.aggregates[0]->mode == GLY_AGGREGATE_PARTIAL;
    GLY_TRY(op->prepare(&h->node, err));
    if (is_partial) {
        return run_role(h, AS_STREAM, inputs[0], err);
    }
    GLY_TRY(run_role(h, AS_SINK, inputs[is_join ? 1 : 0], err));
    if (op->seal != NULL) {
        GLY_TRY(op->seal(&h->node, err));
    }
    if (!is_join) {
        return run_role(h, AS_SOURCE, NULL, err);
    }
    GLY_TRY(run_role(h, AS_STREAM, inputs[0], err));
    return op->needs_after != NULL && op->needs_after(&h->node) ? run_role(h, AS_SOURCE, NULL, err)
                                                                : GLY_OK;
}

gly_status gly_op_harness_run(const gly_physical *plan, const gly_op_table *const *inputs,
                              gly_op_run *run, gly_op_lines *ret, gly_error *err) {
    char directory[] = "/tmp/galley-test-XXXXXX";
    if (mkdtemp(directory) == NULL) {
        return gly_fail(err, GLY_E_IO, "no temporary directory");
    }
    gly_budget memory;
    gly_budget_init(&memory, NULL, SIZE_MAX);
    atomic_bool cancelled = false;
    gly_task_environment environment = {.memory = &memory,
                                        .local_dir = directory,
                                        .executor_id = GLY_STR("test"),
                                        .shuffle_codec = GLY_CODEC_LZ4,
                                        .slot_count = 1};
    gly_task_spec spec = {.width = GLY_MAX(run->width, 1u),
                          .plan = plan,
                          .memory_limit_bytes = run->memory_bytes,
                          .cancelled = &cancelled};
    gly_task_result result = {0};
    harness h = {.run = run, .lines = ret};
    gly_arena *arena = gly_arena_make();
    if (run->memory_bytes == 0) {
        spec.memory_limit_bytes = SIZE_MAX;
    }
    gly_task_state_init(&h.task, arena, &environment, &spec, &result);
    pthread_mutex_init(&h.lock, NULL);
    h.node = (gly_op_node){.op = gly_operator_find(plan->kind), .plan = plan, .task = &h.task};
    run->rows_out = 0;
    run->kept = (gly_op_table){0};
    if (run->keep != NULL) {
        gly_type *types = GLY_ARENA_ARRAY(run->keep, gly_type, plan->schema.field_count);
        for (uint32_t c = 0; c < plan->schema.field_count; c++) {
            types[c] = plan->schema.fields[c].type;
        }
        run->kept.types = types;
        run->kept.column_count = plan->schema.field_count;
    }
    gly_status status = run_all(&h, inputs, err);
    h.node.op->dispose(&h.node);
    if (status == GLY_OK && gly_budget_used(&h.task.budget) != 0) {
        status = gly_fail(err, GLY_E_INTERNAL, "%zu bytes are still reserved",
                          gly_budget_used(&h.task.budget));
    }
    run->spill_bytes = atomic_load(&h.task.spill_bytes);
    run->peak_bytes = gly_budget_peak(&h.task.budget);
    gly_task_state_clear(&h.task);
    gly_arena_free(arena);
    pthread_mutex_destroy(&h.lock);
    if (rmdir(directory) != 0 && status == GLY_OK) {
        status = gly_fail(err, GLY_E_INTERNAL, "files were left in %s", directory);
    }
    return status;
}

void gly_op_harness_add(gly_op_lines *lines, const char *line) {
    if (lines->count == lines->capacity) {
        lines->capacity = GLY_MAX(lines->capacity * 2, (size_t)64);
        lines->items = gly_alloc_resize(lines->items, lines->capacity * sizeof *lines->items);
    }
    lines->items[lines->count++] = gly_alloc_string(line);
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void gly_op_harness_sort(gly_op_lines *lines) {
    if (lines->count > 0) {
        qsort(lines->items, lines->count, sizeof *lines->items, compare_lines);
    }
}

void gly_op_harness_clear(gly_op_lines *lines) {
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->items[i]);
    }
    free(lines->items);
    *lines = (gly_op_lines){0};
}

bool gly_op_harness_same(gly_op_lines *actual, gly_op_lines *expected) {
    gly_op_harness_sort(actual);
    gly_op_harness_sort(expected);
    for (size_t i = 0; i < actual->count && i < expected->count; i++) {
        if (strcmp(actual->items[i], expected->items[i]) != 0) {
            fprintf(stderr, "row %zu is\n  %s, not\n  %s\n", i, actual->items[i],
                    expected->items[i]);
            return false;
        }
    }
    if (actual->count != expected->count) {
        fprintf(stderr, "%zu rows, not %zu\n", actual->count, expected->count);
    }
    return actual->count == expected->count;
}

gly_physical *gly_op_harness_plan(gly_arena *arena, gly_physical_kind kind, uint32_t child_count,
                                  const gly_type *output, uint32_t output_count) {
    gly_physical *plan = gly_physical_make(arena, kind, child_count);
    plan->id = 1;
    plan->schema.field_count = output_count;
    plan->schema.fields = GLY_ARENA_ARRAY(arena, gly_field, output_count);
    for (uint32_t i = 0; i < output_count; i++) {
        plan->schema.fields[i] = (gly_field){GLY_STR("c"), output[i], true};
    }
    plan->partition_count = 1;
    return plan;
}

gly_expr *gly_op_harness_column(gly_arena *arena, uint32_t column, gly_type type) {
    return gly_expr_column(arena, column, type, true, GLY_STR("c"));
}
