/* event_bus.c - a list of readers and a counter for each kind of event.
 *
 * What nobody reads costs one increment, so the scheduler publishes every task without asking.
 * Not here: what events hold (events.def), how they are written (event.c).
 */
#include "driver/event/event_bus.h"

typedef struct subscription {
    gly_event_reader reader;
    void *context;
} subscription;

struct gly_event_bus {
    GLY_ARRAY(subscription) readers;
    uint64_t counts[GLY_EVENT_COUNT];
    bool is_publishing;
};

gly_event_bus *gly_event_bus_make(void) { return GLY_NEW(gly_event_bus); }

void gly_event_bus_free(gly_event_bus *bus) {
    if (bus != NULL) {
        gly_array_clear(&bus->readers);
        free(bus);
    }
}

void gly_event_bus_subscribe(gly_event_bus *bus, gly_event_reader reader, void *context) {
    GLY_ASSERT(!bus->is_publishing);
    subscription fresh = {reader, context};
    gly_array_push(&bus->readers, fresh);
}

void gly_event_bus_unsubscribe(gly_event_bus *bus, gly_event_reader reader, void *context) {
    GLY_ASSERT(!bus->is_publishing);
    for (size_t i = 0; i < bus->readers.count; i++) {
        if (bus->readers.items[i].reader == reader && bus->readers.items[i].context == context) {
            gly_array_remove_at(&bus->readers, i);
            return;
        }
    }
}

void gly_event_bus_publish(gly_event_bus *bus, const gly_event *event) {
    if (bus == NULL) {
        return;
    }
    GLY_ASSERT((unsigned)event->kind < GLY_EVENT_COUNT && !bus->is_publishing);
    bus->counts[event->kind]++;
    bus->is_publishing = true;
    for (size_t i = 0; i < bus->readers.count; i++) {
        bus->readers.items[i].reader(bus->readers.items[i].context, event);
    }
    bus->is_publishing = false;
}

uint64_t gly_event_bus_count(const gly_event_bus *bus, gly_event_kind kind) {
    return bus->counts[kind];
}
