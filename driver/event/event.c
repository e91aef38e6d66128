/* event.c - the names of events and their JSON form, both read from events.def.
 *
 * This runs for every task when an event log is kept, so it writes text directly instead of
 * building a tree first; keys are literals, and only texts need escaping.
 * Not here: who reads events (event_bus.c), the file they are kept in (event_log.c).
 */
#include "driver/event/event.h"

#include "lib/base/json_text.h"

/* By gly_locality and gly_task_end of driver/scheduler/scheduler.h. */
static const char *const gly_event_locality_names[] = {"PROCESS_LOCAL", "NODE_LOCAL", "NO_PREF",
                                                       "RACK_LOCAL", "ANY"};
static const char *const gly_event_task_end_names[] = {"OK", "FAILED", "FETCH_FAILED", "KILLED",
                                                       "LOST"};

const char *gly_event_name(gly_event_kind kind) {
    static const char *const names[] = {
#define GLY_EVENT(kind, member, name, fields) name,
#include "driver/event/events.def"
#undef GLY_EVENT
    };
    return (size_t)kind < GLY_ARRAY_LEN(names) ? names[kind] : "?";
}

static void write_number(uint64_t value, gly_builder *out) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    gly_builder_add(out, digits + at, sizeof digits - at);
}

static void write_text(const char *key, size_t key_size, gly_str text, gly_builder *out) {
    if (text.size == 0) {
        return;
    }
    gly_builder_add(out, key, key_size);
    gly_json_text_quote(text, out);
}

static void write_code(const char *const *names, size_t count, uint32_t code, gly_builder *out) {
    gly_builder_add_char(out, '"');
    gly_builder_add_text(out, code < count ? names[code] : "?");
    gly_builder_add_char(out, '"');
}

static void write_numbers(const char *key, size_t key_size, const uint64_t *numbers,
                          gly_builder *out) {
    if (numbers == NULL) {
        return;
    }
    gly_builder_add(out, key, key_size);
    char separator = '{';
    for (int i = 0; i < GLY_TASK_NUMBER_COUNT; i++) {
        if (numbers[i] != 0) {
            gly_builder_add_char(out, separator);
            gly_builder_add_char(out, '"');
            gly_builder_add_text(out, gly_accumulators_key((gly_task_number)i));
            gly_builder_add(out, "\":", 2);
            write_number(numbers[i], out);
            separator = ',';
        }
    }
    gly_builder_add_text(out, separator == '{' ? "{}" : "}");
}

/* long: one case for every event, made from the table */
void gly_event_write_json(const gly_event *event, gly_builder *out) {
    gly_builder_add_text(out, "{\"event\":\"");
    gly_builder_add_text(out, gly_event_name(event->kind));
    gly_builder_add_text(out, "\",\"time\":");
    write_number((uint64_t)GLY_MAX(event->time_ms, 0), out);
#define GLY_EVENT_KEY(key) ",\"" key "\":", sizeof(",\"" key "\":") - 1
#define GLY_EVENT_U64(name, key)                                                                   \
    gly_builder_add(out, GLY_EVENT_KEY(key));                                                      \
    write_number(e->name, out);
#define GLY_EVENT_BOOL(name, key)                                                                  \
    gly_builder_add(out, GLY_EVENT_KEY(key));                                                      \
    gly_builder_add_text(out, e->name ? "true" : "false");
#define GLY_EVENT_TEXT(name, key) write_text(GLY_EVENT_KEY(key), e->name, out);
#define GLY_EVENT_CODE(name, key, names)                                                           \
    gly_builder_add(out, GLY_EVENT_KEY(key));                                                      \
    write_code(names, GLY_ARRAY_LEN(names), e->name, out);
#define GLY_EVENT_NUMBERS(name, key) write_numbers(GLY_EVENT_KEY(key), e->name, out);
#define GLY_EVENT(kind, member, name, fields)                                                      \
    case GLY_EVENT_##kind: {                                                                       \
        __typeof__(&event->member) e = &event->member;                                             \
        fields break;                                                                              \
    }
    switch (event->kind) {
#include "driver/event/events.def"
    case GLY_EVENT_COUNT:
        break;
    }
    gly_builder_add_char(out, '}');
}
