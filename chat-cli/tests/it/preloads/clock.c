/* Once the file CHAT_TEST_TRIGGER exists, the clock fails in the threads called CHAT_TEST_THREAD. Rust panics then. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*get)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    const char *wanted = getenv("CHAT_TEST_THREAD"), *trigger = getenv("CHAT_TEST_TRIGGER");
    char name[16] = "";
    if (wanted && trigger && !pthread_getname_np(pthread_self(), name, sizeof name) && !strcmp(name, wanted)
        && !access(trigger, F_OK)) {
        errno = EINVAL;
        return -1;
    }
    return get(clock, now);
}
