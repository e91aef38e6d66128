/* commit_owner.c - a process is told by its machine's boot, its process namespace, its number and
 * the time it started: a number that was given to another process since is not mistaken for the
 * owner.
 *
 * Of a process elsewhere nothing can be seen, but a driver of the same application that is not us
 * was before us, and there is only one at a time.
 */
#include "lib/io/source/commit_owner.h"

#include "lib/base/alloc.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { TEXT_SIZE = 256 };

static const char *const phases[] = {[GLY_COMMIT_WRITING] = "writing",
                                     [GLY_COMMIT_COMPLETING] = "completing",
                                     [GLY_COMMIT_REPLACING] = "replacing"};

/* The file's beginning, NUL-terminated, or "". */
static void read_small(const char *path, char *ret, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, ret, size - 1);
    ret[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

static void find_place(char ret[TEXT_SIZE]) {
    char boot[64];
    char space[64] = "";
    read_small("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    boot[strcspn(boot, "\n")] = '\0';
    ssize_t size = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[size > 0 ? size : 0] = '\0';
    snprintf(ret, TEXT_SIZE, "%s/%s", boot, space);
}

/* When a process was started (clock ticks after boot), 0 if there is none: field 22 of its stat,
 * behind the name, which may hold anything but ends with the last ")". */
static unsigned long long start_of(long pid) {
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    read_small(path, text, sizeof text);
    const char *at = strrchr(text, ')');
    unsigned long long start = 0;
    char state = 'Z';
    if (at == NULL ||
        sscanf(at + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &state, &start) != 2) {
        return 0;
    }
    return state == 'Z' || state == 'X' ? 0 : start;
}

static const char *own_application(void) {
    const char *uid = getenv("GALLEY_APPLICATION_UID");
    return uid == NULL ? "" : uid;
}

void gly_commit_owner_format(gly_commit_phase phase, gly_builder *out) {
    char place[TEXT_SIZE];
    find_place(place);
    long pid = (long)getpid();
    gly_builder_format(out, "galley 1\nphase %s\nplace %s\nprocess %ld %llu\napplication %s\n",
                       phases[phase], place, pid, start_of(pid), own_application());
}

/* The rest of the line that begins with name, or empty. */
static gly_str field(gly_str text, const char *name) {
    gly_str wanted = gly_str_of(name);
    while (text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data);
        gly_str line = {text.data, size};
        if (gly_str_starts_with(line, wanted)) {
            return gly_str_trim((gly_str){line.data + wanted.size, line.size - wanted.size});
        }
        size_t skip = GLY_MIN(size + 1, text.size);
        text = (gly_str){text.data + skip, text.size - skip};
    }
    return (gly_str){"", 0};
}

gly_commit_life gly_commit_owner_look(gly_str text, gly_commit_phase *ret_phase) {
    *ret_phase = GLY_COMMIT_WRITING;
    if (!gly_str_starts_with(text, GLY_STR("galley 1\n"))) {
        return GLY_COMMIT_UNKNOWN;
    }
    gly_str phase = field(text, "phase ");
    for (size_t i = 0; i < GLY_ARRAY_LEN(phases); i++) {
        if (gly_str_equal(phase, gly_str_of(phases[i]))) {
            *ret_phase = (gly_commit_phase)i;
        }
    }
    char place[TEXT_SIZE];
    find_place(place);
    gly_str process = field(text, "process ");
    const char *space = memchr(process.data, ' ', process.size);
    if (gly_str_equal(field(text, "place "), gly_str_of(place)) && space != NULL) {
        size_t size = (size_t)(space - process.data);
        uint64_t pid;
        uint64_t start;
        if (gly_str_to_u64((gly_str){process.data, size}, &pid) && pid <= INT_MAX &&
            gly_str_to_u64((gly_str){space + 1, process.size - size - 1}, &start)) {
            return start_of((long)pid) == start && start != 0 ? GLY_COMMIT_ALIVE : GLY_COMMIT_DEAD;
        }
    }
    gly_str application = field(text, "application ");
    bool is_ours =
        application.size > 0 && gly_str_equal(application, gly_str_of(own_application()));
    return is_ours ? GLY_COMMIT_DEAD : GLY_COMMIT_UNKNOWN;
}
