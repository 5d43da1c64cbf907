// SPDX-License-Identifier: MIT
#include "harness/host/loop_mount.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/guest/process.h"

namespace blendbench {
namespace {

constexpr int kLoopTries = 50;  // others may take the free device that was named
constexpr int kRetry_us = 20'000;

constexpr off_t kSuperblockAt = 1024;
constexpr uint32_t kErofsMagic = 0xE0F5E1E2;

// What is no erofs is left to ext4, which says what is wrong with it.
const char* FileSystemOf(int image) {
  uint32_t magic = 0;
  const bool read = ::pread(image, &magic, sizeof magic, kSuperblockAt) == sizeof magic;
  return read && le32toh(magic) == kErofsMagic ? "erofs" : "ext4";
}

// A loop device over `image`, which the kernel takes down when its last user is gone.
Outcome<std::string> AttachLoop(const std::filesystem::path& image, bool read_only, LoopCache cache,
                                Fd& device, std::string& type) {
  const Fd backing(::open(image.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!backing) return Unexpected(ErrnoText("cannot open " + image.string()));
  type = FileSystemOf(backing.get());
  const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) return Unexpected(ErrnoText("cannot open /dev/loop-control (modprobe loop)"));
  for (int i = 0; i < kLoopTries; ++i) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return Unexpected(ErrnoText("no free loop device"));
    const std::string path = "/dev/loop" + std::to_string(number);
    device.reset(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!device) return Unexpected(ErrnoText("cannot open " + path));
    loop_config config{};
    config.fd = static_cast<uint32_t>(backing.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
    if (cache == LoopCache::kDirect) config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return path;
    if (errno != EBUSY) return Unexpected(ErrnoText("cannot set up " + path));
  }
  return Unexpected("every loop device was taken by somebody else");
}

}  // namespace

Outcome<void> MountImage(const std::filesystem::path& image, const std::filesystem::path& target,
                         bool read_only, LoopCache cache) {
  Fd device;
  std::string type;
  const Outcome<std::string> path = AttachLoop(image, read_only, cache, device, type);
  if (!path) return Unexpected(path.error());
  const unsigned long flags = MS_NOATIME | (read_only ? MS_RDONLY : 0);
  if (::mount(path->c_str(), target.c_str(), type.c_str(), flags, nullptr) != 0)
    return Unexpected(ErrnoText("cannot mount " + image.string()));
  return {};
}

Outcome<void> BindMount(const std::filesystem::path& from, const std::filesystem::path& target) {
  if (::mount(from.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return Unexpected(ErrnoText("cannot bind " + from.string()));
  return {};
}

Outcome<void> Unmount(const std::filesystem::path& target, Deadline deadline) {
  while (::umount2(target.c_str(), UMOUNT_NOFOLLOW) != 0) {
    if (errno != EBUSY || deadline.passed())
      return Unexpected(ErrnoText("cannot unmount " + target.string()));
    ::usleep(kRetry_us);
  }
  return {};
}

Outcome<void> SyncFileSystem(const std::filesystem::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) return Unexpected(ErrnoText("cannot sync " + path.string()));
  return {};
}

Outcome<void> DropCaches() {
  const Fd fd(::open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), "3", 1) != 1)
    return Unexpected(ErrnoText("cannot drop the caches (/proc/sys/vm/drop_caches)"));
  return {};
}

Outcome<void> CloneImage(const std::filesystem::path& from, const std::filesystem::path& to,
                         Deadline deadline, const Interrupt* interrupt) {
  const Outcome<std::string> copied = RunChecked(
      {"cp", "--reflink=auto", "--sparse=always", from.string(), to.string()}, deadline, interrupt);
  if (!copied) return Unexpected(copied.error());
  const Fd fd(::open(to.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return Unexpected(ErrnoText("cannot sync " + to.string()));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  return {};
}

}  // namespace blendbench
