// SPDX-License-Identifier: MIT
#include "harness/cluster/block_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>

#include "harness/base/files.h"
#include "harness/base/text.h"

namespace blendbench {
namespace {

constexpr double kPauseS = 0.2;
constexpr size_t kMostHolderBytes = 256;

std::string HolderOf(int fd) {
  char bytes[kMostHolderBytes] = {};
  const ssize_t length = ::pread(fd, bytes, sizeof bytes, 0);
  return length > 0 ? OneLine(std::string_view(bytes, static_cast<size_t>(length))) : "(unknown)";
}

}  // namespace

Result<BlockLock> BlockLock::Take(const std::filesystem::path& file, const std::string& holder,
                                  double wait_s, const Interrupt& interrupt) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return tl::unexpected(FileError("lock", file, errno));
  const Deadline deadline = Deadline::After(wait_s);
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return tl::unexpected(FileError("lock", file, errno));
    if (deadline.passed())
      return Fail(ExitCode::kEnvironment,
                  fmt::format("{}: {} works on this block; wait for it to end", file.string(),
                              HolderOf(fd.get())));
    EventLoop loop(&interrupt);
    if (loop.RunUntil([] { return false; }, deadline.Within(kPauseS)) == Wait::kInterrupted)
      return Fail(ExitCode::kInterrupted, "interrupted while waiting for the block's lock");
  }
  const bool noted =
      ::ftruncate(fd.get(), 0) == 0 &&
      ::pwrite(fd.get(), holder.data(), holder.size(), 0) == static_cast<ssize_t>(holder.size());
  if (!noted) return tl::unexpected(FileError("write", file, errno));
  return BlockLock(std::move(fd));
}

}  // namespace blendbench
