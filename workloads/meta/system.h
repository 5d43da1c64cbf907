// SPDX-License-Identifier: MIT
// The system calls of the workloads with one way out: a call that fails ends the program with one
// line, because a workload that went wrong has no time to report. Thread-safety: functions without
// state.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace blendload {

// "blendload: what" on standard error, exit status 1.
[[noreturn]] void Die(const std::string& what);
// The same, with the text of errno.
[[noreturn]] void DieErrno(const std::string& doing);

// Dies with `what` unless `holds`: how a workload checks its own result.
inline void Expect(bool holds, const std::string& what) {
  if (!holds) Die("wrong result: " + what);
}

// An open file; closing reports delayed errors, so it dies of them.
class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0644);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

  void WriteAt(const char* bytes, size_t size, uint64_t offset) const;
  void Append(const char* bytes, size_t size) const;
  // Dies on a short read: every file here has a known size.
  void ReadAt(char* bytes, size_t size, uint64_t offset) const;
  // Up to `size` bytes from the current position; 0 at the end.
  size_t Read(char* bytes, size_t size) const;
  void Sync() const;

 private:
  std::string path_;
  int fd_;
};

struct stat Stat(const std::string& path);  // lstat
bool Exists(const std::string& path);       // dies of any error but ENOENT
void MakeDir(const std::string& path);      // an existing one is fine
void Unlink(const std::string& path);
void RemoveDir(const std::string& path);

// Names of a directory without "." and "..", in the order the file system gives them.
void ForEachName(const std::string& path, const std::function<void(const dirent&)>& use);
size_t CountNames(const std::string& path);

// "f0007": `prefix` and a number of fixed width.
std::string Numbered(std::string_view prefix, int number, int width);

}  // namespace blendload
