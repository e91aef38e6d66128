/* source.c - lists the files of a table, asks the format for its schema, adds partition columns,
 * and packs row groups into tasks.
 *
 * Split planning is Spark's FilePartition: pieces no larger than the target (which shrinks until
 * all slots have work), sorted by size, packed next-fit with a cost per piece.  A piece here is a
 * run of whole row groups (or of bytes, for formats that can start anywhere).
 *
 * Invariant: the splits of a file cover it exactly once, in the sense of gly_split.
 */
#include "lib/io/source/source.h"

#include "lib/base/array.h"
#include "lib/io/format.h"
#include "lib/io/fs/filesystem.h"
#include "lib/io/fs/glob.h"
#include "lib/io/source/partition_paths.h"

/* ---- opening -------------------------------------------------------------------------------- */

typedef struct file_list {
    GLY_ARRAY(gly_file_info) files;
    GLY_ARRAY(uint32_t) base_depths;
} file_list;

/* Partition directories are looked for behind the directory the user named. */
static gly_status list_files(gly_arena *arena, uint32_t path_count, const gly_str *paths,
                             file_list *list, gly_error *err) {
    for (uint32_t p = 0; p < path_count; p++) {
        uint32_t count;
        gly_file_info *files;
        GLY_TRY(gly_filesystem_expand(arena, paths[p], &count, &files, err));
        uint32_t depth = gly_glob_depth(paths[p]);
        for (uint32_t i = 0; i < count; i++) {
            gly_array_push(&list->files, files[i]);
            gly_array_push(&list->base_depths, depth);
        }
    }
    return GLY_OK;
}

static gly_status add_partitions(gly_arena *arena, const file_list *list, gly_relation *relation,
                                 gly_error *err) {
    gly_str *paths = GLY_ARENA_ARRAY(arena, gly_str, relation->file_count);
    for (uint32_t i = 0; i < relation->file_count; i++) {
        paths[i] = relation->files[i].path;
    }
    gly_partition_paths found;
    GLY_TRY(gly_partition_paths_find(arena, relation->file_count, paths, list->base_depths.items,
                                     &found, err));
    if (found.column_count == 0) {
        return GLY_OK;
    }
    gly_schema *own = relation->schema;
    gly_schema *all = GLY_ARENA_NEW(arena, gly_schema);
    gly_column_statistics *statistics = NULL;
    uint32_t most = own->field_count + found.column_count;
    all->fields = GLY_ARENA_ARRAY(arena, gly_field, most);
    if (relation->statistics != NULL) {
        statistics = GLY_ARENA_ARRAY(arena, gly_column_statistics, most);
    }
    for (uint32_t i = 0; i < own->field_count; i++) {
        bool is_replaced = false; /* the directory wins over a column of the same name */
        for (uint32_t c = 0; c < found.column_count; c++) {
            is_replaced |= gly_str_equal_ignore_case(own->fields[i].name, found.columns[c].name);
        }
        if (!is_replaced) {
            if (statistics != NULL) {
                statistics[all->field_count] = relation->statistics[i];
            }
            all->fields[all->field_count++] = own->fields[i];
        }
    }
    for (uint32_t c = 0; c < found.column_count; c++) {
        if (statistics != NULL) {
            statistics[all->field_count].null_count = found.columns[c].nullable ? UINT64_MAX : 0;
        }
        all->fields[all->field_count++] = found.columns[c];
    }
    for (uint32_t i = 0; i < relation->file_count; i++) {
        relation->files[i].partition_values = found.values[i];
    }
    relation->schema = all;
    relation->statistics = statistics;
    relation->partition_column_count = found.column_count;
    return GLY_OK;
}

static gly_status fill_relation(gly_arena *arena, const gly_format *format, const file_list *list,
                                gly_relation *relation, gly_error *err) {
    relation->file_count = (uint32_t)list->files.count;
    relation->files = GLY_ARENA_ARRAY(arena, gly_relation_file, relation->file_count);
    for (uint32_t i = 0; i < relation->file_count; i++) {
        relation->files[i].path = list->files.items[i].path;
        relation->files[i].size_bytes = list->files.items[i].size_bytes;
        relation->size_bytes += list->files.items[i].size_bytes;
    }
    GLY_TRY(format->infer(arena, relation, err));
    return add_partitions(arena, list, relation, err);
}

gly_status gly_source_open(gly_arena *arena, gly_str format_name, gly_str name, uint32_t path_count,
                           const gly_str *paths, uint32_t option_count, const gly_option *options,
                           gly_relation **ret, gly_error *err) {
    const gly_format *format = gly_format_find(format_name);
    if (format == NULL) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "there is no file format \"%.*s\"; there are %s",
                        GLY_STR_ARG(format_name), gly_format_names());
    }
    if (path_count == 0) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "no path was given for %.*s",
                        GLY_STR_ARG(name));
    }
    gly_relation *relation = GLY_ARENA_NEW(arena, gly_relation);
    relation->format = gly_str_of(format->name);
    relation->name = gly_arena_str(arena, name);
    relation->option_count = option_count;
    relation->options = GLY_ARENA_ARRAY(arena, gly_option, option_count);
    for (uint32_t i = 0; i < option_count; i++) {
        relation->options[i] = (gly_option){gly_arena_str(arena, options[i].key),
                                            gly_arena_str(arena, options[i].value)};
    }
    relation->row_count = UINT64_MAX;
    file_list list = {0};
    gly_status status = list_files(arena, path_count, paths, &list, err);
    if (status == GLY_OK) {
        status = fill_relation(arena, format, &list, relation, err);
    }
    gly_array_clear(&list.files);
    gly_array_clear(&list.base_depths);
    if (status == GLY_OK) {
        *ret = relation;
    }
    return status;
}

/* ---- splits --------------------------------------------------------------------------------- */

typedef GLY_ARRAY(gly_split) split_list;

static int compare_offsets(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Cuts one file into runs of whole row groups of at most target bytes (one group may be more). */
static gly_status cut_at_points(gly_arena *arena, const gly_format *format,
                                const gly_relation *relation, uint32_t file, uint64_t target,
                                split_list *splits, gly_error *err) {
    uint64_t size = relation->files[file].size_bytes;
    uint32_t count;
    uint64_t *points;
    GLY_TRY(format->split_points(arena, relation, file, &count, &points, err));
    if (count > 1) {
        qsort(points, count, sizeof *points, compare_offsets);
    }
    uint64_t start = 0; /* the first piece starts at 0, so that nothing can fall out */
    for (uint32_t i = 1; i <= count; i++) {
        uint64_t end = i < count ? points[i] : size;
        uint64_t before = points[i - 1];
        if (before > start && end - start > target && before != points[0]) {
            gly_array_push(splits, ((gly_split){file, start, before - start}));
            start = before;
        }
    }
    if (count > 0) {
        gly_array_push(splits, ((gly_split){file, start, GLY_MAX(size, start + 1) - start}));
    }
    return GLY_OK;
}

static void cut_anywhere(const gly_relation *relation, uint32_t file, uint64_t target,
                         split_list *splits) {
    uint64_t size = relation->files[file].size_bytes;
    for (uint64_t start = 0; start < size; start += target) {
        gly_array_push(splits, ((gly_split){file, start, GLY_MIN(target, size - start)}));
    }
}

static bool may_cut(const gly_relation *relation, uint32_t file) {
    static const char *const packed[] = {".gz", ".zst", ".lz4", ".snappy", ".bz2"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(packed); i++) {
        if (gly_str_ends_with(relation->files[file].path, gly_str_of(packed[i]))) {
            return false;
        }
    }
    return true;
}

static gly_status cut_files(gly_arena *arena, const gly_format *format,
                            const gly_relation *relation, uint64_t target, split_list *splits,
                            gly_error *err) {
    for (uint32_t i = 0; i < relation->file_count; i++) {
        uint64_t size = relation->files[i].size_bytes;
        if (size <= target && format->split_points != NULL) {
            gly_array_push(splits, ((gly_split){i, 0, GLY_MAX(size, UINT64_C(1))}));
        } else if (format->split_points != NULL) {
            GLY_TRY(cut_at_points(arena, format, relation, i, target, splits, err));
        } else {
            cut_anywhere(relation, i, may_cut(relation, i) ? target : GLY_MAX(size, UINT64_C(1)),
                         splits);
        }
    }
    return GLY_OK;
}

static int by_size(const void *a, const void *b) {
    const gly_split *x = a;
    const gly_split *y = b;
    if (x->length != y->length) {
        return x->length < y->length ? 1 : -1;
    }
    if (x->file != y->file) {
        return x->file > y->file ? 1 : -1;
    }
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Next-fit over the sorted splits; returns the number of partitions. */
static uint32_t pack(const split_list *splits, uint64_t target, uint64_t open_cost,
                     uint32_t *first_split) {
    uint32_t count = 0;
    uint64_t filled = 0;
    for (uint32_t i = 0; i < splits->count; i++) {
        uint64_t length = splits->items[i].length;
        if (i == 0 || filled + length > target) {
            first_split[count++] = i;
            filled = 0;
        }
        filled += length + open_cost;
    }
    first_split[count] = (uint32_t)splits->count;
    return count;
}

static uint64_t first_target(const gly_relation *relation, uint64_t max_split_bytes,
                             uint64_t open_cost, uint32_t min_partitions) {
    uint64_t total = relation->size_bytes + (uint64_t)relation->file_count * open_cost;
    uint64_t per_partition = total / GLY_MAX(min_partitions, 1u);
    uint64_t target = GLY_MIN(max_split_bytes, GLY_MAX(open_cost, per_partition));
    return GLY_MAX(target, UINT64_C(1));
}

gly_status gly_source_plan_splits(gly_arena *arena, const gly_relation *relation,
                                  uint64_t max_split_bytes, uint64_t open_cost_bytes,
                                  uint32_t min_partitions, gly_source_splits *ret, gly_error *err) {
    const gly_format *format = gly_format_find(relation->format);
    if (format == NULL) {
        return gly_fail(err, GLY_E_UNSUPPORTED, "there is no file format \"%.*s\"; there are %s",
                        GLY_STR_ARG(relation->format), gly_format_names());
    }
    uint64_t target = first_target(relation, max_split_bytes, open_cost_bytes, min_partitions);
    split_list splits = {0};
    gly_status status = cut_files(arena, format, relation, target, &splits, err);
    if (status == GLY_OK) {
        if (splits.count > 1) {
            qsort(splits.items, splits.count, sizeof *splits.items, by_size);
        }
        ret->split_count = (uint32_t)splits.count;
        ret->splits = gly_arena_copy(arena, splits.items, splits.count * sizeof *splits.items);
        ret->first_split = GLY_ARENA_ARRAY(arena, uint32_t, splits.count + 1);
        ret->partition_count = pack(&splits, target, open_cost_bytes, ret->first_split);
        /* Packing was too greedy for the slots there are: smaller bins, down to one piece each. */
        uint32_t wanted = GLY_MIN(min_partitions, ret->split_count);
        for (uint64_t bin = target; ret->partition_count < wanted && bin > 0;) {
            bin /= 2;
            ret->partition_count = pack(&splits, bin, open_cost_bytes, ret->first_split);
        }
    }
    gly_array_clear(&splits);
    return status;
}
