/* session.h - one user's session: settings, temporary views, cached tables; statements in, rows out.
 *
 * A session belongs to one thread; gly_session_cancel may be called from any other (Ctrl-C).
 * Several sessions may share one driver.
 */
#ifndef GLY_SESSION_H
#define GLY_SESSION_H

#include "driver/driver.h"
#include "lib/data/batch.h"
#include "lib/sql/sql.h"

typedef struct gly_session gly_session;

/* What an action does with the rows of a query; each is one job. */
typedef enum gly_action {
    GLY_ACTION_COLLECT, /* all rows, in order, at most spark.driver.maxResultSize bytes */
    GLY_ACTION_SHOW,    /* the first `limit` rows */
    GLY_ACTION_COUNT,   /* one row: how many there are */
    GLY_ACTION_FOREACH, /* all rows, in order, streamed as tasks finish; no limit on their size */
} gly_action;

/* Where rows go.  Called on the session's thread. */
typedef struct gly_row_sink {
    /* Once per statement that has a result, before its rows. */
    gly_status (*open)(void *context, const gly_schema *schema, gly_error *err);
    gly_status (*rows)(void *context, const gly_batch *batch, gly_error *err);
    gly_status (*close)(void *context, gly_error *err); /* not called after a failure */
    void *context;
} gly_row_sink;

typedef struct gly_statement_report { /* what a statement did, for people */
    bool has_job;
    gly_job_summary job;       /* the last job's */
    gly_str path;              /* INSERT: where the result lies */
    uint64_t rows, bytes, files; /* INSERT: written */
} gly_statement_report;

gly_session *gly_session_make(gly_driver *driver, const gly_config *config);
void gly_session_free(gly_session *session);
gly_config *gly_session_config(gly_session *session);
gly_catalog *gly_session_catalog(gly_session *session);

/* Runs one statement.  report may be NULL; its strings live until the next statement. */
GLY_NODISCARD gly_status gly_session_run(gly_session *session, const gly_statement *statement,
                                         gly_action action, uint64_t limit,
                                         const gly_row_sink *sink, gly_statement_report *report,
                                         gly_error *err);
/* Parses text and runs its statements one after the other; stops at the first error. */
GLY_NODISCARD gly_status gly_session_run_script(gly_session *session, gly_str text,
                                                gly_action action, uint64_t limit,
                                                const gly_row_sink *sink, gly_error *err);
/* Cancels what the session runs now, if anything; thread-safe. */
void gly_session_cancel(gly_session *session);

#endif
