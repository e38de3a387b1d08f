/* Preloaded into a daemon: FAKED_CLOCK is how many seconds its wall clock is off, FAKED_RANDOM the byte that all its
   random numbers are made of, as two machines have it that were made from one image. FAKED_DEAF is a file of one byte:
   while that is not 0, captures fail and none can be opened. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    const char *off = getenv("FAKED_CLOCK");
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && off && clock == CLOCK_REALTIME)
        now->tv_sec += atol(off);
    return failed;
}

ssize_t getrandom(void *bytes, size_t length, unsigned flags) {
    const char *byte = getenv("FAKED_RANDOM");
    if (!byte)
        return syscall(SYS_getrandom, bytes, length, flags);
    memset(bytes, atoi(byte), length);
    return length;
}

static const volatile char *deaf;

/* Before the process has given up what this takes. */
__attribute__((constructor)) static void share(void) {
    const char *path = getenv("FAKED_DEAF");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *shared = mmap(NULL, 1, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED)
        deaf = shared;
    close(file);
}

/* Asked by libpcap about a capture that has nothing more to give, and by nobody else. */
int poll(struct pollfd *fds, nfds_t count, int timeout) {
    if (deaf && *deaf) {
        for (nfds_t at = 0; at < count; at++)
            fds[at].revents = POLLHUP;
        return count;
    }
    struct timespec left = {timeout / 1000, timeout % 1000 * 1000000L};
    return ppoll(fds, count, timeout < 0 ? NULL : &left, NULL);
}

int socket(int domain, int type, int protocol) {
    if (deaf && *deaf && domain == AF_PACKET) {
        errno = EMFILE;
        return -1;
    }
    return syscall(SYS_socket, domain, type, protocol);
}
