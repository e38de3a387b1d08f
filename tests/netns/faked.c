/* Preloaded into a daemon: FAKED_CLOCK is how many seconds its wall clock is off, FAKED_RANDOM the byte that all its
   random numbers are made of, as two machines have it that were made from one image. */

#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
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
