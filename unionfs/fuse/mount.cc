// SPDX-License-Identifier: MIT
#include "unionfs/fuse/mount.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

extern char** environ;

namespace blendfs::fuse {
namespace {

constexpr const char* kDevice = "/dev/fuse";

std::string Join(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined.push_back(',');
    joined.append(word);
  }
  return joined;
}

std::string DeviceRemedy(int code) {
  if (code == ENOENT || code == ENODEV || code == ENXIO)
    return ": load the module (modprobe fuse) and mount devtmpfs on /dev";
  if (code == EACCES || code == EPERM) return ": this user may not use FUSE here";
  return "";
}

// For libfuse's option parser: commas and backslashes inside a value are escaped.
std::string Escaped(const std::string& value) {
  std::string escaped;
  for (char c : value) {
    if (c == ',' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return escaped;
}

}  // namespace

Result<UniqueFd> MountDirectly(const MountConfig& config, std::string* problem) {
  struct stat target {};
  if (stat(config.target.c_str(), &target) != 0) {
    int code = errno;
    *problem = "mount point " + config.target + ": " + strerror(code);
    return Fail(code, "stat mount point");
  }
  if (!S_ISDIR(target.st_mode)) {
    *problem = "mount point " + config.target + " is not a directory";
    return Fail(ENOTDIR, "mount point");
  }
  UniqueFd device(open(kDevice, O_RDWR | O_CLOEXEC));
  if (!device) {
    int code = errno;
    *problem = std::string("cannot open ") + kDevice + ": " + strerror(code) + DeviceRemedy(code);
    return Fail(code == EPERM ? EACCES : code, "open /dev/fuse");
  }
  std::vector<std::string> options = {
      "fd=" + std::to_string(device.get()), "rootmode=40000", "user_id=" + std::to_string(getuid()),
      "group_id=" + std::to_string(getgid()), "default_permissions"};
  if (config.allow_other) options.push_back("allow_other");
  options.insert(options.end(), config.kernel_options.begin(), config.kernel_options.end());
  std::string type = "fuse." + config.subtype;
  if (mount(config.source.c_str(), config.target.c_str(), type.c_str(), config.flags,
            Join(options).c_str()) != 0) {
    int code = errno;
    *problem = "cannot mount on " + config.target + ": " + strerror(code);
    if (code == EINVAL) *problem += " (the kernel log may say which mount option it refused)";
    if (code == ENODEV) *problem += ": the kernel has no FUSE, load the module (modprobe fuse)";
    return Fail(code, "mount");
  }
  return device;
}

std::string WordsForLibfuse(const MountConfig& config) {
  struct Word {
    unsigned long flag;
    const char* set;
    const char* clear;
  };
  static constexpr std::array<Word, 7> kWords = {{{MS_RDONLY, "ro", "rw"},
                                                  {MS_NOSUID, "nosuid", "suid"},
                                                  {MS_NODEV, "nodev", "dev"},
                                                  {MS_NOEXEC, "noexec", "exec"},
                                                  {MS_NOATIME, "noatime", nullptr},
                                                  {MS_DIRSYNC, "dirsync", nullptr},
                                                  {MS_SYNCHRONOUS, "sync", nullptr}}};
  std::vector<std::string> words = {"fsname=" + Escaped(config.source),
                                    "subtype=" + Escaped(config.subtype), "default_permissions"};
  for (const Word& word : kWords) {
    const char* text = (config.flags & word.flag) != 0 ? word.set : word.clear;
    if (text != nullptr) words.emplace_back(text);
  }
  if (config.allow_other) words.emplace_back("allow_other");
  for (const std::string& option : config.kernel_options) words.push_back(Escaped(option));
  return Join(words);
}

Status Unmount(const MountConfig& config) {
  if (umount2(config.target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  if (errno != EPERM) return FailErrno("umount");
  const char* arguments[] = {"fusermount3", "-u", "-z", "-q", "--", config.target.c_str(), nullptr};
  pid_t child = 0;
  int code = posix_spawnp(&child, arguments[0], nullptr, nullptr,
                          const_cast<char* const*>(arguments), environ);
  if (code != 0) return Fail(code, "fusermount3");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Fail(EPERM, "fusermount3");
  return {};
}

}  // namespace blendfs::fuse
