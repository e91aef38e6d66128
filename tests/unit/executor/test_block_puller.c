/* test_block_puller.c - blocks taken over: complete or not at all, always reported. */
#include "executor/block_puller.h"

#include "lib/base/alloc.h"
#include "lib/base/array.h"
#include "lib/base/hash.h"
#include "lib/engine/pipeline/block_store.h"
#include "lib/engine/pipeline/cached_header.h"
#include "lib/engine/pipeline/shared_cache.h"
#include "lib/net/wire.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 20 << 20 };

typedef struct world {
    char directory[64];
    gly_budget memory;
    gly_task_environment environment;
    gly_block_puller *puller;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t reports;
    uint64_t transfer_id;
    char error[600], path[200];
    gly_builder status;
    uint64_t fail_at;   /* fetches from there on fail; 0: none */
    gly_builder cached; /* served as cache/9/2 */
} world;

static gly_status fetch(void *context, gly_str endpoint, gly_str executor_id, gly_str path,
                        uint64_t offset, uint64_t length, gly_builder *out, gly_error *err) {
    world *self = context;
    GLY_CHECK(gly_str_equal(endpoint, GLY_STR("there:1")) &&
              gly_str_equal(executor_id, GLY_STR("4")));
    if (self->fail_at > 0 && offset >= self->fail_at) {
        return gly_fail(err, GLY_E_FETCH_FAILED, "the line is cut");
    }
    if (path.data[0] != '/') {
        gly_builder_add(out, self->cached.data + offset, (size_t)length);
        return GLY_OK;
    }
    char *room = gly_builder_room(out, (size_t)length);
    for (uint64_t i = 0; i < length; i++) {
        room[i] = (char)((offset + i) * 31 >> 3);
    }
    out->size += (size_t)length;
    return GLY_OK;
}

static void report(void *context, gly_str message) {
    world *self = context;
    gly_wire_field field;
    GLY_CHECK(gly_wire_next(&message, &field) && field.number == 6);
    Galley__BlockPulled *pulled =
        galley__block_pulled__unpack(NULL, field.bytes.size, (const uint8_t *)field.bytes.data);
    pthread_mutex_lock(&self->lock);
    self->transfer_id = pulled->transfer_id;
    snprintf(self->error, sizeof self->error, "%s", pulled->error == NULL ? "" : pulled->error);
    snprintf(self->path, sizeof self->path, "%s", pulled->path == NULL ? "" : pulled->path);
    gly_builder_reset(&self->status);
    gly_builder_add(&self->status, (const char *)pulled->map_status.data, pulled->map_status.len);
    self->reports++;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    galley__block_pulled__free_unpacked(pulled, NULL);
}

static void open_world(world *self) {
    *self = (world){0};
    snprintf(self->directory, sizeof self->directory, "/tmp/galley-test-XXXXXX");
    GLY_ASSERT(mkdtemp(self->directory) != NULL);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    gly_budget_init(&self->memory, NULL, 64 << 20);
    self->environment =
        (gly_task_environment){.memory = &self->memory,
                               .local_dir = self->directory,
                               .executor_id = GLY_STR("7"),
                               .host_id = GLY_STR("here"),
                               .endpoint = GLY_STR("here:2"),
                               .fetcher = {.fetch = fetch, .context = self},
                               .shared = gly_shared_cache_make(&self->memory, self->directory)};
    gly_block_puller_options options = {&self->environment, report, self};
    self->puller = gly_block_puller_make(&options);
}

static void close_world(world *self) {
    gly_block_puller_free(self->puller);
    gly_shared_cache_free(self->environment.shared);
    gly_builder_clear(&self->status);
    gly_builder_clear(&self->cached);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", self->directory);
    (void)!system(command);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->changed);
}

static void pull(world *self, uint64_t id, const char *host, const char *path, uint64_t size,
                 gly_str map_status) {
    gly_arena *arena = gly_arena_make();
    Galley__PullBlock *order = GLY_ARENA_NEW(arena, Galley__PullBlock);
    galley__pull_block__init(order);
    order->transfer_id = id;
    order->executor_id = (char *)(uintptr_t)gly_arena_str(arena, GLY_STR("4")).data;
    order->endpoint = (char *)(uintptr_t)gly_arena_str(arena, GLY_STR("there:1")).data;
    order->host_id = (char *)(uintptr_t)gly_arena_str(arena, gly_str_of(host)).data;
    order->path = (char *)(uintptr_t)gly_arena_str(arena, gly_str_of(path)).data;
    order->has_size_bytes = true;
    order->size_bytes = size;
    order->has_map_status = map_status.size > 0;
    map_status = gly_arena_str(arena, map_status);
    order->map_status =
        (ProtobufCBinaryData){map_status.size, (uint8_t *)(uintptr_t)map_status.data};
    uint32_t before = self->reports;
    gly_block_puller_push(self->puller, arena, order);
    pthread_mutex_lock(&self->lock);
    while (self->reports == before) {
        pthread_cond_wait(&self->changed, &self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    GLY_CHECK_INT(self->transfer_id, id);
}

static uint32_t count_files(const world *self) {
    char command[128];
    snprintf(command, sizeof command, "ls '%s' | wc -l", self->directory);
    FILE *pipe = popen(command, "r");
    unsigned count = 0;
    GLY_CHECK_INT(fscanf(pipe, "%u", &count), 1);
    pclose(pipe);
    return count;
}

GLY_TEST(takes_a_map_output_over) {
    world self;
    open_world(&self);
    gly_map_status status = {.map_partition = 3,
                             .executor_id = GLY_STR("4"),
                             .host_id = GLY_STR("elsewhere"),
                             .endpoint = GLY_STR("there:1"),
                             .path = GLY_STR("/far/shuffle-1-2-3-4.data"),
                             .partition_count = 2,
                             .offsets = (uint64_t[]){0, 1000, SIZE},
                             .row_count = 77};
    gly_builder encoded = {0};
    gly_map_status_encode(&status, &encoded);
    pull(&self, 11, "elsewhere", "/far/shuffle-1-2-3-4.data", 0, gly_builder_str(&encoded));
    GLY_CHECK_TEXT(self.error, "");
    struct stat about;
    GLY_CHECK(stat(self.path, &about) == 0);
    GLY_CHECK_INT(about.st_size, SIZE);
    FILE *file = fopen(self.path, "r");
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < SIZE; i++) {
        wrong += (char)getc(file) != (char)(i * 31 >> 3);
    }
    fclose(file);
    GLY_CHECK_INT(wrong, 0);
    gly_arena *arena = gly_arena_make();
    gly_map_status moved;
    gly_error error;
    GLY_CHECK_OK(gly_map_status_decode(arena, gly_builder_str(&self.status), &moved, &error),
                 &error);
    GLY_CHECK(gly_str_equal(moved.executor_id, GLY_STR("7")));
    GLY_CHECK(gly_str_equal(moved.endpoint, GLY_STR("here:2")));
    GLY_CHECK(gly_str_equal(moved.path, gly_str_of(self.path)));
    GLY_CHECK(moved.offsets[1] == 1000 && moved.offsets[2] == SIZE && moved.row_count == 77);
    gly_arena_free(arena);
    gly_builder_clear(&encoded);
    close_world(&self);
}

GLY_TEST(leaves_nothing_half_done) {
    world self;
    open_world(&self);
    self.fail_at = 10 << 20;
    pull(&self, 1, "elsewhere", "/far/shuffle-1-result-0-0-5.data", SIZE, (gly_str){"", 0});
    GLY_CHECK(strstr(self.error, "the line is cut") != NULL);
    GLY_CHECK_INT(count_files(&self), 0);
    self.fail_at = 0;
    self.environment.disk = gly_disk_space_make(SIZE / 2);
    pull(&self, 2, "elsewhere", "/far/shuffle-1-result-0-0-5.data", SIZE, (gly_str){"", 0});
    GLY_CHECK(strstr(self.error, "spec.executor.localDisk") != NULL);
    GLY_CHECK_INT(count_files(&self), 0);
    GLY_CHECK_INT(gly_disk_space_used(self.environment.disk), 0);
    gly_disk_space_free(self.environment.disk);
    self.environment.disk = NULL;
    pull(&self, 3, "elsewhere", "/far/shuffle-1-result-0-0-5.data", 0, (gly_str){"", 0});
    GLY_CHECK_TEXT(self.error, ""); /* an empty one is a file, too */
    GLY_CHECK_INT(count_files(&self), 1);
    static const char *const odd[] = {"/etc/passwd", "/far/..", "/far/", "/", "cache/zz/1", "x"};
    for (size_t i = 0; i < GLY_ARRAY_LEN(odd); i++) {
        pull(&self, 4 + i, "elsewhere", odd[i], 10, (gly_str){"", 0});
        GLY_CHECK(self.error[0] != '\0');
    }
    pull(&self, 30, "elsewhere", "/far/shuffle-1-2-3-4.data", 10, GLY_STR("junk"));
    GLY_CHECK(self.error[0] != '\0');
    GLY_CHECK_INT(count_files(&self), 1);
    close_world(&self);
}

GLY_TEST(links_on_the_same_host) {
    world self;
    open_world(&self);
    char there[128];
    snprintf(there, sizeof there, "%s/sub", self.directory);
    GLY_ASSERT(mkdir(there, 0700) == 0);
    snprintf(there, sizeof there, "%s/sub/shuffle-1-2-3-4.data", self.directory);
    FILE *file = fopen(there, "w");
    fputs("content", file);
    fclose(file);
    self.fail_at = 1; /* nothing is fetched */
    pull(&self, 1, "here", there, 7, (gly_str){"", 0});
    GLY_CHECK_TEXT(self.error, "");
    struct stat a, b;
    GLY_CHECK(stat(there, &a) == 0 && stat(self.path, &b) == 0 && a.st_ino == b.st_ino);
    pull(&self, 2, "here", there, 7, (gly_str){"", 0}); /* again: it is there */
    GLY_CHECK_TEXT(self.error, "");
    close_world(&self);
}

GLY_TEST(takes_a_cached_partition_over) {
    world self;
    open_world(&self);
    gly_type types[] = {GLY_TYPE_OF(BIGINT), GLY_TYPE_OF(STRING)};
    gly_cached_header header = {2, 99, 50000, types};
    gly_cached_header_encode(&header, &self.cached);
    for (uint64_t i = 0; i < header.block_bytes; i++) {
        gly_builder_add_char(&self.cached, (char)gly_hash_u64(i));
    }
    pull(&self, 5, "elsewhere", "cache/9/2", 0, (gly_str){"", 0});
    GLY_CHECK_TEXT(self.error, "");
    GLY_CHECK_TEXT(self.path, "cache/9/2");
    gly_block_store *store = gly_shared_cache_blocks(self.environment.shared);
    gly_cached_block *block = gly_block_store_hold(store, 9, 2);
    GLY_CHECK(block != NULL);
    uint32_t columns = 0;
    const gly_type *kept = gly_block_store_types(block, &columns);
    GLY_CHECK(columns == 2 && gly_type_equal(kept[1], types[1]));
    GLY_CHECK_INT(gly_block_store_rows(block), 99);
    GLY_CHECK_INT(gly_block_store_size(block), 50000);
    gly_builder bytes = {0};
    gly_error error;
    GLY_CHECK_OK(gly_block_store_read(block, 0, 50000, &bytes, &error), &error);
    GLY_CHECK(memcmp(bytes.data, self.cached.data + self.cached.size - 50000, 50000) == 0);
    gly_builder_clear(&bytes);
    gly_block_store_release(store, block);
    self.cached.data[0] = 'X';
    pull(&self, 6, "elsewhere", "cache/9/3", 0, (gly_str){"", 0});
    GLY_CHECK(self.error[0] != '\0');
    close_world(&self);
}

GLY_SUITE("block puller", takes_a_map_output_over, leaves_nothing_half_done, links_on_the_same_host,
          takes_a_cached_partition_over)
