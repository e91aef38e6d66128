/* accumulators.h - numbers of tasks merged into numbers of a stage, once for each partition.
 *
 * A partition may run several times (retries, speculation, lost outputs); only the first attempt
 * that is accepted is merged, so the sums are those of an undisturbed run.
 */
#ifndef GLY_ACCUMULATORS_H
#define GLY_ACCUMULATORS_H

#include "lib/base/array.h"
#include "lib/base/base.h"

typedef enum gly_task_number {
#define GLY_TASK_NUMBER(name, key, merge) GLY_TASK_NUMBER_##name,
#include "driver/scheduler/task_numbers.def"
#undef GLY_TASK_NUMBER
    GLY_TASK_NUMBER_COUNT
} gly_task_number;

const char *gly_accumulators_key(gly_task_number number); /* "runNs" */

typedef struct gly_operator_rows {
    uint32_t node_id; /* gly_physical.id */
    uint64_t rows;
} gly_operator_rows;

typedef struct gly_task_numbers { /* of one task */
    uint64_t values[GLY_TASK_NUMBER_COUNT];
    uint32_t operator_count;
    const gly_operator_rows *operators;
} gly_task_numbers;

typedef struct gly_accumulators { /* of a stage */
    uint64_t values[GLY_TASK_NUMBER_COUNT];
    uint32_t merged_count; /* partitions merged */
    uint32_t partition_count;
    uint8_t *is_merged;                     /* by partition */
    GLY_ARRAY(gly_operator_rows) operators; /* rows summed, in the order first seen */
} gly_accumulators;

void gly_accumulators_init(gly_accumulators *accumulators, uint32_t partition_count);
void gly_accumulators_clear(gly_accumulators *accumulators);
/* False if the partition was merged before; numbers may be NULL (counts as merged). */
bool gly_accumulators_merge(gly_accumulators *accumulators, uint32_t partition,
                            const gly_task_numbers *numbers);

#endif
