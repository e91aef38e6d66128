/* application_table.h - what the operator remembers of each application: a few hundred bytes, no
 * objects.
 *
 * Hashes of what was seen, so that events that change nothing (the driver's progress, our own
 * writes) cause no work; the driver pods that exist; what was measured.  Losing all of it costs one
 * look at each object.
 */
#ifndef GLY_APPLICATION_TABLE_H
#define GLY_APPLICATION_TABLE_H

#include "k8s/operator/application_state.h"
#include "lib/base/array.h"

enum { GLY_APPLICATION_WARNINGS_MAX = 16 };

typedef struct gly_application_pod { /* a driver pod that exists */
    char *name;
    uint64_t owner_hash; /* of the application's uid */
    uint64_t hash;       /* of its state */
    uint32_t attempt;
    bool is_live, is_deleting; /* live: it has not ended */
} gly_application_pod;

typedef struct gly_application_record {
    char *namespace_name, *name;
    uint64_t uid_hash;
    bool exists;    /* the application; false: only pods of one that is gone */
    bool is_active; /* being reconciled; the record stays */
    bool is_dirty;  /* meanwhile something was seen that must be looked at: a driver pod changed ...
                     */
    bool is_seen;   /* ... or the application; that may be our own writing (seen_hash, done_hash) */
    uint64_t seen_hash, done_hash;
    gly_application_phase phase;
    int64_t first_seen_ms, pod_created_ms; /* monotonic; 0: unknown */
    uint32_t refusals;                     /* of the driver pod, in a row */
    uint32_t warned_count;
    uint64_t warned[GLY_APPLICATION_WARNINGS_MAX]; /* warnings of the driver that became Events */
    GLY_ARRAY(gly_application_pod) pods;
    struct gly_application_record *next; /* same hash */
} gly_application_record;

typedef struct gly_application_table gly_application_table;

gly_application_table *gly_application_table_make(void) __attribute__((returns_nonnull));
void gly_application_table_free(gly_application_table *table); /* accepts NULL */
gly_application_record *gly_application_table_find(gly_application_table *table,
                                                   const char *namespace_name, const char *name);
gly_application_record *gly_application_table_get(gly_application_table *table,
                                                  const char *namespace_name,
                                                  const char *name); /* made if absent */
/* The one that has this driver pod; looks at all. */
gly_application_record *gly_application_table_with_pod(gly_application_table *table,
                                                       const char *namespace_name,
                                                       const char *pod_name);
/* Frees the record if nothing needs it: no application, no pods, not active. */
void gly_application_table_release(gly_application_table *table, gly_application_record *record);

/* The application has this uid now (a new one of the same name forgets what was known). */
void gly_application_table_is_uid(gly_application_record *record, const char *uid);
/* False if nothing changed. */
bool gly_application_table_put_pod(gly_application_record *record, const char *owner_uid,
                                   const gly_pod_state *pod);
void gly_application_table_remove_pod(gly_application_record *record, const char *name);
/* Live driver pods of the application, of other attempts, that are not being deleted. */
uint32_t gly_application_table_strays(gly_arena *arena, const gly_application_record *record,
                                      uint32_t attempt, gly_application_stray **ret);
/* True once for each warning. */
bool gly_application_table_is_warned(gly_application_record *record, uint64_t warning_hash);

#endif
