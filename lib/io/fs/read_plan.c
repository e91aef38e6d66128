/* read_plan.c - pieces: planned, in flight, there, done.
 *
 * A piece is needed as soon as the range that reaches it first: how far into its range it lies, as
 * a share, is its place in the order, since the columns of a row group are read at the same pace.
 * It is done when every range in it has been read past its end; then its memory goes and the next
 * pieces start.
 *
 *   range   |----------A----------|--B--|-C-|          gap        |-D-|
 *   piece   |----1----|-----2-----|----3----|                     |-4-|
 *
 * Invariant: bytes held by started pieces are at most AHEAD and are charged to the budget; a piece
 * that is needed now starts whatever the limits say, so reading always goes on.
 */
#include "lib/io/fs/read_plan.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"

typedef struct range {
    gly_read_range where;
    uint64_t position; /* read so far, as an offset in the file */
} range;

typedef struct piece {
    uint64_t offset, size;
    double order; /* 0: needed first */
    uint32_t first_range, range_count;
    uint32_t ranges_left; /* that have not been read past it */
    bool is_started, is_there, is_done;
    uint8_t *bytes;
    gly_file_read *read; /* in flight */
} piece;

typedef struct group {
    uint32_t range_count, piece_count;
    range *ranges;       /* sorted by offset */
    piece *pieces;       /* sorted by offset */
    uint32_t *order;     /* indexes of pieces in the order they are needed */
    uint32_t next_start; /* in order */
    uint64_t bytes;
} group;

struct gly_read_plan {
    gly_file base; /* first: what readers see */
    gly_file *file;
    gly_budget *budget;
    GLY_ARRAY(group *) groups; /* oldest first */
    uint64_t gap_bytes, held_bytes;
};

/* ---- planning -----------------------------------------------------------------------------------
 */

static int compare_ranges(const void *a, const void *b) {
    uint64_t x = ((const range *)a)->where.offset;
    uint64_t y = ((const range *)b)->where.offset;
    return (x > y) - (x < y);
}

static uint64_t end_of(const range *at) { return at->where.offset + at->where.size; }

typedef GLY_ARRAY(piece) piece_list;

/* A long range by itself, in equal pieces. */
static void cut_range(const group *into, uint32_t index, piece_list *pieces) {
    const range *at = &into->ranges[index];
    uint64_t count = (at->where.size + GLY_READ_PLAN_PIECE - 1) / GLY_READ_PLAN_PIECE;
    uint64_t size = (at->where.size + count - 1) / count;
    for (uint64_t done = 0; done < at->where.size; done += size) {
        gly_array_push(pieces, ((piece){.offset = at->where.offset + done,
                                        .size = GLY_MIN(size, at->where.size - done),
                                        .order = (double)done / (double)at->where.size,
                                        .first_range = index,
                                        .range_count = 1,
                                        .ranges_left = 1}));
    }
}

/* Short ranges that lie near each other in one piece; returns the first range behind it. */
static uint32_t join_ranges(const group *into, uint32_t first, uint64_t gap_bytes,
                            piece_list *pieces) {
    uint64_t start = into->ranges[first].where.offset;
    uint64_t end = end_of(&into->ranges[first]);
    uint32_t next = first + 1;
    while (next < into->range_count) {
        const range *at = &into->ranges[next];
        bool is_near = at->where.offset <= end + gap_bytes;
        if (!is_near || at->where.size > GLY_READ_PLAN_PIECE / 2 ||
            end_of(at) - start > GLY_READ_PLAN_PIECE) {
            break;
        }
        end = GLY_MAX(end, end_of(at));
        next++;
    }
    gly_array_push(pieces, ((piece){.offset = start,
                                    .size = end - start,
                                    .first_range = first,
                                    .range_count = next - first,
                                    .ranges_left = next - first}));
    return next;
}

static void sort_order(group *into) {
    for (uint32_t i = 0; i < into->piece_count; i++) { /* few: by insertion */
        uint32_t at = i;
        while (at > 0 && into->pieces[into->order[at - 1]].order > into->pieces[i].order) {
            into->order[at] = into->order[at - 1];
            at--;
        }
        into->order[at] = i;
    }
}

static void start_pieces(gly_read_plan *plan);

void gly_read_plan_add(gly_read_plan *plan, uint32_t count, const gly_read_range *ranges) {
    group *added = GLY_NEW(group);
    added->ranges = GLY_NEW_ARRAY(range, count + 1);
    added->range_count = count;
    for (uint32_t i = 0; i < count; i++) {
        added->ranges[i] = (range){ranges[i], ranges[i].offset};
        added->bytes += ranges[i].size;
    }
    if (count > 1) {
        qsort(added->ranges, count, sizeof *added->ranges, compare_ranges);
    }
    piece_list pieces = {0};
    for (uint32_t i = 0; i < count;) {
        if (added->ranges[i].where.size > GLY_READ_PLAN_PIECE / 2) {
            cut_range(added, i++, &pieces);
        } else {
            i = join_ranges(added, i, plan->gap_bytes, &pieces);
        }
    }
    added->pieces = pieces.items;
    added->piece_count = (uint32_t)pieces.count;
    added->order = GLY_NEW_ARRAY(uint32_t, pieces.count + 1);
    sort_order(added);
    gly_array_push(&plan->groups, added);
    start_pieces(plan);
}

/* ---- pieces -------------------------------------------------------------------------------------
 */

static void start_piece(gly_read_plan *plan, piece *at) {
    at->bytes = gly_alloc((size_t)at->size);
    at->is_started = true;
    at->read = plan->file->start_read(plan->file, at->offset, (size_t)at->size, at->bytes);
    plan->held_bytes += at->size;
}

static bool may_hold(gly_read_plan *plan, uint64_t size) {
    if (plan->held_bytes + size > GLY_READ_PLAN_AHEAD) {
        return false;
    }
    if (plan->budget == NULL) {
        return true;
    }
    /* A scan must not take what operators behind it need: at most a quarter of what is free. */
    return gly_budget_available(plan->budget) / 4 >= size &&
           gly_budget_try_reserve(plan->budget, (size_t)size);
}

static void start_pieces(gly_read_plan *plan) {
    for (size_t g = 0; g < plan->groups.count; g++) {
        group *from = plan->groups.items[g];
        for (; from->next_start < from->piece_count; from->next_start++) {
            piece *at = &from->pieces[from->order[from->next_start]];
            if (at->is_started || at->is_done) {
                continue;
            }
            if (!may_hold(plan, at->size)) {
                return;
            }
            start_piece(plan, at);
        }
    }
}

static void release_piece(gly_read_plan *plan, piece *at) {
    if (at->is_done) {
        return;
    }
    at->is_done = true;
    if (!at->is_started) {
        return;
    }
    if (at->read != NULL) {
        plan->file->cancel_read(plan->file, at->read);
        at->read = NULL;
    }
    free(at->bytes);
    at->bytes = NULL;
    plan->held_bytes -= at->size;
    if (plan->budget != NULL) {
        gly_budget_release(plan->budget, (size_t)at->size);
    }
}

/* Makes the bytes of a piece be there. */
static gly_status await(gly_read_plan *plan, piece *at, gly_error *err) {
    if (at->is_there) {
        return GLY_OK;
    }
    if (!at->is_started) {
        if (plan->budget != NULL && !gly_budget_try_reserve(plan->budget, (size_t)at->size)) {
            gly_budget_force(plan->budget, (size_t)at->size);
        }
        start_piece(plan, at);
    }
    gly_file_read *read = at->read;
    at->read = NULL;
    if (read == NULL) {
        return gly_fail(err, GLY_E_IO, "%.*s could not be read before",
                        GLY_STR_ARG(plan->file->path));
    }
    GLY_TRY(plan->file->finish_read(plan->file, read, err));
    at->is_there = true;
    return GLY_OK;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

/* The range that holds the offset, and its group; NULL: none. */
static range *find_range(gly_read_plan *plan, uint64_t offset, group **ret_group) {
    for (size_t g = 0; g < plan->groups.count; g++) {
        group *in = plan->groups.items[g];
        for (uint32_t i = 0; i < in->range_count; i++) {
            range *at = &in->ranges[i];
            if (offset >= at->where.offset && offset < end_of(at)) {
                *ret_group = in;
                return at;
            }
        }
    }
    return NULL;
}

static piece *find_piece(group *in, uint64_t offset) {
    for (uint32_t i = 0; i < in->piece_count; i++) {
        piece *at = &in->pieces[i];
        if (!at->is_done && offset >= at->offset && offset - at->offset < at->size) {
            return at;
        }
    }
    return NULL;
}

/* The range was read up to position: pieces that all their ranges have passed are done. */
static void advance(gly_read_plan *plan, group *in, range *at, uint64_t position) {
    uint64_t before = at->position;
    uint32_t index = (uint32_t)(at - in->ranges);
    if (position <= before) {
        return;
    }
    at->position = position;
    bool is_any_done = false;
    for (uint32_t i = 0; i < in->piece_count; i++) {
        piece *one = &in->pieces[i];
        if (index < one->first_range || index >= one->first_range + one->range_count) {
            continue;
        }
        uint64_t end = GLY_MIN(end_of(at), one->offset + one->size);
        if (end > before && end <= position && --one->ranges_left == 0) {
            release_piece(plan, one);
            is_any_done = true;
        }
    }
    if (is_any_done) {
        start_pieces(plan);
    }
}

static gly_status read_at(gly_file *file, uint64_t offset, size_t length, void *buffer,
                          gly_error *err) {
    gly_read_plan *plan = (gly_read_plan *)file;
    uint8_t *to = buffer;
    while (length > 0) {
        group *in = NULL;
        range *at = find_range(plan, offset, &in);
        piece *from = at == NULL ? NULL : find_piece(in, offset);
        if (from == NULL) {
            return plan->file->read_at(plan->file, offset, length, to, err);
        }
        GLY_TRY(await(plan, from, err));
        uint64_t end = GLY_MIN(from->offset + from->size, end_of(at));
        size_t take = (size_t)GLY_MIN((uint64_t)length, end - offset);
        memcpy(to, from->bytes + (offset - from->offset), take);
        advance(plan, in, at, offset + take);
        to += take;
        offset += take;
        length -= take;
    }
    return GLY_OK;
}

static void close_nothing(gly_file *file) { (void)file; }

/* ---- the plan -----------------------------------------------------------------------------------
 */

gly_read_plan *gly_read_plan_make(gly_file *file, gly_budget *budget, uint64_t gap_bytes) {
    gly_read_plan *plan = GLY_NEW(gly_read_plan);
    plan->gap_bytes = gap_bytes;
    plan->file = file;
    plan->budget = budget;
    plan->base = (gly_file){.filesystem = file->filesystem,
                            .size_bytes = file->size_bytes,
                            .read_at = read_at,
                            .close = close_nothing,
                            .path = file->path};
    return plan;
}

static void free_group(gly_read_plan *plan, group *in) {
    for (uint32_t i = 0; i < in->piece_count; i++) {
        release_piece(plan, &in->pieces[i]);
    }
    free(in->ranges);
    free(in->pieces);
    free(in->order);
    free(in);
}

void gly_read_plan_drop(gly_read_plan *plan) {
    if (plan->groups.count > 0) {
        free_group(plan, plan->groups.items[0]);
        gly_array_remove_at(&plan->groups, 0);
        start_pieces(plan);
    }
}

void gly_read_plan_free(gly_read_plan *plan) {
    if (plan != NULL) {
        for (size_t i = 0; i < plan->groups.count; i++) {
            free_group(plan, plan->groups.items[i]);
        }
        gly_array_clear(&plan->groups);
        free(plan);
    }
}

uint64_t gly_read_plan_bytes(const gly_read_plan *plan) {
    uint64_t sum = 0;
    for (size_t i = 0; i < plan->groups.count; i++) {
        sum += plan->groups.items[i]->bytes;
    }
    return sum;
}

gly_file *gly_read_plan_file(gly_read_plan *plan) { return &plan->base; }
