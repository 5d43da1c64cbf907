// SPDX-License-Identifier: MIT
#include "unionfs/sys/processors.h"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "unionfs/base/unique_fd.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {
namespace {

// proc_pid_stat(5): the fields are counted from 1, and the second, the program's name in parentheses, may
// hold anything.
constexpr int kProcessorField = 39;

std::optional<int> ProcessorIn(std::string_view stat) {
  size_t at = stat.rfind(')');
  for (int field = 2; field < kProcessorField; ++field) {
    if (at == std::string_view::npos) return std::nullopt;
    at = stat.find(' ', at + 1);
  }
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = stat.substr(at + 1);
  int number = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (read.ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<cpu_set_t> BothProcessors() {
  cpu_set_t allowed;
  if (get_nprocs() != 2 || sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
      CPU_COUNT(&allowed) != 2) {
    return std::nullopt;
  }
  return allowed;
}

cpu_set_t OneProcessor(int number) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(number, &set);
  return set;
}

std::optional<int> ProcessorOf(pid_t thread) {
  const int proc = thread::ProcRoot();
  if (proc < 0 || thread <= 0) return std::nullopt;
  char path[32];
  snprintf(path, sizeof path, "%d/stat", thread);
  const UniqueFd file(openat(proc, path, O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t size = file ? read(file.get(), text, sizeof text) : -1;
  if (size <= 0) return std::nullopt;
  return ProcessorIn(std::string_view(text, static_cast<size_t>(size)));
}

void StayOn(pid_t thread, const cpu_set_t& processors) {
  (void)sched_setaffinity(thread, sizeof processors, &processors);
}

pid_t ThisThread() {
  thread_local const pid_t id = gettid();  // which is a system call each time
  return id;
}

}  // namespace blendfs::sys
