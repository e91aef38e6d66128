/* parquet_distinct.c - dictionary sizes are exact counts per row group; from them one guesses the
 * table.
 *
 * Two cases.  The groups' ranges do not overlap (the column is sorted or clustered): the counts add
 * up. Else the group is taken as a random sample: a column of D values shows d = D (1 - exp(-r /
 * D)) of them in r rows, which is solved for D.  A chunk that gave its dictionary up, or has none,
 * counts as all different.  These are estimates for the optimizer; nothing may rely on them.
 */
#include "lib/io/parquet/parquet_distinct.h"

#include "lib/base/array.h"
#include "lib/io/parquet/parquet_page.h"

#include <math.h>

enum {
    SAMPLED_GROUPS = 4,
    SURELY_WHOLE_BYTES = 256 * 1024,
    HEAD_BYTES = 64, /* of a dictionary page: three or four small numbers */
};

static uint64_t count_values(const gly_parquet_leaf *leaf, const gly_parquet_chunk *chunk) {
    uint64_t nulls = leaf->is_optional ? chunk->statistics.null_count : 0;
    return nulls == UINT64_MAX ? chunk->value_count : chunk->value_count - nulls;
}

/* Distinct values of one chunk; 0: unknown. */
static uint64_t count_chunk(gly_file *file, const gly_parquet_leaf *leaf,
                            const gly_parquet_chunk *chunk) {
    uint64_t values = count_values(leaf, chunk);
    if (leaf->physical == GLY_PARQUET_BOOLEAN) {
        return GLY_MIN(values, UINT64_C(2));
    }
    if (!chunk->has_dictionary || chunk->has_plain_pages) {
        return values;
    }
    gly_parquet_pages pages = {0};
    gly_parquet_page_header header;
    gly_parquet_page_open(&pages, file, chunk->offset, GLY_MIN(chunk->size, (uint64_t)HEAD_BYTES),
                          chunk->codec);
    bool is_dictionary =
        gly_parquet_page_peek(&pages, &header) && header.type == GLY_PARQUET_PAGE_DICTIONARY;
    gly_parquet_page_release(&pages.window);
    if (!is_dictionary) {
        return 0;
    }
    /* If the footer does not say, a large dictionary is one that was given up. */
    bool is_whole = chunk->is_all_dictionary || header.unpacked_size < SURELY_WHOLE_BYTES;
    return is_whole ? GLY_MIN((uint64_t)header.value_count, values) : values;
}

uint64_t gly_parquet_distinct_scale(double distinct, double sampled, double rows) {
    if (distinct >= sampled * 0.98 || sampled >= rows) {
        return (uint64_t)(distinct >= sampled * 0.98 ? rows * (distinct / fmax(sampled, 1))
                                                     : distinct);
    }
    double low = distinct;
    double high = rows;
    for (int i = 0; i < 60 && high - low > 0.5; i++) {
        double middle = (low + high) / 2;
        double shown = middle * -expm1(-sampled / middle);
        if (shown < distinct) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (uint64_t)((low + high) / 2 + 0.5);
}

void gly_parquet_distinct_plan(gly_read_plan *plan, const gly_parquet_meta *meta) {
    GLY_ARRAY(gly_read_range) heads = {0};
    uint32_t step = GLY_MAX(meta->group_count / SAMPLED_GROUPS, 1u);
    uint32_t sampled = 0;
    for (uint32_t g = 0; g < meta->group_count && sampled < SAMPLED_GROUPS; g += step, sampled++) {
        for (uint32_t leaf = 0; leaf < meta->leaf_count; leaf++) {
            const gly_parquet_chunk *chunk = &meta->groups[g].chunks[leaf];
            if (chunk->has_dictionary && !chunk->has_plain_pages && chunk->size > 0) {
                uint64_t size = GLY_MIN(chunk->size, (uint64_t)HEAD_BYTES);
                gly_array_push(&heads, ((gly_read_range){chunk->offset, size}));
            }
        }
    }
    gly_read_plan_add(plan, (uint32_t)heads.count, heads.items);
    gly_array_clear(&heads);
}

uint64_t gly_parquet_distinct_estimate(gly_file *file, const gly_parquet_meta *meta, uint32_t leaf,
                                       uint64_t table_rows) {
    const gly_parquet_leaf *column = &meta->leaves[leaf];
    uint64_t rows = 0;
    uint64_t values = 0; /* rows that are not null */
    double distinct = 0;
    double largest = 0;
    double largest_values = 0;
    bool is_clustered = true;
    gly_value last_max = {0};
    uint32_t sampled = 0;
    uint32_t step = GLY_MAX(meta->group_count / SAMPLED_GROUPS, 1u);
    for (uint32_t g = 0; g < meta->group_count && sampled < SAMPLED_GROUPS; g += step) {
        const gly_parquet_group *group = &meta->groups[g];
        uint64_t found =
            group->row_count == 0 ? 0 : count_chunk(file, column, &group->chunks[leaf]);
        if (found == 0) {
            continue;
        }
        gly_value min;
        gly_value max;
        bool has_bounds = gly_parquet_meta_bounds(column, &group->chunks[leaf], &min, &max);
        is_clustered = is_clustered && has_bounds && gly_value_compare(&min, &max) < 0 &&
                       (sampled == 0 || gly_value_compare(&last_max, &min) <= 0);
        if (is_clustered) {
            last_max = max;
        }
        sampled++;
        rows += group->row_count;
        values += count_values(column, &group->chunks[leaf]);
        distinct += (double)found;
        if ((double)found > largest) {
            largest = (double)found;
            largest_values = (double)count_values(column, &group->chunks[leaf]);
        }
    }
    if (sampled == 0) {
        return 0;
    }
    double all = (double)table_rows;
    if (is_clustered && sampled > 1) {
        return (uint64_t)GLY_MAX(distinct / (double)rows * all, largest);
    }
    return gly_parquet_distinct_scale(largest, largest_values, all * (double)values / (double)rows);
}
