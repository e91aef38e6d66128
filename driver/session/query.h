/* query.h - one query's life: analyze, optimize, plan, cut into stages, run, hand rows over. */
#ifndef GLY_QUERY_H
#define GLY_QUERY_H

#include "driver/session/session.h"

GLY_NODISCARD gly_status gly_query_run(gly_session *session, gly_arena *arena,
                                       const gly_statement *statement, gly_action action,
                                       uint64_t limit, const gly_row_sink *sink,
                                       gly_statement_report *report, gly_error *err);
/* INSERT OVERWRITE DIRECTORY: files appear all at once or not at all. */
GLY_NODISCARD gly_status gly_query_insert(gly_session *session, gly_arena *arena,
                                          const gly_statement *statement,
                                          gly_statement_report *report, gly_error *err);
/* CACHE TABLE: LAZY ones are computed at first use, which here is the next query over them. */
GLY_NODISCARD gly_status gly_query_cache(gly_session *session, gly_arena *arena,
                                         const gly_statement *statement,
                                         gly_statement_report *report, gly_error *err);
/* GLY_EXPLAIN_ANALYZE runs the statement, too; report is what its job was. */
GLY_NODISCARD gly_status gly_query_explain(gly_session *session, gly_arena *arena,
                                           const gly_statement *statement, gly_explain_mode mode,
                                           gly_statement_report *report, gly_builder *out,
                                           gly_error *err);
/* The logical plan of DESCRIBE's view or query. */
GLY_NODISCARD gly_status gly_query_analyze_described(gly_session *session, gly_arena *arena,
                                                     const gly_statement *statement,
                                                     gly_logical **ret, gly_error *err);
/* The relation of CREATE VIEW ... USING format OPTIONS (path ...). */
GLY_NODISCARD gly_status gly_query_open_relation(gly_arena *arena, const gly_statement *statement,
                                                 gly_relation **ret, gly_error *err);
/* The text behind AS of CREATE VIEW ... AS query. */
gly_str gly_query_text_of(const gly_statement *statement);

#endif
