/* event_log.c - the event log file: buffered lines, flushed when a job, query or application ends.
 *
 * Line 1 names the format: {"event":"LogStart","version":1}.  Task events stay in memory until 64
 * KiB have collected, so that a task costs no system call; the end of a job flushes, so that a
 * reader of a running application sees whole jobs. Invariant: the file holds whole lines only,
 * except while one write is under way.
 */
#include "driver/event/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FLUSH_BYTES = 64 * 1024 };

struct gly_event_log {
    int fd;
    char *path;       /* <...>.inprogress */
    char *final_path; /* after a clean close */
    gly_builder buffer;
    gly_error failure; /* the first one; status OK: none */
};

static char *join_path(gly_str directory, gly_str name, const char *suffix) {
    gly_builder path = {0};
    gly_builder_add_str(&path, directory);
    gly_builder_add_char(&path, '/');
    for (size_t i = 0; i < name.size; i++) { /* an id may hold anything; a file name may not */
        gly_builder_add_char(&path,
                             name.data[i] == '/' || name.data[i] == '\0' ? '_' : name.data[i]);
    }
    gly_builder_add_text(&path, suffix);
    return path.data;
}

static void free_log(gly_event_log *log) {
    if (log->fd >= 0) {
        close(log->fd);
    }
    free(log->path);
    free(log->final_path);
    gly_builder_clear(&log->buffer);
    free(log);
}

static void flush(gly_event_log *log) {
    size_t done = 0;
    while (log->failure.status == GLY_OK && done < log->buffer.size) {
        ssize_t n = write(log->fd, log->buffer.data + done, log->buffer.size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            (void)gly_error_from_errno(&log->failure, n == 0 ? EIO : errno,
                                       "writing the event log %s", log->path);
        }
    }
    gly_builder_reset(&log->buffer);
}

gly_status gly_event_log_open(gly_str directory, gly_str application_id, gly_event_log **ret,
                              gly_error *err) {
    if (application_id.size == 0) {
        return gly_fail(err, GLY_E_INVALID_ARGUMENT, "an event log needs an application id");
    }
    gly_event_log *log = GLY_NEW(gly_event_log);
    log->path = join_path(directory, application_id, ".inprogress");
    log->final_path = join_path(directory, application_id, "");
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (log->fd < 0) {
        gly_status status = gly_error_from_errno(err, errno, "event log %s", log->path);
        free_log(log);
        return status;
    }
    gly_builder_add_text(&log->buffer, "{\"event\":\"LogStart\",\"version\":1}\n");
    *ret = log;
    return GLY_OK;
}

void gly_event_log_read(void *context, const gly_event *event) {
    gly_event_log *log = context;
    if (log->failure.status != GLY_OK) {
        return;
    }
    gly_event_write_json(event, &log->buffer);
    gly_builder_add_char(&log->buffer, '\n');
    if (log->buffer.size >= FLUSH_BYTES || event->kind == GLY_EVENT_JOB_END ||
        event->kind == GLY_EVENT_SQL_END || event->kind == GLY_EVENT_APPLICATION_START ||
        event->kind == GLY_EVENT_APPLICATION_END) {
        flush(log);
    }
}

gly_status gly_event_log_close(gly_event_log *log, gly_error *err) {
    if (log == NULL) {
        return GLY_OK;
    }
    flush(log);
    if (log->failure.status == GLY_OK && fsync(log->fd) != 0) {
        (void)gly_error_from_errno(&log->failure, errno, "syncing the event log %s", log->path);
    }
    if (log->failure.status == GLY_OK && rename(log->path, log->final_path) != 0) {
        (void)gly_error_from_errno(&log->failure, errno, "renaming the event log %s", log->path);
    }
    gly_status status = gly_error_copy(err, &log->failure);
    free_log(log);
    return status;
}

const char *gly_event_log_path(const gly_event_log *log) { return log->path; }
