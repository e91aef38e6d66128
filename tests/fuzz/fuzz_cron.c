/* fuzz_cron.c - the first line as a schedule in crontab's notation, the rest as the file of its
 * time zone. */
#include "k8s/api/application.h"
#include "k8s/api/cron.h"
#include "k8s/api/rfc3339.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    gly_arena *arena = gly_arena_make();
    char *copy = malloc(size); /* of its exact size, for the sanitizer */
    memcpy(copy, data, size);
    const char *end = memchr(copy, '\n', size);
    gly_str line = {copy, end == NULL ? size : (size_t)(end - copy)};
    gly_str rest = end == NULL ? GLY_STR("") : (gly_str){end + 1, size - line.size - 1};
    const gly_time_zone *zone;
    gly_cron cron;
    gly_error err;
    int64_t next, ms;
    uint64_t quantity;
    if (gly_time_zone_parse(arena, rest, &zone, &err) != GLY_OK &&
        gly_time_zone_load(arena, "UTC", NULL, &zone, &err) != GLY_OK) {
        __builtin_trap();
    }
    for (int64_t utc = -5000000000; utc < 20000000000; utc += 1234567890) {
        if (gly_time_zone_at(zone, utc).until <= utc) {
            __builtin_trap();
        }
    }
    if (gly_cron_parse(line, &cron, &err) == GLY_OK) {
        int64_t now = INT64_C(1795249800000);
        if (gly_cron_next(&cron, zone, now, &next) && next <= now) {
            __builtin_trap();
        }
        if (gly_cron_latest(&cron, zone, now - 86400000, now, &next) && next > now) {
            __builtin_trap();
        }
    }
    if (gly_rfc3339_parse(line, &ms)) {
        const char *text = gly_rfc3339_format(arena, ms);
        int64_t again;
        if (!gly_rfc3339_parse(gly_str_of(text), &again) || again / 1000 > ms / 1000) {
            __builtin_trap();
        }
    }
    (void)gly_application_parse_quantity(line, &quantity);
    (void)gly_application_parse_duration(line, &ms);
    free(copy);
    gly_arena_free(arena);
    return 0;
}
