/* app_options.h - the command line of galley-driver. */
#ifndef GLY_APP_OPTIONS_H
#define GLY_APP_OPTIONS_H

#include "lib/base/str.h"

#include <stdio.h>

typedef struct gly_app_options {
    const char *application;    /* metadata.name */
    const char *namespace_name; /* NULL: our own */
    uint32_t attempt;
    const char *pod_ip;    /* what executors dial */
    uint16_t port;         /* 0: a free one */
    const char *tls_dir;   /* ca.crt and ca.key */
    const char *job_dir;   /* where spec.configMap is mounted */
    const char *local_dir; /* NULL: below TMPDIR */
    const char *termination_log;
    bool wants_help;
} gly_app_options;

/* CONFIG with a sentence that names the option. */
GLY_NODISCARD gly_status gly_app_options_parse(int count, char *const *arguments,
                                               gly_app_options *ret, gly_error *err);
void gly_app_options_print_help(FILE *file);

#endif
