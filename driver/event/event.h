/* event.h - one thing that happened in the driver, and how it is written as a JSON line.
 *
 * The structs are made from events.def.  Texts and numbers are borrowed: an event is valid while it
 * is being published, a reader that keeps it copies.
 */
#ifndef GLY_EVENT_H
#define GLY_EVENT_H

#include "driver/scheduler/accumulators.h"
#include "lib/base/str.h"

typedef enum gly_event_kind {
#define GLY_EVENT(kind, member, name, fields) GLY_EVENT_##kind,
#include "driver/event/events.def"
#undef GLY_EVENT
    GLY_EVENT_COUNT
} gly_event_kind;

typedef struct gly_event {
    gly_event_kind kind;
    int64_t time_ms; /* wall clock, since 1970-01-01 UTC */
    union {
#define GLY_EVENT_U64(name, key) uint64_t name;
#define GLY_EVENT_BOOL(name, key) bool name;
#define GLY_EVENT_TEXT(name, key) gly_str name;
#define GLY_EVENT_CODE(name, key, names) uint32_t name;
#define GLY_EVENT_NUMBERS(name, key) const uint64_t *name; /* GLY_TASK_NUMBER_COUNT, or NULL */
#define GLY_EVENT(kind, member, name, fields)                                                      \
    struct {                                                                                       \
        fields                                                                                     \
    } member;
#include "driver/event/events.def"
#undef GLY_EVENT
#undef GLY_EVENT_U64
#undef GLY_EVENT_BOOL
#undef GLY_EVENT_TEXT
#undef GLY_EVENT_CODE
#undef GLY_EVENT_NUMBERS
    };
} gly_event;

const char *gly_event_name(gly_event_kind kind); /* "TaskEnd" */
/* Appends one JSON object without a newline:
 * {"event":"TaskEnd","time":1700000000000,"taskId":7,...} */
void gly_event_write_json(const gly_event *event, gly_builder *out);

#endif
