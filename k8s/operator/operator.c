/* operator.c - terms of office, one after the other.
 *
 * A term is a client, a lease and, once the lease is held, watches and a work queue.  When the
 * lease is lost the term ends: the client is freed, which cancels every request under way, and a
 * new term begins with nothing remembered.  So whatever an operator knows or has begun dies with
 * its right to act.
 *
 *   main thread: poll client -> callbacks fill the queue -> start reconciliations
 *   http thread: metrics and probes; reads atomics only
 *   signal thread: waits for SIGTERM, sets a flag, wakes the client
 */
#include "k8s/operator/operator.h"

#include "k8s/client/k8s_config.h"
#include "k8s/client/k8s_lease.h"
#include "k8s/client/k8s_watch.h"
#include "k8s/operator/operator_core.h"
#include "k8s/operator/reconcile_application.h"
#include "k8s/operator/reconcile_schedule.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/net/http_server.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    POLL_MAX_MS = 1000,
    ALIVE_MS = 60000, /* /healthz fails if the loop has not turned for so long */
    STOP_WAIT_MS = 5000,
    TERM_PAUSE_MS = 500,
    TRIM_MS = 60000,
    SYNC_GRACE_MS = 5000, /* how long the first lists may keep all of the work waiting */
    KINDS = 3,            /* applications, driver pods, schedules */
};

typedef struct process {
    const gly_operator_options *options;
    gly_arena *arena;
    gly_k8s_config config;
    const char *lease_namespace, *identity;
    gly_operator_metrics metrics;
    atomic_bool is_stopping, is_ready;
    atomic_int_fast64_t alive_ms;
    pthread_mutex_t lock; /* of client, for waking it */
    gly_k8s_client *client;
} process;

typedef struct term {
    process *process;
    gly_operator_core core;
    gly_k8s_lease *lease;
    bool is_leader, is_over;
    uint32_t watch_count;
    gly_k8s_watch **watches;
    int64_t watching_since_ms;
} term;

/* --- watches --- */

static void on_application(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    gly_reconcile_application_seen(context, object, event == GLY_K8S_WATCH_DELETED);
}

static void on_pod(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    gly_reconcile_application_pod_seen(context, object, event == GLY_K8S_WATCH_DELETED);
}

static void on_schedule(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    if (event == GLY_K8S_WATCH_APPLIED) {
        gly_reconcile_schedule_seen(context, object);
    }
}

static void on_synced(void *context) {
    gly_operator_core *core = context;
    gly_operator_metrics_add(&core->metrics->relists, 1);
}

static void on_watch_trouble(void *context, const char *message) {
    gly_operator_core *core = context;
    gly_operator_metrics_add(&core->metrics->watch_troubles, 1);
    gly_log_warn("watching is in trouble", GLY_LOG_STR("error", message));
}

static void start_watches(term *t) {
    const gly_operator_options *options = t->process->options;
    uint32_t places = GLY_MAX(options->namespace_count, 1u);
    const gly_k8s_watch_options kinds[KINDS] = {
        {.kind = &GLY_K8S_APPLICATIONS, .on_object = on_application, .page_size = 100},
        {.kind = &GLY_K8S_PODS, .on_object = on_pod, .label_selector = "galley.dev/role=driver"},
        {.kind = &GLY_K8S_SCHEDULES, .on_object = on_schedule, .page_size = 100},
    };
    t->watches = GLY_NEW_ARRAY(gly_k8s_watch *, places * KINDS);
    for (uint32_t i = 0; i < places; i++) {
        for (uint32_t k = 0; k < KINDS; k++) {
            gly_k8s_watch_options watch = kinds[k];
            watch.namespace_name = options->namespace_count == 0 ? NULL : options->namespaces[i];
            watch.on_synced = on_synced;
            watch.on_trouble = on_watch_trouble;
            watch.context = &t->core;
            t->watches[t->watch_count++] = gly_k8s_watch_start(t->core.client, &watch);
        }
    }
}

static bool is_synced(const term *t) {
    for (uint32_t i = 0; i < t->watch_count; i++) {
        if (!gly_k8s_watch_is_synced(t->watches[i])) {
            return false;
        }
    }
    return t->watch_count > 0;
}

/* Work may begin: all lists are complete, or those of some namespaces will not be (no rights, or
 * the namespace is gone) and the others must not wait for them. */
static bool is_seeing(const term *t) {
    if (is_synced(t)) {
        return true;
    }
    bool is_any = false;
    for (uint32_t i = 0; i + KINDS <= t->watch_count; i += KINDS) {
        is_any = is_any || gly_k8s_watch_is_synced(t->watches[i]);
    }
    return is_any && gly_clock_ms() - t->watching_since_ms > SYNC_GRACE_MS;
}

/* --- the lease --- */

static void on_leader(void *context, bool is_leader) {
    term *t = context;
    gly_log_info(is_leader ? "leading" : "not leading any more",
                 GLY_LOG_STR("identity", t->process->identity));
    atomic_store(&t->process->metrics.is_leader, is_leader);
    t->is_over = t->is_over || (t->is_leader && !is_leader);
    t->is_leader = is_leader;
}

static void on_lease_trouble(void *context, const char *message) {
    (void)context;
    gly_log_warn("leader election is in trouble", GLY_LOG_STR("error", message));
}

/* --- work --- */

/* "a/<namespace>/<name>" or "s/…". */
static void start_key(term *t, gly_builder *key) {
    char *namespace_name = key->data + 2;
    char *slash = strchr(namespace_name, '/');
    *slash = '\0';
    if (key->data[0] == 'a') {
        gly_reconcile_application_start(&t->core, namespace_name, slash + 1);
    } else {
        gly_reconcile_schedule_start(&t->core, namespace_name, slash + 1);
    }
}

static bool may_work(const term *t) {
    return t->is_leader && !t->is_over && is_seeing(t) &&
           (t->lease == NULL || gly_k8s_lease_is_held(t->lease)) &&
           !atomic_load(&t->process->is_stopping);
}

static void start_due(term *t) {
    gly_builder key = {0};
    while (may_work(t) && t->core.in_flight < t->process->options->max_concurrent &&
           gly_work_queue_next(t->core.queue, gly_clock_ms(), &key)) {
        start_key(t, &key);
    }
    gly_builder_clear(&key);
}

static int64_t wait_ms(const term *t) {
    int64_t wait = POLL_MAX_MS;
    if (may_work(t) && t->core.in_flight < t->process->options->max_concurrent) {
        int64_t due = gly_work_queue_wait_ms(t->core.queue, gly_clock_ms());
        wait = due < 0 ? wait : GLY_MIN(wait, due);
    }
    return wait;
}

static void publish(term *t) {
    process *p = t->process;
    atomic_store(&p->alive_ms, gly_clock_ms());
    atomic_store(&p->metrics.queue_depth, (int64_t)gly_work_queue_count(t->core.queue));
    atomic_store(&p->metrics.in_flight, t->core.in_flight);
    /* A stand-by is ready too: it is there to take over. */
    atomic_store(&p->is_ready, !t->is_leader || is_seeing(t));
}

static void work(term *t) {
    process *p = t->process;
    int64_t trimmed_ms = gly_clock_ms();
    while (!t->is_over && !atomic_load(&p->is_stopping)) {
        if (t->is_leader && t->watch_count == 0) {
            start_watches(t);
            t->watching_since_ms = gly_clock_ms();
        }
        start_due(t);
        publish(t);
        gly_k8s_client_poll(t->core.client, wait_ms(t));
        if (gly_clock_ms() - trimmed_ms > TRIM_MS) { /* a wave of submissions leaves holes */
            malloc_trim(0);
            trimmed_ms = gly_clock_ms();
        }
    }
    int64_t until_ms = gly_clock_ms() + STOP_WAIT_MS;
    while (!t->is_over && t->core.in_flight > 0 && gly_clock_ms() < until_ms) {
        gly_k8s_client_poll(t->core.client, 100); /* what was begun is brought to its end */
    }
}

/* --- a term --- */

static void set_client(process *p, gly_k8s_client *client) {
    pthread_mutex_lock(&p->lock);
    p->client = client;
    pthread_mutex_unlock(&p->lock);
}

static void end_term(term *t) {
    process *p = t->process;
    for (uint32_t i = 0; i < t->watch_count; i++) {
        gly_k8s_watch_stop(t->watches[i]);
    }
    free(t->watches);
    gly_k8s_lease_stop(t->lease);
    set_client(p, NULL);
    gly_k8s_client_free(t->core.client); /* cancels; the jobs free themselves */
    gly_work_queue_free(t->core.queue);
    gly_application_table_free(t->core.applications);
    atomic_store(&p->metrics.is_leader, false);
    atomic_store(&p->is_ready, false);
    for (int i = 0; i < GLY_PHASE_COUNT; i++) {
        atomic_store(&p->metrics.applications[i], 0);
    }
}

static gly_status run_term(process *p, gly_error *err) {
    const gly_operator_options *options = p->options;
    term t = {.process = p};
    t.core = (gly_operator_core){.metrics = &p->metrics,
                                 .identity = p->identity,
                                 .defaults = {.driver_image = options->driver_image,
                                              .executor_image = options->executor_image,
                                              .image_pull_policy = options->image_pull_policy,
                                              .service_account = options->driver_service_account}};
    GLY_TRY(gly_k8s_client_make(&p->config, &t.core.client, err));
    set_client(p, t.core.client);
    t.core.queue = gly_work_queue_make((uint64_t)gly_clock_ns());
    t.core.applications = gly_application_table_make();
    if (options->leader_elect) {
        gly_k8s_lease_options lease = {.namespace_name = p->lease_namespace,
                                       .name = options->lease_name,
                                       .identity = p->identity,
                                       .on_change = on_leader,
                                       .on_trouble = on_lease_trouble,
                                       .context = &t};
        t.lease = gly_k8s_lease_start(t.core.client, &lease);
    } else {
        on_leader(&t, true);
    }
    work(&t);
    end_term(&t);
    return GLY_OK;
}

/* --- the process --- */

static void serve(void *context, const char *path, const char *query,
                  gly_http_server_response *response) {
    (void)query;
    process *p = context;
    if (strcmp(path, "/metrics") == 0) {
        response->content_type = "text/plain; version=0.0.4; charset=utf-8";
        gly_operator_metrics_write(&p->metrics, &response->body);
    } else if (strcmp(path, "/healthz") == 0 || strcmp(path, "/livez") == 0) {
        bool is_alive = gly_clock_ms() - atomic_load(&p->alive_ms) < ALIVE_MS;
        response->code = is_alive ? 200 : 503;
        gly_builder_add_text(&response->body, is_alive ? "ok\n" : "the main loop does not turn\n");
    } else if (strcmp(path, "/readyz") == 0) {
        bool is_ready = atomic_load(&p->is_ready);
        response->code = is_ready ? 200 : 503;
        gly_builder_add_text(&response->body, is_ready ? "ok\n" : "not synced yet\n");
    } else {
        response->code = 404;
        gly_builder_add_text(&response->body, "there are /metrics, /healthz and /readyz\n");
    }
}

static void *wait_for_signal(void *context) {
    process *p = context;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1); /* from ourselves: the end without a signal */
    int number = 0;
    while (sigwait(&set, &number) != 0) {
    }
    if (number != SIGUSR1) {
        gly_log_info("stopping", GLY_LOG_INT("signal", number));
    }
    atomic_store(&p->is_stopping, true);
    pthread_mutex_lock(&p->lock);
    if (p->client != NULL) {
        gly_k8s_client_wake(p->client);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void block_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Different for each process that ever runs. */
static const char *make_identity(gly_arena *arena) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    const char *pod = getenv("GALLEY_POD_NAME");
    return gly_arena_format(arena, "%s_%d-%llx", pod != NULL && pod[0] != '\0' ? pod : host,
                            (int)getpid(), (unsigned long long)gly_clock_wall_ms());
}

static gly_status run_terms(process *p, gly_error *err) {
    gly_status status = GLY_OK;
    while (status == GLY_OK && !atomic_load(&p->is_stopping)) {
        status = run_term(p, err);
        if (!atomic_load(&p->is_stopping)) {
            gly_clock_sleep_ms(TERM_PAUSE_MS);
        }
    }
    return status;
}

static gly_status run_process(process *p, gly_error *err) {
    const gly_operator_options *options = p->options;
    GLY_TRY_ADD(gly_k8s_config_load(p->arena, NULL, &p->config, err), err,
                "cannot find out where the API server is");
    p->lease_namespace =
        options->lease_namespace != NULL ? options->lease_namespace : p->config.namespace_name;
    p->identity = make_identity(p->arena);
    gly_http_server *server = NULL;
    if (options->metrics_address != NULL) {
        gly_http_server_options http = {
            .address = options->metrics_address, .on_get = serve, .context = p};
        GLY_TRY(gly_http_server_start(&http, &server, err));
    }
    pthread_t signals;
    int code = pthread_create(&signals, NULL, wait_for_signal, p);
    if (code != 0) {
        gly_http_server_stop(server);
        return gly_error_from_errno(err, code, "cannot start a thread");
    }
    gly_log_info("started", GLY_LOG_STR("server", p->config.server),
                 GLY_LOG_STR("identity", p->identity),
                 GLY_LOG_INT("namespaces", options->namespace_count),
                 GLY_LOG_INT("metrics_port", server == NULL ? 0 : gly_http_server_port(server)));
    gly_status status = run_terms(p, err);
    pthread_kill(signals, SIGUSR1); /* it may have ended already; it is joined either way */
    pthread_join(signals, NULL);
    gly_http_server_stop(server);
    return status;
}

gly_status gly_operator_run(const gly_operator_options *options, gly_error *err) {
    block_signals();
    process *p = GLY_NEW(process);
    p->options = options;
    p->arena = gly_arena_make();
    pthread_mutex_init(&p->lock, NULL);
    atomic_store(&p->alive_ms, gly_clock_ms());
    gly_status status = run_process(p, err);
    pthread_mutex_destroy(&p->lock);
    gly_arena_free(p->arena);
    free(p);
    return status;
}
