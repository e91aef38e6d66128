/* fn_text_near.c - levenshtein, soundex, luhn_check.
 *
 * levenshtein counts code points with one row of the usual table (Wagner and Fischer 1974) and
 * gives up as soon as a row is farther than the threshold.  soundex is Spark's: letters of ASCII
 * only; H and W do not separate equal codes, anything else without a code does.
 */
#include "lib/engine/function/fn_text_near.h"

#include "lib/base/alloc.h"
#include "lib/engine/function/fn_text.h"

/* Where each character starts, and the end: count + 1 places. */
static uint32_t *starts_of(gly_str text, size_t *ret_count) {
    uint32_t *starts = GLY_NEW_ARRAY(uint32_t, text.size + 1);
    size_t count = 0;
    for (size_t at = 0; at < text.size; at += gly_fn_text_character_size(text, at)) {
        starts[count++] = (uint32_t)at;
    }
    starts[count] = (uint32_t)text.size;
    *ret_count = count;
    return starts;
}

static bool same(gly_str a, const uint32_t *a_starts, size_t i, gly_str b, const uint32_t *b_starts,
                 size_t j) {
    size_t size = a_starts[i + 1] - a_starts[i];
    return size == b_starts[j + 1] - b_starts[j] &&
           memcmp(a.data + a_starts[i], b.data + b_starts[j], size) == 0;
}

/* The edits that turn a into b; threshold + 1 stands for all that is more than threshold. */
static int64_t distance(gly_str a, gly_str b, int64_t threshold) {
    size_t a_count, b_count;
    uint32_t *a_starts = starts_of(a, &a_count), *b_starts = starts_of(b, &b_count);
    uint32_t *costs = GLY_NEW_ARRAY(uint32_t, b_count + 1);
    for (size_t j = 0; j <= b_count; j++) {
        costs[j] = (uint32_t)j;
    }
    int64_t least = 0;
    for (size_t i = 0; i < a_count && least <= threshold; i++) {
        uint32_t diagonal = costs[0];
        least = costs[0] = (uint32_t)i + 1;
        for (size_t j = 0; j < b_count; j++) {
            uint32_t change = diagonal + !same(a, a_starts, i, b, b_starts, j);
            diagonal = costs[j + 1];
            costs[j + 1] = GLY_MIN(change, GLY_MIN(diagonal, costs[j]) + 1);
            least = GLY_MIN(least, (int64_t)costs[j + 1]);
        }
    }
    int64_t result = least > threshold ? least : costs[b_count];
    free(a_starts);
    free(b_starts);
    free(costs);
    return GLY_MIN(result, threshold + 1);
}

gly_status gly_fn_text_near_levenshtein(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        int64_t threshold = call->arg_count > 2 ? GLY_CALL_ARG(call, 2, int32_t, row) : INT32_MAX;
        int64_t result = -1;
        if (threshold >= 0) {
            result = distance(gly_call_text(call, 0, row), gly_call_text(call, 1, row), threshold);
        }
        GLY_CALL_RESULT(call, int32_t)[row] = result > threshold ? -1 : (int32_t)result;
    }
    return GLY_OK;
}

/* 0 to 25, or -1 */
static int letter_of(char c) {
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= 'A' && c <= 'Z' ? c - 'A' : -1;
}

/* The code of a text that starts with a letter. */
static void write_soundex(gly_str text, char code[4]) {
    /*                            ABCDEFGHIJKLMNOPQRSTUVWXYZ */
    static const char codes[] = "01230127022455012623017202"; /* 7: as if it were not there */
    char last = codes[letter_of(text.data[0])];
    size_t size = 1;
    memset(code, '0', 4);
    code[0] = (char)('A' + letter_of(text.data[0]));
    for (size_t i = 1; i < text.size && size < 4; i++) {
        int letter = letter_of(text.data[i]);
        char next = letter < 0 ? '0' : codes[letter];
        if (next == '7') {
            continue;
        }
        if (next != '0' && next != last) {
            code[size++] = next;
        }
        last = next;
    }
}

gly_status gly_fn_text_near_soundex(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        gly_str text = gly_call_text(call, 0, row);
        char code[4];
        if (text.size > 0 && letter_of(text.data[0]) >= 0) {
            write_soundex(text, code);
            text = (gly_str){code, sizeof code};
        }
        gly_call_put_view(call, row, text);
    }
    return GLY_OK;
}

/* Luhn's check (ISO/IEC 7812-1): from the right, every second digit counts twice. */
static bool is_luhn(gly_str text) {
    unsigned sum = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[text.size - 1 - i];
        if (c < '0' || c > '9') {
            return false;
        }
        unsigned digit = (unsigned)(c - '0') << (i % 2);
        sum = (sum + digit / 10 + digit % 10) % 10;
    }
    return text.size > 0 && sum == 0;
}

gly_status gly_fn_text_near_luhn_check(gly_call *call, gly_error *err) {
    (void)err;
    GLY_CALL_EACH(call, row) {
        GLY_CALL_RESULT(call, uint8_t)[row] = is_luhn(gly_call_text(call, 0, row));
    }
    return GLY_OK;
}
