/* session_internal.h - what session.c and query.c share. */
#ifndef GLY_SESSION_INTERNAL_H
#define GLY_SESSION_INTERNAL_H

#include "driver/session/session.h"
#include "lib/base/array.h"

#include <stdatomic.h>

struct gly_session {
    gly_driver *driver;
    gly_config *config;
    gly_catalog *catalog;
    atomic_uint_fast64_t running_query; /* 0: none */
    gly_arena *report_arena;            /* of the last statement */
};

#endif
