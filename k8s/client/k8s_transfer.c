/* k8s_transfer.c - one curl handle per attempt: address, TLS, credentials, limits.
 *
 * Trust comes from the configuration alone: with an authority of its own the system's directory of
 * authorities is switched off.  A token file is read again when what we know of it is a minute old
 * (the kubelet replaces it at 80 % of its life) or was refused; if it cannot be read then, the old
 * token stays. TCP keepalive and TCP_USER_TIMEOUT end connections whose other end vanished within
 * half a minute.
 */
#include "k8s/client/k8s_transfer.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TOKEN_AGE_MS = 60000,
    MOST_TOKEN_BYTES = 64 << 10,
    CONNECT_MS = 10000,
    KEEPALIVE_IDLE_S = 15,
    KEEPALIVE_INTERVAL_S = 5,
    DEAD_AFTER_MS = 30000
};

struct gly_k8s_identity {
    gly_arena *arena;
    gly_k8s_config config; /* texts in arena */
    char *token;           /* NULL: none */
    int64_t read_ms;       /* when the token file was read; INT64_MIN: read it again */
};

static const char *copy_text(gly_arena *arena, const char *text) {
    return text != NULL ? gly_arena_string(arena, text) : NULL;
}

/* --- the token --- */

static gly_status read_token(const char *path, char **ret, gly_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot open the token file %s", path);
    }
    char *text = gly_alloc(MOST_TOKEN_BYTES);
    ssize_t size = read(fd, text, MOST_TOKEN_BYTES);
    int read_errno = errno;
    close(fd);
    gly_str token = gly_str_trim((gly_str){text, size > 0 ? (size_t)size : 0});
    bool is_fine = size > 0 && size < MOST_TOKEN_BYTES && token.size > 0;
    for (size_t i = 0; is_fine && i < token.size; i++) {
        is_fine = token.data[i] > ' ' && token.data[i] <= '~'; /* it becomes part of a header */
    }
    gly_status status = GLY_OK;
    if (size < 0) {
        status = gly_error_from_errno(err, read_errno, "cannot read the token file %s", path);
    } else if (!is_fine) {
        status = gly_fail(err, GLY_E_CONFIG, "the token file %s does not hold one token", path);
    } else {
        memmove(text, token.data, token.size);
        text[token.size] = '\0';
        *ret = text;
        return GLY_OK;
    }
    free(text);
    return status;
}

static void refresh_token(gly_k8s_identity *identity) {
    int64_t now_ms = gly_clock_ms();
    if (identity->config.token_path == NULL ||
        (identity->read_ms != INT64_MIN && now_ms - identity->read_ms < TOKEN_AGE_MS)) {
        return;
    }
    char *token;
    if (read_token(identity->config.token_path, &token, NULL) == GLY_OK) {
        free(identity->token);
        identity->token = token;
    }
    identity->read_ms = now_ms;
}

bool gly_k8s_transfer_distrust_token(gly_k8s_identity *identity) {
    identity->read_ms = INT64_MIN;
    return identity->config.token_path != NULL;
}

/* --- the identity --- */

static void start_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct sigaction now; /* a connection that breaks while we write must not end the process */
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
        signal(SIGPIPE, SIG_IGN);
    }
}

static bool is_header_text(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

gly_status gly_k8s_transfer_identity(const gly_k8s_config *config, gly_k8s_identity **ret,
                                     gly_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    if (config->server == NULL) {
        return gly_fail(err, GLY_E_CONFIG, "the cluster's configuration names no server");
    }
    if (config->token != NULL && !is_header_text(config->token)) {
        return gly_fail(err, GLY_E_CONFIG, "the cluster's token has characters that no token has");
    }
    char *token = NULL;
    if (config->token_path != NULL) {
        GLY_TRY(read_token(config->token_path, &token, err));
    } else if (config->token != NULL) {
        token = gly_alloc_string(config->token);
    }
    gly_arena *arena = gly_arena_make();
    gly_k8s_identity *identity = GLY_NEW(gly_k8s_identity);
    *identity =
        (gly_k8s_identity){.arena = arena,
                           .token = token,
                           .read_ms = gly_clock_ms(),
                           .config = {.server = copy_text(arena, config->server),
                                      .ca_pem = copy_text(arena, config->ca_pem),
                                      .certificate_pem = copy_text(arena, config->certificate_pem),
                                      .key_pem = copy_text(arena, config->key_pem),
                                      .token_path = copy_text(arena, config->token_path),
                                      .user = copy_text(arena, config->user),
                                      .password = copy_text(arena, config->password),
                                      .skip_verify = config->skip_verify}};
    *ret = identity;
    return GLY_OK;
}

void gly_k8s_transfer_free_identity(gly_k8s_identity *identity) {
    if (identity != NULL) {
        gly_arena_free(identity->arena);
        free(identity->token);
        free(identity);
    }
}

const char *gly_k8s_transfer_server(const gly_k8s_identity *identity) {
    return identity->config.server;
}

/* --- the handle --- */

static int on_new_socket(void *context, curl_socket_t fd, curlsocktype purpose) {
    (void)context, (void)purpose;
    int probes = 3;
    unsigned dead_after_ms = DEAD_AFTER_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_after_ms, sizeof dead_after_ms);
    return CURL_SOCKOPT_OK;
}

static void set_blob(CURL *easy, CURLoption option, const char *pem) {
    if (pem != NULL) {
        struct curl_blob blob = {(void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_NOCOPY};
        curl_easy_setopt(easy, option, &blob);
    }
}

static void set_trust(CURL *easy, const gly_k8s_config *config) {
    set_blob(easy, CURLOPT_SSLCERT_BLOB, config->certificate_pem);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, config->key_pem);
    if (config->ca_pem != NULL) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, config->ca_pem);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (config->skip_verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *name,
                                     const char *value) {
    gly_builder line = {0};
    gly_builder_format(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(headers, line.data);
    GLY_ASSERT(longer != NULL); /* out of memory */
    gly_builder_clear(&line);
    return longer;
}

static struct curl_slist *make_headers(const gly_k8s_identity *identity,
                                       const gly_k8s_transfer *transfer) {
    const char *accept = transfer->accept != NULL ? transfer->accept : "application/json";
    struct curl_slist *headers = add_header(NULL, "Accept", accept);
    if (transfer->body.size > 0) {
        const char *type = transfer->content_type;
        headers = add_header(headers, "Content-Type", type != NULL ? type : "application/json");
        headers = curl_slist_append(headers, "Expect:");
    }
    if (identity->token != NULL) {
        gly_builder value = {0};
        gly_builder_format(&value, "Bearer %s", identity->token);
        headers = add_header(headers, "Authorization", value.data);
        gly_builder_clear(&value);
    }
    return headers;
}

static void set_method(CURL *easy, const gly_k8s_transfer *transfer) {
    if (transfer->body.size > 0) { /* not copied */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data);
    } else if (strcmp(transfer->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    if (strcmp(transfer->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
    }
}

CURL *gly_k8s_transfer_make(gly_k8s_identity *identity, const gly_k8s_transfer *transfer,
                            struct curl_slist **ret_headers) {
    const gly_k8s_config *config = &identity->config;
    CURL *easy = curl_easy_init();
    GLY_ASSERT(easy != NULL); /* out of memory */
    refresh_token(identity);
    gly_builder url = {0};
    gly_builder_add_text(&url, config->server);
    gly_builder_add_str(&url, transfer->path);
    curl_easy_setopt(easy, CURLOPT_URL, url.data); /* curl copies it */
    gly_builder_clear(&url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    /* Without TLS nothing says early that the server speaks HTTP/1.1: others would wait for an
     * answer. */
    bool may_multiplex = strncmp(config->server, "https:", 6) == 0;
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, may_multiplex ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, transfer->is_fresh ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "galley");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)transfer->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_text);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer->on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer->context);
    set_trust(easy, config);
    if (config->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, config->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, config->password != NULL ? config->password : "");
    }
    set_method(easy, transfer);
    *ret_headers = make_headers(identity, transfer);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *ret_headers);
    return easy;
}
