/* id_set.h - a set of column ids: a bit each. */
#ifndef GLY_ID_SET_H
#define GLY_ID_SET_H

#include "lib/plan/logical.h"

typedef struct gly_id_set {
    gly_arena *arena;
    uint32_t word_count;
    uint64_t *words;
} gly_id_set;

gly_id_set gly_id_set_make(gly_arena *arena);
gly_id_set gly_id_set_copy(const gly_id_set *set);
void gly_id_set_add(gly_id_set *set, uint32_t id);
void gly_id_set_add_all(gly_id_set *set, const gly_id_set *other);
void gly_id_set_add_expr(gly_id_set *set, const gly_expr *expr); /* NULL: nothing */
void gly_id_set_add_output(gly_id_set *set, const gly_logical *node);
bool gly_id_set_has(const gly_id_set *set, uint32_t id);
/* Every column of expr is in the set (true for expressions without columns). */
bool gly_id_set_covers(const gly_id_set *set, const gly_expr *expr);
/* Some column of expr is in the set. */
bool gly_id_set_touches(const gly_id_set *set, const gly_expr *expr);
bool gly_id_set_overlaps(const gly_id_set *set, const gly_id_set *other);

#endif
