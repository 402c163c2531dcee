// Runs a program to which the kernel answers every attempt to lock a file with an error: without_locks ERRNO PROGRAM ARGS...
// Unlike a replaced function, this reaches SQLite and the program alike, whichever way they call the kernel.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// Skips as many instructions as the last two numbers say, if the value is equal and if it is not.
#define COMPARE(value, equal, other) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, equal, other)
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, answer)

int main(int argc, char **argv) {
    if (argc < 3) return 99;
    struct sock_filter filter[] = {
        LOAD(nr),
        COMPARE(SYS_flock, 5, 0),
        COMPARE(SYS_fcntl, 0, 3),
        LOAD(args[1]),
        COMPARE(F_SETLK, 2, 0),
        COMPARE(F_SETLKW, 1, 0),
        ANSWER(SECCOMP_RET_ALLOW),
        ANSWER(SECCOMP_RET_ERRNO | atoi(argv[1])),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
        execv(argv[2], argv + 2);
    perror(argv[2]);
    return 99;
}
