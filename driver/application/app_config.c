/* app_config.c - spec fields to settings, in Spark's names.
 *
 * The driver reads only settings, so that a job is the same on one machine and on Kubernetes.
 */
#include "driver/application/app_config.h"

#include <stdio.h>

static gly_status set_number(gly_config *config, gly_config_id id, uint64_t value, gly_error *err) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return gly_config_set(config, gly_str_of(gly_config_key(id)), gly_str_of(text), false, err);
}

static gly_status set_ms(gly_config *config, gly_config_id id, int64_t ms, gly_error *err) {
    char text[32];
    snprintf(text, sizeof text, "%lldms", (long long)ms);
    return gly_config_set(config, gly_str_of(gly_config_key(id)), gly_str_of(text), false, err);
}

static gly_status fill_allocation(const gly_application_allocation *allocation, gly_config *config,
                                  gly_error *err) {
    GLY_TRY(gly_config_set(config, gly_str_of(gly_config_key(GLY_CONFIG_DYNAMIC_ALLOCATION)),
                           GLY_STR("true"), false, err));
    GLY_TRY(set_number(config, GLY_CONFIG_DYNAMIC_MIN, allocation->min, err));
    GLY_TRY(set_number(config, GLY_CONFIG_DYNAMIC_INITIAL, allocation->initial, err));
    GLY_TRY(set_number(config, GLY_CONFIG_DYNAMIC_MAX, allocation->max, err));
    GLY_TRY(set_ms(config, GLY_CONFIG_DYNAMIC_BACKLOG, allocation->backlog_ms, err));
    GLY_TRY(set_ms(config, GLY_CONFIG_DYNAMIC_SUSTAINED, allocation->sustained_backlog_ms, err));
    return set_ms(config, GLY_CONFIG_DYNAMIC_IDLE, allocation->idle_ms, err);
}

gly_status gly_app_config_fill(const gly_application *application, gly_config *config,
                               gly_error *err) {
    for (uint32_t i = 0; i < application->conf_count; i++) {
        GLY_TRY_ADD(gly_config_set(config, gly_str_of(application->conf[i].key),
                                   gly_str_of(application->conf[i].value), false, err),
                    err, "spec.conf");
    }
    const gly_application_role *executor = &application->executor;
    GLY_TRY_ADD(gly_config_set(config, gly_str_of(gly_config_key(GLY_CONFIG_APP_NAME)),
                               gly_str_of(application->name), false, err),
                err, "metadata.name");
    GLY_TRY_ADD(set_number(config, GLY_CONFIG_EXECUTOR_CORES, executor->cores, err), err,
                "spec.executor.cores");
    GLY_TRY_ADD(set_number(config, GLY_CONFIG_EXECUTOR_MEMORY, executor->memory_bytes, err), err,
                "spec.executor.memory");
    GLY_TRY_ADD(set_number(config, GLY_CONFIG_EXECUTOR_COUNT, application->executors, err), err,
                "spec.executors");
    if (application->allocation.is_dynamic) {
        GLY_TRY_ADD(fill_allocation(&application->allocation, config, err), err,
                    "spec.dynamicAllocation");
    }
    return GLY_OK;
}
