/* k8s_watch.c - list, watch, and what to do when either fails.
 *
 *   LIST (pages, consistent) ──► WATCH from its version ──► ends well: WATCH from the newest
 *        ▲                          │        │
 *        ├── 410, garbage ──────────┘        └── fails: WATCH again after back-off
 *        └── every relist_ms, from the cache, beside the watch (safety net)
 *
 * What objects there are is k8s_mirror.c's business.  A list that needs more than one page runs
 * without a watch beside it, since its later pages show the past.  A cached list that is older than
 * what the watch has shown is thrown away.  Invariant: a list is under way, or will be begun by
 * relist_timer or retry_timer, so what a watch lost is always found.  Callbacks may stop the watch:
 * it is freed when the outermost of our own functions is left (busy).
 */
#include "k8s/client/k8s_watch.h"

#include "k8s/client/k8s_client_internal.h"
#include "k8s/client/k8s_lines.h"
#include "k8s/client/k8s_mirror.h"
#include "k8s/client/k8s_stream.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#include <stdio.h>

enum {
    RELIST_MS = 300000,
    RELIST_SOON_MS = 10000, /* after a cached list that was too old, or failed */
    PAGE_SIZE = 500,
    LEAST_PAGE_SIZE = 10,
    MOST_OBJECT = 4 << 20,
    MOST_LIST = 64 << 20,
    WATCH_S = 300,
    WATCH_GRACE_S = 30, /* more, and we end it: the server is gone or stuck */
    SHORT_WATCH_MS = 1000,
    FIRST_DELAY_MS = 200,
    MOST_DELAY_MS = 30000,
    LARGE_REPORT_MS = 60000
};

struct gly_k8s_watch {
    gly_k8s_client *client;
    gly_k8s_watch_options options; /* texts are ours */
    gly_k8s_mirror *mirror;
    gly_k8s_lines lines;
    gly_k8s_stream *stream; /* NULL: no watch is open */
    uint64_t list_id;       /* the request; 0: none */
    bool list_is_cached;
    gly_builder continuation; /* of the next page; empty: first page */
    uint64_t retry_timer, relist_timer;
    bool retry_lists;  /* what retry_timer will do: list, or open a watch */
    uint32_t failures; /* in a row */
    bool is_in_trouble, is_synced, is_stopped, avoids_cached_lists;
    uint32_t busy;
    int64_t opened_ms, reported_large_ms;
    bool had_event;
};

static void begin_list(gly_k8s_watch *watch, bool is_cached);
static void open_stream(gly_k8s_watch *watch);
static void arm_relist(gly_k8s_watch *watch, int64_t delay_ms);

/* --- frames --- */

static void free_watch(gly_k8s_watch *watch) {
    gly_k8s_mirror_free(watch->mirror);
    gly_k8s_lines_clear(&watch->lines);
    gly_builder_clear(&watch->continuation);
    free((void *)(uintptr_t)watch->options.namespace_name);
    free((void *)(uintptr_t)watch->options.label_selector);
    free((void *)(uintptr_t)watch->options.field_selector);
    free(watch);
}

static void enter(gly_k8s_watch *watch) { watch->busy++; }

static void leave(gly_k8s_watch *watch) {
    if (--watch->busy == 0 && watch->is_stopped) {
        free_watch(watch);
    }
}

static void close_stream(gly_k8s_watch *watch) {
    gly_k8s_stream_close(watch->stream);
    watch->stream = NULL;
    gly_k8s_lines_reset(&watch->lines);
}

static void cancel_retry(gly_k8s_watch *watch) {
    gly_k8s_client_cancel_timer(watch->client, watch->retry_timer);
    watch->retry_timer = 0;
}

static void cancel_list(gly_k8s_watch *watch) {
    uint64_t list_id = watch->list_id;
    watch->list_id = 0;
    if (list_id != 0) {
        gly_k8s_client_cancel(watch->client, list_id);
    }
}

/* --- failures --- */

static void succeed(gly_k8s_watch *watch) {
    watch->failures = 0;
    watch->is_in_trouble = false;
}

static void on_retry(void *context) {
    gly_k8s_watch *watch = context;
    watch->retry_timer = 0;
    if (watch->retry_lists) {
        begin_list(watch, false);
    } else {
        open_stream(watch);
    }
}

/* Later: a new list, or a watch from where we are. */
static void retry(gly_k8s_watch *watch, bool lists, int64_t least_ms) {
    bool gives_up_list = watch->list_id != 0;
    close_stream(watch);
    cancel_list(watch);
    cancel_retry(watch);
    if (watch->is_stopped) {
        return;
    }
    if (gives_up_list && !lists) { /* its end would have set the timer */
        arm_relist(watch, GLY_MIN(RELIST_SOON_MS, watch->options.relist_ms));
    }
    int64_t delay_ms =
        gly_k8s_client_back_off(watch->client, watch->failures, FIRST_DELAY_MS, MOST_DELAY_MS);
    watch->failures++;
    watch->retry_lists = lists;
    watch->retry_timer = gly_k8s_client_after(watch->client, least_ms + delay_ms, on_retry, watch);
}

static void report(gly_k8s_watch *watch, const char *message) {
    if (!watch->is_in_trouble && !watch->is_stopped) {
        watch->is_in_trouble = true;
        if (watch->options.on_trouble != NULL) {
            watch->options.on_trouble(watch->options.context, message);
        }
    }
}

/* --- paths --- */

static gly_builder start_path(const gly_k8s_watch *watch) {
    const gly_k8s_watch_options *options = &watch->options;
    gly_arena *arena = gly_arena_make();
    gly_builder path = {0};
    gly_builder_add_str(
        &path, gly_k8s_path(arena, options->kind, options->namespace_name, NULL, NULL, NULL));
    gly_arena_free(arena);
    if (options->label_selector != NULL) {
        gly_k8s_path_add_query(&path, "labelSelector", options->label_selector);
    }
    if (options->field_selector != NULL) {
        gly_k8s_path_add_query(&path, "fieldSelector", options->field_selector);
    }
    return path;
}

static void add_number(gly_builder *path, const char *key, uint32_t number) {
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    gly_k8s_path_add_query(path, key, text);
}

static const char *accept_of(const gly_k8s_watch *watch, bool is_list) {
    if (!watch->options.metadata_only) {
        return NULL;
    }
    return is_list ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
                   : "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
}

/* --- the list --- */

static void on_relist(void *context) {
    gly_k8s_watch *watch = context;
    watch->relist_timer = 0;
    bool will_list = watch->list_id != 0 || (watch->retry_timer != 0 && watch->retry_lists);
    if (!will_list) { /* whether or not a watch is open: it may fail for ever */
        begin_list(watch, !watch->avoids_cached_lists);
    } /* else that list's end sets the timer again */
}

static void arm_relist(gly_k8s_watch *watch, int64_t delay_ms) {
    gly_k8s_client_cancel_timer(watch->client, watch->relist_timer);
    if (!watch->is_stopped) {
        int64_t jitter_ms =
            (int64_t)gly_random_below(&watch->client->random, (uint64_t)delay_ms / 10 + 1);
        watch->relist_timer =
            gly_k8s_client_after(watch->client, delay_ms - jitter_ms, on_relist, watch);
    }
}

static void finish_list(gly_k8s_watch *watch, const char *version) {
    gly_k8s_mirror_end_list(watch->mirror, version);
    watch->is_in_trouble = false; /* the back-off stays until the watch, too, has worked */
    watch->is_synced = true;
    if (!watch->is_stopped && watch->options.on_synced != NULL) {
        watch->options.on_synced(watch->options.context);
    }
    arm_relist(watch, watch->options.relist_ms);
    if (watch->stream == NULL) {
        cancel_retry(watch);
        open_stream(watch);
    }
}

static void on_list(void *context, gly_k8s_response *response);

static void send_list(gly_k8s_watch *watch) {
    gly_builder path = start_path(watch);
    add_number(&path, "limit", watch->options.page_size);
    bool is_first = watch->continuation.size == 0;
    if (!is_first) {
        gly_k8s_path_add_query(&path, "continue", watch->continuation.data);
    } else if (watch->list_is_cached) {
        gly_k8s_path_add_query(&path, "resourceVersion", "0");
    }
    gly_k8s_request request = {.method = "GET",
                               .path = gly_builder_str(&path),
                               .accept = accept_of(watch, true),
                               .max_attempts = is_first ? 1 : 5, /* our own back-off at first */
                               .max_response_bytes = MOST_LIST,
                               .on_done = on_list,
                               .context = watch};
    watch->list_id = gly_k8s_client_send(watch->client, &request);
    gly_builder_clear(&path);
}

static void begin_list(gly_k8s_watch *watch, bool is_cached) {
    if (watch->is_stopped) {
        return;
    }
    cancel_list(watch);
    if (!is_cached) {
        close_stream(watch);
        cancel_retry(watch);
    }
    watch->list_is_cached = is_cached;
    gly_builder_reset(&watch->continuation);
    send_list(watch);
}

static void take_page(gly_k8s_watch *watch, const cJSON *body) {
    gly_k8s_mirror_list page;
    gly_error error;
    if (gly_k8s_mirror_read_list(body, &page, &error) != GLY_OK) {
        report(watch, error.message);
        retry(watch, true, 0);
        return;
    }
    if (watch->continuation.size == 0) {
        if (watch->list_is_cached && gly_k8s_mirror_is_stale(watch->mirror, page.version)) {
            arm_relist(watch, GLY_MIN(RELIST_SOON_MS, watch->options.relist_ms));
            return;
        }
        gly_k8s_mirror_begin_list(watch->mirror);
    }
    gly_k8s_mirror_add_page(watch->mirror, body);
    if (watch->is_stopped) {
        return;
    }
    if (page.continuation == NULL) {
        finish_list(watch, page.version);
    } else {
        close_stream(watch);
        cancel_retry(watch);
        gly_builder_reset(&watch->continuation);
        gly_builder_add_text(&watch->continuation, page.continuation);
        send_list(watch);
    }
}

static void fail_list(gly_k8s_watch *watch, const gly_k8s_response *response) {
    if (response->status == GLY_E_RESULT_TOO_LARGE && watch->list_is_cached) {
        watch->avoids_cached_lists = true; /* servers may ignore "limit" there */
        begin_list(watch, false);
    } else if (response->status == GLY_E_RESULT_TOO_LARGE &&
               watch->options.page_size > LEAST_PAGE_SIZE) {
        watch->options.page_size = GLY_MAX(watch->options.page_size / 4, LEAST_PAGE_SIZE);
        begin_list(watch, false);
    } else if (response->http_code == 410 && watch->failures == 0) {
        retry(watch, true, 0); /* we were slow, nothing is wrong */
    } else {
        report(watch, response->message);
        if (watch->stream != NULL) {
            arm_relist(watch, GLY_MIN(RELIST_SOON_MS, watch->options.relist_ms));
        } else {
            retry(watch, true, 0);
        }
    }
}

static void on_list(void *context, gly_k8s_response *response) {
    gly_k8s_watch *watch = context;
    if (response->status == GLY_E_CANCELLED) {
        return;
    }
    watch->list_id = 0;
    enter(watch);
    if (response->status == GLY_OK) {
        take_page(watch, response->body);
    } else {
        fail_list(watch, response);
    }
    leave(watch);
}

/* --- the watch --- */

static void report_large(gly_k8s_watch *watch) {
    int64_t now_ms = gly_clock_ms();
    if (watch->options.on_trouble == NULL ||
        (watch->reported_large_ms != 0 && now_ms - watch->reported_large_ms < LARGE_REPORT_MS)) {
        return;
    }
    watch->reported_large_ms = now_ms;
    char message[160];
    snprintf(message, sizeof message,
             "an object of %s has more than %zu bytes; its change was left out",
             watch->options.kind->plural, watch->options.max_object_bytes);
    watch->options.on_trouble(watch->options.context, message);
}

static void take_line(gly_k8s_watch *watch, gly_str line) {
    gly_builder message = {0};
    switch (gly_k8s_mirror_event(watch->mirror, line, &message)) {
    case GLY_K8S_MIRROR_FINE:
        watch->had_event = true;
        succeed(watch);
        break;
    case GLY_K8S_MIRROR_GONE:
        retry(watch, true, 0);
        break;
    case GLY_K8S_MIRROR_REFUSED:
        report(watch, message.data);
        retry(watch, false, 0);
        break;
    case GLY_K8S_MIRROR_GARBAGE:
        report(watch, message.data);
        retry(watch, true, 0);
        break;
    }
    gly_builder_clear(&message);
}

static void on_bytes(void *context, gly_str bytes) {
    gly_k8s_watch *watch = context;
    enter(watch);
    while (watch->stream != NULL) { /* closed by a line, or stopped by a callback */
        gly_str line;
        gly_k8s_lines_result result = gly_k8s_lines_next(&watch->lines, &bytes, &line);
        if (result == GLY_K8S_LINES_MORE) {
            break;
        }
        if (result == GLY_K8S_LINES_TOO_LONG) {
            report_large(watch);
        } else {
            take_line(watch, line);
        }
    }
    leave(watch);
}

static void on_end(void *context, const gly_k8s_stream_end *end) {
    gly_k8s_watch *watch = context;
    enter(watch);
    close_stream(watch);
    bool was_short = gly_clock_ms() - watch->opened_ms < SHORT_WATCH_MS && !watch->had_event;
    if (end->http_code == 410) {
        retry(watch, true, end->retry_after_ms);
    } else if (end->status != GLY_OK) {
        if (!was_short) {
            succeed(watch); /* that row is over; this is the first of a new one */
        }
        report(watch, end->message);
        retry(watch, false, end->retry_after_ms);
    } else if (was_short) {
        retry(watch, false, 0);
    } else {
        succeed(watch);
        open_stream(watch);
    }
    leave(watch);
}

static void open_stream(gly_k8s_watch *watch) {
    if (watch->is_stopped) {
        return;
    }
    gly_builder path = start_path(watch);
    gly_k8s_path_add_query(&path, "watch", "true");
    gly_k8s_path_add_query(&path, "allowWatchBookmarks", "true");
    add_number(&path, "timeoutSeconds", WATCH_S);
    const char *version = gly_k8s_mirror_version(watch->mirror);
    if (version[0] != '\0') {
        gly_k8s_path_add_query(&path, "resourceVersion", version);
    }
    gly_k8s_stream_options options = {.path = gly_builder_str(&path),
                                      .accept = accept_of(watch, false),
                                      .timeout_ms = (WATCH_S + WATCH_GRACE_S) * 1000,
                                      .on_bytes = on_bytes,
                                      .on_end = on_end,
                                      .context = watch};
    watch->opened_ms = gly_clock_ms();
    watch->had_event = false;
    watch->stream = gly_k8s_stream_open(watch->client, &options);
    gly_builder_clear(&path);
}

/* --- what callers see --- */

static void on_object(void *context, gly_k8s_watch_kind event, const cJSON *object) {
    gly_k8s_watch *watch = context;
    watch->options.on_object(watch->options.context, event, object);
}

static const char *copy_text(const char *text) {
    return text != NULL ? gly_alloc_string(text) : NULL;
}

gly_k8s_watch *gly_k8s_watch_start(gly_k8s_client *client, const gly_k8s_watch_options *options) {
    gly_k8s_watch *watch = GLY_NEW(gly_k8s_watch);
    watch->client = client;
    watch->options = *options;
    watch->options.namespace_name = copy_text(options->namespace_name);
    watch->options.label_selector = copy_text(options->label_selector);
    watch->options.field_selector = copy_text(options->field_selector);
    if (watch->options.relist_ms <= 0) {
        watch->options.relist_ms = RELIST_MS;
    }
    if (watch->options.page_size == 0) {
        watch->options.page_size = PAGE_SIZE;
    }
    if (watch->options.max_object_bytes == 0) {
        watch->options.max_object_bytes = MOST_OBJECT;
    }
    watch->lines.most = watch->options.max_object_bytes;
    watch->mirror = gly_k8s_mirror_make(on_object, watch);
    begin_list(watch, false);
    return watch;
}

void gly_k8s_watch_stop(gly_k8s_watch *watch) {
    if (watch == NULL) {
        return;
    }
    enter(watch);
    watch->is_stopped = true;
    gly_k8s_mirror_halt(watch->mirror);
    cancel_list(watch);
    close_stream(watch);
    cancel_retry(watch);
    gly_k8s_client_cancel_timer(watch->client, watch->relist_timer);
    leave(watch);
}

bool gly_k8s_watch_is_synced(const gly_k8s_watch *watch) { return watch->is_synced; }
