/* catalog.h - a session's temporary views and which of them are cached.
 *
 * Not thread-safe: belongs to one session.  Entries own copies of what they are given.
 */
#ifndef GLY_CATALOG_H
#define GLY_CATALOG_H

#include "lib/sql/sql.h"

typedef struct gly_catalog_view {
    gly_str name;
    gly_str query_text;      /* AS SELECT ...: parsed again at each use; or empty */
    uint32_t column_count;   /* renamed columns of a query view: v (a, b) */
    gly_str *columns;
    gly_relation *relation;  /* USING format: opened when the view is made; or NULL */
    uint64_t cache_id;       /* 0: not cached */
    gly_schema *cache_schema; /* set when cached */
    uint32_t cache_partition_count;
    uint64_t cache_row_count, cache_size_bytes;
} gly_catalog_view;

gly_catalog *gly_catalog_make(void);
void gly_catalog_free(gly_catalog *catalog);
/* PATH_EXISTS-like error TABLE exists unless or_replace. */
GLY_NODISCARD gly_status gly_catalog_put(gly_catalog *catalog, const gly_catalog_view *view,
                                         bool or_replace, gly_error *err);
bool gly_catalog_drop(gly_catalog *catalog, gly_str name); /* false: it was not there */
/* NULL if absent.  Case-insensitive. */
gly_catalog_view *gly_catalog_find(const gly_catalog *catalog, gly_str name);
/* The nearest name for "did you mean", or empty. */
gly_str gly_catalog_suggest(const gly_catalog *catalog, gly_str name);
uint32_t gly_catalog_count(const gly_catalog *catalog);
gly_catalog_view *gly_catalog_at(const gly_catalog *catalog, uint32_t index);
/* Marks a view as cached (cache_id 0: no longer). */
void gly_catalog_set_cache(gly_catalog *catalog, gly_str name, uint64_t cache_id,
                           const gly_schema *schema, uint32_t partition_count, uint64_t row_count,
                           uint64_t size_bytes);
#endif
