/* catalog.c - a session's temporary views, kept in a small array in the order they were made.
 *
 * Every view has an arena of its own with a deep copy of what it was made from, so that replacing
 * or dropping it frees everything.  Invariant: no two views have the same name, case ignored.
 * Not here: what caching does with the rows (the driver), how a view is used (resolve_from.c).
 */
#include "lib/sql/catalog/catalog.h"

#include "lib/base/array.h"

typedef struct entry {
    gly_arena *arena;
    gly_catalog_view view;
    gly_arena *cache_arena; /* of cache_schema; NULL: not cached */
} entry;

struct gly_catalog {
    GLY_ARRAY(entry *) entries;
};

gly_catalog *gly_catalog_make(void) { return GLY_NEW(gly_catalog); }

static void free_entry(entry *item) {
    gly_arena_free(item->cache_arena);
    gly_arena_free(item->arena);
    free(item);
}

void gly_catalog_free(gly_catalog *catalog) {
    if (catalog == NULL) {
        return;
    }
    for (size_t i = 0; i < catalog->entries.count; i++) {
        free_entry(catalog->entries.items[i]);
    }
    gly_array_clear(&catalog->entries);
    free(catalog);
}

static size_t find_index(const gly_catalog *catalog, gly_str name) {
    for (size_t i = 0; i < catalog->entries.count; i++) {
        if (gly_str_equal_ignore_case(catalog->entries.items[i]->view.name, name)) {
            return i;
        }
    }
    return catalog->entries.count;
}

/* deep copies */

static gly_value *copy_values(gly_arena *arena, const gly_value *values, uint32_t count) {
    if (values == NULL) {
        return NULL;
    }
    gly_value *copy = GLY_ARENA_ARRAY(arena, gly_value, count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = gly_value_copy(arena, &values[i]);
    }
    return copy;
}

static gly_column_statistics *copy_statistics(gly_arena *arena, const gly_relation *relation) {
    if (relation->statistics == NULL) {
        return NULL;
    }
    uint32_t count = relation->schema->field_count;
    gly_column_statistics *copy = GLY_ARENA_ARRAY(arena, gly_column_statistics, count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = relation->statistics[i];
        if (copy[i].has_bounds) {
            copy[i].min = gly_value_copy(arena, &copy[i].min);
            copy[i].max = gly_value_copy(arena, &copy[i].max);
        }
    }
    return copy;
}

static gly_relation *copy_relation(gly_arena *arena, const gly_relation *relation) {
    if (relation == NULL) {
        return NULL;
    }
    gly_relation *copy = gly_arena_copy(arena, relation, sizeof *relation);
    copy->format = gly_arena_str(arena, relation->format);
    copy->name = gly_arena_str(arena, relation->name);
    copy->options = GLY_ARENA_ARRAY(arena, gly_option, relation->option_count);
    for (uint32_t i = 0; i < relation->option_count; i++) {
        copy->options[i].key = gly_arena_str(arena, relation->options[i].key);
        copy->options[i].value = gly_arena_str(arena, relation->options[i].value);
    }
    copy->schema = gly_schema_copy(arena, relation->schema);
    copy->files = GLY_ARENA_ARRAY(arena, gly_relation_file, relation->file_count);
    for (uint32_t i = 0; i < relation->file_count; i++) {
        copy->files[i] = relation->files[i];
        copy->files[i].path = gly_arena_str(arena, relation->files[i].path);
        if (relation->files[i].split_points != NULL) {
            copy->files[i].split_points = gly_arena_copy(
                arena, relation->files[i].split_points,
                (relation->files[i].split_point_count + 1) * sizeof(uint64_t));
        }
        copy->files[i].partition_values = copy_values(arena, relation->files[i].partition_values,
                                                      relation->partition_column_count);
    }
    copy->statistics = copy_statistics(arena, relation);
    return copy;
}

static entry *copy_view(const gly_catalog_view *view) {
    entry *item = GLY_NEW(entry);
    item->arena = gly_arena_make();
    item->view.name = gly_arena_str(item->arena, view->name);
    item->view.query_text = gly_arena_str(item->arena, view->query_text);
    item->view.column_count = view->column_count;
    item->view.columns = GLY_ARENA_ARRAY(item->arena, gly_str, view->column_count);
    for (uint32_t i = 0; i < view->column_count; i++) {
        item->view.columns[i] = gly_arena_str(item->arena, view->columns[i]);
    }
    item->view.relation = copy_relation(item->arena, view->relation);
    return item;
}

static void set_cache(entry *item, uint64_t cache_id, const gly_schema *schema,
                      uint32_t partition_count, uint64_t row_count, uint64_t size_bytes) {
    gly_arena *old = item->cache_arena;
    item->cache_arena = NULL;
    item->view.cache_id = cache_id;
    item->view.cache_schema = NULL;
    item->view.cache_partition_count = cache_id == 0 ? 0 : partition_count;
    item->view.cache_row_count = cache_id == 0 ? 0 : row_count;
    item->view.cache_size_bytes = cache_id == 0 ? 0 : size_bytes;
    if (cache_id != 0) {
        item->cache_arena = gly_arena_make();
        item->view.cache_schema = gly_schema_copy(item->cache_arena, schema);
    }
    gly_arena_free(old); /* last: schema may lie in it */
}

gly_status gly_catalog_put(gly_catalog *catalog, const gly_catalog_view *view, bool or_replace,
                           gly_error *err) {
    size_t index = find_index(catalog, view->name);
    if (index < catalog->entries.count && !or_replace) {
        return gly_fail(err, GLY_E_ANALYSIS,
                        "View '%.*s' already exists; write CREATE OR REPLACE TEMPORARY VIEW to "
                        "replace it",
                        GLY_STR_ARG(view->name));
    }
    entry *item = copy_view(view); /* before the old one goes: view may lie in it */
    if (view->cache_id != 0) {
        set_cache(item, view->cache_id, view->cache_schema, view->cache_partition_count,
                  view->cache_row_count, view->cache_size_bytes);
    }
    if (index < catalog->entries.count) {
        free_entry(catalog->entries.items[index]);
        catalog->entries.items[index] = item;
    } else {
        gly_array_push(&catalog->entries, item);
    }
    return GLY_OK;
}

bool gly_catalog_drop(gly_catalog *catalog, gly_str name) {
    size_t index = find_index(catalog, name);
    if (index == catalog->entries.count) {
        return false;
    }
    free_entry(catalog->entries.items[index]);
    gly_array_remove_at(&catalog->entries, index);
    return true;
}

gly_catalog_view *gly_catalog_find(const gly_catalog *catalog, gly_str name) {
    size_t index = find_index(catalog, name);
    return index < catalog->entries.count ? &catalog->entries.items[index]->view : NULL;
}

gly_str gly_catalog_suggest(const gly_catalog *catalog, gly_str name) {
    gly_str best = {"", 0};
    size_t best_distance = name.size <= 3 ? 2 : name.size / 3 + 2;
    for (size_t i = 0; i < catalog->entries.count && name.size <= 128; i++) {
        gly_str candidate = catalog->entries.items[i]->view.name;
        size_t distance = candidate.size > 128 ? SIZE_MAX : gly_str_distance(name, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

uint32_t gly_catalog_count(const gly_catalog *catalog) { return (uint32_t)catalog->entries.count; }

gly_catalog_view *gly_catalog_at(const gly_catalog *catalog, uint32_t index) {
    GLY_ASSERT(index < catalog->entries.count);
    return &catalog->entries.items[index]->view;
}

void gly_catalog_set_cache(gly_catalog *catalog, gly_str name, uint64_t cache_id,
                           const gly_schema *schema, uint32_t partition_count, uint64_t row_count,
                           uint64_t size_bytes) {
    size_t index = find_index(catalog, name);
    if (index == catalog->entries.count) {
        return;
    }
    set_cache(catalog->entries.items[index], cache_id, schema, partition_count, row_count,
              size_bytes);
}
