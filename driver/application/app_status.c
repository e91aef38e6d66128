/* app_status.c - numbers of the running application under a lock, and their JSON.
 *
 * The patch is written whole each time (about 1 kB, at most one a second): a lost or doubled one
 * does no harm.  Invariant: nothing here waits for the API server.
 */
#include "driver/application/app_status.h"

#include "k8s/api/rfc3339.h"
#include "lib/base/json_text.h"

#include <pthread.h>
#include <stdio.h>

enum { MESSAGE_SIZE = 1024, REASON_SIZE = 64 };

typedef struct warning {
    int64_t wall_ms;
    char reason[REASON_SIZE];
    gly_builder message;
} warning;

struct gly_app_status {
    pthread_mutex_t lock;
    gly_progress_counter *counter;
    char *selector;
    bool is_changed;
    GLY_ARRAY(warning) warnings; /* oldest first */
};

gly_app_status *gly_app_status_make(const char *selector) {
    gly_app_status *status = GLY_NEW(gly_app_status);
    pthread_mutex_init(&status->lock, NULL);
    status->counter = gly_progress_counter_make();
    status->selector = gly_alloc_string(selector);
    status->is_changed = true; /* what another attempt left is overwritten */
    return status;
}

static void remove_warning(gly_app_status *status, size_t index) {
    gly_builder_clear(&status->warnings.items[index].message);
    gly_array_remove_at(&status->warnings, index);
}

void gly_app_status_free(gly_app_status *status) {
    if (status == NULL) {
        return;
    }
    while (status->warnings.count > 0) {
        remove_warning(status, 0);
    }
    gly_array_clear(&status->warnings);
    gly_progress_counter_free(status->counter);
    pthread_mutex_destroy(&status->lock);
    free(status->selector);
    free(status);
}

static void add_warning(gly_app_status *status, gly_str reason, gly_str message, int64_t wall_ms) {
    warning fresh = {.wall_ms = wall_ms};
    snprintf(fresh.reason, sizeof fresh.reason, "%.*s", (int)GLY_MIN(reason.size, REASON_SIZE - 1),
             reason.data);
    gly_builder_add(&fresh.message, message.data, GLY_MIN(message.size, (size_t)MESSAGE_SIZE));
    for (size_t i = 0; i < status->warnings.count; i++) {
        if (strcmp(status->warnings.items[i].reason, fresh.reason) == 0) {
            remove_warning(status, i);
            break;
        }
    }
    if (status->warnings.count == GLY_APP_STATUS_WARNINGS) {
        remove_warning(status, 0);
    }
    gly_array_push(&status->warnings, fresh);
    status->is_changed = true;
}

void gly_app_status_warn(gly_app_status *status, const char *reason, const char *message,
                         int64_t wall_ms) {
    pthread_mutex_lock(&status->lock);
    add_warning(status, gly_str_of(reason), gly_str_of(message), wall_ms);
    pthread_mutex_unlock(&status->lock);
}

void gly_app_status_read(void *context, const gly_event *event) {
    gly_app_status *status = context;
    pthread_mutex_lock(&status->lock);
    gly_progress_counter_read(status->counter, event);
    status->is_changed = true;
    if (event->kind == GLY_EVENT_WARNING) {
        add_warning(status, event->warning.reason, event->warning.message, event->time_ms);
    }
    pthread_mutex_unlock(&status->lock);
}

void gly_app_status_end(gly_app_status *status) {
    gly_progress last;
    gly_app_status_progress(status, &last);
    gly_event event = {.kind = GLY_EVENT_EXECUTORS};
    event.executors.wanted = last.executors_wanted;
    event.executors.lost = last.executors_lost;
    gly_app_status_read(status, &event);
}

void gly_app_status_progress(gly_app_status *status, gly_progress *ret) {
    pthread_mutex_lock(&status->lock);
    *ret = *gly_progress_counter_get(status->counter);
    pthread_mutex_unlock(&status->lock);
}

void gly_app_status_put_back(gly_app_status *status) {
    pthread_mutex_lock(&status->lock);
    status->is_changed = true;
    pthread_mutex_unlock(&status->lock);
}

static void add_number(gly_builder *out, const char *key, uint64_t value) {
    gly_builder_format(out, "\"%s\":%llu,", key, (unsigned long long)value);
}

static void add_display(gly_builder *out, const gly_progress *p) {
    char bytes[32];
    gly_builder_format(out,
                       "\"display\":{\"stage\":\"%llu/%llu\",\"tasks\":\"%llu/%llu\","
                       "\"executors\":\"%llu/%llu\",\"spill\":\"%s\"}",
                       (unsigned long long)p->stage, (unsigned long long)p->stages,
                       (unsigned long long)p->tasks_done, (unsigned long long)p->tasks,
                       (unsigned long long)p->executors_running,
                       (unsigned long long)p->executors_wanted,
                       gly_str_format_bytes(p->spilled_bytes, bytes, sizeof bytes));
}

static void add_warnings(gly_app_status *status, gly_builder *out) {
    gly_arena *arena = gly_arena_make();
    gly_builder_add_text(out, "\"warnings\":[");
    for (size_t i = 0; i < status->warnings.count; i++) {
        const warning *item = &status->warnings.items[i];
        gly_builder_format(out, "%s{\"time\":\"%s\",\"reason\":", i == 0 ? "" : ",",
                           gly_rfc3339_format(arena, item->wall_ms));
        gly_json_text_quote(gly_str_of(item->reason), out);
        gly_builder_add_text(out, ",\"message\":");
        gly_json_text_quote(gly_builder_str(&item->message), out);
        gly_builder_add_char(out, '}');
    }
    gly_builder_add_char(out, ']');
    gly_arena_free(arena);
}

/* "executors":{...},"progress":{...},"display":{...} */
static void add_numbers(gly_app_status *status, gly_builder *out) {
    const gly_progress *p = gly_progress_counter_get(status->counter);
    gly_builder_add_text(out, "\"executors\":{");
    add_number(out, "wanted", p->executors_wanted);
    add_number(out, "running", p->executors_running);
    add_number(out, "pending", p->executors_starting);
    add_number(out, "lost", p->executors_lost);
    gly_builder_add_text(out, "\"selector\":");
    gly_json_text_quote(gly_str_of(status->selector), out);
    gly_builder_add_text(out, "},\"progress\":{");
    add_number(out, "job", p->job);
    add_number(out, "jobs", p->jobs);
    add_number(out, "stage", p->stage);
    add_number(out, "stages", p->stages);
    add_number(out, "tasksDone", p->tasks_done);
    add_number(out, "tasksFailed", p->tasks_failed);
    add_number(out, "tasks", p->tasks);
    add_number(out, "recomputedTasks", p->recomputed_tasks);
    add_number(out, "spilledBytes", p->spilled_bytes);
    gly_builder_format(out, "\"shuffleBytes\":%llu},", (unsigned long long)p->shuffle_bytes);
    add_display(out, p);
}

void gly_app_status_print(gly_app_status *status, gly_builder *out) {
    pthread_mutex_lock(&status->lock);
    gly_builder_add_char(out, '{');
    add_numbers(status, out);
    gly_builder_add_char(out, '}');
    pthread_mutex_unlock(&status->lock);
}

bool gly_app_status_take(gly_app_status *status, gly_builder *out) {
    pthread_mutex_lock(&status->lock);
    bool is_changed = status->is_changed;
    if (is_changed) {
        gly_builder_add_text(out, "{\"status\":{");
        add_numbers(status, out);
        gly_builder_add_char(out, ',');
        add_warnings(status, out);
        gly_builder_add_text(out, "}}");
        status->is_changed = false;
    }
    pthread_mutex_unlock(&status->lock);
    return is_changed;
}
