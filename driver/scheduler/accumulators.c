/* accumulators.c - sums and maxima over the tasks of a stage.
 *
 * Invariant: a partition adds at most once (is_merged), however often it ran.
 * Operators are few per stage (their rows are counted per plan node), so a linear search finds one.
 */
#include "driver/scheduler/accumulators.h"

typedef enum merge_rule { MERGE_SUM, MERGE_MAX } merge_rule;

static const merge_rule merge_rules[] = {
#define GLY_TASK_NUMBER(name, key, merge) MERGE_##merge,
#include "driver/scheduler/task_numbers.def"
#undef GLY_TASK_NUMBER
};

const char *gly_accumulators_key(gly_task_number number) {
    static const char *const keys[] = {
#define GLY_TASK_NUMBER(name, key, merge) key,
#include "driver/scheduler/task_numbers.def"
#undef GLY_TASK_NUMBER
    };
    return (size_t)number < GLY_ARRAY_LEN(keys) ? keys[number] : "?";
}

void gly_accumulators_init(gly_accumulators *accumulators, uint32_t partition_count) {
    memset(accumulators, 0, sizeof *accumulators);
    accumulators->partition_count = partition_count;
    accumulators->is_merged = GLY_NEW_ARRAY(uint8_t, GLY_MAX(partition_count, 1));
}

void gly_accumulators_clear(gly_accumulators *accumulators) {
    free(accumulators->is_merged);
    accumulators->is_merged = NULL;
    gly_array_clear(&accumulators->operators);
}

static void merge_operator(gly_accumulators *accumulators, const gly_operator_rows *rows) {
    for (size_t i = 0; i < accumulators->operators.count; i++) {
        if (accumulators->operators.items[i].node_id == rows->node_id) {
            accumulators->operators.items[i].rows += rows->rows;
            return;
        }
    }
    gly_array_push(&accumulators->operators, *rows);
}

bool gly_accumulators_merge(gly_accumulators *accumulators, uint32_t partition,
                            const gly_task_numbers *numbers) {
    GLY_ASSERT(partition < accumulators->partition_count);
    if (accumulators->is_merged[partition]) {
        return false;
    }
    accumulators->is_merged[partition] = 1;
    accumulators->merged_count++;
    if (numbers == NULL) {
        return true;
    }
    for (int i = 0; i < GLY_TASK_NUMBER_COUNT; i++) {
        if (merge_rules[i] == MERGE_MAX) {
            accumulators->values[i] = GLY_MAX(accumulators->values[i], numbers->values[i]);
        } else {
            accumulators->values[i] += numbers->values[i];
        }
    }
    for (uint32_t i = 0; i < numbers->operator_count; i++) {
        merge_operator(accumulators, &numbers->operators[i]);
    }
    return true;
}
