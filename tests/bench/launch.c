// launch FILE PROCS COMMAND...: runs COMMAND in a control group (PROCS is its cgroup.procs) and writes to FILE, in one line:
// seconds from start to end, seconds of user and system time, peak memory of its largest process in KiB, exit code.
// A program of its own: a process that Python starts counts Python's own memory as its peak.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

int main(int count, char **words) {
  if (count < 4) return 2;
  FILE *out = fopen(words[1], "we"), *group = fopen(words[2], "we");
  if (!out || !group || fprintf(group, "%d", getpid()) < 0 || fclose(group)) {
    perror("launch");
    return 2;
  }
  double began = now();
  pid_t child = fork();
  if (child == 0) {
    execvp(words[3], words + 3);
    perror(words[3]);
    _exit(127);
  }
  int status;
  struct rusage used;
  if (child < 0 || wait4(child, &status, 0, &used) < 0) {
    perror("launch");
    return 2;
  }
  double took = now() - began;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  fprintf(out, "%.6f %.6f %.6f %ld %d\n", took, seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss, code);
  return fclose(out) ? 2 : 0;
}
