/* Refuses every thread after the first CHAT_TEST_THREADS ones, as a system at its limit of processes does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int made;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    const char *limit = getenv("CHAT_TEST_THREADS");
    if (limit && atomic_fetch_add(&made, 1) >= atoi(limit))
        return EAGAIN;
    return create(thread, attributes, run, argument);
}
