/* fake_k8s.h - an HTTP/1.1 server that answers as it was told to: well, late, torn, or not at all.
 *
 * It listens on 127.0.0.1 and runs in threads of its own.  Rules are asked in the order in which
 * they were added; the first that matches and is not used up answers.  Without one: 404.
 */
#ifndef GLY_FAKE_K8S_H
#define GLY_FAKE_K8S_H

#include "lib/base/str.h"

typedef struct gly_fake_k8s gly_fake_k8s;

typedef enum gly_fake_end {
    GLY_FAKE_CLEAN, /* the body ends as it should; the connection is kept */
    GLY_FAKE_DROP,  /* the connection is closed in the middle of the body */
    GLY_FAKE_RESET, /* the same by RST */
    GLY_FAKE_HANG   /* nothing more comes, until the server ends */
} gly_fake_end;

typedef struct gly_fake_piece {
    int64_t delay_ms; /* before it is sent */
    const char *text; /* NULL: there is no such piece */
} gly_fake_piece;

enum { GLY_FAKE_PIECES = 12 };

typedef struct gly_fake_rule {
    const char *match[3];                   /* each must be in "METHOD /path?query"; copied */
    const char *not_match;                  /* must not be in it */
    int times;                              /* 0: for ever */
    int status;                             /* 0: 200 */
    const char *headers;                    /* more headers, each with \r\n; copied */
    gly_fake_piece pieces[GLY_FAKE_PIECES]; /* the body; copied */
    gly_fake_end end;
    bool says_nothing; /* not even a status line; then end */
    /* Instead of status and pieces: returns the status, adds to the body.  Under the server's lock.
     */
    int (*answer)(void *context, const char *method, const char *target, const char *body,
                  gly_builder *out);
    void *context;
} gly_fake_rule;

gly_fake_k8s *gly_fake_k8s_start(void);
void gly_fake_k8s_stop(gly_fake_k8s *fake);
const char *gly_fake_k8s_url(const gly_fake_k8s *fake); /* http://127.0.0.1:PORT */
void gly_fake_k8s_rule(gly_fake_k8s *fake, const gly_fake_rule *rule);
/* Away: the port is closed and every connection ended, until it is back. */
void gly_fake_k8s_set_away(gly_fake_k8s *fake, bool is_away);
/* Around looking at what rules' answer functions change. */
void gly_fake_k8s_lock(gly_fake_k8s *fake);
void gly_fake_k8s_unlock(gly_fake_k8s *fake);
/* Requests so far whose "METHOD /path?query" holds the text; NULL: all. */
size_t gly_fake_k8s_count(gly_fake_k8s *fake, const char *match);
/* Connections so far. */
size_t gly_fake_k8s_connections(gly_fake_k8s *fake);
/* Head and body of the nth request that matches, counted from 0; "" if there is none. Free it. */
char *gly_fake_k8s_request(gly_fake_k8s *fake, const char *match, size_t n);

#endif
