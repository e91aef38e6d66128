/* lex.c - SQL text to tokens, by Spark's lexical rules.
 *
 * 'a' and "a" are strings with backslash escapes and doubled quotes, `a` is a name, -- and nested
 * slash-star comments are skipped, a name may begin with a digit.  Bytes are foreign: the text is
 * checked to be UTF-8 and every look-ahead is bounded by the end of the text.
 * Invariant: the last token is END, and line and position of tokens never decrease.
 * The grammar is in the parse_*.c files; which words are keywords in keywords.def.
 */
#include "lib/sql/parse/lex.h"

#define FREE GLY_KEYWORD_FREE
#define NO_ALIAS GLY_KEYWORD_NO_ALIAS
#define RESERVED GLY_KEYWORD_RESERVED
static const struct {
    const char *word;
    gly_keyword_use use;
} keywords[GLY_KW_COUNT] = {
    [GLY_KW_NONE] = {"", FREE},
#define GLY_KEYWORD(name, allowed) [GLY_KW_##name] = {#name, allowed},
#include "lib/sql/parse/keywords.def"
#undef GLY_KEYWORD
};
#undef FREE
#undef NO_ALIAS
#undef RESERVED

typedef struct lexer {
    gly_arena *arena;
    gly_str text;
    size_t at;
    uint32_t line, position;
    uint32_t count, capacity;
    gly_token *tokens;
} lexer;

static int upper(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }

gly_keyword gly_lex_keyword(gly_str word) {
    int low = 1, high = GLY_KW_COUNT - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        const char *candidate = keywords[middle].word;
        size_t i = 0;
        while (i < word.size && candidate[i] != '\0' && upper(word.data[i]) == candidate[i]) {
            i++;
        }
        int order =
            (i < word.size ? (unsigned char)upper(word.data[i]) : 0) - (unsigned char)candidate[i];
        if (order == 0) {
            return (gly_keyword)middle;
        }
        if (order < 0) {
            high = middle - 1;
        } else {
            low = middle + 1;
        }
    }
    return GLY_KW_NONE;
}

gly_keyword_use gly_lex_use(gly_keyword keyword) { return keywords[keyword].use; }
const char *gly_lex_word(gly_keyword keyword) { return keywords[keyword].word; }

/* "FORM" and "FROM": two neighbours changed places. */
static bool is_swapped(gly_str word, gly_str candidate) {
    size_t i = 0;
    if (word.size != candidate.size) {
        return false;
    }
    while (i < word.size && upper(word.data[i]) == candidate.data[i]) {
        i++;
    }
    if (i + 1 >= word.size || upper(word.data[i]) != candidate.data[i + 1] ||
        upper(word.data[i + 1]) != candidate.data[i]) {
        return false;
    }
    gly_str rest = {word.data + i + 2, word.size - i - 2};
    return gly_str_equal_ignore_case(rest, (gly_str){candidate.data + i + 2, rest.size});
}

const char *gly_lex_suggest(gly_str word) {
    const char *best = "";
    if (word.size < 3 || word.size > 20) {
        return best;
    }
    size_t best_distance = word.size >= 4 ? 3 : 2;
    for (int i = 1; i < 2 * GLY_KW_COUNT; i++) { /* reserved words first: they win ties */
        int index = i % GLY_KW_COUNT;
        bool reserved = keywords[index].use == GLY_KEYWORD_RESERVED;
        gly_str candidate = gly_str_of(keywords[index].word);
        if (index == 0 || reserved != (i < GLY_KW_COUNT) || candidate.size < (reserved ? 3 : 4) ||
            upper(word.data[0]) != candidate.data[0]) {
            continue;
        }
        size_t distance = is_swapped(word, candidate) ? 1 : gly_str_distance(word, candidate);
        if (distance > 0 && distance < best_distance) {
            best_distance = distance;
            best = keywords[index].word;
        }
    }
    return best;
}

/* characters */

static int peek(const lexer *lex, size_t ahead) {
    size_t at = lex->at + ahead;
    return at < lex->text.size ? (unsigned char)lex->text.data[at] : -1;
}

static void skip(lexer *lex, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)lex->text.data[lex->at++];
        if (c == '\n') {
            lex->line++;
            lex->position = 1;
        } else if ((c & 0xC0) != 0x80) {
            lex->position++;
        }
    }
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_word(int c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

/* Length of the UTF-8 sequence at data, 0 if it is none. */
static size_t utf8_length(const unsigned char *data, size_t size) {
    unsigned char c = data[0];
    if (c < 0x80) {
        return 1;
    }
    size_t length = c >= 0xF0 && c <= 0xF4  ? 4
                    : c >= 0xE0 && c < 0xF0 ? 3
                    : c >= 0xC2 && c < 0xE0 ? 2
                                            : 0;
    if (length == 0 || length > size) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((data[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool bad = (c == 0xE0 && data[1] < 0xA0) || (c == 0xED && data[1] > 0x9F) ||
               (c == 0xF0 && data[1] < 0x90) || (c == 0xF4 && data[1] > 0x8F);
    return bad ? 0 : length;
}

/* tokens */

static gly_token *push(lexer *lex) {
    if (lex->count == lex->capacity) {
        uint32_t capacity = lex->capacity == 0 ? 64 : lex->capacity * 2;
        gly_token *tokens = GLY_ARENA_ARRAY(lex->arena, gly_token, capacity);
        if (lex->count > 0) {
            memcpy(tokens, lex->tokens, lex->count * sizeof *tokens);
        }
        lex->tokens = tokens;
        lex->capacity = capacity;
    }
    gly_token *token = &lex->tokens[lex->count++];
    *token = (gly_token){
        .line = lex->line, .position = lex->position, .text = {lex->text.data + lex->at, 0}};
    return token;
}

/* Takes size bytes as a token of this kind. */
static gly_token *take(lexer *lex, uint16_t kind, size_t size) {
    gly_token *token = push(lex);
    token->kind = kind;
    token->text.size = size;
    skip(lex, size);
    return token;
}

static void fail(lexer *lex, size_t size, const char *message) {
    gly_token *token = take(lex, GLY_TOKEN_ERROR, size);
    token->value = gly_str_of(message);
}

static void add_code_point(gly_builder *out, uint32_t code) {
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        code = '?';
    }
    if (code < 0x80) {
        gly_builder_add_char(out, (char)code);
    } else if (code < 0x800) {
        gly_builder_add_char(out, (char)(0xC0 | (code >> 6)));
        gly_builder_add_char(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        gly_builder_add_char(out, (char)(0xE0 | (code >> 12)));
        gly_builder_add_char(out, (char)(0x80 | ((code >> 6) & 0x3F)));
        gly_builder_add_char(out, (char)(0x80 | (code & 0x3F)));
    } else {
        gly_builder_add_char(out, (char)(0xF0 | (code >> 18)));
        gly_builder_add_char(out, (char)(0x80 | ((code >> 12) & 0x3F)));
        gly_builder_add_char(out, (char)(0x80 | ((code >> 6) & 0x3F)));
        gly_builder_add_char(out, (char)(0x80 | (code & 0x3F)));
    }
}

/* \uXXXX and \UXXXXXXXX: digits follow at text[at]; false if they do not. */
static bool read_hex(gly_str text, size_t at, size_t digits, uint32_t *ret) {
    uint32_t code = 0;
    if (at + digits > text.size) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        int digit = gly_str_hex_digit(text.data[at + i]);
        if (digit < 0) {
            return false;
        }
        code = code * 16 + (uint32_t)digit;
    }
    *ret = code;
    return true;
}

/* The backslash is at text[at]; returns how many bytes it and what belongs to it take. */
static size_t unescape(gly_str text, size_t at, gly_builder *out) {
    static const char from[] = "nrtbZ0", to[] = "\n\r\t\b\032";
    if (at + 1 >= text.size) {
        gly_builder_add_char(out, '\\');
        return 1;
    }
    char c = text.data[at + 1];
    uint32_t code;
    if (c == 'u' && read_hex(text, at + 2, 4, &code)) {
        uint32_t low;
        bool pair = code >= 0xD800 && code < 0xDC00 && at + 7 < text.size &&
                    text.data[at + 6] == '\\' && text.data[at + 7] == 'u' &&
                    read_hex(text, at + 8, 4, &low) && low >= 0xDC00 && low < 0xE000;
        add_code_point(out, pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : code);
        return pair ? 12 : 6;
    }
    if (c == 'U' && read_hex(text, at + 2, 8, &code)) {
        add_code_point(out, code);
        return 10;
    }
    if (c == '%' || c == '_') { /* kept for LIKE */
        gly_builder_add_char(out, '\\');
        gly_builder_add_char(out, c);
        return 2;
    }
    const char *found = memchr(from, c, 5);
    gly_builder_add_char(out, found != NULL ? to[found - from] : c == '0' ? '?' : c);
    return 2;
}

/* A quoted token: quote at the current place + prefix. */
static void lex_quoted(lexer *lex, size_t prefix, uint16_t kind, bool raw) {
    char quote = (char)peek(lex, prefix);
    size_t end = lex->at + prefix + 1;
    bool plain = true;
    for (; end < lex->text.size; end++) {
        char c = lex->text.data[end];
        if (c == '\\' && !raw && quote != '`') {
            plain = false;
            end++;
        } else if (c == quote) {
            if (raw || end + 1 >= lex->text.size || lex->text.data[end + 1] != quote) {
                break;
            }
            plain = false;
            end++;
        }
    }
    if (end >= lex->text.size) {
        fail(lex, lex->text.size - lex->at,
             quote == '`' ? "the back quote is never closed" : "the string is never closed");
        return;
    }
    size_t start = lex->at + prefix + 1;
    gly_str inner = {lex->text.data + start, end - start};
    gly_token *token = take(lex, kind, end + 1 - lex->at);
    token->value = inner;
    if (plain) {
        return;
    }
    gly_builder out = {0};
    for (size_t i = 0; i < inner.size;) {
        if (inner.data[i] == '\\' && quote != '`') {
            i += unescape(inner, i, &out);
        } else {
            gly_builder_add_char(&out, inner.data[i]);
            i += inner.data[i] == quote ? 2 : 1;
        }
    }
    token->value = gly_arena_str(lex->arena, gly_builder_str(&out));
    gly_builder_clear(&out);
}

static void lex_binary(lexer *lex) {
    uint32_t before = lex->count;
    lex_quoted(lex, 1, GLY_TOKEN_BINARY, true);
    gly_token *token = &lex->tokens[before];
    if (token->kind != GLY_TOKEN_BINARY) {
        return;
    }
    gly_str hex = token->value;
    char *bytes = gly_arena_alloc(lex->arena, hex.size / 2 + 1);
    size_t size = 0;
    size_t i = 0;
    if (hex.size % 2 == 1) { /* Spark puts a zero in front */
        int digit = gly_str_hex_digit(hex.data[0]);
        bytes[size++] = (char)digit;
        i = digit < 0 ? hex.size + 1 : 1;
    }
    for (; i + 1 < hex.size; i += 2) {
        int high = gly_str_hex_digit(hex.data[i]);
        int low = gly_str_hex_digit(hex.data[i + 1]);
        if (high < 0 || low < 0) {
            i = hex.size + 1;
            break;
        }
        bytes[size++] = (char)(high * 16 + low);
    }
    if (i > hex.size) {
        token->kind = GLY_TOKEN_ERROR;
        token->value = GLY_STR("X'...' must hold hexadecimal digits only");
        return;
    }
    token->value = (gly_str){bytes, size};
}

/* Digits, a point, an exponent, a suffix; letters behind make it a name (Spark: 1a is a name). */
static void lex_number(lexer *lex) {
    size_t size = 0;
    bool has_point = false;
    while (is_digit(peek(lex, size))) {
        size++;
    }
    if (peek(lex, size) == '.' &&
        !(size > 0 && is_word(peek(lex, size + 1)) && !is_digit(peek(lex, size + 1)) &&
          upper(peek(lex, size + 1)) != 'E')) {
        has_point = true;
        size++;
        while (is_digit(peek(lex, size))) {
            size++;
        }
    }
    if (upper(peek(lex, size)) == 'E') {
        size_t sign = peek(lex, size + 1) == '+' || peek(lex, size + 1) == '-' ? 1 : 0;
        if (is_digit(peek(lex, size + 1 + sign))) {
            size += 1 + sign;
            while (is_digit(peek(lex, size))) {
                size++;
            }
        }
    }
    int suffix = upper(peek(lex, size));
    if (suffix == 'B' && upper(peek(lex, size + 1)) == 'D' && !is_word(peek(lex, size + 2))) {
        size += 2;
    } else if (suffix > 0 && strchr("LSYDF", suffix) != NULL && !is_word(peek(lex, size + 1))) {
        size++;
    }
    if (!is_word(peek(lex, size))) {
        take(lex, GLY_TOKEN_NUMBER, size);
        return;
    }
    size_t word = 0;
    while (is_word(peek(lex, word))) {
        word++;
    }
    if (has_point || word <= size) {
        size = GLY_MAX(size, word);
        while (is_word(peek(lex, size))) {
            size++;
        }
        fail(lex, size, "this is not a number");
    } else {
        take(lex, GLY_TOKEN_WORD, word);
    }
}

static void lex_word(lexer *lex) {
    int first = upper(peek(lex, 0));
    int quote = peek(lex, 1);
    if (quote == '\'' || quote == '"') {
        if (first == 'X') {
            lex_binary(lex);
            return;
        }
        if (first == 'R') {
            lex_quoted(lex, 1, GLY_TOKEN_STRING, true);
            return;
        }
    }
    size_t size = 0;
    while (is_word(peek(lex, size))) {
        size++;
    }
    gly_token *token = take(lex, GLY_TOKEN_WORD, size);
    token->keyword = (uint16_t)gly_lex_keyword(token->text);
}

/* At a slash and a star.  Comments nest. */
static void skip_comment(lexer *lex) {
    size_t at = lex->at + 2;
    size_t depth = 1;
    while (depth > 0 && at + 1 < lex->text.size) {
        char c = lex->text.data[at], next = lex->text.data[at + 1];
        if (c == '*' && next == '/') {
            depth--;
            at += 2;
        } else if (c == '/' && next == '*') {
            depth++;
            at += 2;
        } else {
            at++;
        }
    }
    if (depth > 0) {
        fail(lex, lex->text.size - lex->at, "the comment is never closed");
    } else {
        skip(lex, at - lex->at);
    }
}

static void lex_symbol(lexer *lex) {
    static const struct {
        const char *text;
        uint16_t kind;
    } symbols[] = {
        {"<=>", GLY_TOKEN_NULL_SAFE},
        {">>>", GLY_TOKEN_SHIFT_RIGHT_UNSIGNED},
        {"<=", GLY_TOKEN_LESS_EQUAL},
        {"<>", GLY_TOKEN_NOT_EQUAL},
        {"<<", GLY_TOKEN_SHIFT_LEFT},
        {">=", GLY_TOKEN_GREATER_EQUAL},
        {">>", GLY_TOKEN_SHIFT_RIGHT},
        {"!=", GLY_TOKEN_NOT_EQUAL},
        {"==", '='},
        {"||", GLY_TOKEN_CONCAT},
        {"::", GLY_TOKEN_DOUBLE_COLON},
    };
    gly_str rest = {lex->text.data + lex->at, lex->text.size - lex->at};
    for (size_t i = 0; i < GLY_ARRAY_LEN(symbols); i++) {
        gly_str symbol = gly_str_of(symbols[i].text);
        if (gly_str_starts_with(rest, symbol)) {
            take(lex, symbols[i].kind, symbol.size);
            return;
        }
    }
    int c = peek(lex, 0);
    if (c > 0 && strchr("()+-*/%,.;=<>&|^~!:?[]{}@$#", c) != NULL) {
        take(lex, (uint16_t)c, 1);
    } else {
        fail(lex, 1, "this character has no meaning here");
    }
}

static bool behind_select(const lexer *lex) {
    return lex->count > 0 && lex->tokens[lex->count - 1].kind == GLY_TOKEN_WORD &&
           lex->tokens[lex->count - 1].keyword == GLY_KW_SELECT;
}

static void lex_one(lexer *lex, bool *in_hint) {
    int c = peek(lex, 0);
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        skip(lex, 1);
    } else if (c == '-' && peek(lex, 1) == '-') {
        while (peek(lex, 0) >= 0 && peek(lex, 0) != '\n') {
            skip(lex, 1);
        }
    } else if (c == '/' && peek(lex, 1) == '*') {
        if (peek(lex, 2) == '+' && behind_select(lex)) {
            take(lex, GLY_TOKEN_HINT_START, 3);
            *in_hint = true;
        } else {
            skip_comment(lex);
        }
    } else if (*in_hint && c == '*' && peek(lex, 1) == '/') {
        take(lex, GLY_TOKEN_HINT_END, 2);
        *in_hint = false;
    } else if (c == '\'' || c == '"') {
        lex_quoted(lex, 0, GLY_TOKEN_STRING, false);
    } else if (c == '`') {
        lex_quoted(lex, 0, GLY_TOKEN_QUOTED, false);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1)) &&
                               !(lex->count > 0 && lex->at > 0 &&
                                 is_word((unsigned char)lex->text.data[lex->at - 1])))) {
        lex_number(lex);
    } else if (is_word(c)) {
        lex_word(lex);
    } else {
        lex_symbol(lex);
    }
}

/* Where the text stops being UTF-8 (or has a NUL), or its size. */
static size_t readable(gly_str text) {
    size_t at = 0;
    while (at < text.size) {
        size_t length = utf8_length((const unsigned char *)text.data + at, text.size - at);
        if (length == 0 || text.data[at] == '\0') {
            break;
        }
        at += length;
    }
    return at;
}

void gly_lex_text(gly_arena *arena, gly_str text, uint32_t *ret_count, gly_token **ret) {
    lexer lex = {.arena = arena, .text = text, .line = 1, .position = 1};
    lex.text.size = readable(text);
    bool in_hint = false;
    while (lex.at < lex.text.size) {
        lex_one(&lex, &in_hint);
    }
    if (lex.text.size < text.size) {
        gly_token *token = push(&lex);
        token->kind = GLY_TOKEN_ERROR;
        token->value = GLY_STR("the text is not valid UTF-8 here");
    }
    push(&lex)->kind = GLY_TOKEN_END;
    *ret_count = lex.count;
    *ret = lex.tokens;
}
