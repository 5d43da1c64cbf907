// SPDX-License-Identifier: MIT
// System calls that are newer than the C library we build with, and which of them this kernel (and
// the sandbox around us) offers. Internal to sys/.
// Thread-safety: all functions may be called from any thread.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace blendfs::sys::kernel {

// Which newer calls may be used. Probed once, before first use, with arguments that make each call
// fail harmlessly; a test clears fields to force the fallbacks.
struct Features {
  std::atomic<bool> openat2{false};    // Linux 5.6
  std::atomic<bool> fchmodat2{false};  // 6.6
  std::atomic<bool> xattrat{false};    // 6.13
};
Features& TheFeatures();

// Each returns -1 with errno, as the C library's wrappers do.
int OpenAt2(int dir, const char* path, int flags, uint64_t resolve);
int ChmodAt2(int dir, const char* path, mode_t mode, unsigned flags);
ssize_t GetXattrAt(int dir, const char* path, unsigned at_flags, const char* key, void* value,
                   size_t size);
int SetXattrAt(int dir, const char* path, unsigned at_flags, const char* key, const void* value,
               size_t size, int flags);
ssize_t ListXattrAt(int dir, const char* path, unsigned at_flags, char* list, size_t size);
int RemoveXattrAt(int dir, const char* path, unsigned at_flags, const char* key);

// Repeats a call that a signal interrupted.
template <typename Call>
auto RetryInterrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace blendfs::sys::kernel
