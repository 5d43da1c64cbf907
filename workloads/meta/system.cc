// SPDX-License-Identifier: MIT
#include "workloads/meta/system.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace blendload {

void Die(const std::string& what) {
  fprintf(stderr, "blendload: %s\n", what.c_str());
  // Not exit(): nothing of a failed workload is worth flushing, and no destructor shall die again.
  _exit(1);
}

void DieErrno(const std::string& doing) { Die(doing + ": " + strerror(errno)); }

File::File(const std::string& path, int flags, mode_t mode)
    : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
  if (fd_ < 0) DieErrno("open " + path);
}

File::~File() {
  if (::close(fd_) != 0) DieErrno("close " + path_);
}

void File::WriteAt(const char* bytes, size_t size, uint64_t offset) const {
  while (size > 0) {
    const ssize_t done = ::pwrite(fd_, bytes, size, static_cast<off_t>(offset));
    if (done <= 0) DieErrno("write " + path_);
    bytes += done;
    size -= static_cast<size_t>(done);
    offset += static_cast<uint64_t>(done);
  }
}

void File::Append(const char* bytes, size_t size) const {
  while (size > 0) {
    const ssize_t done = ::write(fd_, bytes, size);
    if (done <= 0) DieErrno("write " + path_);
    bytes += done;
    size -= static_cast<size_t>(done);
  }
}

void File::ReadAt(char* bytes, size_t size, uint64_t offset) const {
  while (size > 0) {
    const ssize_t done = ::pread(fd_, bytes, size, static_cast<off_t>(offset));
    if (done < 0) DieErrno("read " + path_);
    Expect(done > 0, path_ + " ends before byte " + std::to_string(offset + size));
    bytes += done;
    size -= static_cast<size_t>(done);
    offset += static_cast<uint64_t>(done);
  }
}

size_t File::Read(char* bytes, size_t size) const {
  const ssize_t done = ::read(fd_, bytes, size);
  if (done < 0) DieErrno("read " + path_);
  return static_cast<size_t>(done);
}

void File::Sync() const {
  if (::fsync(fd_) != 0) DieErrno("fsync " + path_);
}

struct stat Stat(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) DieErrno("stat " + path);
  return st;
}

bool Exists(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) return true;
  if (errno != ENOENT) DieErrno("stat " + path);
  return false;
}

void MakeDir(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) DieErrno("mkdir " + path);
}

void Unlink(const std::string& path) {
  if (::unlink(path.c_str()) != 0) DieErrno("unlink " + path);
}

void RemoveDir(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) DieErrno("rmdir " + path);
}

void ForEachName(const std::string& path, const std::function<void(const dirent&)>& use) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  if (!dir) DieErrno("opendir " + path);
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") use(*entry);
    errno = 0;
  }
  if (errno != 0) DieErrno("readdir " + path);
}

size_t CountNames(const std::string& path) {
  size_t count = 0;
  ForEachName(path, [&](const dirent&) { ++count; });
  return count;
}

std::string Numbered(std::string_view prefix, int number, int width) {
  std::string digits = std::to_string(number);
  if (static_cast<int>(digits.size()) < width)
    digits.insert(0, static_cast<size_t>(width) - digits.size(), '0');
  return std::string(prefix) + digits;
}

}  // namespace blendload
