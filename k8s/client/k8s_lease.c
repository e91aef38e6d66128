/* k8s_lease.c - one leader: GET, and if nobody holds the Lease any more, PUT with the version we
 * saw.
 *
 *   every retry_ms:  follower: GET ─ 404 ─► POST
 *                                 └ free, expired or ours ─► PUT ─► leader
 *                    leader:   PUT (409 ─► forget what we know, GET next time)
 *
 * The API server's resourceVersion check makes sure that one of two writers loses.  A leader counts
 * from the moment at which it *sent* its last successful write, followers from the moment at which
 * they *saw* the last change, so the old leader has stopped before a new one starts as long as
 * renew_deadline < duration and clocks run at about the same speed (they need not show the same
 * time). A lease that changes hands under us is lost at once.
 */
#include "k8s/client/k8s_lease.h"

#include "k8s/api/rfc3339.h"
#include "k8s/client/k8s_client_internal.h"
#include "k8s/client/k8s_path.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum { DURATION_MS = 15000, RENEW_DEADLINE_MS = 10000, RETRY_MS = 2000, STOP_MS = 2000 };

struct gly_k8s_lease {
    gly_k8s_client *client;
    gly_k8s_lease_options options; /* texts are ours */
    cJSON *object;                 /* as last seen or written; NULL: look at it again */
    char *seen_spec; /* what we judge expiry by: its text, and since when it is there */
    int64_t seen_ms;
    bool is_held;
    int64_t renewed_ms; /* when the last successful write was sent */
    int64_t sent_ms;
    uint64_t request_id, timer, deadline_timer;
    bool is_stopping, is_in_trouble;
};

static void on_tick(void *context);

/* --- leading or not --- */

bool gly_k8s_lease_is_held(const gly_k8s_lease *lease) {
    return lease->is_held && gly_clock_ms() - lease->renewed_ms < lease->options.renew_deadline_ms;
}

static void change(gly_k8s_lease *lease, bool is_held) {
    if (lease->is_held != is_held) {
        lease->is_held = is_held;
        if (!lease->is_stopping && lease->options.on_change != NULL) {
            lease->options.on_change(lease->options.context, is_held);
        }
    }
}

static void on_deadline(void *context) {
    gly_k8s_lease *lease = context;
    lease->deadline_timer = 0;
    change(lease, false);
}

static void arm_deadline(gly_k8s_lease *lease) {
    gly_k8s_client_cancel_timer(lease->client, lease->deadline_timer);
    int64_t left_ms = lease->renewed_ms + lease->options.renew_deadline_ms - gly_clock_ms();
    lease->deadline_timer = gly_k8s_client_after(lease->client, left_ms, on_deadline, lease);
}

static void report(gly_k8s_lease *lease, const char *message) {
    if (!lease->is_in_trouble && lease->options.on_trouble != NULL && !lease->is_stopping) {
        lease->is_in_trouble = true;
        lease->options.on_trouble(lease->options.context, message);
    }
}

/* --- the object --- */

static const char *holder_of(const cJSON *object) {
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
    const cJSON *holder = cJSON_GetObjectItemCaseSensitive(spec, "holderIdentity");
    return cJSON_IsString(holder) ? holder->valuestring : "";
}

static bool is_ours(const gly_k8s_lease *lease, const cJSON *object) {
    return strcmp(holder_of(object), lease->options.identity) == 0;
}

static int64_t number_of(const cJSON *object, const char *key) {
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(spec, key);
    return cJSON_IsNumber(number) && number->valueint > 0 ? number->valueint : 0;
}

/* Takes the object over. */
static void see(gly_k8s_lease *lease, cJSON *object) {
    cJSON_Delete(lease->object);
    lease->object = object;
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
    char *text = spec != NULL ? cJSON_PrintUnformatted(spec) : gly_alloc_string("");
    if (text == NULL || lease->seen_spec == NULL || strcmp(text, lease->seen_spec) != 0) {
        lease->seen_ms = gly_clock_ms();
    }
    free(lease->seen_spec);
    lease->seen_spec = text;
}

static bool may_take(const gly_k8s_lease *lease) {
    int64_t duration_ms = number_of(lease->object, "leaseDurationSeconds") * 1000;
    return holder_of(lease->object)[0] == '\0' || is_ours(lease, lease->object) ||
           gly_clock_ms() - lease->seen_ms >= duration_ms;
}

static void put(cJSON *spec, const char *key, cJSON *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(spec, key);
    cJSON_AddItemToObject(spec, key, value);
}

/* What to write: the object as we know it (or a new one), held by us, or by nobody. */
static cJSON *make_object(const gly_k8s_lease *lease, bool is_release) {
    cJSON *object;
    if (lease->object != NULL) {
        object = cJSON_Duplicate(lease->object, true);
    } else {
        object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "apiVersion", "coordination.k8s.io/v1");
        cJSON_AddStringToObject(object, "kind", "Lease");
        cJSON *metadata = cJSON_AddObjectToObject(object, "metadata");
        cJSON_AddStringToObject(metadata, "name", lease->options.name);
        cJSON_AddStringToObject(metadata, "namespace", lease->options.namespace_name);
    }
    cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
    if (!cJSON_IsObject(spec)) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, "spec");
        spec = cJSON_AddObjectToObject(object, "spec");
    }
    gly_arena *arena = gly_arena_make();
    const char *now = gly_rfc3339_format_micro(arena, gly_clock_wall_ms());
    bool is_renewal = lease->object != NULL && is_ours(lease, lease->object);
    if (!is_renewal) {
        int64_t transitions = number_of(object, "leaseTransitions");
        put(spec, "acquireTime", cJSON_CreateString(now));
        put(spec, "leaseTransitions",
            cJSON_CreateNumber((double)(transitions + (lease->object != NULL ? 1 : 0))));
    }
    int64_t seconds = is_release ? 1 : GLY_MAX((lease->options.duration_ms + 999) / 1000, 1);
    put(spec, "holderIdentity", cJSON_CreateString(is_release ? "" : lease->options.identity));
    put(spec, "leaseDurationSeconds", cJSON_CreateNumber((double)seconds));
    put(spec, "renewTime", cJSON_CreateString(now));
    gly_arena_free(arena);
    return object;
}

/* --- requests --- */

static void ask(gly_k8s_lease *lease, const char *method, cJSON *object,
                void (*on_done)(void *context, gly_k8s_response *response)) {
    gly_arena *arena = gly_arena_make();
    bool is_new = strcmp(method, "POST") == 0;
    char *body = object != NULL ? cJSON_PrintUnformatted(object) : NULL;
    gly_k8s_request request = {
        .method = method,
        .path = gly_k8s_path(arena, &GLY_K8S_LEASES, lease->options.namespace_name,
                             is_new ? NULL : lease->options.name, NULL, NULL),
        .body = body != NULL ? gly_str_of(body) : (gly_str){"", 0},
        .timeout_ms = GLY_MAX(lease->options.renew_deadline_ms / 2, 1),
        .max_attempts = 1, /* the next tick is the next attempt */
        .on_done = on_done,
        .context = lease};
    lease->sent_ms = gly_clock_ms();
    lease->request_id = gly_k8s_client_send(lease->client, &request);
    cJSON_free(body);
    cJSON_Delete(object);
    gly_arena_free(arena);
}

static void on_written(void *context, gly_k8s_response *response) {
    gly_k8s_lease *lease = context;
    lease->request_id = 0;
    if (response->status == GLY_OK && cJSON_IsObject(response->body)) {
        see(lease, response->body);
        response->body = NULL;
        lease->renewed_ms = lease->sent_ms;
        lease->is_in_trouble = false;
        arm_deadline(lease);
        change(lease, true);
        return;
    }
    /* Perhaps it is written, perhaps another was quicker: look. */
    cJSON_Delete(lease->object);
    lease->object = NULL;
    if (response->http_code != 409 && response->status != GLY_E_CANCELLED) {
        report(lease, response->message);
    }
}

static void on_read(void *context, gly_k8s_response *response) {
    gly_k8s_lease *lease = context;
    lease->request_id = 0;
    if (response->http_code == 404 && !lease->is_stopping) {
        change(lease, false); /* somebody deleted it: whoever makes it anew leads */
        ask(lease, "POST", make_object(lease, false), on_written);
        return;
    }
    if (response->status != GLY_OK || !cJSON_IsObject(response->body)) {
        if (response->status != GLY_E_CANCELLED) {
            report(lease, response->message);
        }
        return;
    }
    lease->is_in_trouble = false;
    see(lease, response->body);
    response->body = NULL;
    if (!is_ours(lease, lease->object)) {
        change(lease, false);
    }
    if (may_take(lease) && !lease->is_stopping) {
        ask(lease, "PUT", make_object(lease, false), on_written);
    }
}

static void arm(gly_k8s_lease *lease, int64_t delay_ms) {
    uint64_t spread = (uint64_t)delay_ms / 5 + 1;
    delay_ms += (int64_t)gly_random_below(&lease->client->random, spread);
    lease->timer = gly_k8s_client_after(lease->client, delay_ms, on_tick, lease);
}

static void on_tick(void *context) {
    gly_k8s_lease *lease = context;
    lease->timer = 0;
    if (lease->request_id == 0) {
        if (lease->is_held && lease->object != NULL && is_ours(lease, lease->object)) {
            ask(lease, "PUT", make_object(lease, false), on_written);
        } else {
            ask(lease, "GET", NULL, on_read);
        }
    }
    arm(lease, lease->options.retry_ms);
}

/* --- what callers see --- */

gly_k8s_lease *gly_k8s_lease_start(gly_k8s_client *client, const gly_k8s_lease_options *options) {
    gly_k8s_lease *lease = GLY_NEW(gly_k8s_lease);
    lease->client = client;
    lease->options = *options;
    lease->options.namespace_name = gly_alloc_string(options->namespace_name);
    lease->options.name = gly_alloc_string(options->name);
    lease->options.identity = gly_alloc_string(options->identity);
    if (lease->options.duration_ms <= 0) {
        lease->options.duration_ms = DURATION_MS;
    }
    if (lease->options.renew_deadline_ms <= 0) {
        lease->options.renew_deadline_ms = RENEW_DEADLINE_MS;
    }
    if (lease->options.retry_ms <= 0) {
        lease->options.retry_ms = RETRY_MS;
    }
    lease->timer = gly_k8s_client_after(client, 0, on_tick, lease);
    return lease;
}

static void wait_for_request(gly_k8s_lease *lease, int64_t give_up_ms) {
    while (lease->request_id != 0 && gly_clock_ms() < give_up_ms) {
        gly_k8s_client_poll(lease->client, GLY_MAX(give_up_ms - gly_clock_ms(), 0));
    }
}

void gly_k8s_lease_stop(gly_k8s_lease *lease) {
    if (lease == NULL) {
        return;
    }
    int64_t give_up_ms = gly_clock_ms() + STOP_MS;
    lease->is_stopping = true;
    gly_k8s_client_cancel_timer(lease->client, lease->timer);
    gly_k8s_client_cancel_timer(lease->client, lease->deadline_timer);
    lease->deadline_timer = 0;
    wait_for_request(lease, give_up_ms); /* a renewal on its way changes the version */
    if (gly_k8s_lease_is_held(lease) && lease->object != NULL) {
        ask(lease, "PUT", make_object(lease, true), on_written);
        wait_for_request(lease, give_up_ms);
    }
    gly_k8s_client_cancel(lease->client, lease->request_id);
    gly_k8s_client_cancel_timer(lease->client, lease->deadline_timer);
    cJSON_Delete(lease->object);
    free(lease->seen_spec);
    free((void *)(uintptr_t)lease->options.namespace_name);
    free((void *)(uintptr_t)lease->options.name);
    free((void *)(uintptr_t)lease->options.identity);
    free(lease);
}
