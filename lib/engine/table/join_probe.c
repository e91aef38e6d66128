/* join_probe.c - rounds along the chains of a batch; every kind of join is what to do with a match.
 *
 * Each round matches an element at most once, so a round's matches can be put out as the input
 * batch with a selection, build values scattered next to it: nothing of the probe side is copied.
 * Rounds with few matches (long chains of few elements) are collected and put out as copies
 * instead. Residual conditions run on a dense batch of the matches with only the columns they read.
 * Invariant: payload is gathered last, for rows that are really put out.
 */
#include "lib/engine/table/join_probe.h"

#include "lib/base/alloc.h"
#include "lib/engine/kernel/k_hash.h"
#include "lib/engine/table/key_columns.h"

typedef enum stage { ROUNDS, COLLECTED, REST, DONE } stage;

struct gly_join_probe {
    const gly_join_spec *spec;
    bool always_hash;
    gly_join_side side;
    gly_expr_state *key_state, *condition_state;
    gly_arena *input;  /* keys of the batch */
    gly_arena *round;  /* condition */
    gly_arena *output; /* the batch put out */
    const gly_batch *batch;
    bool *seen;
    bool is_last;
    stage stage;
    gly_batch out;
    uint64_t hashes[GLY_BATCH_ROWS];
    gly_join_walk walk;
    bool matched[GLY_BATCH_ROWS]; /* elements, in all rounds */
    uint32_t round_count;         /* this round's matches, not yet put out */
    uint16_t round_elements[GLY_BATCH_ROWS];
    uint8_t *round_rows[GLY_BATCH_ROWS];
    uint32_t collected_count;
    uint16_t collected_elements[GLY_BATCH_ROWS];
    uint8_t *collected_rows[GLY_BATCH_ROWS];
};

gly_join_probe *gly_join_probe_make(const gly_join_spec *spec, bool always_hash) {
    gly_join_probe *probe = gly_alloc(sizeof *probe); /* large arrays: not zeroed */
    probe->spec = spec;
    probe->always_hash = always_hash;
    probe->side = (gly_join_side){0};
    probe->key_state = probe->condition_state = NULL;
    if (spec->key_program != NULL) {
        probe->key_state = gly_expr_state_make(spec->key_program, spec->partition);
    }
    if (spec->condition != NULL) {
        probe->condition_state = gly_expr_state_make(spec->condition, spec->partition);
    }
    probe->input = gly_arena_make();
    probe->round = gly_arena_make();
    probe->output = gly_arena_make();
    probe->batch = NULL;
    probe->stage = DONE;
    return probe;
}

void gly_join_probe_free(gly_join_probe *probe) {
    if (probe == NULL) {
        return;
    }
    if (probe->key_state != NULL) {
        gly_expr_state_free(probe->key_state);
    }
    if (probe->condition_state != NULL) {
        gly_expr_state_free(probe->condition_state);
    }
    gly_arena_free(probe->input);
    gly_arena_free(probe->round);
    gly_arena_free(probe->output);
    free(probe);
}

void gly_join_probe_set_side(gly_join_probe *probe, gly_join_side side) { probe->side = side; }

const uint64_t *gly_join_probe_hashes(const gly_join_probe *probe) { return probe->hashes; }

/* Which elements have no NULL key; NULL when all. */
static const bool *valid_elements(gly_arena *arena, const gly_column *keys, uint32_t key_count,
                                  uint32_t count) {
    bool *valid = NULL;
    for (uint32_t k = 0; k < key_count; k++) {
        bool is_void = keys[k].type.id == GLY_TYPE_NULL;
        if (keys[k].validity == NULL && !is_void) {
            continue;
        }
        if (valid == NULL) {
            valid = gly_arena_alloc(arena, count);
            memset(valid, 1, count);
        }
        for (uint32_t i = 0; i < count; i++) {
            valid[i] = valid[i] && !is_void && gly_bit_get(keys[k].validity, i);
        }
    }
    return valid;
}

static gly_status evaluate_keys(gly_join_probe *probe, const gly_batch *batch, gly_column *ret,
                                gly_error *err) {
    const gly_join_spec *spec = probe->spec;
    gly_column *raw = GLY_ARENA_ARRAY(probe->input, gly_column, spec->key_count);
    if (spec->key_program != NULL) {
        GLY_TRY(gly_expr_run(probe->key_state, batch, probe->input, raw, err));
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        const gly_column *key =
            spec->key_program != NULL ? &raw[k] : &batch->columns[spec->probe_keys[k]->column];
        gly_key_columns_prepare(key, batch->selection, batch->selected, probe->input, &ret[k]);
    }
    return GLY_OK;
}

gly_status gly_join_probe_begin(gly_join_probe *probe, const gly_batch *batch, bool *seen,
                                bool is_last, gly_error *err) {
    const gly_join_spec *spec = probe->spec;
    const uint32_t live = batch->selected;
    gly_arena_reset(probe->input);
    probe->batch = batch;
    probe->seen = seen;
    probe->is_last = is_last;
    probe->stage = ROUNDS;
    probe->round_count = probe->collected_count = 0;
    gly_column *keys = GLY_ARENA_ARRAY(probe->input, gly_column, spec->key_count);
    GLY_TRY(evaluate_keys(probe, batch, keys, err));
    if (probe->always_hash || !probe->side.table->is_array) {
        gly_k_hash_columns(keys, spec->key_count, NULL, live, probe->hashes);
    }
    memset(probe->matched, 0, live);
    const bool *valid = valid_elements(probe->input, keys, spec->key_count, live);
    bool is_set_kind = spec->kind == GLY_JOIN_SEMI || spec->kind == GLY_JOIN_ANTI ||
                       spec->kind == GLY_JOIN_NULL_AWARE_ANTI;
    if (seen != NULL && is_set_kind) { /* one match is enough: do not look for more */
        bool *open = gly_arena_alloc(probe->input, live);
        for (uint32_t i = 0; i < live; i++) {
            open[i] = !seen[i] && (valid == NULL || valid[i]);
        }
        valid = open;
    }
    if (spec->kind == GLY_JOIN_NULL_AWARE_ANTI && probe->side.has_rows) {
        for (uint32_t i = 0; i < live; i++) { /* NULL: unknown, so never put out */
            probe->matched[i] = probe->side.has_null_key || (valid != NULL && !valid[i]);
        }
    }
    gly_join_table_start(probe->side.table, &probe->walk, keys, probe->hashes, live, valid);
    return GLY_OK;
}

/* The given rows of a column as a column of their own; shapes are kept. */
static void take_column(gly_arena *arena, const gly_column *column, const uint16_t *rows,
                        uint32_t count, gly_column *ret) {
    if (column->shape == GLY_SHAPE_CONSTANT) {
        *ret = *column;
        ret->count = count;
        return;
    }
    if (column->shape == GLY_SHAPE_FLAT) {
        gly_column_flatten(arena, column, rows, count, ret);
        return;
    }
    *ret = *column;
    ret->count = count;
    ret->codes = gly_arena_alloc_aligned(arena, count * sizeof *ret->codes);
    for (uint32_t i = 0; i < count; i++) {
        ret->codes[i] = column->codes[rows[i]];
    }
    if (column->validity != NULL) {
        size_t words = gly_column_words(count);
        ret->validity = gly_arena_alloc_aligned(arena, words * sizeof *ret->validity);
        memset(ret->validity, 0, words * sizeof *ret->validity);
        for (uint32_t i = 0; i < count; i++) {
            ret->validity[i >> 6] |= (uint64_t)gly_bit_get(column->validity, rows[i]) << (i & 63);
        }
    }
}

/* Build column c of rows; row i goes to positions[i] (NULL: i) of a column of `count` rows. */
static void gather_build(const gly_join_spec *spec, const gly_join_side *side, uint32_t c,
                         uint8_t *const *rows, const uint16_t *positions, uint32_t row_count,
                         uint32_t count, gly_arena *arena, gly_column *ret) {
    uint32_t stored = spec->stored[c];
    GLY_ASSERT(stored != GLY_JOIN_NOT_STORED);
    gly_column_make_flat(arena, spec->build_schema->fields[c].type, count, ret);
    ret->count = count;
    if (row_count < count && gly_type_is_text(ret->type)) {
        memset(ret->data, 0, count * sizeof(gly_text)); /* no wild pointers in rows not chosen */
    }
    uint64_t *validity =
        side->has_nulls[stored]
            ? gly_arena_alloc_aligned(arena, gly_column_words(count) * sizeof(uint64_t))
            : NULL;
    gly_row_layout_gather(side->table->layout, stored, (const uint8_t *const *)rows, positions,
                          row_count, validity != NULL, validity, ret);
}

static void batch_rows(const gly_batch *batch, const uint16_t *elements, uint32_t count,
                       uint16_t *ret) {
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = batch->selection == NULL ? elements[i] : batch->selection[elements[i]];
    }
}

/* Drops matches that do not meet the condition. */
static gly_status apply_condition(gly_join_probe *probe, uint32_t *count, gly_error *err) {
    const gly_join_spec *spec = probe->spec;
    const uint32_t probe_columns = spec->probe_schema->field_count;
    const uint32_t build_columns = spec->build_schema->field_count;
    uint16_t rows[GLY_BATCH_ROWS];
    uint16_t kept[GLY_BATCH_ROWS];
    uint32_t kept_count;
    gly_arena *arena = probe->round;
    gly_arena_reset(arena);
    batch_rows(probe->batch, probe->round_elements, *count, rows);
    gly_batch pairs = {probe_columns + build_columns, *count, *count, NULL, NULL};
    pairs.columns = GLY_ARENA_ARRAY(arena, gly_column, pairs.column_count);
    for (uint32_t c = 0; c < pairs.column_count; c++) {
        gly_column *column = &pairs.columns[c];
        bool is_probe = c < probe_columns;
        if (!spec->condition_columns[c]) { /* nobody looks */
            column->type = is_probe ? spec->probe_schema->fields[c].type
                                    : spec->build_schema->fields[c - probe_columns].type;
            column->shape = GLY_SHAPE_CONSTANT;
            column->count = *count;
        } else if (is_probe) {
            take_column(arena, &probe->batch->columns[c], rows, *count, column);
        } else {
            gather_build(spec, &probe->side, c - probe_columns, probe->round_rows, NULL, *count,
                         *count, arena, column);
        }
    }
    GLY_TRY(gly_expr_select(probe->condition_state, &pairs, arena, kept, &kept_count, err));
    for (uint32_t i = 0; i < kept_count; i++) {
        probe->round_elements[i] = probe->round_elements[kept[i]];
        probe->round_rows[i] = probe->round_rows[kept[i]];
    }
    *count = kept_count;
    return GLY_OK;
}

static void drop_matched(gly_join_probe *probe) {
    gly_join_walk *walk = &probe->walk;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->active_count; i++) {
        uint16_t e = walk->active[i];
        walk->active[kept] = e;
        kept += !probe->matched[e];
    }
    walk->active_count = kept;
}

/* One round; afterwards round_count matches wait to be put out (none for SEMI and ANTI). */
static gly_status run_round(gly_join_probe *probe, gly_error *err) {
    const gly_join_spec *spec = probe->spec;
    uint32_t count = gly_join_table_step(probe->side.table, &probe->walk, probe->round_elements,
                                         probe->round_rows);
    if (count > 0 && spec->condition != NULL) {
        GLY_TRY(apply_condition(probe, &count, err));
    }
    probe->round_count = count;
    if (spec->kind != GLY_JOIN_INNER && spec->kind != GLY_JOIN_RIGHT) {
        for (uint32_t i = 0; i < count; i++) {
            probe->matched[probe->round_elements[i]] = true;
        }
    }
    switch ((gly_join_kind)spec->kind) {
    case GLY_JOIN_RIGHT:
    case GLY_JOIN_FULL:
        for (uint32_t i = 0; i < count; i++) {
            gly_join_table_mark(probe->side.table, probe->round_rows[i]);
        }
        break;
    case GLY_JOIN_SEMI:
    case GLY_JOIN_ANTI:
    case GLY_JOIN_NULL_AWARE_ANTI:
        drop_matched(probe);
        probe->round_count = 0;
        break;
    default:
        break;
    }
    return GLY_OK;
}

static gly_column *open_output(gly_join_probe *probe, uint32_t count, uint32_t selected,
                               const uint16_t *selection) {
    const gly_join_spec *spec = probe->spec;
    gly_arena_reset(probe->output);
    probe->out = (gly_batch){.count = count, .selected = selected, .selection = selection};
    probe->out.column_count = spec->probe_schema->field_count + spec->build_schema->field_count;
    probe->out.columns = GLY_ARENA_ARRAY(probe->output, gly_column, probe->out.column_count);
    return probe->out.columns;
}

static gly_column *probe_part(const gly_join_spec *spec, gly_column *columns) {
    return spec->is_flipped ? columns + spec->build_schema->field_count : columns;
}

static gly_column *build_part(const gly_join_spec *spec, gly_column *columns) {
    return spec->is_flipped ? columns : columns + spec->probe_schema->field_count;
}

/* Matches as the input batch with a selection. */
static void put_selected(gly_join_probe *probe) {
    const gly_join_spec *spec = probe->spec;
    const gly_batch *batch = probe->batch;
    uint32_t count = probe->round_count;
    gly_column *columns = open_output(probe, batch->count, count, NULL);
    uint16_t *rows = gly_arena_alloc(probe->output, count * sizeof *rows);
    batch_rows(batch, probe->round_elements, count, rows);
    probe->out.selection = count == batch->count ? NULL : rows;
    memcpy(probe_part(spec, columns), batch->columns,
           spec->probe_schema->field_count * sizeof *columns);
    for (uint32_t c = 0; c < spec->build_schema->field_count; c++) {
        gather_build(spec, &probe->side, c, probe->round_rows, probe->out.selection, count,
                     batch->count, probe->output, &build_part(spec, columns)[c]);
    }
}

/* Matches as copies. */
static void put_copies(gly_join_probe *probe, const uint16_t *elements, uint8_t *const *found,
                       uint32_t count) {
    const gly_join_spec *spec = probe->spec;
    uint16_t rows[GLY_BATCH_ROWS];
    gly_column *columns = open_output(probe, count, count, NULL);
    batch_rows(probe->batch, elements, count, rows);
    for (uint32_t c = 0; c < spec->probe_schema->field_count; c++) {
        take_column(probe->output, &probe->batch->columns[c], rows, count,
                    &probe_part(spec, columns)[c]);
    }
    for (uint32_t c = 0; c < spec->build_schema->field_count; c++) {
        gather_build(spec, &probe->side, c, found, NULL, count, count, probe->output,
                     &build_part(spec, columns)[c]);
    }
}

/* After all rounds: probe rows that are put out by themselves.  False: there are none. */
static bool put_rest(gly_join_probe *probe) {
    const gly_join_spec *spec = probe->spec;
    const gly_batch *batch = probe->batch;
    bool wants_matched = spec->kind == GLY_JOIN_SEMI;
    bool is_left = spec->kind == GLY_JOIN_LEFT || spec->kind == GLY_JOIN_FULL;
    bool is_anti = spec->kind == GLY_JOIN_ANTI || spec->kind == GLY_JOIN_NULL_AWARE_ANTI;
    uint16_t elements[GLY_BATCH_ROWS];
    uint32_t count = 0;
    for (uint32_t e = 0; probe->seen != NULL && e < batch->selected; e++) {
        bool before = probe->seen[e];
        probe->seen[e] = before || probe->matched[e];
        /* SEMI puts a row out at its first match, the others look at all matches so far. */
        probe->matched[e] = wants_matched ? probe->matched[e] && !before : probe->seen[e];
    }
    if (!wants_matched && !(probe->is_last && (is_left || is_anti))) {
        return false;
    }
    for (uint32_t e = 0; e < batch->selected; e++) {
        elements[count] = (uint16_t)e;
        count += probe->matched[e] == wants_matched;
    }
    if (count == 0) {
        return false;
    }
    gly_column *columns = open_output(probe, batch->count, count, NULL);
    uint16_t *rows = gly_arena_alloc(probe->output, count * sizeof *rows);
    batch_rows(batch, elements, count, rows);
    probe->out.selection = count == batch->count ? NULL : rows;
    if (!is_left) {
        probe->out.column_count = spec->probe_schema->field_count;
        probe->out.columns = batch->columns;
        return true;
    }
    memcpy(probe_part(spec, columns), batch->columns,
           spec->probe_schema->field_count * sizeof *columns);
    for (uint32_t c = 0; c < spec->build_schema->field_count; c++) {
        gly_value null = gly_value_null(spec->build_schema->fields[c].type);
        gly_column_constant(probe->output, &null, batch->count, &build_part(spec, columns)[c]);
    }
    return true;
}

/* Moves the round's matches to the collected ones; false: no room, put those out first. */
static bool collect(gly_join_probe *probe) {
    uint32_t count = probe->round_count;
    if (probe->collected_count + count > GLY_BATCH_ROWS) {
        return false;
    }
    memcpy(probe->collected_elements + probe->collected_count, probe->round_elements,
           count * sizeof *probe->round_elements);
    memcpy(probe->collected_rows + probe->collected_count, probe->round_rows,
           count * sizeof *probe->round_rows);
    probe->collected_count += count;
    probe->round_count = 0;
    return true;
}

static void put_collected(gly_join_probe *probe) {
    put_copies(probe, probe->collected_elements, probe->collected_rows, probe->collected_count);
    probe->collected_count = 0;
}

/* Runs rounds until there is something to put out; false: the chains are at their ends. */
static gly_status next_match(gly_join_probe *probe, bool *ret_put, gly_error *err) {
    for (;;) {
        if (probe->round_count == 0) {
            if (probe->walk.active_count == 0) {
                *ret_put = false;
                return GLY_OK;
            }
            GLY_TRY(run_round(probe, err));
            continue;
        }
        *ret_put = true;
        if (probe->round_count * 2 >= probe->batch->count) {
            put_selected(probe);
            probe->round_count = 0;
            return GLY_OK;
        }
        if (!collect(probe)) {
            put_collected(probe);
            return GLY_OK;
        }
    }
}

gly_status gly_join_probe_next(gly_join_probe *probe, const gly_batch **ret, gly_error *err) {
    *ret = &probe->out;
    if (probe->stage == ROUNDS) {
        bool has_put;
        GLY_TRY(next_match(probe, &has_put, err));
        if (has_put) {
            return GLY_OK;
        }
        probe->stage = COLLECTED;
    }
    if (probe->stage == COLLECTED) {
        probe->stage = REST;
        if (probe->collected_count > 0) {
            put_collected(probe);
            return GLY_OK;
        }
    }
    if (probe->stage == REST) {
        probe->stage = DONE;
        if (put_rest(probe)) {
            return GLY_OK;
        }
    }
    *ret = NULL;
    return GLY_OK;
}

void gly_join_probe_unmatched(const gly_join_spec *spec, const gly_join_side *side,
                              uint8_t *const *rows, uint32_t count, gly_arena *arena,
                              gly_batch *ret) {
    *ret = (gly_batch){.count = count, .selected = count};
    ret->column_count = spec->probe_schema->field_count + spec->build_schema->field_count;
    ret->columns = GLY_ARENA_ARRAY(arena, gly_column, ret->column_count);
    for (uint32_t c = 0; c < spec->probe_schema->field_count; c++) {
        gly_value null = gly_value_null(spec->probe_schema->fields[c].type);
        gly_column_constant(arena, &null, count, &probe_part(spec, ret->columns)[c]);
    }
    for (uint32_t c = 0; c < spec->build_schema->field_count; c++) {
        gather_build(spec, side, c, rows, NULL, count, count, arena,
                     &build_part(spec, ret->columns)[c]);
    }
}
