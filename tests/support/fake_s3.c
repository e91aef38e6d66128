/* fake_s3.c - one thread per connection over a table of objects under one lock.
 *
 * Only what lib/io/fs asks for: objects with ranges, ListObjectsV2 and ListMultipartUploads by
 * prefix and in pages, multipart uploads, errors in XML.  Requests are few and small: everything is
 * linear.
 */
#include "tests/support/fake_s3.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct object { /* or an upload, or a part of one */
    char *key;          /* "bucket/key" */
    uint32_t upload;    /* 0: an object */
    uint32_t part;      /* 0: the upload itself */
    uint32_t version;
    gly_builder bytes;
} object;

typedef struct fault {
    char *match;
    uint32_t left;
    gly_fake_fault kind;
    uint32_t status;
    char *code;
} fault;

typedef struct answer {
    char *path;
    uint32_t status;
    char *body;
} answer;

struct gly_fake_s3 {
    int listener;
    char endpoint[64];
    pthread_t thread;
    pthread_mutex_t lock;
    bool is_stopping;
    uint32_t page, next_id;
    GLY_ARRAY(object) objects;
    GLY_ARRAY(fault) faults;
    GLY_ARRAY(answer) answers;
    GLY_ARRAY(char *) heads; /* of all requests */
    GLY_ARRAY(int) sockets;
    GLY_ARRAY(pthread_t) threads;
};

typedef struct request {
    char *method, *target, *key, *query, *head;
    gly_builder body;
    bool has_fault;
    fault fault;
    uint32_t status;
    gly_builder headers, out;
} request;

typedef struct connection {
    gly_fake_s3 *fake;
    int socket;
} connection;

/* ---- the table (the lock is held) ---------------------------------------------------------------
 */

static object *find(gly_fake_s3 *fake, const char *key, uint32_t upload, uint32_t part) {
    for (size_t i = 0; i < fake->objects.count; i++) {
        object *at = &fake->objects.items[i];
        if (at->upload == upload && at->part == part && strcmp(at->key, key) == 0) {
            return at;
        }
    }
    return NULL;
}

static void drop(gly_fake_s3 *fake, size_t index) {
    free(fake->objects.items[index].key);
    gly_builder_clear(&fake->objects.items[index].bytes);
    gly_array_remove_at(&fake->objects, index);
}

static void drop_upload(gly_fake_s3 *fake, uint32_t upload) {
    for (size_t i = fake->objects.count; i-- > 0;) {
        if (fake->objects.items[i].upload == upload) {
            drop(fake, i);
        }
    }
}

static object *put(gly_fake_s3 *fake, const char *key, uint32_t upload, uint32_t part,
                   const void *bytes, size_t size) {
    object *at = find(fake, key, upload, part);
    if (at == NULL) {
        gly_array_push(&fake->objects,
                       ((object){.key = gly_alloc_string(key), .upload = upload, .part = part}));
        at = &fake->objects.items[fake->objects.count - 1];
    }
    at->version = ++fake->next_id;
    gly_builder_reset(&at->bytes);
    gly_builder_add(&at->bytes, bytes == NULL ? "" : bytes, size);
    return at;
}

static int compare_objects(const void *a, const void *b) {
    const object *x = a;
    const object *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->part > y->part) - (x->part < y->part);
}

static void sort(gly_fake_s3 *fake) {
    if (fake->objects.count > 1) {
        qsort(fake->objects.items, fake->objects.count, sizeof(object), compare_objects);
    }
}

/* ---- text ---------------------------------------------------------------------------------------
 */

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *decode(const char *text, size_t size) {
    gly_builder out = {0};
    gly_builder_add_text(&out, "");
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '%' && i + 2 < size + 1 && hex(text[i + 1]) >= 0) {
            gly_builder_add_char(&out, (char)(hex(text[i + 1]) * 16 + hex(text[i + 2])));
            i += 2;
        } else {
            gly_builder_add_char(&out, text[i]);
        }
    }
    return out.data == NULL ? gly_alloc_string("") : out.data;
}

/* The decoded value of a query's parameter; NULL: it is not there. */
static char *parameter(const request *from, const char *name) {
    size_t size = strlen(name);
    for (const char *at = from->query; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, "&");
        if (length > size && at[size] == '=' && strncmp(at, name, size) == 0) {
            return decode(at + size + 1, length - size - 1);
        }
        at += length + (at[length] == '&');
    }
    return NULL;
}

static uint32_t number(const request *from, const char *name) {
    char *text = parameter(from, name);
    uint64_t value = 0;
    if (text != NULL && !gly_str_to_u64(gly_str_of(text), &value)) {
        value = 0;
    }
    free(text);
    return (uint32_t)value;
}

static void add_escaped(gly_builder *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '&' || *text == '<') {
            gly_builder_add_text(out, *text == '&' ? "&amp;" : "&lt;");
        } else {
            gly_builder_add_char(out, *text);
        }
    }
}

static void fail(request *to, uint32_t status, const char *code) {
    to->status = status;
    gly_builder_reset(&to->out);
    gly_builder_reset(&to->headers);
    gly_builder_format(&to->out, "<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>", code);
}

/* ---- operations ---------------------------------------------------------------------------------
 */

static void do_get(gly_fake_s3 *fake, request *to) {
    const object *at = find(fake, to->key, 0, 0);
    if (at == NULL) {
        fail(to, 404, "NoSuchKey");
        return;
    }
    unsigned long long first = 0;
    unsigned long long last = at->bytes.size;
    const char *range = strcasestr(to->head, "\r\nrange: bytes=");
    const char *match = strcasestr(to->head, "\r\nif-match: \"v");
    if (match != NULL && (uint32_t)strtoul(match + 14, NULL, 10) != at->version) {
        fail(to, 412, "PreconditionFailed");
        return;
    }
    if (range != NULL && at->bytes.size == 0) {
        fail(to, 416, "InvalidRange");
        return;
    }
    if (range != NULL && sscanf(range + 15, "-%llu", &last) == 1) {
        first = last >= at->bytes.size ? 0 : at->bytes.size - last;
        last = at->bytes.size - 1;
    } else if (range != NULL) {
        sscanf(range + 15, "%llu-%llu", &first, &last);
        last = GLY_MIN(last, (unsigned long long)at->bytes.size - 1);
    }
    to->status = range != NULL ? 206 : 200;
    if (range != NULL) {
        gly_builder_format(&to->headers, "Content-Range: bytes %llu-%llu/%zu\r\n", first, last,
                           at->bytes.size);
        last++;
    }
    gly_builder_format(&to->headers,
                       "ETag: \"v%u\"\r\nLast-Modified: Wed, 12 Oct 2009 17:50:00 GMT\r\n",
                       at->version);
    if (first < last) {
        gly_builder_add(&to->out, at->bytes.data + first, (size_t)(last - first));
    }
}

/* Keys that begin with bucket/prefix, behind the marker; uploads or objects. */
static void do_list(gly_fake_s3 *fake, request *to, bool of_uploads) {
    char *prefix = parameter(to, "prefix");
    char *token = parameter(to, "continuation-token");
    uint32_t most = number(to, "max-keys");
    most = most == 0 ? 1000 : most;
    most = fake->page > 0 ? GLY_MIN(most, fake->page) : most;
    const char *root = of_uploads ? "ListMultipartUploadsResult" : "ListBucketResult";
    size_t bucket_size = strlen(to->key) + (to->key[strlen(to->key) - 1] != '/');
    gly_builder_format(&to->out, "<?xml version=\"1.0\"?><%s>", root);
    sort(fake);
    uint32_t count = 0;
    const char *last = NULL;
    bool is_truncated = false;
    for (size_t i = 0; i < fake->objects.count && !is_truncated; i++) {
        const object *at = &fake->objects.items[i];
        const char *key = at->key + bucket_size;
        if ((at->upload != 0) != of_uploads || at->part != 0 ||
            strncmp(at->key, to->key, bucket_size - 1) != 0 || at->key[bucket_size - 1] != '/' ||
            strncmp(key, prefix == NULL ? "" : prefix, prefix == NULL ? 0 : strlen(prefix)) != 0 ||
            (token != NULL && strcmp(key, token) <= 0)) {
            continue;
        }
        is_truncated = count == most;
        if (is_truncated) {
            break;
        }
        count++;
        last = key;
        gly_builder_add_text(&to->out, of_uploads ? "<Upload><Key>" : "<Contents><Key>");
        add_escaped(&to->out, key);
        if (of_uploads) {
            gly_builder_format(&to->out, "</Key><UploadId>%u</UploadId></Upload>", at->upload);
        } else {
            gly_builder_format(&to->out,
                               "</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>"
                               "<Size>%zu</Size></Contents>",
                               at->bytes.size);
        }
    }
    gly_builder_format(&to->out, "<IsTruncated>%s</IsTruncated>", is_truncated ? "true" : "false");
    if (is_truncated) {
        gly_builder_add_text(&to->out, "<NextContinuationToken>");
        add_escaped(&to->out, last);
        gly_builder_add_text(&to->out, "</NextContinuationToken>");
    }
    gly_builder_format(&to->out, "</%s>", root);
    to->status = 200;
    free(prefix);
    free(token);
}

static void do_complete(gly_fake_s3 *fake, request *to) {
    uint32_t upload = number(to, "uploadId");
    if (find(fake, to->key, upload, 0) == NULL) {
        fail(to, 404, "NoSuchUpload");
        return;
    }
    gly_builder whole = {0};
    for (uint32_t part = 1;; part++) {
        const object *at = find(fake, to->key, upload, part);
        if (at == NULL) {
            break;
        }
        gly_builder_add(&whole, at->bytes.data, at->bytes.size);
    }
    put(fake, to->key, 0, 0, whole.data, whole.size);
    gly_builder_clear(&whole);
    drop_upload(fake, upload);
    to->status = 200;
    gly_builder_add_text(&to->out, "<CompleteMultipartUploadResult/>");
}

static void do_delete(gly_fake_s3 *fake, request *to) {
    uint32_t upload = number(to, "uploadId");
    to->status = 204;
    if (upload > 0) {
        if (find(fake, to->key, upload, 0) == NULL) {
            fail(to, 404, "NoSuchUpload");
        }
        drop_upload(fake, upload);
        return;
    }
    for (size_t i = fake->objects.count; i-- > 0;) {
        const object *at = &fake->objects.items[i];
        if (at->upload == 0 && strcmp(at->key, to->key) == 0) {
            drop(fake, i);
        }
    }
}

static void do_put(gly_fake_s3 *fake, request *to) {
    uint32_t upload = number(to, "uploadId");
    uint32_t part = number(to, "partNumber");
    if (upload > 0 && find(fake, to->key, upload, 0) == NULL) {
        fail(to, 404, "NoSuchUpload");
        return;
    }
    const object *at = put(fake, to->key, upload, part, to->body.data, to->body.size);
    to->status = 200;
    gly_builder_format(&to->headers, "ETag: \"v%u\"\r\n", at->version);
}

static void dispatch(gly_fake_s3 *fake, request *to) {
    const char *slash = strchr(to->key, '/');
    bool is_bucket = slash == NULL || slash[1] == '\0';
    for (size_t i = 0; i < fake->answers.count; i++) {
        const answer *at = &fake->answers.items[i];
        if (strncmp(to->target, at->path, strlen(at->path)) == 0) {
            to->status = at->status;
            gly_builder_add_text(&to->out, at->body);
            return;
        }
    }
    if (strncmp(to->key, "missing", 7) == 0) {
        fail(to, 404, "NoSuchBucket");
    } else if (strcmp(to->method, "GET") == 0 && is_bucket) {
        char *uploads = parameter(to, "uploads");
        do_list(fake, to, uploads != NULL);
        free(uploads);
    } else if (strcmp(to->method, "GET") == 0 || strcmp(to->method, "HEAD") == 0) {
        do_get(fake, to);
    } else if (strcmp(to->method, "PUT") == 0) {
        do_put(fake, to);
    } else if (strcmp(to->method, "DELETE") == 0) {
        do_delete(fake, to);
    } else if (number(to, "uploadId") > 0) {
        do_complete(fake, to);
    } else {
        uint32_t id = ++fake->next_id;
        put(fake, to->key, id, 0, NULL, 0);
        to->status = 200;
        gly_builder_format(&to->out,
                           "<InitiateMultipartUploadResult><UploadId>%u</UploadId>"
                           "</InitiateMultipartUploadResult>",
                           id);
    }
}

/* ---- connections --------------------------------------------------------------------------------
 */

static bool read_head(int socket, gly_builder *buffer, size_t *ret_head) {
    for (;;) {
        const char *end =
            buffer->size == 0 ? NULL : memmem(buffer->data, buffer->size, "\r\n\r\n", 4);
        if (end != NULL) {
            *ret_head = (size_t)(end - buffer->data) + 4;
            return true;
        }
        ssize_t got = recv(socket, gly_builder_room(buffer, 65536), 65536, 0);
        if (got <= 0) {
            return false;
        }
        buffer->size += (size_t)got;
    }
}

static void send_all(int socket, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t put_size = send(socket, bytes, size, MSG_NOSIGNAL);
        if (put_size <= 0) {
            return;
        }
        bytes += put_size;
        size -= (size_t)put_size;
    }
}

static void choose_fault(gly_fake_s3 *fake, request *to) {
    for (size_t i = 0; i < fake->faults.count; i++) {
        fault *at = &fake->faults.items[i];
        if (at->left > 0 && strstr(to->head, at->match) != NULL) {
            at->left--;
            to->has_fault = true;
            to->fault = *at;
            return;
        }
    }
}

/* Answers; false: the connection is over. */
static bool reply(int socket, request *to) {
    bool is_cut = to->has_fault && to->fault.kind == GLY_FAKE_CUT;
    if (to->has_fault &&
        (to->fault.kind == GLY_FAKE_RESET || to->fault.kind == GLY_FAKE_LOSE_ANSWER)) {
        return false;
    }
    gly_builder head = {0};
    gly_builder_format(&head, "HTTP/1.1 %u X\r\n%sContent-Length: %zu\r\n\r\n", to->status,
                       to->headers.data == NULL ? "" : to->headers.data, to->out.size);
    send_all(socket, head.data, head.size);
    gly_builder_clear(&head);
    if (strcmp(to->method, "HEAD") != 0) {
        send_all(socket, to->out.data, is_cut ? to->out.size / 2 : to->out.size);
    }
    return !is_cut;
}

static bool serve_one(connection *from, gly_builder *buffer) {
    gly_fake_s3 *fake = from->fake;
    size_t head_size;
    if (!read_head(from->socket, buffer, &head_size)) {
        return false;
    }
    request one = {0};
    one.head = gly_alloc(head_size + 1);
    memcpy(one.head, buffer->data, head_size);
    one.head[head_size] = '\0';
    const char *length = strcasestr(one.head, "\r\ncontent-length: ");
    size_t body_size = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
    while (buffer->size < head_size + body_size) {
        ssize_t got = recv(from->socket, gly_builder_room(buffer, 65536), 65536, 0);
        if (got <= 0) {
            free(one.head);
            return false;
        }
        buffer->size += (size_t)got;
    }
    gly_builder_add(&one.body, buffer->data + head_size, body_size);
    size_t used = head_size + body_size;
    memmove(buffer->data, buffer->data + used, buffer->size - used);
    buffer->size -= used;
    size_t method_size = strcspn(one.head, " ");
    const char *target = one.head + method_size + 1;
    size_t target_size = strcspn(target, " ");
    size_t path_size = strcspn(target, "? ");
    one.method = decode(one.head, method_size);
    one.target = gly_alloc_zero(1, target_size + 1);
    memcpy(one.target, target, target_size);
    one.key = decode(target + 1, path_size - 1);
    one.query = one.target + path_size + (one.target[path_size] == '?');
    pthread_mutex_lock(&fake->lock);
    gly_array_push(&fake->heads, one.head);
    choose_fault(fake, &one);
    bool is_done = !one.has_fault || one.fault.kind != GLY_FAKE_RESET;
    if (one.has_fault && one.fault.kind == GLY_FAKE_STATUS) {
        fail(&one, one.fault.status, one.fault.code);
    } else if (is_done) {
        dispatch(fake, &one);
    }
    pthread_mutex_unlock(&fake->lock);
    bool goes_on = reply(from->socket, &one);
    free(one.method);
    free(one.target);
    free(one.key);
    gly_builder_clear(&one.body);
    gly_builder_clear(&one.headers);
    gly_builder_clear(&one.out);
    return goes_on;
}

static void *serve(void *context) {
    connection *mine = context;
    gly_builder buffer = {0};
    while (serve_one(mine, &buffer)) {
    }
    shutdown(mine->socket,
             SHUT_RDWR); /* closed by free, so that its number is not used again before */
    gly_builder_clear(&buffer);
    free(mine);
    return NULL;
}

static void *accept_all(void *context) {
    gly_fake_s3 *fake = context;
    for (;;) {
        int socket = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);
        if (socket < 0) {
            return NULL;
        }
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection *made = GLY_NEW(connection);
        *made = (connection){fake, socket};
        pthread_t thread;
        pthread_mutex_lock(&fake->lock);
        gly_array_push(&fake->sockets, socket);
        GLY_ASSERT(pthread_create(&thread, NULL, serve, made) == 0);
        gly_array_push(&fake->threads, thread);
        pthread_mutex_unlock(&fake->lock);
    }
}

/* ---- the face -----------------------------------------------------------------------------------
 */

gly_fake_s3 *gly_fake_s3_make(void) {
    gly_fake_s3 *fake = GLY_NEW(gly_fake_s3);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_mutex_init(&fake->lock, NULL);
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    GLY_ASSERT(bind(fake->listener, (struct sockaddr *)&address, size) == 0);
    GLY_ASSERT(listen(fake->listener, 128) == 0);
    GLY_ASSERT(getsockname(fake->listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(fake->endpoint, sizeof fake->endpoint, "http://127.0.0.1:%d", ntohs(address.sin_port));
    GLY_ASSERT(pthread_create(&fake->thread, NULL, accept_all, fake) == 0);
    return fake;
}

void gly_fake_s3_free(gly_fake_s3 *fake) {
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    for (size_t i = 0; i < fake->sockets.count; i++) {
        shutdown(fake->sockets.items[i], SHUT_RDWR);
    }
    for (size_t i = 0; i < fake->threads.count; i++) {
        pthread_join(fake->threads.items[i], NULL);
        close(fake->sockets.items[i]);
    }
    while (fake->objects.count > 0) {
        drop(fake, fake->objects.count - 1);
    }
    for (size_t i = 0; i < fake->heads.count; i++) {
        free(fake->heads.items[i]);
    }
    for (size_t i = 0; i < fake->answers.count; i++) {
        free(fake->answers.items[i].path);
        free(fake->answers.items[i].body);
    }
    gly_fake_s3_forget_faults(fake);
    gly_array_clear(&fake->objects);
    gly_array_clear(&fake->faults);
    gly_array_clear(&fake->answers);
    gly_array_clear(&fake->heads);
    gly_array_clear(&fake->sockets);
    gly_array_clear(&fake->threads);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const char *gly_fake_s3_endpoint(const gly_fake_s3 *fake) { return fake->endpoint; }

void gly_fake_s3_fail(gly_fake_s3 *fake, const char *match, uint32_t count, gly_fake_fault kind,
                      uint32_t status, const char *code) {
    pthread_mutex_lock(&fake->lock);
    gly_array_push(&fake->faults, ((fault){gly_alloc_string(match), count, kind, status,
                                           gly_alloc_string(code == NULL ? "" : code)}));
    pthread_mutex_unlock(&fake->lock);
}

void gly_fake_s3_forget_faults(gly_fake_s3 *fake) {
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->faults.count; i++) {
        free(fake->faults.items[i].match);
        free(fake->faults.items[i].code);
    }
    fake->faults.count = 0;
    pthread_mutex_unlock(&fake->lock);
}

void gly_fake_s3_answer(gly_fake_s3 *fake, const char *path, uint32_t status, const char *body) {
    pthread_mutex_lock(&fake->lock);
    for (size_t i = fake->answers.count; i-- > 0;) {
        if (strcmp(fake->answers.items[i].path, path) == 0) {
            free(fake->answers.items[i].path);
            free(fake->answers.items[i].body);
            gly_array_remove_at(&fake->answers, i);
        }
    }
    gly_array_push(&fake->answers,
                   ((answer){gly_alloc_string(path), status, gly_alloc_string(body)}));
    pthread_mutex_unlock(&fake->lock);
}

void gly_fake_s3_set_page(gly_fake_s3 *fake, uint32_t keys) {
    pthread_mutex_lock(&fake->lock);
    fake->page = keys;
    pthread_mutex_unlock(&fake->lock);
}

void gly_fake_s3_put(gly_fake_s3 *fake, const char *bucket_key, const void *bytes, size_t size) {
    pthread_mutex_lock(&fake->lock);
    put(fake, bucket_key, 0, 0, bytes, size);
    pthread_mutex_unlock(&fake->lock);
}

bool gly_fake_s3_has(gly_fake_s3 *fake, const char *bucket_key) {
    pthread_mutex_lock(&fake->lock);
    bool result = find(fake, bucket_key, 0, 0) != NULL;
    pthread_mutex_unlock(&fake->lock);
    return result;
}

char *gly_fake_s3_keys(gly_fake_s3 *fake) {
    gly_builder out = {0};
    gly_builder_add_text(&out, "");
    pthread_mutex_lock(&fake->lock);
    sort(fake);
    for (size_t i = 0; i < fake->objects.count; i++) {
        if (fake->objects.items[i].upload == 0) {
            gly_builder_format(&out, "%s%s", out.size == 0 ? "" : " ", fake->objects.items[i].key);
        }
    }
    pthread_mutex_unlock(&fake->lock);
    return out.data == NULL ? gly_alloc_string("") : out.data;
}

uint32_t gly_fake_s3_uploads(gly_fake_s3 *fake) {
    uint32_t count = 0;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->objects.count; i++) {
        count += fake->objects.items[i].upload > 0 && fake->objects.items[i].part == 0;
    }
    pthread_mutex_unlock(&fake->lock);
    return count;
}

uint32_t gly_fake_s3_requests(gly_fake_s3 *fake, const char *match) {
    uint32_t count = 0;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->heads.count; i++) {
        count += strstr(fake->heads.items[i], match) != NULL;
    }
    pthread_mutex_unlock(&fake->lock);
    return count;
}

char *gly_fake_s3_last(gly_fake_s3 *fake, const char *match) {
    char *result = NULL;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = fake->heads.count; result == NULL && i-- > 0;) {
        if (strstr(fake->heads.items[i], match) != NULL) {
            result = gly_alloc_string(fake->heads.items[i]);
        }
    }
    pthread_mutex_unlock(&fake->lock);
    return result;
}
