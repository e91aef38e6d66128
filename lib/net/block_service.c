/* block_service.c - galley.Blocks/Fetch: the ranges of a request, read and sent piece by piece.
 *
 * One piece (1 MiB, of one range or many) per stream is in flight: that is the back-pressure.
 * Pieces are read with pread into the very memory that gRPC sends, behind the few bytes of protobuf
 * header. Safety: a path must lie below the directory, with openat2's RESOLVE_BENEATH so that
 * neither ".." nor symbolic links lead out; only regular files are opened. Callers are the
 * application's executors and its driver, known by their certificates' names. Not here: what blocks
 * without a file are (gly_block_source).
 */
#include "lib/net/block_service.h"

#include "lib/base/alloc.h"
#include "lib/net/grpc_server.h"
#include "lib/net/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PIECE = 1 << 20, HEADER_ROOM = 32, MOST_RANGES = 1 << 20 };

struct gly_block_service {
    gly_grpc_loop *loop;
    gly_grpc_server *server;
    gly_block_source source;
    bool encrypted;
    char *directory; /* without a slash at the end */
    int directory_fd;
};

typedef struct range {
    gly_str path;
    uint64_t offset, length;
} range;

typedef struct transfer { /* one call */
    gly_block_service *service;
    gly_builder request; /* a copy: paths point into it */
    range *ranges;
    uint32_t range_count;
    uint32_t current;
    int fd;     /* of the current range, or -1 ... */
    void *held; /* ... or the block it is in; NULL: none */
    uint64_t at, left;
    bool to_end; /* the current range's length is the file's */
} transfer;

/* The part of path below the directory; NULL if it is not below it. */
static const char *relative_path(const gly_block_service *service, const char *path) {
    size_t size = strlen(service->directory);
    if (strncmp(path, service->directory, size) != 0 || path[size] != '/') {
        return NULL;
    }
    path += size;
    while (*path == '/') {
        path++;
    }
    return *path == '\0' ? NULL : path;
}

/* For kernels and sandboxes without openat2: no "..", and no symbolic link at the end. */
static int open_plainly(int directory, const char *path) {
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2) {
        bool starts = at == path || at[-1] == '/';
        if (starts && (at[2] == '/' || at[2] == '\0')) {
            errno = EXDEV;
            return -1;
        }
    }
    return openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
}

static int open_beneath(int directory, const char *path) {
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        fd = open_plainly(directory, path);
    }
    return fd;
}

static void fail(gly_grpc_stream *stream, int code, const char *format, ...) GLY_PRINTF(3, 4);
static void fail(gly_grpc_stream *stream, int code, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gly_grpc_stream_finish(stream, code, text);
}

/* Where to begin and how much, once the size of what is read is known. */
static bool set_bounds(transfer *state, gly_grpc_stream *stream, uint64_t size) {
    const range *wanted = &state->ranges[state->current];
    state->to_end = wanted->length == UINT64_MAX;
    state->at = wanted->offset;
    state->left =
        state->to_end ? (wanted->offset > size ? 0 : size - wanted->offset) : wanted->length;
    if (wanted->offset > size || state->left > size - wanted->offset) {
        fail(stream, GLY_GRPC_OUT_OF_RANGE, "%.*s has %llu bytes, not %llu from %llu",
             (int)GLY_MIN(wanted->path.size, (size_t)300), wanted->path.data,
             (unsigned long long)size, (unsigned long long)state->left,
             (unsigned long long)wanted->offset);
        return false;
    }
    return true;
}

static bool open_block(transfer *state, gly_grpc_stream *stream) {
    const gly_block_source *source = &state->service->source;
    gly_str name = state->ranges[state->current].path;
    uint64_t size = 0;
    state->held = source->hold(source->context, name, &size);
    if (state->held == NULL) {
        fail(stream, GLY_GRPC_NOT_FOUND, "there is no block %.*s",
             (int)GLY_MIN(name.size, (size_t)300), name.data);
        return false;
    }
    return set_bounds(state, stream, size);
}

static bool open_range(transfer *state, gly_grpc_stream *stream) {
    const range *wanted = &state->ranges[state->current];
    char path[4096];
    if (state->service->source.hold != NULL && wanted->path.size > 0 &&
        wanted->path.data[0] != '/') {
        return open_block(state, stream);
    }
    if (wanted->path.size >= sizeof path || memchr(wanted->path.data, '\0', wanted->path.size)) {
        fail(stream, GLY_GRPC_INVALID_ARGUMENT, "the path is not a path");
        return false;
    }
    memcpy(path, wanted->path.data, wanted->path.size);
    path[wanted->path.size] = '\0';
    const char *relative = relative_path(state->service, path);
    state->fd = relative == NULL ? -1 : open_beneath(state->service->directory_fd, relative);
    if (state->fd < 0) {
        bool outside = relative == NULL || errno == EXDEV || errno == ELOOP;
        fail(stream, outside ? GLY_GRPC_PERMISSION_DENIED : GLY_GRPC_NOT_FOUND, "%.300s %s", path,
             outside ? "is not below the executor's local directory" : "cannot be opened");
        return false;
    }
    struct stat about;
    if (fstat(state->fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        fail(stream, GLY_GRPC_PERMISSION_DENIED, "%.300s is not a regular file", path);
        return false;
    }
    return set_bounds(state, stream, (uint64_t)about.st_size);
}

static void close_range_file(transfer *state) {
    if (state->fd >= 0) {
        close(state->fd);
        state->fd = -1;
    }
    if (state->held != NULL) {
        state->service->source.release(state->service->source.context, state->held);
        state->held = NULL;
    }
}

static bool read_fully(int fd, char *to, size_t size, uint64_t offset) {
    while (size > 0) {
        ssize_t got = pread(fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        to += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static bool read_part(const transfer *state, char *to, size_t size) {
    const gly_block_source *source = &state->service->source;
    return state->held != NULL ? source->read(source->context, state->held, state->at, to, size)
                               : read_fully(state->fd, to, size, state->at);
}

static bool is_open(const transfer *state) { return state->fd >= 0 || state->held != NULL; }

/* Room that the rest of the request needs, at most a piece. */
static size_t measure_rest(const transfer *state) {
    uint64_t size = is_open(state) ? state->left : 0;
    for (uint32_t i = state->current + is_open(state); i < state->range_count && size < PIECE;
         i++) {
        uint64_t length = state->ranges[i].length;
        size = length > PIECE ? PIECE : size + length;
    }
    return (size_t)GLY_MIN(size, (uint64_t)PIECE);
}

/* Fills a piece with what comes next, from as many ranges as it takes: small ranges cost no message
 * each.  False: the stream was failed. */
static bool fill_piece(transfer *state, gly_grpc_stream *stream, char *to, size_t room,
                       size_t *ret_size) {
    *ret_size = 0;
    while (*ret_size < room || (is_open(state) && state->left == 0)) {
        if (is_open(state) && state->left == 0) {
            close_range_file(state);
            state->current++;
        } else if (!is_open(state)) {
            if (state->current == state->range_count) {
                return true;
            }
            if (!open_range(state, stream)) {
                return false;
            }
        } else {
            size_t size = (size_t)GLY_MIN(state->left, (uint64_t)(room - *ret_size));
            if (!read_part(state, to + *ret_size, size)) {
                fail(stream, GLY_GRPC_DATA_LOSS, "%.*s cannot be read at %llu",
                     (int)GLY_MIN(state->ranges[state->current].path.size, (size_t)300),
                     state->ranges[state->current].path.data, (unsigned long long)state->at);
                return false;
            }
            state->at += size;
            state->left -= size;
            *ret_size += size;
        }
    }
    return true;
}

/* Sends the next piece, or the end. */
static void advance(void *context, gly_grpc_stream *stream) {
    transfer *state = context;
    if (state->ranges == NULL) {
        return;
    }
    size_t room = GLY_MAX(measure_rest(state), (size_t)1), size;
    uint32_t first = state->current;
    char *memory = gly_alloc(HEADER_ROOM + room);
    if (!fill_piece(state, stream, memory + HEADER_ROOM, room, &size)) {
        free(memory);
        return;
    }
    if (size == 0) {
        free(memory);
        gly_grpc_stream_finish(stream, GLY_GRPC_OK, "");
        return;
    }
    /* the header lies right before the data: its size is known only from its values */
    uint8_t header[HEADER_ROOM];
    size_t used = 0;
    header[used++] = 1 << 3 | GLY_WIRE_VARINT;
    used += gly_wire_put_varint(header + used, first);
    header[used++] = 2 << 3 | GLY_WIRE_BYTES;
    used += gly_wire_put_varint(header + used, size);
    memcpy(memory + HEADER_ROOM - used, header, used);
    gly_grpc_stream_send_owned(stream, memory, HEADER_ROOM - used, used + size);
}

static bool parse_range(gly_str bytes, range *ret) {
    gly_wire_field field;
    bool has_path = false;
    *ret = (range){0};
    while (gly_wire_next(&bytes, &field)) {
        if (field.number == 1 && field.type == GLY_WIRE_BYTES) {
            ret->path = field.bytes;
            has_path = true;
        } else if (field.number == 2 && field.type == GLY_WIRE_VARINT) {
            ret->offset = field.value;
        } else if (field.number == 3 && field.type == GLY_WIRE_VARINT) {
            ret->length = field.value;
        }
    }
    return has_path && bytes.size == 0;
}

static bool parse_request(transfer *state) {
    gly_str rest = gly_builder_str(&state->request);
    gly_wire_field field;
    uint32_t count = 0;
    while (gly_wire_next(&rest, &field)) {
        count += field.number == 1 && field.type == GLY_WIRE_BYTES;
    }
    if (rest.size != 0 || count == 0 || count > MOST_RANGES) {
        return false;
    }
    state->ranges = GLY_NEW_ARRAY(range, count);
    rest = gly_builder_str(&state->request);
    while (gly_wire_next(&rest, &field)) {
        if (field.number == 1 && field.type == GLY_WIRE_BYTES &&
            !parse_range(field.bytes, &state->ranges[state->range_count++])) {
            return false;
        }
    }
    return true;
}

static void begin(void *context, gly_grpc_stream *stream, gly_str message) {
    transfer *state = context;
    gly_builder_add(&state->request, message.data, message.size);
    if (parse_request(state)) {
        advance(state, stream);
    } else {
        fail(stream, GLY_GRPC_INVALID_ARGUMENT, "the request is malformed");
    }
}

static void end(void *context, gly_grpc_stream *stream, int code, const char *reason) {
    transfer *state = context;
    (void)stream;
    (void)code;
    (void)reason;
    close_range_file(state);
    gly_builder_clear(&state->request);
    free(state->ranges);
    free(state);
}

/* The driver, or an executor with a number. */
static bool is_member(const char *peer) {
    size_t prefix = strlen(GLY_TLS_EXECUTOR_PREFIX);
    if (strcmp(peer, GLY_TLS_DRIVER_NAME) == 0) {
        return true;
    }
    return strncmp(peer, GLY_TLS_EXECUTOR_PREFIX, prefix) == 0 && peer[prefix] != '\0' &&
           peer[prefix + strspn(peer + prefix, "0123456789")] == '\0';
}

static void refuse_stranger(void *context, gly_grpc_stream *stream, gly_str message) {
    (void)context;
    (void)message;
    fail(stream, GLY_GRPC_PERMISSION_DENIED,
         "blocks are for the driver and the executors of the application, not for \"%s\"",
         gly_grpc_stream_peer(stream));
}

static void forget_stranger(void *context, gly_grpc_stream *stream, int code, const char *reason) {
    (void)context;
    (void)stream;
    (void)code;
    (void)reason;
}

static bool accept_call(void *context, gly_str method, gly_grpc_stream *stream,
                        gly_grpc_stream_events *ret_events) {
    gly_block_service *service = context;
    if (!gly_str_equal(method, GLY_STR("/galley.Blocks/Fetch"))) {
        return false;
    }
    if (service->encrypted && !is_member(gly_grpc_stream_peer(stream))) {
        *ret_events = (gly_grpc_stream_events){
            .on_message = refuse_stranger, .on_closed = forget_stranger, .single_request = true};
        return true;
    }
    transfer *state = GLY_NEW(transfer);
    state->service = service;
    state->fd = -1;
    *ret_events = (gly_grpc_stream_events){.on_message = begin,
                                           .on_sent = advance,
                                           .on_closed = end,
                                           .context = state,
                                           .single_request = true};
    return true;
}

gly_status gly_block_service_make(const gly_block_service_options *options, gly_block_service **ret,
                                  gly_error *err) {
    int fd = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return gly_error_from_errno(err, errno, "cannot open the directory %s", options->directory);
    }
    gly_block_service *service = GLY_NEW(gly_block_service);
    service->directory_fd = fd;
    service->source = options->source;
    service->encrypted = options->identity != NULL;
    service->directory = gly_alloc_string(options->directory);
    for (size_t n = strlen(service->directory); n > 1 && service->directory[n - 1] == '/'; n--) {
        service->directory[n - 1] = '\0';
    }
    service->loop = gly_grpc_loop_make("gly-blocks", 0, NULL, NULL);
    gly_grpc_server_options server = {.address = options->address,
                                      .identity = options->identity,
                                      .bulk = true,
                                      .accept = accept_call,
                                      .context = service};
    gly_status status = gly_grpc_server_make(service->loop, &server, &service->server, err);
    if (status != GLY_OK) {
        gly_block_service_free(service);
        return status;
    }
    *ret = service;
    return GLY_OK;
}

void gly_block_service_free(gly_block_service *service) {
    if (service != NULL) {
        gly_grpc_server_free(service->server);
        gly_grpc_loop_free(service->loop);
        close(service->directory_fd);
        free(service->directory);
        free(service);
    }
}

uint16_t gly_block_service_port(const gly_block_service *service) {
    return gly_grpc_server_port(service->server);
}
