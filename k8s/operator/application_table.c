/* application_table.c - records by namespace and name; see application_table.h. */
#include "k8s/operator/application_table.h"

#include "lib/base/hash.h"
#include "lib/base/map.h"

struct gly_application_table {
    gly_map records; /* by hash of namespace and name; equal hashes are chained */
};

static uint64_t hash_of(const char *text) { return gly_hash_bytes(text, strlen(text)); }

static uint64_t key_of(const char *namespace_name, const char *name) {
    uint64_t key = gly_hash_combine(hash_of(namespace_name), hash_of(name));
    return key;
}

gly_application_table *gly_application_table_make(void) { return GLY_NEW(gly_application_table); }

static void free_record(gly_application_record *record) {
    for (size_t i = 0; i < record->pods.count; i++) {
        free(record->pods.items[i].name);
    }
    gly_array_clear(&record->pods);
    free(record->namespace_name);
    free(record->name);
    free(record);
}

void gly_application_table_free(gly_application_table *table) {
    if (table == NULL) {
        return;
    }
    gly_application_record *record;
    for (size_t i = 0; (record = gly_map_next(&table->records, &i)) != NULL;) {
        while (record != NULL) {
            gly_application_record *next = record->next;
            free_record(record);
            record = next;
        }
    }
    gly_map_clear(&table->records);
    free(table);
}

gly_application_record *gly_application_table_find(gly_application_table *table,
                                                   const char *namespace_name, const char *name) {
    gly_application_record *record = gly_map_get(&table->records, key_of(namespace_name, name));
    while (record != NULL && (strcmp(record->namespace_name, namespace_name) != 0 ||
                              strcmp(record->name, name) != 0)) {
        record = record->next;
    }
    return record;
}

gly_application_record *gly_application_table_get(gly_application_table *table,
                                                  const char *namespace_name, const char *name) {
    gly_application_record *record = gly_application_table_find(table, namespace_name, name);
    if (record == NULL) {
        uint64_t key = key_of(namespace_name, name);
        record = GLY_NEW(gly_application_record);
        record->namespace_name = gly_alloc_string(namespace_name);
        record->name = gly_alloc_string(name);
        record->next = gly_map_get(&table->records, key);
        gly_map_put(&table->records, key, record);
    }
    return record;
}

gly_application_record *gly_application_table_with_pod(gly_application_table *table,
                                                       const char *namespace_name,
                                                       const char *pod_name) {
    gly_application_record *record;
    for (size_t i = 0; (record = gly_map_next(&table->records, &i)) != NULL;) {
        for (; record != NULL; record = record->next) {
            for (size_t p = 0; p < record->pods.count; p++) {
                if (strcmp(record->pods.items[p].name, pod_name) == 0 &&
                    strcmp(record->namespace_name, namespace_name) == 0) {
                    return record;
                }
            }
        }
    }
    return NULL;
}

void gly_application_table_release(gly_application_table *table, gly_application_record *record) {
    if (record->exists || record->is_active || record->pods.count > 0) {
        return;
    }
    uint64_t key = key_of(record->namespace_name, record->name);
    gly_application_record *first = gly_map_get(&table->records, key);
    if (first != record) {
        while (first->next != record) {
            first = first->next;
        }
        first->next = record->next;
    } else if (record->next != NULL) {
        gly_map_put(&table->records, key, record->next);
    } else {
        gly_map_remove(&table->records, key);
    }
    free_record(record);
}

void gly_application_table_is_uid(gly_application_record *record, const char *uid) {
    uint64_t hash = hash_of(uid);
    if (record->uid_hash == hash) {
        return;
    }
    record->uid_hash = hash;
    record->seen_hash = record->done_hash = 0;
    record->first_seen_ms = record->pod_created_ms = 0;
    record->refusals = record->warned_count = 0;
}

bool gly_application_table_put_pod(gly_application_record *record, const char *owner_uid,
                                   const gly_pod_state *pod) {
    uint64_t hash = gly_hash_combine(hash_of(pod->uid), (uint64_t)pod->phase);
    hash = gly_hash_combine(hash, hash_of(pod->trouble));
    hash = gly_hash_combine(hash, hash_of(pod->node));
    hash = gly_hash_combine(hash, hash_of(pod->sentence));
    hash = gly_hash_combine(hash, pod->is_deleting ? 1 : 0);
    gly_application_pod *found = NULL;
    for (size_t i = 0; i < record->pods.count; i++) {
        if (strcmp(record->pods.items[i].name, pod->name) == 0) {
            found = &record->pods.items[i];
        }
    }
    if (found == NULL) {
        gly_application_pod added = {.name = gly_alloc_string(pod->name)};
        gly_array_push(&record->pods, added);
        found = &record->pods.items[record->pods.count - 1];
    }
    bool is_changed = found->hash != hash;
    found->hash = hash;
    found->owner_hash = hash_of(owner_uid);
    found->attempt = pod->attempt;
    found->is_live = pod->phase == GLY_POD_PENDING || pod->phase == GLY_POD_RUNNING;
    found->is_deleting = pod->is_deleting;
    return is_changed;
}

void gly_application_table_remove_pod(gly_application_record *record, const char *name) {
    for (size_t i = 0; i < record->pods.count; i++) {
        if (strcmp(record->pods.items[i].name, name) == 0) {
            free(record->pods.items[i].name);
            gly_array_remove_at(&record->pods, i);
            return;
        }
    }
}

uint32_t gly_application_table_strays(gly_arena *arena, const gly_application_record *record,
                                      uint32_t attempt, gly_application_stray **ret) {
    gly_application_stray *strays =
        GLY_ARENA_ARRAY(arena, gly_application_stray, record->pods.count);
    uint32_t count = 0;
    for (size_t i = 0; i < record->pods.count; i++) {
        const gly_application_pod *pod = &record->pods.items[i];
        if (pod->owner_hash == record->uid_hash && pod->attempt != attempt && pod->is_live &&
            !pod->is_deleting) {
            strays[count++] =
                (gly_application_stray){gly_arena_string(arena, pod->name), pod->attempt};
        }
    }
    *ret = strays;
    return count;
}

bool gly_application_table_is_warned(gly_application_record *record, uint64_t warning_hash) {
    for (uint32_t i = 0; i < record->warned_count; i++) {
        if (record->warned[i] == warning_hash) {
            return true;
        }
    }
    if (record->warned_count == GLY_APPLICATION_WARNINGS_MAX) {
        memmove(record->warned, record->warned + 1,
                (GLY_APPLICATION_WARNINGS_MAX - 1) * sizeof *record->warned);
        record->warned_count--;
    }
    record->warned[record->warned_count++] = warning_hash;
    return false;
}
