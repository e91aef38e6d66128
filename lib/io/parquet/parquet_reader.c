/* parquet_reader.c - a scan of one split: row groups, windows of GLY_BATCH_ROWS rows, the filter.
 *
 * For each window the filter's columns are read first and `select` decides; the other columns are
 * read only if a row survives, else they remember that they have rows to skip.  Row groups whose
 * statistics exclude the conjuncts are not opened at all.
 *
 * A file that is far away is read by plan: the wanted chunks of the row groups to come are
 * requested before they are needed (read_plan.h).
 *
 * Invariant: a window never crosses a row group, so a batch has one dictionary per column.
 * Columns that the file lacks are NULL, partition columns are constants of the file.
 */
#include "lib/io/parquet/parquet_reader.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/io/fs/read_plan.h"
#include "lib/io/parquet/parquet_column.h"
#include "lib/io/parquet/parquet_meta.h"
#include "lib/io/parquet/parquet_prune.h"

typedef struct parquet_reader {
    const gly_format *format; /* first, as format.h wants */
    gly_scan *scan;
    gly_arena *arena;
    gly_file *file;
    gly_parquet_meta *meta;
    gly_read_plan *plan; /* NULL: the file is near */
    gly_file *source;    /* where columns read: the plan's file, or the file */
    GLY_ARRAY(uint32_t)
    planned;              /* groups that were found and requested ahead, the open one excluded */
    bool is_open_planned; /* the open group is the plan's oldest */
    uint32_t next_group;  /* the next one to look at */
    uint32_t group;       /* the open one */
    uint64_t rows_left;   /* of the open group */
    uint32_t *leaves;     /* of each scan column; leaf_count: not in the file */
    gly_parquet_column *columns; /* of each scan column that is in the file */
    gly_parquet_bounds *bounds;  /* of each scan column in the group under consideration */
    gly_batch batch;
    uint16_t *selection;
} parquet_reader;

/* ---- opening -------------------------------------------------------------------------------- */

static gly_status refuse(const parquet_reader *reader, const gly_parquet_leaf *leaf,
                         gly_error *err) {
    return gly_fail(err, GLY_E_FILE_FORMAT, "column %.*s of %.*s %s", GLY_STR_ARG(leaf->name),
                    GLY_STR_ARG(reader->file->path), leaf->refusal);
}

static gly_status open_column(parquet_reader *reader, uint32_t index, uint64_t id, gly_error *err) {
    gly_scan *scan = reader->scan;
    const gly_field *field = &scan->file_schema->fields[scan->fields[index]];
    uint32_t found = gly_parquet_meta_find(reader->meta, field->name);
    reader->leaves[index] = found;
    if (found == reader->meta->leaf_count) {
        gly_value null = gly_value_null(field->type);
        gly_column_constant(reader->arena, &null, GLY_BATCH_ROWS, &reader->batch.columns[index]);
        return GLY_OK;
    }
    const gly_parquet_leaf *leaf = &reader->meta->leaves[found];
    if (leaf->refusal != NULL) {
        return refuse(reader, leaf, err);
    }
    gly_parquet_conversion conversion;
    if (!gly_parquet_convert_widen(leaf->type, leaf->conversion, leaf->physical, field->type,
                                   &conversion)) {
        char have[GLY_TYPE_TEXT_SIZE];
        char want[GLY_TYPE_TEXT_SIZE];
        return gly_fail(err, GLY_E_FILE_FORMAT,
                        "column %.*s of %.*s is %s, but the table has it as %s",
                        GLY_STR_ARG(field->name), GLY_STR_ARG(reader->file->path),
                        gly_type_format(leaf->type, have, sizeof have),
                        gly_type_format(field->type, want, sizeof want));
    }
    return gly_parquet_column_init(&reader->columns[index], leaf, field->type, conversion, id,
                                   scan->budget, &scan->bytes_read, err);
}

static gly_status open_columns(parquet_reader *reader, gly_error *err) {
    gly_scan *scan = reader->scan;
    uint32_t count = scan->column_count;
    uint32_t file_columns = scan->file_schema->field_count - scan->partition_column_count;
    reader->leaves = GLY_ARENA_ARRAY(reader->arena, uint32_t, count);
    reader->columns = GLY_ARENA_ARRAY(reader->arena, gly_parquet_column, count);
    reader->bounds = GLY_ARENA_ARRAY(reader->arena, gly_parquet_bounds, count);
    reader->selection = GLY_ARENA_ARRAY(reader->arena, uint16_t, GLY_BATCH_ROWS + 64);
    reader->batch.column_count = count;
    reader->batch.columns = GLY_ARENA_ARRAY(reader->arena, gly_column, count);
    /* Ids of dictionaries: unique without shared state, by time and address. */
    uint64_t seed = gly_hash_u64((uint64_t)gly_clock_ns() ^ gly_hash_u64((uintptr_t)reader));
    for (uint32_t i = 0; i < count; i++) {
        reader->leaves[i] = UINT32_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t field = scan->fields[i];
        if (field >= file_columns) {
            const gly_value *value = &scan->file->partition_values[field - file_columns];
            reader->leaves[i] = reader->meta->leaf_count;
            gly_column_constant(reader->arena, value, GLY_BATCH_ROWS, &reader->batch.columns[i]);
        } else {
            GLY_TRY(open_column(reader, i, gly_hash_combine(seed, i + 1), err));
        }
    }
    return GLY_OK;
}

static bool is_in_file(const parquet_reader *reader, uint32_t column) {
    return reader->leaves[column] < reader->meta->leaf_count;
}

gly_status gly_parquet_reader_open(gly_scan *scan, gly_reader **ret, gly_error *err) {
    const gly_filesystem *filesystem;
    GLY_TRY(gly_filesystem_find(scan->file->path, &filesystem, err));
    parquet_reader *reader = GLY_NEW(parquet_reader);
    reader->format = &gly_parquet_format;
    reader->scan = scan;
    reader->arena = gly_arena_make();
    gly_status status = filesystem->open(scan->file->path, &reader->file, err);
    if (status == GLY_OK) {
        status = gly_parquet_meta_read(reader->arena, reader->file, &reader->meta,
                                       &scan->bytes_read, err);
    }
    if (status == GLY_OK) {
        status = open_columns(reader, err);
    }
    if (status != GLY_OK) {
        gly_parquet_reader_close((gly_reader *)reader);
        return status;
    }
    reader->source = reader->file;
    if (reader->file->start_read != NULL) {
        reader->plan = gly_read_plan_make(reader->file, scan->budget, GLY_READ_PLAN_GAP);
        reader->source = gly_read_plan_file(reader->plan);
    }
    *ret = (gly_reader *)reader;
    return GLY_OK;
}

gly_status gly_parquet_reader_seek(gly_reader *opaque, uint64_t split_offset, uint64_t split_length,
                                   gly_error *err) {
    (void)err;
    parquet_reader *reader = (parquet_reader *)opaque;
    reader->scan->split_offset = split_offset;
    reader->scan->split_length = split_length;
    reader->next_group = 0;
    reader->rows_left = 0;
    if (reader->plan != NULL) { /* at the end of a split only the last group is left in it */
        gly_read_plan_free(reader->plan);
        reader->plan = gly_read_plan_make(reader->file, reader->scan->budget, GLY_READ_PLAN_GAP);
        reader->source = gly_read_plan_file(reader->plan);
        reader->planned.count = 0;
        reader->is_open_planned = false;
    }
    return GLY_OK;
}

void gly_parquet_reader_close(gly_reader *opaque) {
    parquet_reader *reader = (parquet_reader *)opaque;
    if (reader == NULL) {
        return;
    }
    for (uint32_t i = 0; reader->columns != NULL && i < reader->scan->column_count; i++) {
        gly_parquet_column_clear(&reader->columns[i]);
    }
    gly_read_plan_free(reader->plan);
    gly_array_clear(&reader->planned);
    if (reader->file != NULL) {
        reader->file->close(reader->file);
    }
    gly_arena_free(reader->arena);
    free(reader);
}

/* ---- row groups ----------------------------------------------------------------------------- */

/* Bounds are of the file's type; filters are of the table's, which may be wider. */
static bool widen_bound(gly_type wanted, gly_value *value) {
    gly_type own = value->type;
    if (own.id == GLY_TYPE_DECIMAL) {
        *value = gly_value_decimal(wanted, gly_value_unscaled(value));
    } else if (wanted.id == GLY_TYPE_DOUBLE && gly_type_is_integral(own)) {
        *value = gly_value_f64(wanted, (double)value->i64);
    } else {
        value->type = wanted;
    }
    return true;
}

static void find_bounds(const parquet_reader *reader, const gly_parquet_group *group,
                        uint32_t column, gly_parquet_bounds *ret) {
    const gly_scan *scan = reader->scan;
    *ret = (gly_parquet_bounds){.row_count = group->row_count, .null_count = UINT64_MAX};
    uint32_t field = scan->fields[column];
    uint32_t file_columns = scan->file_schema->field_count - scan->partition_column_count;
    if (field >= file_columns) {
        const gly_value *value = &scan->file->partition_values[field - file_columns];
        bool is_nan = (value->type.id == GLY_TYPE_DOUBLE || value->type.id == GLY_TYPE_FLOAT) &&
                      value->f64 != value->f64;
        ret->null_count = value->is_null ? group->row_count : 0;
        ret->has_bounds = !value->is_null && !is_nan;
        ret->min = ret->max = *value;
    } else if (!is_in_file(reader, column)) {
        ret->null_count = group->row_count;
    } else {
        const gly_parquet_leaf *leaf = &reader->meta->leaves[reader->leaves[column]];
        const gly_parquet_chunk *chunk = &group->chunks[reader->leaves[column]];
        gly_type wanted = scan->file_schema->fields[field].type;
        ret->null_count = leaf->is_optional ? chunk->statistics.null_count : 0;
        ret->has_bounds = gly_parquet_meta_bounds(leaf, chunk, &ret->min, &ret->max) &&
                          widen_bound(wanted, &ret->min) && widen_bound(wanted, &ret->max);
    }
}

static const gly_parquet_bounds *get_bounds(void *context, uint32_t column) {
    parquet_reader *reader = context;
    return column < reader->scan->column_count ? &reader->bounds[column] : NULL;
}

static bool may_match(parquet_reader *reader, const gly_parquet_group *group) {
    const gly_scan *scan = reader->scan;
    if (scan->filter_count == 0) {
        return true;
    }
    for (uint32_t i = 0; i < scan->column_count; i++) {
        find_bounds(reader, group, i, &reader->bounds[i]);
    }
    for (uint32_t i = 0; i < scan->filter_count; i++) {
        if (!gly_parquet_prune_may_match(scan->filters[i], get_bounds, reader)) {
            return false;
        }
    }
    return true;
}

static gly_status add_place(const parquet_reader *reader, uint32_t column, gly_status status,
                            gly_error *err) {
    const gly_parquet_leaf *leaf = &reader->meta->leaves[reader->leaves[column]];
    gly_error_add(err, "column %.*s of row group %u of %.*s", GLY_STR_ARG(leaf->name),
                  reader->group, GLY_STR_ARG(reader->file->path));
    return status;
}

/* Finds the next row group of the split that may have matching rows; false: no more. */
static bool find_group(parquet_reader *reader, uint32_t *ret) {
    gly_scan *scan = reader->scan;
    while (reader->next_group < reader->meta->group_count) {
        const gly_parquet_group *group = &reader->meta->groups[reader->next_group];
        *ret = reader->next_group++;
        bool is_ours = group->offset >= scan->split_offset &&
                       group->offset - scan->split_offset < scan->split_length;
        if (!is_ours || group->row_count == 0) {
            continue;
        }
        if (may_match(reader, group)) {
            return true;
        }
        scan->row_groups_skipped++;
    }
    return false;
}

/* Puts the wanted chunks of a group into the plan. */
static void plan_group(parquet_reader *reader, uint32_t index) {
    const gly_parquet_group *group = &reader->meta->groups[index];
    GLY_ARRAY(gly_read_range) ranges = {0};
    for (uint32_t i = 0; i < reader->scan->column_count; i++) {
        if (is_in_file(reader, i) && group->chunks[reader->leaves[i]].size > 0) {
            const gly_parquet_chunk *chunk = &group->chunks[reader->leaves[i]];
            gly_array_push(&ranges, ((gly_read_range){chunk->offset, chunk->size}));
        }
    }
    gly_read_plan_add(reader->plan, (uint32_t)ranges.count, ranges.items);
    gly_array_clear(&ranges);
    gly_array_push(&reader->planned, index);
}

/* The next group of a file that is far away: requested before, and more behind it. */
static bool take_planned(parquet_reader *reader, uint32_t *ret) {
    uint32_t found;
    if (reader->is_open_planned) {
        gly_read_plan_drop(reader->plan);
        reader->is_open_planned = false;
    }
    while ((reader->planned.count < 2 || gly_read_plan_bytes(reader->plan) < GLY_READ_PLAN_AHEAD) &&
           find_group(reader, &found)) {
        plan_group(reader, found);
    }
    if (reader->planned.count == 0) {
        return false;
    }
    *ret = reader->planned.items[0];
    gly_array_remove_at(&reader->planned, 0);
    reader->is_open_planned = true;
    return true;
}

/* Opens the next row group; false: no more. */
static gly_status next_group(parquet_reader *reader, bool *ret_found, gly_error *err) {
    gly_scan *scan = reader->scan;
    uint32_t found = 0;
    *ret_found = reader->plan != NULL ? take_planned(reader, &found) : find_group(reader, &found);
    if (!*ret_found) {
        return GLY_OK;
    }
    const gly_parquet_group *group = &reader->meta->groups[found];
    reader->group = found;
    reader->rows_left = group->row_count;
    scan->row_groups_read++;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (is_in_file(reader, i)) {
            const gly_parquet_chunk *chunk = &group->chunks[reader->leaves[i]];
            gly_status status = gly_parquet_page_check_codec(chunk->codec, err);
            if (status != GLY_OK) {
                return add_place(reader, i, status, err);
            }
            gly_parquet_column_open(&reader->columns[i], reader->source, chunk);
        }
    }
    return GLY_OK;
}

/* ---- windows -------------------------------------------------------------------------------- */

static gly_status read_column(parquet_reader *reader, uint32_t column, uint32_t count,
                              gly_error *err) {
    gly_column *into = &reader->batch.columns[column];
    if (!is_in_file(reader, column)) {
        into->count = count;
        return GLY_OK;
    }
    gly_status status = gly_parquet_column_read(&reader->columns[column], count, into, err);
    return status == GLY_OK ? GLY_OK : add_place(reader, column, status, err);
}

/* Reads the columns for which is_filter_column is `which`. */
static gly_status read_columns(parquet_reader *reader, bool which, uint32_t count, gly_error *err) {
    const gly_scan *scan = reader->scan;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        bool is_filter = scan->is_filter_column != NULL && scan->is_filter_column[i];
        if (is_filter == which) {
            GLY_TRY(read_column(reader, i, count, err));
        }
    }
    return GLY_OK;
}

/* One window; *ret_live false: no row survived. */
static gly_status read_window(parquet_reader *reader, uint32_t count, bool *ret_live,
                              gly_error *err) {
    gly_scan *scan = reader->scan;
    gly_batch *batch = &reader->batch;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (is_in_file(reader, i)) {
            gly_parquet_column_begin(&reader->columns[i]);
        }
    }
    batch->count = count;
    batch->selected = count;
    batch->selection = NULL;
    *ret_live = true;
    if (scan->select == NULL) {
        GLY_TRY(read_columns(reader, true, count, err));
        return read_columns(reader, false, count, err);
    }
    GLY_TRY(read_columns(reader, true, count, err));
    uint32_t selected = 0;
    GLY_TRY(scan->select(scan->select_context, batch, reader->selection, &selected, err));
    if (selected == 0) {
        *ret_live = false;
        for (uint32_t i = 0; i < scan->column_count; i++) {
            bool was_read = scan->is_filter_column != NULL && scan->is_filter_column[i];
            if (!was_read && is_in_file(reader, i)) {
                gly_parquet_column_skip(&reader->columns[i], count);
            }
        }
        return GLY_OK;
    }
    batch->selected = selected;
    batch->selection = selected == count ? NULL : reader->selection;
    return read_columns(reader, false, count, err);
}

gly_status gly_parquet_reader_next(gly_reader *opaque, const gly_batch **ret, gly_error *err) {
    parquet_reader *reader = (parquet_reader *)opaque;
    for (;;) {
        if (reader->rows_left == 0) {
            bool found;
            GLY_TRY(next_group(reader, &found, err));
            if (!found) {
                *ret = NULL;
                return GLY_OK;
            }
        }
        uint32_t count = (uint32_t)GLY_MIN(reader->rows_left, (uint64_t)GLY_BATCH_ROWS);
        bool is_live;
        GLY_TRY(read_window(reader, count, &is_live, err));
        reader->rows_left -= count;
        reader->scan->rows_read += count;
        if (is_live) {
            *ret = &reader->batch;
            return GLY_OK;
        }
    }
}
