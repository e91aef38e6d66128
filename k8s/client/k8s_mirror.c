/* k8s_mirror.c - a table of (namespace, name) -> (uid, resourceVersion), kept right by lists and
 * events.
 *
 * Rules, so that each change is told once and nothing that is gone stays:
 * - an event whose version is equal to or older than the one we have is dropped; of a list only the
 * equal (a list is the truth even if it is older: the server's database may have been restored);
 * - an event that is not newer than the last complete list is dropped: the list has it in already,
 * and without this rule an old event would bring back an object that the list said is gone;
 * - another uid under the same name is another object: the old one is reported as deleted first;
 * - what no page of a list had is reported as deleted at the list's end.
 */
#include "k8s/client/k8s_mirror.h"

#include "k8s/client/k8s_answer.h"
#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/base/map.h"

typedef struct version {
    bool is_number;
    uint64_t value; /* the number, or a hash of the text */
} version;

typedef struct known {
    struct known *next; /* with the same hash */
    version at;
    uint64_t list_id;                  /* of the list that had it last, or in which it came */
    char *namespace_name, *name, *uid; /* one allocation, at namespace_name */
} known;

struct gly_k8s_mirror {
    void (*on_object)(void *context, gly_k8s_watch_kind event, const cJSON *object);
    void *context;
    gly_map table; /* hash of namespace and name -> chain */
    size_t count;
    uint64_t list_id;
    version floor, newest; /* of the last complete list; of all that was seen */
    gly_builder resume;    /* text of newest */
    bool is_halted;
};

/* Of an object's metadata; "" for what is absent. */
typedef struct identity {
    const char *namespace_name, *name, *uid, *version;
} identity;

gly_k8s_mirror *gly_k8s_mirror_make(void (*on_object)(void *context, gly_k8s_watch_kind event,
                                                      const cJSON *object),
                                    void *context) {
    gly_k8s_mirror *mirror = GLY_NEW(gly_k8s_mirror);
    mirror->on_object = on_object;
    mirror->context = context;
    return mirror;
}

static void free_known(known *object) {
    free(object->namespace_name);
    free(object);
}

void gly_k8s_mirror_free(gly_k8s_mirror *mirror) {
    if (mirror == NULL) {
        return;
    }
    size_t position = 0;
    known *chain;
    while ((chain = gly_map_next(&mirror->table, &position)) != NULL) {
        while (chain != NULL) {
            known *next = chain->next;
            free_known(chain);
            chain = next;
        }
    }
    gly_map_clear(&mirror->table);
    gly_builder_clear(&mirror->resume);
    free(mirror);
}

void gly_k8s_mirror_halt(gly_k8s_mirror *mirror) { mirror->is_halted = true; }

const char *gly_k8s_mirror_version(const gly_k8s_mirror *mirror) {
    return mirror->resume.data != NULL ? mirror->resume.data : "";
}

size_t gly_k8s_mirror_count(const gly_k8s_mirror *mirror) { return mirror->count; }

/* --- versions --- */

static version read_version(const char *text) {
    gly_str all = gly_str_of(text);
    uint64_t number = 0;
    bool is_number = all.size > 0 && all.size <= 20;
    for (size_t i = 0; i < all.size && is_number; i++) {
        is_number = text[i] >= '0' && text[i] <= '9';
    }
    if (is_number && gly_str_to_u64(all, &number)) {
        return (version){true, number};
    }
    return (version){false, gly_hash_bytes(all.data, all.size)};
}

static bool is_older(version a, version b) {
    return a.is_number && b.is_number && a.value < b.value;
}

static bool is_same(version a, version b) {
    return a.is_number == b.is_number && a.value == b.value;
}

static void resume_at(gly_k8s_mirror *mirror, const char *text) {
    if (text[0] != '\0') {
        mirror->newest = read_version(text);
        gly_builder_reset(&mirror->resume);
        gly_builder_add_text(&mirror->resume, text);
    }
}

/* --- the table --- */

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static bool read_identity(const cJSON *object, identity *ret) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");
    *ret = (identity){text_of(metadata, "namespace"), text_of(metadata, "name"),
                      text_of(metadata, "uid"), text_of(metadata, "resourceVersion")};
    return ret->name[0] != '\0';
}

static uint64_t hash_of(const char *namespace_name, const char *name) {
    return gly_hash_combine(gly_hash_bytes(namespace_name, strlen(namespace_name)),
                            gly_hash_bytes(name, strlen(name)));
}

static known *find(const gly_k8s_mirror *mirror, const identity *who) {
    known *found = gly_map_get(&mirror->table, hash_of(who->namespace_name, who->name));
    while (found != NULL && (strcmp(found->name, who->name) != 0 ||
                             strcmp(found->namespace_name, who->namespace_name) != 0)) {
        found = found->next;
    }
    return found;
}

static known *add(gly_k8s_mirror *mirror, const identity *who) {
    size_t namespace_size = strlen(who->namespace_name) + 1, name_size = strlen(who->name) + 1;
    size_t uid_size = strlen(who->uid) + 1;
    known *added = GLY_NEW(known);
    added->namespace_name = gly_alloc(namespace_size + name_size + uid_size);
    added->name = added->namespace_name + namespace_size;
    added->uid = added->name + name_size;
    memcpy(added->namespace_name, who->namespace_name, namespace_size);
    memcpy(added->name, who->name, name_size);
    memcpy(added->uid, who->uid, uid_size);
    uint64_t hash = hash_of(who->namespace_name, who->name);
    added->next = gly_map_get(&mirror->table, hash);
    gly_map_put(&mirror->table, hash, added);
    mirror->count++;
    return added;
}

static void take_out(gly_k8s_mirror *mirror, known *object) {
    uint64_t hash = hash_of(object->namespace_name, object->name);
    known *first = gly_map_get(&mirror->table, hash);
    if (first == object && object->next == NULL) {
        gly_map_remove(&mirror->table, hash);
    } else if (first == object) {
        gly_map_put(&mirror->table, hash, object->next);
    } else {
        while (first->next != object) {
            first = first->next;
        }
        first->next = object->next;
    }
    mirror->count--;
}

/* --- telling --- */

static void tell(gly_k8s_mirror *mirror, gly_k8s_watch_kind event, const cJSON *object) {
    if (!mirror->is_halted) {
        mirror->on_object(mirror->context, event, object);
    }
}

/* It vanished while we did not look. */
static void tell_vanished(gly_k8s_mirror *mirror, known *object) {
    cJSON *made = cJSON_CreateObject();
    cJSON *metadata = cJSON_AddObjectToObject(made, "metadata");
    if (object->namespace_name[0] != '\0') {
        cJSON_AddStringToObject(metadata, "namespace", object->namespace_name);
    }
    cJSON_AddStringToObject(metadata, "name", object->name);
    cJSON_AddStringToObject(metadata, "uid", object->uid);
    take_out(mirror, object);
    free_known(object);
    tell(mirror, GLY_K8S_WATCH_DELETED, made);
    cJSON_Delete(made);
}

static void apply(gly_k8s_mirror *mirror, const cJSON *object, const identity *who, bool is_list) {
    version at = read_version(who->version);
    known *found = find(mirror, who);
    if (found != NULL && strcmp(found->uid, who->uid) != 0) {
        if (!is_list && is_older(at, found->at)) {
            return; /* late news of a predecessor */
        }
        tell_vanished(mirror, found);
        found = NULL;
    }
    if (found != NULL) {
        found->list_id = mirror->list_id;
        if (is_same(at, found->at) || (!is_list && is_older(at, found->at))) {
            return;
        }
    } else {
        found = add(mirror, who);
        found->list_id = mirror->list_id;
    }
    found->at = at;
    tell(mirror, GLY_K8S_WATCH_APPLIED, object);
}

static void forget(gly_k8s_mirror *mirror, const cJSON *object, const identity *who) {
    known *found = find(mirror, who);
    if (found == NULL || strcmp(found->uid, who->uid) != 0 ||
        is_older(read_version(who->version), found->at)) {
        return;
    }
    take_out(mirror, found);
    free_known(found);
    tell(mirror, GLY_K8S_WATCH_DELETED, object);
}

/* --- lists --- */

gly_status gly_k8s_mirror_read_list(const cJSON *list, gly_k8s_mirror_list *ret, gly_error *err) {
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(list, "items");
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(list, "metadata");
    if (!cJSON_IsObject(metadata) || (!cJSON_IsArray(items) && !cJSON_IsNull(items))) {
        return gly_fail(err, GLY_E_PROTOCOL, "the API server's answer is not a list of objects");
    }
    ret->version = text_of(metadata, "resourceVersion");
    const char *continuation = text_of(metadata, "continue");
    ret->continuation = continuation[0] != '\0' ? continuation : NULL;
    return GLY_OK;
}

bool gly_k8s_mirror_is_stale(const gly_k8s_mirror *mirror, const char *list_version) {
    return is_older(read_version(list_version), mirror->newest);
}

void gly_k8s_mirror_begin_list(gly_k8s_mirror *mirror) { mirror->list_id++; }

void gly_k8s_mirror_add_page(gly_k8s_mirror *mirror, const cJSON *list) {
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(list, "items")) {
        identity who;
        if (mirror->is_halted) {
            return;
        }
        if (read_identity(item, &who)) {
            apply(mirror, item, &who, true);
        }
    }
}

void gly_k8s_mirror_end_list(gly_k8s_mirror *mirror, const char *list_version) {
    GLY_ARRAY(known *) vanished = {0};
    size_t position = 0;
    known *object;
    while ((object = gly_map_next(&mirror->table, &position)) != NULL) {
        for (; object != NULL; object = object->next) {
            if (object->list_id != mirror->list_id) {
                gly_array_push(&vanished, object);
            }
        }
    }
    for (size_t i = 0; i < vanished.count; i++) {
        tell_vanished(mirror, vanished.items[i]);
    }
    gly_array_clear(&vanished);
    mirror->floor = read_version(list_version);
    resume_at(mirror, list_version);
}

/* --- events --- */

static gly_k8s_mirror_verdict garbage(gly_builder *message, gly_str line) {
    if (message != NULL) {
        gly_builder_format(message, "the watch sent %zu bytes that are no event", line.size);
    }
    return GLY_K8S_MIRROR_GARBAGE;
}

static gly_k8s_mirror_verdict read_error(const cJSON *object, gly_builder *message) {
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(object, "code");
    int http_code = cJSON_IsNumber(code) ? code->valueint : 0;
    if (message != NULL) {
        gly_builder_add_text(message, "the watch ended: ");
        gly_k8s_answer_words(object, http_code, message);
    }
    const char *reason = text_of(object, "reason");
    bool is_gone =
        http_code == 410 || strcmp(reason, "Expired") == 0 || strcmp(reason, "Gone") == 0;
    return is_gone ? GLY_K8S_MIRROR_GONE : GLY_K8S_MIRROR_REFUSED;
}

static gly_k8s_mirror_verdict handle(gly_k8s_mirror *mirror, const cJSON *event, gly_str line,
                                     gly_builder *message) {
    const char *type = text_of(event, "type");
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(event, "object");
    identity who;
    bool has_name = read_identity(object, &who);
    if (strcmp(type, "ERROR") == 0) {
        return read_error(object, message);
    }
    bool is_deleted = strcmp(type, "DELETED") == 0;
    bool is_applied = strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0;
    bool is_bookmark = strcmp(type, "BOOKMARK") == 0;
    if (who.version[0] == '\0' || !(is_bookmark || (has_name && (is_deleted || is_applied)))) {
        return garbage(message, line);
    }
    version at = read_version(who.version);
    if (!is_older(at, mirror->newest)) {
        resume_at(mirror, who.version);
    }
    if (is_bookmark || is_older(at, mirror->floor) || is_same(at, mirror->floor)) {
        return GLY_K8S_MIRROR_FINE;
    }
    if (is_deleted) {
        forget(mirror, object, &who);
    } else {
        apply(mirror, object, &who, false);
    }
    return GLY_K8S_MIRROR_FINE;
}

gly_k8s_mirror_verdict gly_k8s_mirror_event(gly_k8s_mirror *mirror, gly_str line,
                                            gly_builder *message) {
    line = gly_str_trim(line);
    if (line.size == 0) {
        return GLY_K8S_MIRROR_FINE;
    }
    cJSON *event = cJSON_ParseWithLength(line.data, line.size);
    if (!cJSON_IsObject(event)) {
        cJSON_Delete(event);
        return garbage(message, line);
    }
    gly_k8s_mirror_verdict verdict = handle(mirror, event, line, message);
    cJSON_Delete(event);
    return verdict;
}
