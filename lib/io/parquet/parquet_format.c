/* parquet_format.c - what a planner wants of Parquet files: schema, rows, statistics, split points.
 *
 * The schema is the first file's; the other files must have each column with the same or a narrower
 * type (a column they lack is NULL).  Statistics are added up over row groups and files.
 *
 * Invariant: bounds of the relation hold for every row of every file, or has_bounds is false.
 */
#include "lib/io/fs/parallel.h"
#include "lib/io/parquet/parquet_distinct.h"
#include "lib/io/parquet/parquet_meta.h"
#include "lib/io/parquet/parquet_reader.h"
#include "lib/io/parquet/parquet_writer.h"

enum {
    FOOTERS_AT_ONCE = 32,  /* threads */
    FOOTERS_IN_BLOCK = 64, /* kept in memory */
    MANY_FILES = 32,       /* of a near file system */
    DISTINCT_GAP_BYTES = 16 << 10,
};

/* ---- schema --------------------------------------------------------------------------------- */

static gly_status make_schema(gly_arena *arena, const gly_relation *relation,
                              const gly_parquet_meta *meta, gly_schema **ret, gly_error *err) {
    gly_schema *schema = GLY_ARENA_NEW(arena, gly_schema);
    schema->fields = GLY_ARENA_ARRAY(arena, gly_field, meta->leaf_count);
    for (uint32_t i = 0; i < meta->leaf_count; i++) {
        const gly_parquet_leaf *leaf = &meta->leaves[i];
        if (leaf->refusal != NULL) {
            return gly_fail(err, GLY_E_UNSUPPORTED, "column %.*s of %.*s %s",
                            GLY_STR_ARG(leaf->name), GLY_STR_ARG(relation->files[0].path),
                            leaf->refusal);
        }
        schema->fields[schema->field_count++] = (gly_field){
            .name = gly_arena_str(arena, leaf->name),
            .type = leaf->type,
            .nullable = leaf->is_optional,
        };
    }
    *ret = schema;
    return GLY_OK;
}

static gly_status check_field(const gly_relation *relation, uint32_t file,
                              const gly_parquet_meta *meta, gly_field *field, gly_error *err) {
    uint32_t found = gly_parquet_meta_find(meta, field->name);
    if (found == meta->leaf_count) {
        field->nullable = true;
        return GLY_OK;
    }
    const gly_parquet_leaf *leaf = &meta->leaves[found];
    gly_str path = relation->files[file].path;
    if (leaf->refusal != NULL) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "column %.*s of %.*s %s", GLY_STR_ARG(field->name),
                        GLY_STR_ARG(path), leaf->refusal);
    }
    field->nullable |= leaf->is_optional;
    gly_parquet_conversion conversion;
    if (!gly_parquet_convert_widen(leaf->type, leaf->conversion, leaf->physical, field->type,
                                   &conversion)) {
        char have[GLY_TYPE_TEXT_SIZE];
        char want[GLY_TYPE_TEXT_SIZE];
        return gly_fail(err, GLY_E_FILE_FORMAT, "column %.*s is %s in %.*s, but %s in %.*s",
                        GLY_STR_ARG(field->name), gly_type_format(leaf->type, have, sizeof have),
                        GLY_STR_ARG(path), gly_type_format(field->type, want, sizeof want),
                        GLY_STR_ARG(relation->files[0].path));
    }
    return GLY_OK;
}

/* ---- statistics ----------------------------------------------------------------------------- */

static void forget_bounds(gly_column_statistics *statistics) { statistics->has_bounds = false; }

static void add_bounds(gly_arena *arena, gly_type type, gly_value *min, gly_value *max,
                       bool is_first, gly_column_statistics *into) {
    if (!gly_type_equal(min->type, type)) { /* a narrower type of the same kind of value */
        if (type.id == GLY_TYPE_DECIMAL) {
            *min = gly_value_decimal(type, gly_value_unscaled(min));
            *max = gly_value_decimal(type, gly_value_unscaled(max));
        } else if (type.id == GLY_TYPE_DOUBLE && gly_type_is_integral(min->type)) {
            *min = gly_value_f64(type, (double)min->i64);
            *max = gly_value_f64(type, (double)max->i64);
        } else {
            min->type = max->type = type;
        }
    }
    if (is_first || gly_value_compare(min, &into->min) < 0) {
        into->min = gly_value_copy(arena, min);
    }
    if (is_first || gly_value_compare(max, &into->max) > 0) {
        into->max = gly_value_copy(arena, max);
    }
}

/* bounded_rows: values seen so far that are covered by bounds (0: this is the first chunk). */
static void add_chunk(gly_arena *arena, gly_type type, const gly_parquet_leaf *leaf,
                      const gly_parquet_chunk *chunk, uint64_t *bounded_rows,
                      gly_column_statistics *into) {
    uint64_t nulls = leaf->is_optional ? chunk->statistics.null_count : 0;
    into->null_count = nulls == UINT64_MAX || into->null_count == UINT64_MAX
                           ? UINT64_MAX
                           : into->null_count + nulls;
    into->distinct_count = GLY_MAX(into->distinct_count, chunk->statistics.distinct_count);
    if (chunk->value_count == 0 || nulls == chunk->value_count || !into->has_bounds) {
        return; /* no values that need bounds, or a chunk before had none */
    }
    gly_value min;
    gly_value max;
    if (!gly_parquet_meta_bounds(leaf, chunk, &min, &max)) {
        forget_bounds(into);
        return;
    }
    add_bounds(arena, type, &min, &max, *bounded_rows == 0, into);
    *bounded_rows += chunk->value_count;
}

static void add_statistics(gly_arena *arena, const gly_parquet_meta *meta, const gly_schema *schema,
                           uint64_t *bounded_rows, gly_column_statistics *statistics) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        uint32_t leaf = gly_parquet_meta_find(meta, schema->fields[i].name);
        if (leaf == meta->leaf_count) {
            if (statistics[i].null_count != UINT64_MAX) {
                statistics[i].null_count += meta->row_count;
            }
            continue;
        }
        for (uint32_t g = 0; g < meta->group_count; g++) {
            add_chunk(arena, schema->fields[i].type, &meta->leaves[leaf],
                      &meta->groups[g].chunks[leaf], &bounded_rows[i], &statistics[i]);
        }
    }
}

/* ---- the format's functions ----------------------------------------------------------------- */

typedef struct footer { /* one file's, read by one of many threads */
    gly_arena *arena;
    gly_file *file; /* kept open for the first file only */
    gly_parquet_meta *meta;
    gly_status status;
    gly_error error;
} footer;

typedef struct footers {
    const gly_relation *relation;
    uint32_t first; /* the file of items[0] */
    footer *items;
} footers;

static gly_status open_footer(footer *into, gly_str path, gly_error *err) {
    const gly_filesystem *filesystem;
    uint64_t bytes_read = 0;
    GLY_TRY(gly_filesystem_find(path, &filesystem, err));
    GLY_TRY(filesystem->open(path, &into->file, err));
    return gly_parquet_meta_read(into->arena, into->file, &into->meta, &bytes_read, err);
}

static void close_footer(footer *from) {
    if (from->file != NULL) {
        from->file->close(from->file);
        from->file = NULL;
    }
}

static void read_footer(void *context, uint32_t index) {
    footers *all = context;
    footer *into = &all->items[index];
    into->arena = gly_arena_make();
    into->status = open_footer(into, all->relation->files[all->first + index].path, &into->error);
    if (all->first + index > 0) {
        close_footer(into);
    }
}

static void keep_split_points(gly_arena *arena, const gly_parquet_meta *meta,
                              gly_relation_file *file) {
    file->split_point_count = meta->group_count;
    file->split_points = GLY_ARENA_ARRAY(arena, uint64_t, meta->group_count + 1);
    for (uint32_t i = 0; i < meta->group_count; i++) {
        file->split_points[i] = meta->groups[i].offset;
    }
}

/* What the first file alone decides. */
static gly_status begin_relation(gly_arena *arena, gly_relation *relation,
                                 const gly_parquet_meta *meta, uint64_t **ret_bounded_rows,
                                 gly_error *err) {
    GLY_TRY(make_schema(arena, relation, meta, &relation->schema, err));
    uint32_t count = relation->schema->field_count;
    relation->row_count = 0;
    relation->statistics = GLY_ARENA_ARRAY(arena, gly_column_statistics, count);
    for (uint32_t i = 0; i < count; i++) {
        relation->statistics[i].has_bounds = true;
    }
    *ret_bounded_rows = GLY_ARENA_ARRAY(arena, uint64_t, count);
    return GLY_OK;
}

static gly_status add_file(gly_arena *arena, gly_relation *relation, uint32_t file,
                           const footer *from, uint64_t **bounded_rows, gly_error *err) {
    if (from->status != GLY_OK) {
        return gly_error_copy(err, &from->error);
    }
    if (file == 0) {
        GLY_TRY(begin_relation(arena, relation, from->meta, bounded_rows, err));
    }
    for (uint32_t i = 0; i < relation->schema->field_count; i++) {
        GLY_TRY(check_field(relation, file, from->meta, &relation->schema->fields[i], err));
    }
    relation->row_count += from->meta->row_count;
    add_statistics(arena, from->meta, relation->schema, *bounded_rows, relation->statistics);
    keep_split_points(arena, from->meta, &relation->files[file]);
    return GLY_OK;
}

/* The first file stands for the table; what files themselves claim to have counted is kept. */
static void estimate_distinct(const footer *first, gly_relation *relation) {
    const gly_parquet_meta *meta = first->meta;
    gly_read_plan *plan = NULL;
    gly_file *source = first->file;
    if (source->start_read != NULL) {
        plan = gly_read_plan_make(source, NULL, DISTINCT_GAP_BYTES);
        source = gly_read_plan_file(plan);
        gly_parquet_distinct_plan(plan, meta);
    }
    for (uint32_t i = 0; i < relation->schema->field_count; i++) {
        gly_column_statistics *into = &relation->statistics[i];
        uint32_t leaf = gly_parquet_meta_find(meta, relation->schema->fields[i].name);
        if (into->distinct_count == 0 && leaf < meta->leaf_count) {
            into->distinct_count =
                gly_parquet_distinct_estimate(source, meta, leaf, relation->row_count);
        }
    }
    gly_read_plan_free(plan);
}

/* Footers are read at once where a file costs milliseconds, else only when there are many. */
static uint32_t footer_threads(const gly_relation *relation) {
    const gly_filesystem *filesystem;
    gly_error ignored;
    bool is_remote =
        relation->file_count > 0 &&
        gly_filesystem_find(relation->files[0].path, &filesystem, &ignored) == GLY_OK &&
        filesystem->is_remote;
    return is_remote || relation->file_count >= MANY_FILES ? FOOTERS_AT_ONCE : 1;
}

static gly_status infer(gly_arena *arena, gly_relation *relation, gly_error *err) {
    uint64_t *bounded_rows = NULL;
    footer items[FOOTERS_IN_BLOCK];
    footer first = {0};
    gly_status status = GLY_OK;
    uint32_t threads = footer_threads(relation);
    for (uint32_t at = 0; status == GLY_OK && at < relation->file_count; at += FOOTERS_IN_BLOCK) {
        uint32_t count = GLY_MIN(relation->file_count - at, (uint32_t)FOOTERS_IN_BLOCK);
        footers all = {relation, at, items};
        memset(items, 0, count * sizeof *items);
        gly_parallel_each(count, threads, read_footer, &all);
        for (uint32_t i = 0; i < count; i++) {
            if (status == GLY_OK) {
                status = add_file(arena, relation, at + i, &items[i], &bounded_rows, err);
            }
            if (at + i == 0) {
                first = items[0];
            } else {
                gly_arena_free(items[i].arena);
            }
        }
    }
    if (status == GLY_OK && relation->file_count > 0) {
        estimate_distinct(&first, relation);
    }
    close_footer(&first);
    gly_arena_free(first.arena);
    if (status != GLY_OK) {
        return status;
    }
    for (uint32_t i = 0; i < relation->schema->field_count; i++) {
        if (bounded_rows[i] == 0) {
            forget_bounds(&relation->statistics[i]);
        }
    }
    return GLY_OK;
}

static gly_status split_points(gly_arena *arena, const gly_relation *relation, uint32_t file,
                               uint32_t *ret_count, uint64_t **ret_offsets, gly_error *err) {
    gly_relation_file known = relation->files[file];
    if (known.split_points == NULL) {
        footer own = {.arena = gly_arena_make()};
        gly_status status = open_footer(&own, known.path, err);
        if (status == GLY_OK) {
            keep_split_points(arena, own.meta, &known);
        }
        close_footer(&own);
        gly_arena_free(own.arena);
        GLY_TRY(status);
    }
    *ret_count = known.split_point_count; /* a copy: the caller sorts them */
    *ret_offsets = gly_arena_copy(arena, known.split_points,
                                  (known.split_point_count + 1) * sizeof *known.split_points);
    return GLY_OK;
}

const gly_format gly_parquet_format = {
    .name = "parquet",
    .extension = "parquet",
    .infer = infer,
    .split_points = split_points,
    .reader_open = gly_parquet_reader_open,
    .reader_next = gly_parquet_reader_next,
    .reader_seek = gly_parquet_reader_seek,
    .reader_close = gly_parquet_reader_close,
    .writer_open = gly_parquet_writer_open,
    .writer_write = gly_parquet_writer_write,
    .writer_finish = gly_parquet_writer_finish,
    .writer_abort = gly_parquet_writer_abort,
};
