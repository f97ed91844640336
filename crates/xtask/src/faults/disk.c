/* Makes the disk of a program misbehave, where its own steps cannot: in the middle of a write.
 *
 * Loaded before a program (LD_PRELOAD), it answers writes to files below the folder FAULTS_BELOW:
 *
 *   FAULTS_SHORT=7     of each write, at most so many bytes are taken;
 *   FAULTS_SLOW=500    each write and flush takes so many microseconds longer;
 *   FAULTS_AFTER=4096  after so many bytes, every write fails with the error
 *   FAULTS_ERROR=5     of this number.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic long written;

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

/* Whether the file lies below the folder. */
static int is_ours(int file)
{
    static _Thread_local char link[64], path[PATH_MAX];
    const char *below = getenv("FAULTS_BELOW");
    if (!below)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0;
}

static void wait_a_little(void)
{
    long slow = number("FAULTS_SLOW", 0);
    if (slow > 0)
        usleep((useconds_t)slow);
}

/* How many bytes may be written; -1 for none, with errno set. */
static ssize_t allowed(size_t count)
{
    wait_a_little();
    long most = number("FAULTS_SHORT", 0), after = number("FAULTS_AFTER", -1);
    if (most > 0 && count > (size_t)most)
        count = (size_t)most;
    if (after >= 0 && atomic_fetch_add(&written, (long)count) + (long)count > after) {
        errno = (int)number("FAULTS_ERROR", ENOSPC);
        return -1;
    }
    return (ssize_t)count;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (count == 0 || !is_ours(file))
        return real(file, bytes, count);
    ssize_t most = allowed(count);
    return most < 0 ? -1 : real(file, bytes, (size_t)most);
}

/* Gathered writes are cut down to their first piece. */
ssize_t writev(int file, const struct iovec *pieces, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "writev");
    if (count == 0 || !is_ours(file))
        return real(file, pieces, count);
    return write(file, pieces[0].iov_base, pieces[0].iov_len);
}

static int flush(int file, const char *name)
{
    int (*real)(int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, name);
    if (is_ours(file))
        wait_a_little();
    return real(file);
}

int fsync(int file)
{
    return flush(file, "fsync");
}

int fdatasync(int file)
{
    return flush(file, "fdatasync");
}
