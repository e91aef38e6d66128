/* function_signature.c - the signatures of functions with the type rule `signature`.
 *
 * A signature is a letter for each argument and one for the result, so that a new function is one
 * line.  Lower case takes only what Spark takes without a cast; upper case lets Spark's implicit
 * casts of ANSI mode happen: text becomes anything, any number becomes any other, anything becomes
 * text.  An untyped NULL fits everywhere.
 * Invariant: a letter looks at its own argument only.  Coercion that depends on other arguments is
 * in function_type.c.
 */
#include "lib/plan/function_signature.h"

typedef struct signature {
    gly_function_id id;
    const char *args; /* the last letter stands for all that follow */
    char result;      /* '=': as the first argument */
    const char *expected;
} signature;

/*  S string   B binary            X string or binary   I int         L bigint     D double
 *  M decimal(16,6)                W int, or bigint if it is one      H as hex: bigint, binary,
 * string P date     T timestamp         p date    t timestamp b integer or boolean           g
 * integer            l integer, as bigint n number: bigint, double or decimal results also: Y
 * tinyint, O boolean, N timestamp without zone, F decimal(8,6) */
static const signature signatures[] = {
    {GLY_FN_HEX, "H", 'S', "a number, a string or bytes"},
    {GLY_FN_UNHEX, "S", 'B', "a string"},
    {GLY_FN_BASE64, "B", 'S', "bytes or a string"},
    {GLY_FN_UNBASE64, "S", 'B', "a string"},
    {GLY_FN_MD5, "B", 'S', "bytes or a string"},
    {GLY_FN_SHA1, "B", 'S', "bytes or a string"},
    {GLY_FN_SHA2, "BI", 'S', "(bytes or a string, int)"},
    {GLY_FN_CRC32, "B", 'L', "bytes or a string"},
    {GLY_FN_URL_ENCODE, "S", 'S', "a string"},
    {GLY_FN_URL_DECODE, "S", 'S', "a string"},
    {GLY_FN_TRY_URL_DECODE, "S", 'S', "a string"},
    {GLY_FN_REGEXP_COUNT, "S", 'I', "(string, string)"},
    {GLY_FN_REGEXP_INSTR, "SSI", 'I', "(string, string[, int])"},
    {GLY_FN_REGEXP_SUBSTR, "S", 'S', "(string, string)"},
    {GLY_FN_BIN, "L", 'S', "an integer"},
    {GLY_FN_CONV, "SI", 'S', "(string, int, int)"},
    {GLY_FN_TRANSLATE, "S", 'S', "(string, string, string)"},
    {GLY_FN_SUBSTRING_INDEX, "SSI", 'S', "(string, string, int)"},
    {GLY_FN_SPACE, "I", 'S', "an integer"},
    {GLY_FN_FIND_IN_SET, "S", 'I', "(string, string)"},
    {GLY_FN_LEVENSHTEIN, "SSI", 'I', "(string, string[, int])"},
    {GLY_FN_SOUNDEX, "S", 'S', "a string"},
    {GLY_FN_FORMAT_NUMBER, "nI", 'S', "(number, int)"},
    {GLY_FN_BIT_LENGTH, "X", 'I', "a string or bytes"},
    {GLY_FN_LUHN_CHECK, "S", 'O', "a string"},
    {GLY_FN_FACTORIAL, "I", 'L', "an integer"},
    {GLY_FN_WIDTH_BUCKET, "DDDL", 'L', "(number, number, number, bigint)"},
    {GLY_FN_BIT_COUNT, "b", 'I', "an integer or a boolean"},
    {GLY_FN_SHIFT_LEFT, "WI", '=', "(int or bigint, int)"},
    {GLY_FN_SHIFT_RIGHT, "WI", '=', "(int or bigint, int)"},
    {GLY_FN_SHIFT_RIGHT_UNSIGNED, "WI", '=', "(int or bigint, int)"},
    {GLY_FN_GETBIT, "gI", 'Y', "(integer, int)"},
    {GLY_FN_NEXT_DAY, "PS", 'P', "(date, name of a day)"},
    {GLY_FN_DAYNAME, "P", 'S', "a date"},
    {GLY_FN_MONTHNAME, "P", 'S', "a date"},
    {GLY_FN_YEAR_OF_WEEK, "P", 'I', "a date"},
    {GLY_FN_SECOND_FRACTION, "T", 'F', "a timestamp"},
    {GLY_FN_MAKE_TIMESTAMP, "IIIIIMS", 'T', "(int, int, int, int, int, decimal[, zone])"},
    {GLY_FN_TRY_MAKE_TIMESTAMP, "IIIIIMS", 'T', "(int, int, int, int, int, decimal[, zone])"},
    {GLY_FN_MAKE_TIMESTAMP_NTZ, "IIIIIM", 'N', "(int, int, int, int, int, decimal)"},
    {GLY_FN_TRY_MAKE_TIMESTAMP_NTZ, "IIIIIM", 'N', "(int, int, int, int, int, decimal)"},
    {GLY_FN_DATE_FROM_UNIX_DATE, "I", 'P', "an integer"},
    {GLY_FN_UNIX_DATE, "p", 'I', "a date"},
    {GLY_FN_UNIX_MICROS, "t", 'L', "a timestamp"},
    {GLY_FN_UNIX_MILLIS, "t", 'L', "a timestamp"},
    {GLY_FN_UNIX_SECONDS, "t", 'L', "a timestamp"},
    {GLY_FN_TIMESTAMP_MICROS, "l", 'T', "an integer"},
    {GLY_FN_TIMESTAMP_MILLIS, "l", 'T', "an integer"},
    {GLY_FN_TIMESTAMP_SECONDS, "n", 'T', "a number"},
    {GLY_FN_TIMESTAMPDIFF, "STT", 'L', "(unit, timestamp, timestamp)"},
};

static const signature *find(gly_function_id id) {
    for (size_t i = 0; i < GLY_ARRAY_LEN(signatures); i++) {
        if (signatures[i].id == id) {
            return &signatures[i];
        }
    }
    GLY_UNREACHABLE();
}

static gly_type type_of(char letter) {
    switch (letter) {
    case 'S':
        return GLY_TYPE_OF(STRING);
    case 'B':
        return GLY_TYPE_OF(BINARY);
    case 'Y':
        return GLY_TYPE_OF(TINYINT);
    case 'O':
        return GLY_TYPE_OF(BOOLEAN);
    case 'I':
        return GLY_TYPE_OF(INT);
    case 'L':
    case 'l':
        return GLY_TYPE_OF(BIGINT);
    case 'D':
        return GLY_TYPE_OF(DOUBLE);
    case 'M':
        return gly_type_decimal(16, 6);
    case 'F':
        return gly_type_decimal(8, 6);
    case 'P':
    case 'p':
        return GLY_TYPE_OF(DATE);
    case 'T':
    case 't':
        return GLY_TYPE_OF(TIMESTAMP);
    case 'N':
        return GLY_TYPE_OF(TIMESTAMP_NTZ);
    default:
        GLY_UNREACHABLE();
    }
}

static bool is_fraction(gly_type type) {
    return type.id == GLY_TYPE_FLOAT || type.id == GLY_TYPE_DOUBLE;
}

static bool is_time(gly_type type) {
    return type.id == GLY_TYPE_DATE || type.id == GLY_TYPE_TIMESTAMP ||
           type.id == GLY_TYPE_TIMESTAMP_NTZ;
}

/* What an untyped NULL becomes. */
static gly_type null_of(char letter) {
    switch (letter) {
    case 'X':
    case 'H':
        return GLY_TYPE_OF(STRING);
    case 'W':
    case 'b':
    case 'g':
        return GLY_TYPE_OF(INT);
    case 'n':
        return GLY_TYPE_OF(BIGINT);
    default:
        return type_of(letter);
    }
}

/* What an argument of this type becomes; false if the function does not take it. */
static bool fit(char letter, gly_type *type) {
    gly_type from = *type;
    bool text = from.id == GLY_TYPE_STRING, number = gly_type_is_numeric(from);
    if (from.id == GLY_TYPE_NULL) {
        *type = null_of(letter);
        return true;
    }
    switch (letter) {
    case 'X':
    case 'H':
        *type = number && letter == 'H'      ? GLY_TYPE_OF(BIGINT)
                : from.id == GLY_TYPE_BINARY ? from
                                             : GLY_TYPE_OF(STRING);
        return true;
    case 'W':
        *type = from.id == GLY_TYPE_BIGINT ? from : GLY_TYPE_OF(INT);
        return number || text;
    case 'b':
        return gly_type_is_integral(from) || from.id == GLY_TYPE_BOOLEAN;
    case 'g':
        return gly_type_is_integral(from);
    case 'n':
        *type = gly_type_is_integral(from) ? GLY_TYPE_OF(BIGINT)
                : is_fraction(from)        ? GLY_TYPE_OF(DOUBLE)
                                           : from;
        return number;
    default:
        break;
    }
    *type = type_of(letter);
    switch (letter) {
    case 'S':
        return true;
    case 'B':
        return text || from.id == GLY_TYPE_BINARY;
    case 'P':
    case 'T':
        return text || is_time(from);
    case 'p':
    case 't':
        return from.id == type->id;
    case 'l':
        return gly_type_is_integral(from);
    default:
        return text || number;
    }
}

bool gly_function_signature_apply(gly_function_id id, uint32_t count, gly_type *types,
                                  gly_type *ret_type, const char **ret_expected) {
    const signature *found = find(id);
    size_t letters = strlen(found->args);
    *ret_expected = found->expected;
    for (uint32_t i = 0; i < count; i++) {
        gly_type type = types[i];
        if (!fit(found->args[GLY_MIN((size_t)i, letters - 1)], &type)) {
            return false;
        }
        types[i] = type;
    }
    *ret_type = found->result == '=' ? types[0] : type_of(found->result);
    return true;
}
