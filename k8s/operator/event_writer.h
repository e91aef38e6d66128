/* event_writer.h - Events about our objects, as kubectl describe shows them.
 *
 * An Event's name is made from what it says, so that writing it again (after a crash, by the next
 * leader) meets a 409 and is no second Event; its time and message are then brought up to date.
 */
#ifndef GLY_EVENT_WRITER_H
#define GLY_EVENT_WRITER_H

#include "k8s/operator/operator_core.h"

typedef struct gly_event_writer_event {
    const gly_k8s_kind *kind; /* of the object it is about */
    const char *namespace_name, *name, *uid;
    bool is_warning;
    const char *reason, *message;
    uint64_t identity; /* events of one object with equal reason and identity are one */
    int64_t time_ms;   /* wall clock */
} gly_event_writer_event;

/* For tests: the Event.  Free with cJSON_Delete. */
cJSON *gly_event_writer_make(gly_arena *arena, const gly_event_writer_event *event,
                             const char *reporter);

/* Writes it; on_done(context) when it is written or given up (an Event is never worth an error),
 * also with the client's end: is_cancelled. */
void gly_event_writer_send(gly_operator_core *core, const gly_event_writer_event *event,
                           void (*on_done)(void *context, bool is_cancelled), void *context);

#endif
