/* event_bus.h - events go to everyone who asked, in order, on the thread that publishes.
 *
 * Not thread-safe: owned by the driver's control thread.  Readers must be quick and must not
 * publish, subscribe or unsubscribe from inside a call.
 */
#ifndef GLY_EVENT_BUS_H
#define GLY_EVENT_BUS_H

#include "driver/event/event.h"

typedef struct gly_event_bus gly_event_bus;
typedef void (*gly_event_reader)(void *context, const gly_event *event);

gly_event_bus *gly_event_bus_make(void);
void gly_event_bus_free(gly_event_bus *bus); /* accepts NULL */
/* Readers are called in the order of subscription. */
void gly_event_bus_subscribe(gly_event_bus *bus, gly_event_reader reader, void *context);
void gly_event_bus_unsubscribe(gly_event_bus *bus, gly_event_reader reader, void *context);
/* bus may be NULL: nobody listens. */
void gly_event_bus_publish(gly_event_bus *bus, const gly_event *event);
/* How many events of this kind were published, for metrics and tests. */
uint64_t gly_event_bus_count(const gly_event_bus *bus, gly_event_kind kind);

#endif
