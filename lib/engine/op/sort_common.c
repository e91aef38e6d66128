/* sort_common.c - ORDER BY as a pipeline breaker: one sorter per worker, one merge for the source.
 *
 * Only the worker that asks first gets rows from the source, so that they leave in order.
 * Not here: sorting and spilling (table/sorter.c).
 */
#include "lib/engine/op/sort_common.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/engine/expr/expr_run.h"
#include "lib/engine/table/sorter.h"

typedef struct sorting { /* node->state */
    gly_op_node *node;
    gly_budget budget;
    gly_sort_spec spec;
    gly_expr_program *program; /* keys that are no plain columns; NULL: none */
    uint32_t computed_count;
    pthread_mutex_t lock;
    GLY_ARRAY(gly_sorter *) sorters;
    gly_sort_merge *merge;
    atomic_bool is_taken;
} sorting;

gly_status gly_sort_common_prepare(gly_op_node *node, uint64_t limit, gly_error *err) {
    const gly_physical *plan = node->plan;
    gly_arena *arena = node->task->arena;
    uint32_t key_count = plan->sort.key_count;
    sorting *s = GLY_NEW(sorting);
    node->state = s;
    s->node = node;
    pthread_mutex_init(&s->lock, NULL);
    gly_budget_init(&s->budget, &node->task->budget, SIZE_MAX);
    uint32_t columns = plan->schema.field_count;
    gly_type *types = GLY_ARENA_ARRAY(arena, gly_type, columns + key_count);
    gly_expr **computed = GLY_ARENA_ARRAY(arena, gly_expr *, key_count);
    gly_sort_key_part *parts = GLY_ARENA_ARRAY(arena, gly_sort_key_part, key_count);
    for (uint32_t c = 0; c < columns; c++) {
        types[c] = plan->schema.fields[c].type;
    }
    for (uint32_t k = 0; k < key_count; k++) {
        const gly_sort_key *key = &plan->sort.keys[k];
        parts[k] = (gly_sort_key_part){.type = key->expr->type,
                                       .descending = key->descending,
                                       .nulls_first = key->nulls_first,
                                       .nullable = key->expr->nullable,
                                       .column = key->expr->column};
        if (key->expr->kind != GLY_EXPR_COLUMN) {
            parts[k].column = columns + s->computed_count;
            types[columns + s->computed_count] = key->expr->type;
            computed[s->computed_count++] = key->expr;
        }
    }
    gly_row_layout_make(arena, 0, types, columns + s->computed_count, 0, &s->spec.layout);
    gly_sort_key_layout_make(parts, key_count, &s->spec.keys);
    s->spec.output_count = columns;
    s->spec.limit = limit;
    return s->computed_count == 0
               ? GLY_OK
               : gly_expr_compile(arena, s->computed_count, computed, &s->program, err);
}

void gly_sort_common_dispose(gly_op_node *node) {
    sorting *s = node->state;
    if (s == NULL) {
        return;
    }
    gly_sort_merge_free(s->merge);
    for (size_t i = 0; i < s->sorters.count; i++) {
        gly_sorter_free(s->sorters.items[i]);
    }
    gly_array_clear(&s->sorters);
    pthread_mutex_destroy(&s->lock);
    free(s);
    node->state = NULL;
}

typedef struct sinker {
    sorting *owner;
    gly_worker *worker;
    gly_expr_state *expr;
    gly_sorter *sorter; /* belongs to the sorting */
} sinker;

gly_status gly_sort_common_open_sink(gly_op_node *node, gly_worker *worker, void **ret_local,
                                     gly_error *err) {
    sorting *owner = node->state;
    (void)err;
    sinker *s = GLY_NEW(sinker);
    s->owner = owner;
    s->worker = worker;
    s->sorter = gly_sorter_make(&owner->spec, node->task, &owner->budget);
    if (owner->program != NULL) {
        s->expr = gly_expr_state_make(owner->program, node->partition);
    }
    pthread_mutex_lock(&owner->lock);
    gly_array_push(&owner->sorters, s->sorter);
    pthread_mutex_unlock(&owner->lock);
    *ret_local = s;
    return GLY_OK;
}

void gly_sort_common_close_sink(void *local) {
    sinker *s = local;
    if (s->expr != NULL) {
        gly_expr_state_free(s->expr);
    }
    free(s);
}

gly_status gly_sort_common_sink(void *local, const gly_batch *batch, gly_error *err) {
    sinker *s = local;
    const sorting *owner = s->owner;
    const gly_column *columns = batch->columns;
    if (s->expr != NULL) {
        gly_arena *scratch = s->worker->scratch;
        gly_column *all =
            GLY_ARENA_ARRAY(scratch, gly_column, batch->column_count + owner->computed_count);
        memcpy(all, batch->columns, batch->column_count * sizeof *all);
        GLY_TRY(gly_expr_run(s->expr, batch, scratch, all + batch->column_count, err));
        columns = all;
    }
    return gly_sorter_add(s->sorter, columns, batch->selection, batch->selected, err);
}

gly_status gly_sort_common_finish(void *local, gly_error *err) {
    sinker *s = local;
    return gly_sorter_finish(s->sorter, err);
}

gly_status gly_sort_common_seal(gly_op_node *node, gly_error *err) {
    sorting *s = node->state;
    if (s->sorters.count == 0) {
        return GLY_OK;
    }
    return gly_sort_merge_make(s->sorters.items, (uint32_t)s->sorters.count, &s->merge, err);
}

typedef struct sourcer {
    sorting *owner;
    bool is_owner; /* this worker puts the rows out */
} sourcer;

gly_status gly_sort_common_open_source(gly_op_node *node, gly_worker *worker, void **ret_local,
                                       gly_error *err) {
    sorting *owner = node->state;
    (void)worker;
    (void)err;
    sourcer *s = GLY_NEW(sourcer);
    s->owner = owner;
    s->is_owner = owner->merge != NULL && !atomic_exchange(&owner->is_taken, true);
    *ret_local = s;
    return GLY_OK;
}

void gly_sort_common_close_source(void *local) { free(local); }

gly_status gly_sort_common_next(void *local, const gly_batch **ret, gly_error *err) {
    sourcer *s = local;
    *ret = NULL;
    return s->is_owner ? gly_sort_merge_next(s->owner->merge, ret, err) : GLY_OK;
}
