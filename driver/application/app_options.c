/* app_options.c - words to options; in a pod most have their value from the environment. */
#include "driver/application/app_options.h"

#include "k8s/api/names.h"

#include <stdlib.h>
#include <unistd.h>

enum { DEFAULT_PORT = 7337 };

static const char help[] =
    "galley-driver - runs a GalleyApplication: asks for its executors, runs its SQL\n"
    "\n"
    "  galley-driver --application NAME --namespace NAMESPACE --attempt N [OPTION]...\n"
    "\n"
    "  --pod-ip IP             address that executors dial   (GALLEY_POD_IP)\n"
    "  --port PORT             port for executors, 0: any    (7337)\n"
    "  --tls-dir DIR           ca.crt and ca.key             (" GLY_PATH_TLS ")\n"
    "  --job-dir DIR           the files of spec.configMap   (" GLY_PATH_JOB ")\n"
    "  --local-dir DIR         shuffle files and event log   (" GLY_PATH_LOCAL ")\n"
    "  --termination-log FILE  last words                    (/dev/termination-log)\n"
    "\n"
    "Outside a pod KUBECONFIG says where the API server is.  Exit codes: 0 done, 1 the job "
    "failed,\n"
    "2 it cannot be run as it is, 3 infrastructure, 143 ended by SIGTERM.\n";

void gly_app_options_print_help(FILE *file) { fputs(help, file); }

static gly_status read_number(const char *option, const char *value, uint64_t least, uint64_t most,
                              uint64_t *ret, gly_error *err) {
    if (!gly_str_to_u64(gly_str_of(value), ret) || *ret < least || *ret > most) {
        return gly_fail(err, GLY_E_CONFIG, "%s cannot be '%s': give a whole number from %llu",
                        option, value, (unsigned long long)least);
    }
    return GLY_OK;
}

static gly_status apply(gly_app_options *options, const char *option, const char *value,
                        gly_error *err) {
    const struct {
        const char *option;
        const char **place;
    } texts[] = {
        {"--application", &options->application},
        {"--namespace", &options->namespace_name},
        {"--pod-ip", &options->pod_ip},
        {"--tls-dir", &options->tls_dir},
        {"--job-dir", &options->job_dir},
        {"--local-dir", &options->local_dir},
        {"--termination-log", &options->termination_log},
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(texts); i++) {
        if (strcmp(option, texts[i].option) == 0) {
            *texts[i].place = value;
            return GLY_OK;
        }
    }
    uint64_t number;
    if (strcmp(option, "--attempt") == 0) {
        GLY_TRY(read_number(option, value, 1, UINT32_MAX, &number, err));
        options->attempt = (uint32_t)number;
        return GLY_OK;
    }
    if (strcmp(option, "--port") == 0) {
        GLY_TRY(read_number(option, value, 0, UINT16_MAX, &number, err));
        options->port = (uint16_t)number;
        return GLY_OK;
    }
    return gly_fail(err, GLY_E_CONFIG, "There is no option '%s': see galley-driver --help", option);
}

gly_status gly_app_options_parse(int count, char *const *arguments, gly_app_options *ret,
                                 gly_error *err) {
    *ret = (gly_app_options){
        .attempt = 1,
        .pod_ip = getenv("GALLEY_POD_IP"),
        .port = DEFAULT_PORT,
        .tls_dir = GLY_PATH_TLS,
        .job_dir = GLY_PATH_JOB,
        .local_dir = access(GLY_PATH_LOCAL, W_OK) == 0 ? GLY_PATH_LOCAL : NULL,
        .termination_log = "/dev/termination-log",
    };
    for (int i = 1; i < count; i += 2) {
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            ret->wants_help = true;
            return GLY_OK;
        }
        if (i + 1 == count) {
            return gly_fail(err, GLY_E_CONFIG, "%s needs a value: see galley-driver --help",
                            arguments[i]);
        }
        GLY_TRY(apply(ret, arguments[i], arguments[i + 1], err));
    }
    if (ret->application == NULL || ret->application[0] == '\0') {
        return gly_fail(err, GLY_E_CONFIG, "--application is missing: see galley-driver --help");
    }
    if (ret->pod_ip == NULL || ret->pod_ip[0] == '\0') {
        return gly_fail(err, GLY_E_CONFIG,
                        "--pod-ip is missing: give the address that executors can dial");
    }
    return GLY_OK;
}
