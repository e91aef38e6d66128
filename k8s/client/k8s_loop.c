/* k8s_loop.c - epoll, two CURLM handles driven by curl_multi_socket_action, timers.
 *
 * Watches have a CURLM of their own: in one with requests, data of one HTTP/2 stream that is read
 * while another is served may lie unnoticed until some time-out.  For the same reason the sockets
 * of a busy lane are looked at every 100 ms (requests) or 250 ms (watches) even if epoll says
 * nothing; a process with nothing under way never wakes up.
 *
 * Invariant: owners' callbacks run only from dispatch() and the timers, when no curl function is on
 * the stack; write callbacks only store bytes and mark their job as ready.
 */
#include "k8s/client/k8s_loop.h"

#include "lib/base/array.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MOST_EVENTS = 64, TICK_REQUESTS_MS = 100, TICK_WATCHES_MS = 250 };

#define NEVER INT64_MAX
#define WAKE_TAG UINT64_MAX

typedef struct lane {
    gly_k8s_loop *loop;
    CURLM *multi;
    int64_t due_ms; /* when curl wants to be called, or NEVER */
    int64_t last_ms;
    size_t running;
    GLY_ARRAY(curl_socket_t) sockets;
} lane;

typedef struct timer {
    int64_t due_ms;
    uint64_t id;
    void (*function)(void *context);
    void *context;
} timer;

struct gly_k8s_loop {
    int epoll_fd, wake_fd;
    lane lanes[GLY_K8S_LANE_COUNT];
    GLY_ARRAY(gly_k8s_job *) ready; /* NULL: removed meanwhile */
    GLY_ARRAY(timer) timers;        /* a heap by (due_ms, id) */
    uint64_t next_timer_id;
    uint64_t progress; /* counts callbacks and wake-ups */
};

/* --- what curl tells us --- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused) {
    (void)easy, (void)unused;
    lane *self = context;
    int epoll_fd = self->loop->epoll_fd;
    if (what == CURL_POLL_REMOVE) {
        for (size_t i = 0; i < self->sockets.count; i++) {
            if (self->sockets.items[i] == fd) {
                gly_array_remove_at(&self->sockets, i);
                break;
            }
        }
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* ENOENT, EBADF: it is closed already */
        return 0;
    }
    bool is_known = false;
    for (size_t i = 0; i < self->sockets.count; i++) {
        is_known = is_known || self->sockets.items[i] == fd;
    }
    if (!is_known) {
        gly_array_push(&self->sockets, fd);
    }
    struct epoll_event event = {
        .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
        .data.u64 = (uint64_t)(self - self->loop->lanes) << 32 | (uint32_t)fd};
    /* curl uses numbers again before or after it says so: whichever of the two fits. */
    int operation = is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(epoll_fd, operation, fd, &event) != 0) {
        if (errno == EEXIST) {
            epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
        } else if (errno == ENOENT) {
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
        }
    }
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context) {
    (void)multi;
    lane *self = context;
    self->due_ms = timeout_ms < 0 ? NEVER : gly_clock_ms() + timeout_ms;
    return 0;
}

/* --- making --- */

gly_k8s_loop *gly_k8s_loop_make(void) {
    gly_k8s_loop *loop = GLY_NEW(gly_k8s_loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_TAG};
    bool is_fine = loop->epoll_fd >= 0 && loop->wake_fd >= 0 &&
                   epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) == 0;
    for (size_t i = 0; i < GLY_K8S_LANE_COUNT; i++) {
        lane *self = &loop->lanes[i];
        *self = (lane){.loop = loop, .multi = curl_multi_init(), .due_ms = NEVER};
        is_fine = is_fine && self->multi != NULL;
        if (self->multi != NULL) {
            curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
            curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
            curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
            curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
            curl_multi_setopt(self->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        }
    }
    if (!is_fine) {
        gly_k8s_loop_free(loop);
        return NULL;
    }
    return loop;
}

void gly_k8s_loop_free(gly_k8s_loop *loop) {
    if (loop == NULL) {
        return;
    }
    for (size_t i = 0; i < GLY_K8S_LANE_COUNT; i++) {
        if (loop->lanes[i].multi != NULL) {
            curl_multi_cleanup(loop->lanes[i].multi);
        }
        gly_array_clear(&loop->lanes[i].sockets);
    }
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    gly_array_clear(&loop->ready);
    gly_array_clear(&loop->timers);
    free(loop);
}

/* --- transfers --- */

void gly_k8s_loop_add(gly_k8s_loop *loop, gly_k8s_job *job) {
    lane *self = &loop->lanes[job->lane];
    curl_easy_setopt(job->easy, CURLOPT_PRIVATE, job);
    if (self->running++ == 0) {
        self->last_ms = gly_clock_ms();
    }
    job->is_added = true;
    CURLMcode code = curl_multi_add_handle(self->multi, job->easy);
    GLY_ASSERT(code == CURLM_OK); /* only memory or a bug of ours */
}

void gly_k8s_loop_remove(gly_k8s_loop *loop, gly_k8s_job *job) {
    if (job->is_added) {
        curl_multi_remove_handle(loop->lanes[job->lane].multi, job->easy);
        loop->lanes[job->lane].running--;
        job->is_added = false;
    }
    if (job->is_ready) {
        for (size_t i = 0; i < loop->ready.count; i++) {
            if (loop->ready.items[i] == job) {
                loop->ready.items[i] = NULL;
            }
        }
        job->is_ready = false;
    }
}

void gly_k8s_loop_ready(gly_k8s_loop *loop, gly_k8s_job *job) {
    if (!job->is_ready) {
        job->is_ready = true;
        gly_array_push(&loop->ready, job);
    }
}

/* Hands arrived bytes and ends to their owners. */
static void dispatch(gly_k8s_loop *loop, lane *self) {
    for (size_t i = 0; i < loop->ready.count; i++) {
        gly_k8s_job *job = loop->ready.items[i];
        if (job != NULL) {
            loop->ready.items[i] = NULL;
            job->is_ready = false;
            loop->progress++;
            job->on_ready(job);
        }
    }
    loop->ready.count = 0;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(self->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode code = message->data.result;
        gly_k8s_job *job = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
        gly_k8s_loop_remove(loop, job); /* the message is gone with it */
        loop->progress++;
        job->on_done(job, code);
    }
}

static void act(gly_k8s_loop *loop, lane *self, curl_socket_t fd, int events) {
    int running;
    curl_multi_socket_action(self->multi, fd, events, &running);
    dispatch(loop, self);
}

static int64_t tick_of(const gly_k8s_loop *loop, const lane *self) {
    return self == &loop->lanes[GLY_K8S_LANE_REQUESTS] ? TICK_REQUESTS_MS : TICK_WATCHES_MS;
}

/* Runs what curl wanted to be run by now, and looks at every socket if it is time to. */
static void run_lane(gly_k8s_loop *loop, lane *self, int64_t now_ms) {
    if (self->due_ms <= now_ms) {
        self->due_ms = NEVER; /* before: curl may set it again meanwhile */
        act(loop, self, CURL_SOCKET_TIMEOUT, 0);
    }
    if (self->running > 0 && now_ms - self->last_ms >= tick_of(loop, self)) {
        self->last_ms = now_ms;
        GLY_ARRAY(curl_socket_t) copy = {0};
        for (size_t i = 0; i < self->sockets.count; i++) {
            gly_array_push(&copy, self->sockets.items[i]);
        }
        int running;
        for (size_t i = 0; i < copy.count; i++) {
            curl_multi_socket_action(self->multi, copy.items[i], 0, &running);
        }
        gly_array_clear(&copy);
        act(loop, self, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* --- timers --- */

static bool is_earlier(const timer *a, const timer *b) {
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->id < b->id);
}

static void swap_timers(gly_k8s_loop *loop, size_t a, size_t b) {
    timer kept = loop->timers.items[a];
    loop->timers.items[a] = loop->timers.items[b];
    loop->timers.items[b] = kept;
}

static void restore_heap(gly_k8s_loop *loop, size_t at) {
    timer *items = loop->timers.items;
    while (at > 0 && is_earlier(&items[at], &items[(at - 1) / 2])) {
        swap_timers(loop, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < loop->timers.count && is_earlier(&items[child], &items[least])) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        swap_timers(loop, at, least);
        at = least;
    }
}

static void remove_timer(gly_k8s_loop *loop, size_t at) {
    swap_timers(loop, at, loop->timers.count - 1);
    loop->timers.count--;
    if (at < loop->timers.count) {
        restore_heap(loop, at);
    }
}

uint64_t gly_k8s_loop_after(gly_k8s_loop *loop, int64_t delay_ms, void (*function)(void *context),
                            void *context) {
    timer added = {gly_clock_ms() + GLY_MAX(delay_ms, 0), ++loop->next_timer_id, function, context};
    gly_array_push(&loop->timers, added);
    restore_heap(loop, loop->timers.count - 1);
    return added.id;
}

void gly_k8s_loop_cancel_timer(gly_k8s_loop *loop, uint64_t timer_id) {
    for (size_t i = 0; i < loop->timers.count && timer_id != 0; i++) {
        if (loop->timers.items[i].id == timer_id) {
            remove_timer(loop, i);
            return;
        }
    }
}

/* Only those that were there at the beginning: a timer of 0 ms that renews itself must not end all
 * else. */
static void run_timers(gly_k8s_loop *loop, int64_t now_ms) {
    uint64_t newest_id = loop->next_timer_id;
    while (loop->timers.count > 0 && loop->timers.items[0].due_ms <= now_ms &&
           loop->timers.items[0].id <= newest_id) {
        timer due = loop->timers.items[0];
        remove_timer(loop, 0);
        loop->progress++;
        due.function(due.context);
    }
}

/* --- running --- */

static int64_t next_due(const gly_k8s_loop *loop) {
    int64_t due_ms = loop->timers.count > 0 ? loop->timers.items[0].due_ms : NEVER;
    for (size_t i = 0; i < GLY_K8S_LANE_COUNT; i++) {
        const lane *self = &loop->lanes[i];
        due_ms = GLY_MIN(due_ms, self->due_ms);
        if (self->running > 0) {
            due_ms = GLY_MIN(due_ms, self->last_ms + tick_of(loop, self));
        }
    }
    return due_ms;
}

static void handle_event(gly_k8s_loop *loop, const struct epoll_event *event) {
    if (event->data.u64 == WAKE_TAG) {
        uint64_t count;
        (void)!read(loop->wake_fd, &count, sizeof count);
        loop->progress++;
        return;
    }
    lane *self = &loop->lanes[event->data.u64 >> 32];
    int events = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                 (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                 (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    act(loop, self, (curl_socket_t)(event->data.u64 & UINT32_MAX), events);
}

void gly_k8s_loop_run(gly_k8s_loop *loop, int64_t timeout_ms) {
    uint64_t progress = loop->progress;
    int64_t now_ms = gly_clock_ms();
    int64_t give_up_ms = timeout_ms < 0 ? NEVER : now_ms + timeout_ms;
    for (;;) {
        run_timers(loop, now_ms);
        for (size_t i = 0; i < GLY_K8S_LANE_COUNT; i++) {
            run_lane(loop, &loop->lanes[i], now_ms);
        }
        int64_t until_ms = GLY_MIN(next_due(loop), give_up_ms);
        now_ms = gly_clock_ms();
        int wait_ms = -1;
        if (loop->progress != progress || until_ms <= now_ms) {
            wait_ms = 0;
        } else if (until_ms != NEVER) {
            wait_ms = (int)GLY_MIN(until_ms - now_ms, INT_MAX);
        }
        struct epoll_event events[MOST_EVENTS];
        int count = epoll_wait(loop->epoll_fd, events, MOST_EVENTS, wait_ms);
        if (count < 0) {
            return; /* a signal: its handler may have set something that the caller wants to see */
        }
        for (int i = 0; i < count; i++) {
            handle_event(loop, &events[i]);
        }
        now_ms = gly_clock_ms();
        if (loop->progress != progress || now_ms >= give_up_ms) {
            return;
        }
    }
}

void gly_k8s_loop_wake(gly_k8s_loop *loop) {
    uint64_t one = 1;
    int kept_errno = errno; /* this may be a signal handler */
    (void)!write(loop->wake_fd, &one, sizeof one);
    errno = kept_errno;
}

void gly_k8s_loop_progress(gly_k8s_loop *loop) { loop->progress++; }
