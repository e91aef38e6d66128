/* id_set.c - sets of column ids as growing bit arrays.  Ids count from 1 within a query, so the
 * arrays are short. */
#include "lib/sql/optimize/id_set.h"

gly_id_set gly_id_set_make(gly_arena *arena) { return (gly_id_set){.arena = arena}; }

gly_id_set gly_id_set_copy(const gly_id_set *set) {
    gly_id_set copy = *set;
    if (set->word_count > 0) {
        copy.words = gly_arena_copy(set->arena, set->words, set->word_count * sizeof *set->words);
    }
    return copy;
}

static void reserve(gly_id_set *set, uint32_t word_count) {
    if (word_count > set->word_count) {
        uint32_t fresh_count = GLY_MAX(word_count, set->word_count * 2);
        uint64_t *fresh = GLY_ARENA_ARRAY(set->arena, uint64_t, fresh_count);
        if (set->word_count > 0) {
            memcpy(fresh, set->words, set->word_count * sizeof *fresh);
        }
        set->words = fresh;
        set->word_count = fresh_count;
    }
}

void gly_id_set_add(gly_id_set *set, uint32_t id) {
    reserve(set, id / 64 + 1);
    set->words[id / 64] |= UINT64_C(1) << (id % 64);
}

void gly_id_set_add_all(gly_id_set *set, const gly_id_set *other) {
    reserve(set, other->word_count);
    for (uint32_t i = 0; i < other->word_count; i++) {
        set->words[i] |= other->words[i];
    }
}

static void add_column(void *context, uint32_t id) { gly_id_set_add(context, id); }

void gly_id_set_add_expr(gly_id_set *set, const gly_expr *expr) {
    if (expr != NULL) {
        gly_expr_each_column(expr, add_column, set);
    }
}

void gly_id_set_add_output(gly_id_set *set, const gly_logical *node) {
    for (uint32_t i = 0; i < node->output_count; i++) {
        gly_id_set_add(set, node->output[i].id);
    }
}

bool gly_id_set_has(const gly_id_set *set, uint32_t id) {
    return id / 64 < set->word_count && (set->words[id / 64] >> (id % 64) & 1) != 0;
}

typedef struct question {
    const gly_id_set *set;
    bool all, any;
} question;

static void ask(void *context, uint32_t id) {
    question *q = context;
    bool has = gly_id_set_has(q->set, id);
    q->all &= has;
    q->any |= has;
}

bool gly_id_set_covers(const gly_id_set *set, const gly_expr *expr) {
    question q = {set, true, false};
    gly_expr_each_column(expr, ask, &q);
    return q.all;
}

bool gly_id_set_touches(const gly_id_set *set, const gly_expr *expr) {
    question q = {set, true, false};
    gly_expr_each_column(expr, ask, &q);
    return q.any;
}

bool gly_id_set_overlaps(const gly_id_set *set, const gly_id_set *other) {
    for (uint32_t i = 0; i < set->word_count && i < other->word_count; i++) {
        if ((set->words[i] & other->words[i]) != 0) {
            return true;
        }
    }
    return false;
}
