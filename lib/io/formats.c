/* formats.c - the table of file formats: look-up by name.
 *
 * Adding one: a row in formats.def and one exported `const gly_format`.
 */
#include "lib/io/format.h"

#define GLY_FORMAT(name, symbol) extern const gly_format symbol;
#include "lib/io/formats.def"
#undef GLY_FORMAT

static const gly_format *const formats[] = {
#define GLY_FORMAT(name, symbol) &(symbol),
#include "lib/io/formats.def"
#undef GLY_FORMAT
};

const gly_format *gly_format_find(gly_str name) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(formats); i++) {
        if (gly_str_equal_ignore_case(name, gly_str_of(formats[i]->name))) {
            return formats[i];
        }
    }
    return NULL;
}

#define GLY_FORMAT(name, symbol) ", " name
static const char names[] =
#include "lib/io/formats.def"
    ;
#undef GLY_FORMAT

const char *gly_format_names(void) { return names + 2; }
