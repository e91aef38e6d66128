/* host_identity.c - boot id, mount namespace and root directory of this process.
 *
 * Where one of them cannot be read, the process id takes its place: the text is then equal to no
 * other's, and files are fetched instead of opened.
 */
#include "lib/net/host_identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *gly_host_identity_read(char buffer[GLY_HOST_IDENTITY_SIZE]) {
    char boot[40] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, boot, 36);
    if (fd >= 0) {
        close(fd);
    }
    struct stat names, root;
    if (size == 36 && stat("/proc/self/ns/mnt", &names) == 0 && stat("/", &root) == 0) {
        snprintf(buffer, GLY_HOST_IDENTITY_SIZE, "%s-%llu-%llu.%llu", boot,
                 (unsigned long long)names.st_ino, (unsigned long long)root.st_dev,
                 (unsigned long long)root.st_ino);
    } else {
        snprintf(buffer, GLY_HOST_IDENTITY_SIZE, "process-%ld", (long)getpid());
    }
    return buffer;
}
