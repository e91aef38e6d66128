/* lex.h - SQL text to tokens. */
#ifndef GLY_LEX_H
#define GLY_LEX_H

#include "lib/base/arena.h"

typedef enum gly_keyword {
    GLY_KW_NONE,
#define GLY_KEYWORD(word, use) GLY_KW_##word,
#include "lib/sql/parse/keywords.def"
#undef GLY_KEYWORD
    GLY_KW_COUNT
} gly_keyword;

typedef enum gly_keyword_use {
    GLY_KEYWORD_FREE,
    GLY_KEYWORD_NO_ALIAS,
    GLY_KEYWORD_RESERVED,
} gly_keyword_use;

/* One-character tokens are their character. */
typedef enum gly_token_kind {
    GLY_TOKEN_END = 256,
    GLY_TOKEN_WORD,   /* keyword, or a name; keyword says which */
    GLY_TOKEN_QUOTED, /* `name`: value */
    GLY_TOKEN_STRING, /* 'text', "text", r'text': value, escapes undone */
    GLY_TOKEN_BINARY, /* X'1F': value */
    GLY_TOKEN_NUMBER, /* 1, 1L, 1.5, 1e3, ...: text */
    GLY_TOKEN_ERROR,  /* message in value; reported when the parser reaches it */
    GLY_TOKEN_LESS_EQUAL,
    GLY_TOKEN_GREATER_EQUAL,
    GLY_TOKEN_NOT_EQUAL, /* <> != */
    GLY_TOKEN_NULL_SAFE, /* <=> */
    GLY_TOKEN_CONCAT,    /* || */
    GLY_TOKEN_DOUBLE_COLON,
    GLY_TOKEN_SHIFT_LEFT,
    GLY_TOKEN_SHIFT_RIGHT,
    GLY_TOKEN_SHIFT_RIGHT_UNSIGNED, /* >>> */
    GLY_TOKEN_HINT_START, /* the words behind SELECT in a comment that begins with a plus sign */
    GLY_TOKEN_HINT_END,
} gly_token_kind;

typedef struct gly_token {
    uint16_t kind;           /* gly_token_kind or a character */
    uint16_t keyword;        /* gly_keyword, for WORD */
    uint32_t line, position; /* 1-based; position counts code points */
    gly_str text;            /* as written */
    gly_str value;
} gly_token;

/* All tokens of the text, END last, in the arena.  Never fails: what cannot be read is an ERROR
 * token.  text must outlive the tokens. */
void gly_lex_text(gly_arena *arena, gly_str text, uint32_t *ret_count, gly_token **ret);
gly_keyword gly_lex_keyword(gly_str word); /* any case; GLY_KW_NONE */
gly_keyword_use gly_lex_use(gly_keyword keyword);
const char *gly_lex_word(gly_keyword keyword); /* "SELECT" */
/* The nearest keyword to a mistyped word ("FORM" -> "FROM"), or "". */
const char *gly_lex_suggest(gly_str word);

#endif
