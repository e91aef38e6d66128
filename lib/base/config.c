/* config.c - layered settings over the table config.def.
 *
 * Values are kept as checked text; typed getters parse again (settings are read per query, not per
 * row).  Invariant: a stored value of a known key parses as the key's type.
 */
#include "lib/base/config.h"

#include "lib/base/array.h"

typedef enum value_type { TYPE_BOOL, TYPE_INT, TYPE_DOUBLE, TYPE_BYTES, TYPE_MS, TYPE_TEXT } value_type;
typedef enum value_scope { SCOPE_SESSION, SCOPE_START } value_scope;

static const struct {
    const char *key;
    const char *alias;
    value_type type;
    const char *value;
    value_scope scope;
    const char *doc;
} settings[GLY_CONFIG_COUNT] = {
#define GLY_CONFIG(id, key, alias, type, value, scope, doc)                                        \
    [GLY_CONFIG_##id] = {key, alias, TYPE_##type, value, SCOPE_##scope, doc},
#include "lib/base/config.def"
#undef GLY_CONFIG
};

static const char *const type_words[] = {
    [TYPE_BOOL] = "true or false", [TYPE_INT] = "a whole number", [TYPE_DOUBLE] = "a number",
    [TYPE_BYTES] = "a size such as 512m or 2g", [TYPE_MS] = "a time such as 10s or 500ms",
    [TYPE_TEXT] = "text",
};

typedef struct pair {
    char *key;
    char *value;
} pair;

struct gly_config {
    const gly_config *parent;
    GLY_ARRAY(pair) pairs;
};

static int find_setting(gly_str key) {
    for (int i = 0; i < GLY_CONFIG_COUNT; i++) {
        if (gly_str_equal_ignore_case(key, gly_str_of(settings[i].key)) ||
            (settings[i].alias[0] != '\0' &&
             gly_str_equal_ignore_case(key, gly_str_of(settings[i].alias)))) {
            return i;
        }
    }
    return -1;
}

static bool parse_bool(gly_str text, bool *ret) {
    *ret = gly_str_equal_ignore_case(text, GLY_STR("true"));
    return *ret || gly_str_equal_ignore_case(text, GLY_STR("false"));
}

static bool parse_number(value_type type, gly_str text, int64_t *ret) {
    uint64_t bytes;
    switch (type) {
    case TYPE_INT:
        return gly_str_to_i64(text, ret);
    case TYPE_MS:
        return gly_str_to_ms(text, ret);
    case TYPE_BYTES:
        if (gly_str_to_i64(text, ret) && *ret < 0) {
            return true; /* -1: Spark's way to say "off" */
        }
        if (!gly_str_to_bytes(text, &bytes) || bytes > INT64_MAX) {
            return false;
        }
        *ret = (int64_t)bytes;
        return true;
    default:
        return false;
    }
}

static bool is_valid(value_type type, gly_str text) {
    bool truth;
    double number;
    int64_t whole;
    switch (type) {
    case TYPE_BOOL:
        return parse_bool(text, &truth);
    case TYPE_DOUBLE:
        return gly_str_to_double(text, &number);
    case TYPE_TEXT:
        return true;
    default:
        return parse_number(type, text, &whole);
    }
}

gly_config *gly_config_make(const gly_config *parent) {
    gly_config *config = GLY_NEW(gly_config);
    config->parent = parent;
    return config;
}

void gly_config_free(gly_config *config) {
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->pairs.count; i++) {
        free(config->pairs.items[i].key);
        free(config->pairs.items[i].value);
    }
    gly_array_clear(&config->pairs);
    free(config);
}

static char *copy_text(gly_str text) {
    char *copy = gly_alloc(text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

void gly_config_unset(gly_config *config, gly_str key) {
    for (size_t i = 0; i < config->pairs.count; i++) {
        if (gly_str_equal_ignore_case(gly_str_of(config->pairs.items[i].key), key)) {
            free(config->pairs.items[i].key);
            free(config->pairs.items[i].value);
            gly_array_remove_at(&config->pairs, i);
            return;
        }
    }
}

void gly_config_unset_all(gly_config *config) {
    while (config->pairs.count > 0) {
        gly_config_unset(config, gly_str_of(config->pairs.items[0].key));
    }
}

gly_status gly_config_set(gly_config *config, gly_str key, gly_str value, bool from_session,
                          gly_error *err) {
    int index = find_setting(key);
    value = gly_str_trim(value);
    if (index >= 0) {
        if (!is_valid(settings[index].type, value)) {
            return gly_fail(err, GLY_E_CONFIG, "%s cannot be '%.*s': it must be %s",
                            settings[index].key, GLY_STR_ARG(value),
                            type_words[settings[index].type]);
        }
        if (from_session && settings[index].scope == SCOPE_START) {
            return gly_fail(err, GLY_E_CONFIG,
                            "%s cannot be changed in a running session: give it at the start with "
                            "--conf %s=...",
                            settings[index].key, settings[index].key);
        }
        key = gly_str_of(settings[index].key);
    }
    gly_config_unset(config, key);
    pair fresh = {copy_text(key), copy_text(value)};
    gly_array_push(&config->pairs, fresh);
    return GLY_OK;
}

gly_status gly_config_set_pair(gly_config *config, gly_str text, gly_error *err) {
    const char *equals = memchr(text.data, '=', text.size);
    if (equals == NULL || equals == text.data) {
        return gly_fail(err, GLY_E_CONFIG, "'%.*s' is not a setting: write key=value",
                        GLY_STR_ARG(text));
    }
    size_t split = (size_t)(equals - text.data);
    return gly_config_set(config, gly_str_trim((gly_str){text.data, split}),
                          (gly_str){equals + 1, text.size - split - 1}, false, err);
}

bool gly_config_get(const gly_config *config, gly_str key, gly_str *ret) {
    int index = find_setting(key);
    gly_str name = index >= 0 ? gly_str_of(settings[index].key) : key;
    for (const gly_config *layer = config; layer != NULL; layer = layer->parent) {
        for (size_t i = 0; i < layer->pairs.count; i++) {
            if (gly_str_equal_ignore_case(gly_str_of(layer->pairs.items[i].key), name)) {
                *ret = gly_str_of(layer->pairs.items[i].value);
                return true;
            }
        }
    }
    if (index >= 0) {
        *ret = gly_str_of(settings[index].value);
        return true;
    }
    return false;
}

gly_str gly_config_text(const gly_config *config, gly_config_id id) {
    gly_str text = {"", 0};
    gly_config_get(config, gly_str_of(settings[id].key), &text);
    return text;
}

int64_t gly_config_int(const gly_config *config, gly_config_id id) {
    int64_t number = 0;
    GLY_ASSERT(parse_number(settings[id].type, gly_config_text(config, id), &number));
    return number;
}

bool gly_config_bool(const gly_config *config, gly_config_id id) {
    bool truth = false;
    GLY_ASSERT(parse_bool(gly_config_text(config, id), &truth));
    return truth;
}

double gly_config_double(const gly_config *config, gly_config_id id) {
    double number = 0;
    GLY_ASSERT(gly_str_to_double(gly_config_text(config, id), &number));
    return number;
}

const char *gly_config_key(gly_config_id id) { return settings[id].key; }

const char *gly_config_doc(gly_config_id id) { return settings[id].doc; }

void gly_config_each(const gly_config *config,
                     void (*visit)(void *context, gly_str key, gly_str value, const char *doc),
                     void *context) {
    for (int i = 0; i < GLY_CONFIG_COUNT; i++) {
        visit(context, gly_str_of(settings[i].key), gly_config_text(config, (gly_config_id)i),
              settings[i].doc);
    }
    for (const gly_config *layer = config; layer != NULL; layer = layer->parent) {
        for (size_t i = 0; i < layer->pairs.count; i++) {
            if (find_setting(gly_str_of(layer->pairs.items[i].key)) < 0) {
                visit(context, gly_str_of(layer->pairs.items[i].key),
                      gly_str_of(layer->pairs.items[i].value), "");
            }
        }
    }
}
