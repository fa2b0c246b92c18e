// delay TAP TAP MS: carries Ethernet frames between two TAP devices and holds each of them MS milliseconds.
// What `tc netem delay` does, for kernels that come without it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ROOM 65536 // frames on their way in one direction; more are dropped, as a full queue would
#define NEVER UINT64_MAX

struct frame {
  uint64_t due;
  ssize_t size;
  unsigned char *bytes;
};
struct way { // from one device to the other
  int from, to;
  struct frame frames[ROOM];
  unsigned first, next;
};
static struct way ways[2];
static unsigned char buffer[70000];

static uint64_t now(void) { // nanoseconds
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
    perror(name);
    exit(1);
  }
  return fd;
}

// Hands over what is due; says when the next frame is.
static uint64_t deliver(struct way *way) {
  while (way->first != way->next) {
    struct frame *frame = &way->frames[way->first % ROOM];
    if (frame->due > now()) return frame->due;
    if (write(way->to, frame->bytes, frame->size) < 0) { /* lost, as on a wire */ }
    free(frame->bytes);
    way->first++;
  }
  return NEVER;
}

static void take(struct way *way, uint64_t hold) {
  ssize_t size;
  while ((size = read(way->from, buffer, sizeof buffer)) > 0) {
    if (way->next - way->first >= ROOM) continue;
    struct frame *frame = &way->frames[way->next % ROOM];
    frame->bytes = malloc(size);
    if (!frame->bytes) continue;
    memcpy(frame->bytes, buffer, size);
    frame->size = size;
    frame->due = now() + hold;
    way->next++;
  }
}

int main(int count, char **words) {
  if (count != 4) return 2;
  int a = tap(words[1]), b = tap(words[2]);
  uint64_t hold = atof(words[3]) * 1e6;
  ways[0].from = ways[1].to = a;
  ways[0].to = ways[1].from = b;
  setpriority(PRIO_PROCESS, 0, -20);
  prctl(PR_SET_TIMERSLACK, 1000);
  for (;;) {
    uint64_t x = deliver(&ways[0]), y = deliver(&ways[1]), next = x < y ? x : y, t = now();
    struct pollfd fds[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    uint64_t rest = next > t ? next - t : 0;
    struct timespec pause = {rest / 1000000000, rest % 1000000000};
    if (ppoll(fds, 2, next == NEVER ? NULL : &pause, NULL) <= 0) continue;
    take(&ways[0], hold);
    take(&ways[1], hold);
  }
}
