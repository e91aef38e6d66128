/* test_block_service.c - ranges of files over TLS: right bytes, and nothing outside the directory.
 */
#include "lib/net/block_service.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/net/block_client.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_SIZE = 5 * 1024 * 1024 + 77 };

typedef struct world {
    char directory[64], path[128], endpoint[64];
    gly_tls_authority *authority;
    gly_tls_identity server_identity, client_identity;
    gly_block_service *service;
    gly_block_client *client;
    char *content;
} world;

static void write_file(const char *path, const char *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    GLY_ASSERT(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void open_world(world *self, bool encrypted) {
    gly_error error;
    *self = (world){0};
    snprintf(self->directory, sizeof self->directory, "/tmp/galley-test-XXXXXX");
    GLY_ASSERT(mkdtemp(self->directory) != NULL);
    snprintf(self->path, sizeof self->path, "%s/data", self->directory);
    self->content = gly_alloc(FILE_SIZE);
    for (size_t i = 0; i < FILE_SIZE; i++) {
        self->content[i] = (char)gly_hash_u64(i);
    }
    write_file(self->path, self->content, FILE_SIZE);
    if (encrypted) {
        GLY_CHECK_OK(gly_tls_authority_make(&self->authority, &error), &error);
        GLY_CHECK_OK(gly_tls_identity_issue(self->authority, "galley-executor-1",
                                            &self->server_identity, &error),
                     &error);
        GLY_CHECK_OK(gly_tls_identity_issue(self->authority, "galley-executor-2",
                                            &self->client_identity, &error),
                     &error);
    }
    gly_block_service_options options = {.address = "127.0.0.1:0",
                                         .directory = self->directory,
                                         .identity = encrypted ? &self->server_identity : NULL};
    GLY_CHECK_OK(gly_block_service_make(&options, &self->service, &error), &error);
    snprintf(self->endpoint, sizeof self->endpoint, "127.0.0.1:%u",
             gly_block_service_port(self->service));
    self->client = gly_block_client_make(encrypted ? &self->client_identity : NULL);
}

static void close_world(world *self) {
    gly_block_client_free(self->client);
    gly_block_service_free(self->service);
    gly_tls_identity_clear(&self->server_identity);
    gly_tls_identity_clear(&self->client_identity);
    gly_tls_authority_free(self->authority);
    free(self->content);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", self->directory);
    (void)!system(command);
}

static gly_status fetch_as(world *self, const char *executor, const char *path, uint64_t offset,
                           uint64_t length, gly_builder *out, gly_error *err) {
    gly_block_range range = {gly_str_of(path), offset, length};
    return gly_block_client_fetch(self->client, gly_str_of(self->endpoint), gly_str_of(executor),
                                  &range, 1, out, err);
}

static void check_ranges(world *self) {
    static const struct {
        uint64_t offset, length;
    } ranges[] = {{0, 1},          {0, FILE_SIZE},         {77, 0},        {FILE_SIZE - 1, 1},
                  {5, 1 << 20},    {1, (1 << 20) + 1},     {FILE_SIZE, 0}, {1048576, 3 << 20},
                  {9, UINT64_MAX}, {FILE_SIZE, UINT64_MAX}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(ranges); i++) {
        gly_error error;
        gly_builder out = {0};
        gly_builder_add_text(&out, "kept");
        uint64_t size = GLY_MIN(ranges[i].length, FILE_SIZE - ranges[i].offset);
        GLY_CHECK_OK(
            fetch_as(self, "1", self->path, ranges[i].offset, ranges[i].length, &out, &error),
            &error);
        GLY_CHECK_INT(out.size, size + 4);
        GLY_CHECK(memcmp(out.data + 4, self->content + ranges[i].offset, size) == 0);
        gly_builder_clear(&out);
    }
}

GLY_TEST(reads_ranges_encrypted) {
    world self;
    open_world(&self, true);
    check_ranges(&self);
    close_world(&self);
}

GLY_TEST(reads_many_ranges_at_once) {
    enum { COUNT = 500 };
    world self;
    open_world(&self, false);
    check_ranges(&self);
    gly_block_range ranges[COUNT];
    gly_builder out = {0}, expected = {0};
    gly_error error;
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t length = gly_hash_u64(i) % 9000;
        ranges[i] = (gly_block_range){gly_str_of(self.path), i * 10000, length};
        gly_builder_add(&expected, self.content + i * 10000, length);
    }
    GLY_CHECK_OK(gly_block_client_fetch(self.client, gly_str_of(self.endpoint), GLY_STR("1"),
                                        ranges, COUNT, &out, &error),
                 &error);
    GLY_CHECK(gly_str_equal(gly_builder_str(&out), gly_builder_str(&expected)));
    gly_builder_clear(&out);
    gly_builder_clear(&expected);
    close_world(&self);
}

GLY_TEST(stays_in_its_directory) {
    world self;
    open_world(&self, false);
    char outside[80], inside[128];
    snprintf(outside, sizeof outside, "%s-outside", self.directory);
    write_file(outside, "secret", 6);
    snprintf(inside, sizeof inside, "%s/link", self.directory);
    GLY_ASSERT(symlink(outside, inside) == 0);
    char folder[128];
    snprintf(folder, sizeof folder, "%s/folder", self.directory);
    GLY_ASSERT(mkdir(folder, 0700) == 0);
    char fifo[128];
    snprintf(fifo, sizeof fifo, "%s/fifo", self.directory);
    GLY_ASSERT(mkfifo(fifo, 0600) == 0);
    const char *name = strrchr(self.directory, '/') + 1;
    char escapes[8][256];
    snprintf(escapes[0], 256, "%s/../%s-outside", self.directory, name);
    snprintf(escapes[1], 256, "%s", outside); /* the directory's name is a prefix of it */
    snprintf(escapes[2], 256, "%s", inside);  /* a symbolic link */
    snprintf(escapes[3], 256, "/etc/passwd");
    snprintf(escapes[4], 256, "data"); /* relative */
    snprintf(escapes[5], 256, "%s", folder);
    snprintf(escapes[6], 256, "%s/folder/../../%s-outside", self.directory, name);
    snprintf(escapes[7], 256, "%s", fifo); /* must not hang */
    for (size_t i = 0; i < GLY_ARRAY_LEN(escapes); i++) {
        gly_error error;
        gly_builder out = {0};
        GLY_CHECK_INT(fetch_as(&self, "1", escapes[i], 0, 6, &out, &error), GLY_E_FETCH_FAILED);
        GLY_CHECK(strstr(error.message, "PERMISSION_DENIED") != NULL);
        GLY_CHECK_INT(out.size, 0);
        gly_builder_clear(&out);
    }
    unlink(outside);
    close_world(&self);
}

GLY_TEST(says_what_is_wrong) {
    world self;
    open_world(&self, true);
    gly_error error;
    gly_builder out = {0};
    gly_builder_add_text(&out, "kept");
    char path[160];
    snprintf(path, sizeof path, "%s/absent", self.directory);
    GLY_CHECK_INT(fetch_as(&self, "1", path, 0, 6, &out, &error), GLY_E_FETCH_FAILED);
    GLY_CHECK(strstr(error.message, "NOT_FOUND") != NULL);
    GLY_CHECK(error.retryable);
    GLY_CHECK_INT(fetch_as(&self, "1", self.path, 10, FILE_SIZE, &out, &error), GLY_E_FETCH_FAILED);
    GLY_CHECK(strstr(error.message, "OUT_OF_RANGE") != NULL);
    /* overflowing ranges */
    GLY_CHECK_INT(fetch_as(&self, "1", self.path, UINT64_MAX, 2, &out, &error), GLY_E_FETCH_FAILED);
    GLY_CHECK_TEXT(out.data, "kept");
    gly_builder_clear(&out);
    close_world(&self);
}

GLY_TEST(checks_who_answers) {
    world self;
    open_world(&self, true);
    gly_error error;
    gly_builder out = {0};
    /* the peer's certificate is executor 1's */
    GLY_CHECK_INT(fetch_as(&self, "3", self.path, 0, 6, &out, &error), GLY_E_FETCH_FAILED);
    GLY_CHECK(strstr(error.message, "UNAVAILABLE") != NULL);
    /* a client of another authority is refused */
    gly_block_client *own = self.client;
    gly_tls_authority *other;
    gly_tls_identity stranger;
    GLY_CHECK_OK(gly_tls_authority_make(&other, &error), &error);
    GLY_CHECK_OK(gly_tls_identity_issue(other, "galley-executor-2", &stranger, &error), &error);
    free(stranger.authority_pem); /* it trusts the server, the server does not trust it */
    stranger.authority_pem = gly_alloc_string(self.server_identity.authority_pem);
    self.client = gly_block_client_make(&stranger);
    GLY_CHECK_INT(fetch_as(&self, "1", self.path, 0, 6, &out, &error), GLY_E_FETCH_FAILED);
    gly_block_client_free(self.client);
    /* so is plaintext */
    self.client = gly_block_client_make(NULL);
    GLY_CHECK_INT(fetch_as(&self, "1", self.path, 0, 6, &out, &error), GLY_E_FETCH_FAILED);
    gly_block_client_free(self.client);
    self.client = own;
    GLY_CHECK_OK(fetch_as(&self, "1", self.path, 0, 6, &out, &error), &error);
    gly_tls_identity_clear(&stranger);
    gly_tls_authority_free(other);
    gly_builder_clear(&out);
    close_world(&self);
}

GLY_TEST(nobody_there) {
    gly_error error;
    gly_builder out = {0};
    gly_block_client *client = gly_block_client_make(NULL);
    gly_block_range range = {GLY_STR("/x"), 0, 1};
    int64_t before = gly_clock_ms();
    GLY_CHECK_INT(gly_block_client_fetch(client, GLY_STR("127.0.0.1:1"), GLY_STR("1"), &range, 1,
                                         &out, &error),
                  GLY_E_FETCH_FAILED);
    GLY_CHECK(gly_clock_ms() - before < 3000);
    gly_block_client_cancel(client);
    GLY_CHECK_INT(gly_block_client_fetch(client, GLY_STR("127.0.0.1:1"), GLY_STR("1"), &range, 1,
                                         &out, &error),
                  GLY_E_FETCH_FAILED);
    gly_block_client_free(client);
    gly_builder_clear(&out);
    gly_block_service *service;
    gly_block_service_options options = {.address = "127.0.0.1:0", .directory = "/no/directory"};
    GLY_CHECK_INT(gly_block_service_make(&options, &service, &error), GLY_E_PATH_NOT_FOUND);
    options.directory = "/tmp";
    options.address = "192.0.2.1:0"; /* not ours */
    GLY_CHECK_INT(gly_block_service_make(&options, &service, &error), GLY_E_NETWORK);
}

static void *fetch_often(void *context) {
    world *self = context;
    for (int i = 0; i < 20; i++) {
        gly_error error;
        gly_builder out = {0};
        uint64_t offset = gly_hash_u64((uint64_t)i) % (FILE_SIZE / 2);
        if (fetch_as(self, "1", self->path, offset, FILE_SIZE / 2, &out, &error) != GLY_OK ||
            memcmp(out.data, self->content + offset, FILE_SIZE / 2) != 0) {
            fprintf(stderr, "fetch %d: %s\n", i, error.message);
            return context;
        }
        gly_builder_clear(&out);
    }
    return NULL;
}

GLY_TEST(many_threads_fetch) {
    world self;
    open_world(&self, true);
    pthread_t threads[4];
    for (size_t i = 0; i < GLY_ARRAY_LEN(threads); i++) {
        GLY_ASSERT(pthread_create(&threads[i], NULL, fetch_often, &self) == 0);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        GLY_CHECK(failed == NULL);
    }
    close_world(&self);
}

GLY_TEST(a_stranger_on_a_reused_address_is_not_believed) {
    world self;
    open_world(&self, true);
    gly_error error;
    gly_builder out = {0};
    /* Executor 3 lived at this address once; now executor 1 does, with the right files even. */
    GLY_CHECK_INT(fetch_as(&self, "3", self.path, 0, 10, &out, &error), GLY_E_FETCH_FAILED);
    GLY_CHECK_INT(out.size, 0);
    /* Who asks for the one that is there gets it, through the same client. */
    GLY_CHECK_OK(fetch_as(&self, "1", self.path, 0, 10, &out, &error), &error);
    GLY_CHECK_INT(out.size, 10);
    GLY_CHECK_INT(fetch_as(&self, "3", self.path, 0, 10, &out, &error), GLY_E_FETCH_FAILED);
    gly_builder_clear(&out);
    close_world(&self);
}

static gly_status fetch_with_name(world *self, gly_tls_authority *authority, const char *name,
                                  gly_error *err) {
    gly_tls_identity identity;
    gly_error unexpected;
    GLY_CHECK_OK(gly_tls_identity_issue(authority, name, &identity, &unexpected), &unexpected);
    gly_block_client *client = gly_block_client_make(&identity);
    gly_block_range range = {gly_str_of(self->path), 0, 100};
    gly_builder out = {0};
    gly_status status = gly_block_client_fetch(client, gly_str_of(self->endpoint), GLY_STR("1"),
                                               &range, 1, &out, err);
    GLY_CHECK_INT(out.size, status == GLY_OK ? 100 : 0);
    gly_builder_clear(&out);
    gly_block_client_free(client);
    gly_tls_identity_clear(&identity);
    return status;
}

GLY_TEST(serves_members_of_the_application_only) {
    world self;
    open_world(&self, true);
    gly_error error;
    GLY_CHECK_OK(fetch_with_name(&self, self.authority, "galley-executor-77", &error), &error);
    GLY_CHECK_OK(fetch_with_name(&self, self.authority, GLY_TLS_DRIVER_NAME, &error), &error);
    static const char *const strangers[] = {GLY_TLS_BOOTSTRAP_NAME, "galley-executor-",
                                            "galley-executor-1x", "somebody", "galley-driver2"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(strangers); i++) {
        GLY_CHECK_INT(fetch_with_name(&self, self.authority, strangers[i], &error),
                      GLY_E_FETCH_FAILED);
        GLY_CHECK(strstr(error.message, strangers[i]) != NULL);
    }
    gly_tls_authority *other;
    GLY_CHECK_OK(gly_tls_authority_make(&other, &error), &error);
    GLY_CHECK_INT(fetch_with_name(&self, other, "galley-executor-77", &error), GLY_E_FETCH_FAILED);
    gly_tls_authority_free(other);
    close_world(&self);
}

/* Blocks that are no files: the name's letters over and over. */
static uint32_t held_count;

static void *hold_block(void *context, gly_str name, uint64_t *ret_size) {
    (void)context;
    if (!gly_str_starts_with(name, GLY_STR("cache/"))) {
        return NULL;
    }
    held_count++;
    *ret_size = FILE_SIZE;
    return held_count > 0 ? &held_count : NULL;
}

static bool read_block(void *context, void *block, uint64_t offset, char *to, size_t size) {
    (void)context;
    GLY_CHECK(block == &held_count);
    for (size_t i = 0; i < size; i++) {
        to[i] = (char)gly_hash_u64(offset + i);
    }
    return true;
}

static void release_block(void *context, void *block) {
    (void)context;
    (void)block;
    held_count--;
}

GLY_TEST(serves_blocks_without_files) {
    world self;
    open_world(&self, false);
    gly_block_service_free(self.service);
    gly_error error;
    gly_block_service_options options = {.address = "127.0.0.1:0",
                                         .directory = self.directory,
                                         .source = {hold_block, read_block, release_block, NULL}};
    GLY_CHECK_OK(gly_block_service_make(&options, &self.service, &error), &error);
    snprintf(self.endpoint, sizeof self.endpoint, "127.0.0.1:%u",
             gly_block_service_port(self.service));
    gly_builder out = {0};
    GLY_CHECK_OK(fetch_as(&self, "1", "cache/1f/3", 0, UINT64_MAX, &out, &error), &error);
    GLY_CHECK_INT(out.size, FILE_SIZE);
    GLY_CHECK(memcmp(out.data, self.content, FILE_SIZE) == 0);
    gly_builder_reset(&out);
    gly_block_range both[] = {{GLY_STR("cache/1f/3"), 5, 20}, {gly_str_of(self.path), 5, 20}};
    GLY_CHECK_OK(gly_block_client_fetch(self.client, gly_str_of(self.endpoint), GLY_STR("1"), both,
                                        2, &out, &error),
                 &error);
    GLY_CHECK_INT(out.size, 40);
    GLY_CHECK(memcmp(out.data, out.data + 20, 20) == 0);
    GLY_CHECK_INT(fetch_as(&self, "1", "other/1", 0, 1, &out, &error), GLY_E_FETCH_FAILED);
    GLY_CHECK_INT(fetch_as(&self, "1", "cache/1f/3", FILE_SIZE, 1, &out, &error),
                  GLY_E_FETCH_FAILED);
    gly_builder_clear(&out);
    close_world(&self);
    GLY_CHECK_INT(held_count, 0);
}

GLY_SUITE("block service", a_stranger_on_a_reused_address_is_not_believed,
          serves_members_of_the_application_only, serves_blocks_without_files,
          reads_ranges_encrypted, reads_many_ranges_at_once, stays_in_its_directory,
          says_what_is_wrong, checks_who_answers, nobody_there, many_threads_fetch)
