/* host_identity.c - boot id, mount namespace, root directory and pod of this process.
 *
 * Where one of them cannot be read, the process id takes its place: the text is then equal to no
 * other's, and files are fetched instead of opened.
 */
#include "lib/net/host_identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *gly_host_identity_read(char buffer[GLY_HOST_IDENTITY_SIZE]) {
    char boot[40] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, boot, 36);
    if (fd >= 0) {
        close(fd);
    }
    const char *forced = getenv("GALLEY_HOST_IDENTITY"), *pod = getenv("GALLEY_POD_UID");
    bool is_alone = forced != NULL && strcmp(forced, "process") == 0;
    struct stat names, root;
    if (!is_alone && size == 36 && stat("/proc/self/ns/mnt", &names) == 0 &&
        stat("/", &root) == 0) {
        snprintf(buffer, GLY_HOST_IDENTITY_SIZE, "%s-%llu-%llu.%llu%s%.64s", boot,
                 (unsigned long long)names.st_ino, (unsigned long long)root.st_dev,
                 (unsigned long long)root.st_ino, pod == NULL ? "" : "-", pod == NULL ? "" : pod);
    } else {
        snprintf(buffer, GLY_HOST_IDENTITY_SIZE, "process-%ld", (long)getpid());
    }
    return buffer;
}
