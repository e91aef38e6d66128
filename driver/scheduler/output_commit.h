/* output_commit.h - of all attempts of a result task, one may commit its files. */
#ifndef GLY_OUTPUT_COMMIT_H
#define GLY_OUTPUT_COMMIT_H

#include "driver/scheduler/scheduler_internal.h"

/* Answers a running attempt that asks; the first to ask gets the right until it ends in failure. */
bool gly_output_commit_request(gly_attempt *attempt);
/* The attempt ended without success: the right is free again. */
void gly_output_commit_release(gly_attempt *attempt);

#endif
