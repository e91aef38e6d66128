/* operator.h - the process: leader election, watches, work queue, HTTP server; until it is told to
 * stop. */
#ifndef GLY_OPERATOR_H
#define GLY_OPERATOR_H

#include "k8s/operator/operator_options.h"

/* Blocks SIGTERM and SIGINT in all threads and runs until one comes.  A lost lease, an API server
 * that is away: it goes on trying.  Errors are those of the start (address taken, no
 * configuration). */
GLY_NODISCARD gly_status gly_operator_run(const gly_operator_options *options, gly_error *err);

#endif
