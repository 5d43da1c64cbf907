// SPDX-License-Identifier: MIT
//
// shutdown VERB: the last program that runs before a machine goes down whose root was a union. systemd has gone back to
// /run/initramfs and started this as process 1; the old root is at /oldroot. Unmounts the root and then the
// images below it, so that no file system is left dirty, and carries out the verb: poweroff, reboot, kexec, halt.
// The verb `unmount` does only the first, for other programs that shut down: 0 when nothing is left, else 1.
//
// The union's daemon holds its images and /dev open until the union is unmounted, and the union cannot be unmounted
// while they are mounted inside it. So what is busy is moved out of the root, and unmounted after it. A daemon closes
// its images only when its mount is gone and all it had to write is on the disk: hence the wait.
//
// Linked statically, without threads: nothing else is left to run on.
#include <linux/reboot.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int kMostPlaces = 4096;
constexpr int kPathBytes = 4096;
constexpr int kLineBytes = 16384;
constexpr int kPatience_s = 90;
constexpr int kSilence_s = 5;
constexpr char kOldRoot[] = "/oldroot";
constexpr char kAside[] = "/aside";

char* places[kMostPlaces];
int place_count = 0;
int moved_count = 0;

[[gnu::format(printf, 1, 2)]] void Say(const char* format, ...) {
  char line[kPathBytes + 256];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  FILE* console = fopen("/dev/console", "we");
  if (console == nullptr) return;
  if (length > 0) fprintf(console, "blendfs: %s\n", line);
  fclose(console);
}

bool IsBelow(const char* place, const char* folder) {
  const size_t length = strlen(folder);
  return strncmp(place, folder, length) == 0 && place[length] == '/';
}

// The kernel's files write blanks and the like as \ooo.
void Unescape(char* text) {
  char* out = text;
  for (const char* in = text; *in != '\0'; ++out) {
    if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
        in[3] >= '0' && in[3] <= '7') {
      *out = static_cast<char>((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
      in += 4;
    } else {
      *out = *in++;
    }
  }
  *out = '\0';
}

bool IsOurs(const char* place) {
  return strcmp(place, kOldRoot) == 0 || IsBelow(place, kOldRoot) || IsBelow(place, kAside) ||
         IsBelow(place, "/run/blendfs");
}

// Fills `places` with what is left of the old root, in the order of mounting. False where that cannot be read.
bool ReadPlaces() {
  while (place_count > 0) free(places[--place_count]);
  FILE* table = fopen("/proc/self/mountinfo", "re");
  if (table == nullptr) return false;
  static char line[kLineBytes];
  static char place[kLineBytes];
  while (fgets(line, sizeof line, table) != nullptr && place_count < kMostPlaces) {
    if (sscanf(line, "%*s %*s %*s %*s %16383s", place) != 1) continue;
    Unescape(place);
    if (!IsOurs(place)) continue;
    char* copy = strdup(place);
    if (copy != nullptr) places[place_count++] = copy;
  }
  fclose(table);
  return true;
}

void MoveAside(const char* place) {
  char target[64];
  snprintf(target, sizeof target, "%s/%d", kAside, ++moved_count);
  mkdir(kAside, 0700);
  mkdir(target, 0700);
  mount(place, target, nullptr, MS_MOVE, nullptr);
}

// One round, innermost first. True when nothing is left.
bool UnmountAll() {
  if (!ReadPlaces()) return false;
  for (int i = place_count; i-- > 0;) {
    if (umount2(places[i], UMOUNT_NOFOLLOW) == 0) continue;
    if (IsBelow(places[i], kOldRoot)) MoveAside(places[i]);
  }
  return ReadPlaces() && place_count == 0;
}

int Seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int>(now.tv_sec);
}

bool UnmountPatiently() {
  // Else what is moved or unmounted here is so elsewhere, or may not be moved at all.
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const int begin = Seconds();
  bool said = false;
  while (!UnmountAll()) {
    const int waited = Seconds() - begin;
    if (waited >= kPatience_s) {
      for (int i = 0; i < place_count; ++i) Say("still mounted: %s", places[i]);
      return false;
    }
    if (waited >= kSilence_s && !said) {
      said = true;
      Say("waiting until everything is on the disk, at most %d s", kPatience_s);
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = 50'000'000};
    nanosleep(&pause, nullptr);
  }
  return true;
}

void CarryOut(const char* verb) {
  if (strcmp(verb, "reboot") == 0) {
    reboot(RB_AUTOBOOT);
  } else if (strcmp(verb, "kexec") == 0) {
    reboot(RB_KEXEC);
    reboot(RB_AUTOBOOT);  // no kernel was loaded
  } else if (strcmp(verb, "halt") == 0) {
    reboot(RB_HALT_SYSTEM);
  }
  reboot(RB_POWER_OFF);
}

}  // namespace

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "poweroff";
  const bool only_unmount = strcmp(verb, "unmount") == 0;
  if (!only_unmount && getpid() != 1) {
    fprintf(stderr,
            "shutdown: only process 1 may do that at the end of a shutdown; see systemctl(1)\n");
    return 2;
  }
  struct stat ignored {};
  if (!only_unmount && stat(kOldRoot, &ignored) != 0) Say("the root does not answer");
  const bool clean = UnmountPatiently();
  sync();
  if (only_unmount) return clean ? 0 : 1;
  CarryOut(verb);
  for (;;) pause();  // process 1 must not end
}
