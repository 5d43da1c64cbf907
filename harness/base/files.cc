// SPDX-License-Identifier: MIT
#include "harness/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// Closes on the way out; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  int Close() {
    const int result = fd_ < 0 ? 0 : close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

void SyncFolder(const fs::path& folder) {
  const Descriptor fd(
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) fsync(fd.get());  // a file system without this has no better way either
}

// Hands every chunk of the file to `take`; an Error when reading fails, or the file is larger than `most` bytes.
template <typename Take>
Result<void> ForEachChunk(const fs::path& path, uint64_t most, Take take) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat there {};
  if (fd.get() < 0 || fstat(fd.get(), &there) != 0)
    return tl::unexpected(FileError("read", path, errno));
  if (!S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode))
    return Fail(ExitCode::kEnvironment,
                fmt::format("cannot read {}: it is not a regular file; name one", path.string()));
  if (static_cast<uint64_t>(there.st_size) > most)
    return Fail(ExitCode::kEnvironment,
                fmt::format("cannot read {}: larger than {} MiB, so none of ours", path.string(),
                            most >> 20));
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<char> buffer(size_t{1} << 18);
  for (;;) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(FileError("read", path, errno));
    if (got == 0) return {};
    take(std::string_view(buffer.data(), static_cast<size_t>(got)));
  }
}

const char* Remedy(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return "check the path";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a place you may use, or change its permissions";
    case ENOSPC:
    case EDQUOT:
      return "free some space and run again with --resume; finished samples are kept";
    case EISDIR:
      return "name a file, not a folder";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return "see the system log for the device's state";
  }
}

}  // namespace

Error FileError(const std::string& action, const fs::path& path, int error_number) {
  return {ExitCode::kEnvironment, fmt::format("cannot {} {}: {}; {}", action, path.string(),
                                              std::strerror(error_number), Remedy(error_number))};
}

Result<std::string> ReadFile(const fs::path& path) {
  std::string content;
  auto read = ForEachChunk(path, kMostFileBytes, [&](std::string_view chunk) { content += chunk; });
  if (!read) return tl::unexpected(read.error());
  return content;
}

std::optional<std::string> FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

Result<void> WriteFileAtomic(const fs::path& path, std::string_view content) {
  std::string temporary = path.string() + ".XXXXXX";
  Descriptor fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (fd.get() < 0) return tl::unexpected(FileError("write", path, errno));
  const bool ok = WriteAll(fd.get(), content) && fchmod(fd.get(), 0644) == 0 &&
                  fsync(fd.get()) == 0 && fd.Close() == 0 &&
                  rename(temporary.c_str(), path.c_str()) == 0;
  if (!ok) {
    const int error_number = errno;
    unlink(temporary.c_str());
    return tl::unexpected(FileError("write", path, error_number));
  }
  SyncFolder(path.parent_path());
  return {};
}

Result<void> WriteOutput(const fs::path& path, std::string_view content) {
  std::error_code error;
  const fs::file_status there = fs::status(path, error);
  if (!fs::exists(there)) return WriteFileAtomic(path, content);
  if (fs::is_regular_file(there)) {
    const fs::path target = fs::canonical(path, error);
    return WriteFileAtomic(error ? path : target, content);
  }
  Descriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0 || !WriteAll(fd.get(), content) || fd.Close() != 0)
    return tl::unexpected(FileError("write", path, errno));
  return {};
}

Result<uint64_t> FreeBytes(const fs::path& path) {
  fs::path existing = fs::absolute(path);
  std::error_code ignored;
  while (!fs::exists(existing, ignored) && existing.has_relative_path())
    existing = existing.parent_path();
  struct statvfs status {};
  if (statvfs(existing.c_str(), &status) != 0) {
    return tl::unexpected(FileError("examine", existing, errno));
  }
  return uint64_t{status.f_bavail} * status.f_frsize;
}

Result<std::string> Sha256OfFile(const fs::path& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return Fail(ExitCode::kBroke, "libcrypto offers no SHA-256; reinstall libssl");
  }
  auto read = ForEachChunk(path, UINT64_MAX, [&](std::string_view chunk) {
    EVP_DigestUpdate(context.get(), chunk.data(), chunk.size());
  });
  if (!read) return tl::unexpected(read.error());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), digest, &length);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace blendbench
