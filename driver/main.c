/* main.c - the program galley-driver: one GalleyApplication from its first pod to its exit code.
 *
 *   read the application -> settings -> authority -> driver with executor pods -> SQL -> exit code
 *
 * Beside it runs the link (status out, changes in) and a thread that waits for SIGTERM.  What the
 * exit codes mean is in k8s/README.md.  Invariant: whatever happens after the driver has started,
 * its executors are told to go before the process ends.
 */
#include "driver/application/app_config.h"
#include "driver/application/app_link.h"
#include "driver/application/app_log.h"
#include "driver/application/app_options.h"
#include "driver/application/app_run.h"
#include "k8s/api/names.h"
#include "lib/base/clock.h"
#include "lib/base/json_text.h"
#include "lib/base/log.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LAST_STATUS_MS = 3000, CANCEL_AGAIN_MS = 50, MOST_LAST_WORDS = 4096 };

enum {
    EXIT_DONE = 0,
    EXIT_JOB = 1,
    EXIT_USAGE = 2,
    EXIT_INFRASTRUCTURE = 3,
    EXIT_TERMINATED = 143
};

typedef struct program {
    gly_app_options options;
    gly_arena *arena;
    gly_k8s_config kubernetes;
    cJSON *object; /* what application points into */
    gly_application application;
    gly_config *config;
    gly_cluster_kubernetes pods;
    gly_app_status *status;
    gly_app_link *link;
    gly_driver *driver;
    pthread_mutex_t lock; /* of session, which a signal may want */
    gly_session *session;
    atomic_bool is_terminated;
    uint32_t statements;
} program;

/* ---- live changes ----------------------------------------------------------------------- */

static void on_change(void *context, const gly_application *application, uint32_t admitted) {
    program *p = context;
    if (atomic_load(&p->is_terminated)) {
        return; /* no executors are made any more */
    }
    gly_config *config = gly_config_make(NULL);
    gly_error err = {0};
    if (gly_app_config_fill(application, config, &err) == GLY_OK) {
        gly_allocation_rules rules;
        gly_driver_read_allocation(config, &rules);
        rules.admitted = admitted;
        gly_driver_set_allocation(p->driver, &rules);
    } else {
        gly_log_warn("a change of the application is ignored", GLY_LOG_ERR(&err));
    }
    gly_config_free(config);
}

/* We were given up (our node did not answer for too long), but live: another driver does our work.
 */
static void on_superseded(void *context, uint32_t attempt) {
    (void)context;
    gly_log_error("another attempt has taken over: this driver ends",
                  GLY_LOG_INT("attempt", attempt));
    kill(getpid(), SIGTERM);
}

/* ---- SIGTERM ---------------------------------------------------------------------------- */

static void make_signal_set(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

static void *wait_for_signals(void *context) {
    program *p = context;
    sigset_t set;
    make_signal_set(&set);
    int number = 0;
    (void)sigwait(&set, &number);
    gly_log_warn("the driver was told to end", GLY_LOG_INT("signal", number));
    atomic_store(&p->is_terminated, true);
    gly_allocation_rules none = {.slots = 1};
    for (bool goes_on = true; goes_on;) { /* the statement that runs, and those that still begin */
        pthread_mutex_lock(&p->lock);
        goes_on = p->session != NULL;
        if (goes_on) {
            gly_driver_set_allocation(p->driver, &none);
            gly_session_cancel(p->session);
        }
        pthread_mutex_unlock(&p->lock);
        gly_clock_sleep_ms(CANCEL_AGAIN_MS);
    }
    return NULL;
}

static gly_status start_signal_thread(program *p, gly_error *err) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_signals, p) != 0) {
        return gly_fail(err, GLY_E_INTERNAL, "The signal thread could not be started");
    }
    pthread_detach(thread);
    return GLY_OK;
}

/* ---- start ------------------------------------------------------------------------------ */

static gly_status read_all(program *p, gly_error *err) {
    const gly_app_options *options = &p->options;
    GLY_TRY(gly_k8s_config_load(p->arena, NULL, &p->kubernetes, err));
    const char *namespace_name =
        options->namespace_name != NULL ? options->namespace_name : p->kubernetes.namespace_name;
    GLY_TRY(gly_app_link_get(&p->kubernetes, p->arena, namespace_name, options->application,
                             &p->object, &p->application, err));
    p->config = gly_config_make(NULL);
    GLY_TRY(gly_app_config_fill(&p->application, p->config, err));
    if (options->local_dir != NULL) {
        GLY_TRY(gly_config_set(p->config, gly_str_of(gly_config_key(GLY_CONFIG_LOCAL_DIR)),
                               gly_str_of(options->local_dir), false, err));
    }
    return GLY_OK;
}

static gly_status start_driver(program *p, gly_error *err) {
    const gly_app_options *options = &p->options;
    bool is_ipv6 = strchr(options->pod_ip, ':') != NULL;
    gly_tls_authority *authority = NULL;
    if (gly_config_bool(p->config, GLY_CONFIG_TLS_ENABLED)) {
        GLY_TRY(gly_tls_authority_read_dir(options->tls_dir, &authority, err));
    }
    p->pods = (gly_cluster_kubernetes){&p->kubernetes, &p->application, options->attempt};
    gly_allocation_rules rules;
    gly_driver_read_allocation(p->config, &rules);
    rules.admitted = gly_app_link_admitted(p->object);
    gly_driver_options driver = {
        .config = p->config,
        .allocation = &rules,
        .cluster = "k8s",
        .listen_address =
            gly_arena_format(p->arena, "%s:%u", is_ipv6 ? "[::]" : "0.0.0.0", options->port),
        .advertised_host = options->pod_ip,
        .authority = authority,
        .kubernetes = &p->pods,
    };
    GLY_TRY(gly_driver_start_with(&driver, &p->driver, err));
    gly_driver_subscribe(p->driver, gly_app_log_read, NULL);
    gly_driver_subscribe(p->driver, gly_app_status_read, p->status);
    p->session = gly_session_make(p->driver, p->config);
    return start_signal_thread(p, err);
}

static gly_status start_link(program *p, gly_error *err) {
    gly_app_link_options link = {.config = &p->kubernetes,
                                 .namespace_name = p->application.namespace_name,
                                 .name = p->application.name,
                                 .uid = p->application.uid,
                                 .status = p->status,
                                 .on_change = on_change,
                                 .attempt = p->options.attempt,
                                 .on_superseded = on_superseded,
                                 .context = p};
    return gly_app_link_start(&link, &p->link, err);
}

static gly_status run(program *p, gly_error *err) {
    GLY_TRY(read_all(p, err));
    gly_log_info("driver started", GLY_LOG_STR("application", p->application.name),
                 GLY_LOG_STR("namespace", p->application.namespace_name),
                 GLY_LOG_INT("attempt", p->options.attempt));
    gly_builder text = {0};
    gly_status status = gly_app_run_load(&p->application, p->options.job_dir, &text, err);
    if (status == GLY_OK) {
        p->status = gly_app_status_make(gly_arena_format(p->arena, "%s=%s,%s=executor",
                                                         GLY_LABEL_APPLICATION_UID,
                                                         p->application.uid, GLY_LABEL_ROLE));
        status = start_driver(p, err);
    }
    status = status == GLY_OK ? start_link(p, err) : status;
    if (status == GLY_OK && !atomic_load(&p->is_terminated)) {
        status = gly_app_run_text(p->session, gly_builder_str(&text), p->application.output,
                                  p->status, &p->statements, err);
    }
    gly_builder_clear(&text);
    return status;
}

/* ---- end -------------------------------------------------------------------------------- */

static int exit_code_of(const program *p, gly_status status, const char **ret_reason) {
    if (atomic_load(&p->is_terminated)) {
        *ret_reason = "Terminated";
        return EXIT_TERMINATED;
    }
    switch (status) {
    case GLY_OK:
        *ret_reason = "Completed";
        return EXIT_DONE;
    case GLY_E_INVALID_ARGUMENT:
    case GLY_E_CONFIG:
        *ret_reason = p->driver == NULL ? "InvalidSpecification" : "JobFailed";
        return p->driver == NULL ? EXIT_USAGE : EXIT_JOB;
    case GLY_E_EXECUTOR_START:
        *ret_reason = "NoExecutors";
        return EXIT_INFRASTRUCTURE;
    case GLY_E_NETWORK:
    case GLY_E_TLS:
    case GLY_E_INTERNAL:
        *ret_reason = "Infrastructure";
        return EXIT_INFRASTRUCTURE;
    default:
        *ret_reason = "JobFailed";
        return EXIT_JOB;
    }
}

/* What the kubelet hands on as the container's last words, of which it keeps MOST_LAST_WORDS. */
static void write_last_words(const char *path, const char *reason, const char *message,
                             gly_app_status *numbers) {
    gly_builder text = {0};
    gly_builder_format(&text, "{\"reason\":\"%s\",\"message\":", reason);
    gly_json_text_quote(gly_str_of(message), &text);
    if (numbers != NULL && text.size < MOST_LAST_WORDS / 2) {
        gly_builder_add_text(&text, ",\"status\":");
        gly_app_status_print(numbers, &text);
    }
    gly_builder_add_text(&text, "}\n");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        (void)!write(fd, text.data, text.size);
        close(fd);
    }
    gly_builder_clear(&text);
}

static int finish(program *p, gly_status status, const gly_error *err) {
    const char *reason;
    int exit_code = exit_code_of(p, status, &reason);
    char done[96];
    snprintf(done, sizeof done, "%u statement%s done", p->statements,
             p->statements == 1 ? "" : "s");
    const char *message = status == GLY_OK ? done : err->message;
    if (exit_code == EXIT_TERMINATED) {
        message = "the driver was told to end (SIGTERM)";
    }
    if (status == GLY_OK) {
        gly_log_info("application finished", GLY_LOG_INT("statements", p->statements));
    } else {
        gly_log_error("application failed", GLY_LOG_STR("reason", reason),
                      GLY_LOG_STR("error", message), GLY_LOG_INT("exitCode", exit_code));
    }
    write_last_words(p->options.termination_log, reason, message, NULL); /* should we be killed */
    pthread_mutex_lock(&p->lock);
    gly_session *session = p->session;
    p->session = NULL;
    pthread_mutex_unlock(&p->lock);
    gly_session_free(session);
    if (p->link != NULL) {
        gly_app_link_hold(p->link); /* changes have nobody to go to from here on */
    }
    gly_driver_stop(p->driver); /* its executors' pods are deleted */
    if (p->status != NULL) {
        gly_app_status_end(p->status);
        write_last_words(p->options.termination_log, reason, message, p->status);
    }
    gly_app_link_stop(p->link, LAST_STATUS_MS);
    gly_app_status_free(p->status);
    gly_config_free(p->config);
    cJSON_Delete(p->object);
    gly_arena_free(p->arena);
    return exit_code;
}

/* Large buffers go back to the system when they are freed, and threads share few heaps. */
static void set_up_memory(void) {
    enum { MOST_HEAPS = 2, MAP_FROM_BYTES = 256 << 10, TRIM_FROM_BYTES = 1 << 20 };
    mallopt(M_ARENA_MAX, MOST_HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
}

int main(int count, char **arguments) {
    set_up_memory();
    gly_log_start("galley-driver");
    sigset_t set;
    make_signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    program p = {.arena = gly_arena_make()};
    pthread_mutex_init(&p.lock, NULL);
    atomic_init(&p.is_terminated, false);
    gly_error err = {0};
    if (gly_app_options_parse(count, arguments, &p.options, &err) != GLY_OK) {
        gly_log_error("usage", GLY_LOG_ERR(&err));
        _exit(EXIT_USAGE);
    }
    if (p.options.wants_help) {
        gly_app_options_print_help(stdout);
        return EXIT_DONE;
    }
    gly_log_info("starting", GLY_LOG_INT("attempt", p.options.attempt));
    gly_status status = run(&p, &err);
    int exit_code = finish(&p, status, &err);
    fflush(stdout);
    _exit(exit_code); /* libraries' own threads are left where they are */
}
