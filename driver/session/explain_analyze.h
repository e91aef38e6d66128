/* explain_analyze.h - EXPLAIN ANALYZE: a plan with the rows each of its operators put out.
 *
 * One value is for one job: given to the job request, it collects; written afterwards, it explains.
 */
#ifndef GLY_EXPLAIN_ANALYZE_H
#define GLY_EXPLAIN_ANALYZE_H

#include "driver/driver.h"

typedef struct gly_explain_analyze gly_explain_analyze;

gly_explain_analyze *gly_explain_analyze_make(void);
void gly_explain_analyze_free(gly_explain_analyze *numbers);
/* A gly_job_request.on_operator; context is the gly_explain_analyze. */
void gly_explain_analyze_add(void *context, uint32_t stage, uint32_t node_id, uint64_t rows);
/* The tree of plan, each line with its rows and stage, then a line for each stage.  stages are plan
 * cut at its exchanges; job is what running them took. */
void gly_explain_analyze_write(gly_explain_analyze *numbers, const gly_physical *plan,
                               uint32_t stage_count, const gly_stage_plan *stages,
                               const gly_job_summary *job, gly_builder *out);

#endif
