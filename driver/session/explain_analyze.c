/* explain_analyze.c - EXPLAIN ANALYZE: a plan with the rows each of its operators put out.
 *
 *   HashAggregate(keys=[k], functions=[count(1)]) (rows=3, stage 1)
 *   +- Exchange hashpartitioning(k, 200) (rows=6, stage 0)
 *      +- HashAggregate(keys=[k], functions=[partial_count(1)]) (rows=6, stage 0)
 *
 * Rows are those of the attempts that counted, so a retried task changes nothing.  An exchange
 * shows what was written into it: its readers may be several, or may stop early. Invariant: an
 * operator's id is the same in the plan and in the stages cut from it; a SHUFFLE_READ has the id of
 * its exchange.  Not here: how a plan is drawn (lib/plan/explain.c).
 */
#include "driver/session/explain_analyze.h"

#include "lib/base/array.h"
#include "lib/base/map.h"
#include "lib/plan/explain.h"

typedef struct operator_numbers {
    uint32_t stage; /* that ran it; of an exchange: that wrote it */
    uint64_t rows;
} operator_numbers;

struct gly_explain_analyze {
    gly_map operators; /* operator_numbers by node id */
};

gly_explain_analyze *gly_explain_analyze_make(void) { return GLY_NEW(gly_explain_analyze); }

void gly_explain_analyze_free(gly_explain_analyze *numbers) {
    operator_numbers *item;
    for (size_t i = 0; (item = gly_map_next(&numbers->operators, &i)) != NULL;) {
        free(item);
    }
    gly_map_clear(&numbers->operators);
    free(numbers);
}

static operator_numbers *numbers_of(gly_explain_analyze *numbers, uint32_t stage,
                                    uint32_t node_id) {
    operator_numbers *item = gly_map_get(&numbers->operators, node_id);
    if (item == NULL) {
        item = GLY_NEW(operator_numbers);
        item->stage = stage;
        gly_map_put(&numbers->operators, node_id, item);
    }
    return item;
}

void gly_explain_analyze_add(void *context, uint32_t stage, uint32_t node_id, uint64_t rows) {
    numbers_of(context, stage, node_id)->rows += rows;
}

/* What was written into the exchanges that a stage reads takes the place of what was read. */
static void set_exchanges(gly_explain_analyze *numbers, const gly_stage_plan *stage,
                          const gly_stage_plan *stages, const gly_job_summary *job) {
    GLY_ARRAY(const gly_physical *) stack = {0};
    gly_array_push(&stack, (const gly_physical *)stage->plan);
    while (stack.count > 0) {
        const gly_physical *node = stack.items[--stack.count];
        for (uint32_t i = 0; i < node->child_count; i++) {
            gly_array_push(&stack, (const gly_physical *)node->children[i]);
        }
        if (node->kind != GLY_PHYSICAL_SHUFFLE_READ) {
            continue;
        }
        for (uint32_t i = 0; i < stage->stage && i < job->stage_count; i++) {
            if (stages[i].shuffle_id == node->shuffle_read.shuffle_id) {
                operator_numbers *item = numbers_of(numbers, i, node->id);
                item->stage = i;
                item->rows = job->stages[i].metrics.shuffle_write_rows;
            }
        }
    }
    gly_array_clear(&stack);
}

static void note_rows(void *context, const gly_physical *node, gly_builder *out) {
    gly_explain_analyze *numbers = context;
    const operator_numbers *item = gly_map_get(&numbers->operators, node->id);
    if (item != NULL) {
        gly_builder_format(out, " (rows=%llu, stage %u)", (unsigned long long)item->rows,
                           item->stage);
    }
}

static void write_stage(const gly_stage_summary *stage, gly_builder *out) {
    char text[3][32];
    const gly_task_metrics *metrics = &stage->metrics;
    gly_builder_format(out, "stage %u: %s, %u task%s, %s", stage->stage, stage->name,
                       stage->task_count, stage->task_count == 1 ? "" : "s",
                       gly_str_format_ms(stage->wall_ms, text[0], sizeof text[0]));
    if (stage->task_count > 1) {
        gly_builder_format(out, " (median task %s, slowest %s: task %u)",
                           gly_str_format_ms(stage->median_task_ms, text[0], sizeof text[0]),
                           gly_str_format_ms(stage->slowest_task_ms, text[1], sizeof text[1]),
                           stage->slowest_partition);
    }
    gly_builder_format(out, ", peak memory %s, %s shuffled, %s spilled",
                       gly_str_format_bytes(metrics->peak_memory_bytes, text[0], sizeof text[0]),
                       gly_str_format_bytes(metrics->shuffle_write_bytes, text[1], sizeof text[1]),
                       gly_str_format_bytes(metrics->spill_bytes, text[2], sizeof text[2]));
    if (metrics->row_groups_read + metrics->row_groups_skipped > 0) {
        gly_builder_format(out, ", %llu row groups read, %llu skipped",
                           (unsigned long long)metrics->row_groups_read,
                           (unsigned long long)metrics->row_groups_skipped);
    }
    if (stage->failed_tasks > 0) {
        gly_builder_format(out, ", %u failed tasks", stage->failed_tasks);
    }
    gly_builder_add_char(out, '\n');
}

void gly_explain_analyze_write(gly_explain_analyze *numbers, const gly_physical *plan,
                               uint32_t stage_count, const gly_stage_plan *stages,
                               const gly_job_summary *job, gly_builder *out) {
    for (uint32_t i = 0; i < stage_count; i++) {
        set_exchanges(numbers, &stages[i], stages, job);
    }
    if (plan->kind == GLY_PHYSICAL_FILE_WRITE && job->stage_count == stage_count) {
        numbers_of(numbers, stage_count - 1, plan->id)->rows =
            job->stages[stage_count - 1].metrics.output_rows; /* it puts out files, not rows */
    }
    gly_explain_annotated(plan, note_rows, numbers, out);
    gly_builder_add_text(out, "\n== Stages ==\n");
    for (uint32_t i = 0; i < job->stage_count; i++) {
        write_stage(&job->stages[i], out);
    }
    char text[32];
    gly_builder_format(out, "job %u: %s\n", job->job_id,
                       gly_str_format_ms(job->wall_ms, text, sizeof text));
}
