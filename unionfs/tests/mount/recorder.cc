// SPDX-License-Identifier: MIT
// A disk that remembers: serves one file, "disk", over FUSE and keeps a log of every write and every flush in
// the order they were answered. Under a loop device that is the order in which a file system handed its blocks
// and barriers to the hardware, so any prefix of the log is what a power cut at that moment could leave.
//
// One thread on purpose: the order in the log is the order of the answers.
//
//   blendfs_recorder MOUNT_POINT IMAGE LOG STATE
//
// STATE is a file of two 64-bit words, mapped by both sides: the number of log records whose request has been
// answered (or is about to be: the word moves before the answer), and a switch: not zero makes writes and
// flushes fail with EIO. LOG is a sequence of {u64 offset, u32 size, u32 kind} with `size` bytes of data after
// a write (kind 0) and none after a flush (kind 1). lab/recorder.py reads it.
#include <fcntl.h>
#include <fuse.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

constexpr char kDisk[] = "/disk";
constexpr uint32_t kWrite = 0;
constexpr uint32_t kFlush = 1;

struct Header {
  uint64_t offset;
  uint32_t size;
  uint32_t kind;
};

struct State {
  std::atomic<uint64_t> records;
  std::atomic<uint64_t> failing;
};

int image = -1;
int log_file = -1;
State* state = nullptr;

int Append(const Header& header, const char* data) {
  iovec parts[2] = {{const_cast<Header*>(&header), sizeof header},
                    {const_cast<char*>(data), header.kind == kWrite ? header.size : 0}};
  const auto want = static_cast<ssize_t>(parts[0].iov_len + parts[1].iov_len);
  if (writev(log_file, parts, 2) != want) return -EIO;
  state->records.fetch_add(1);
  return 0;
}

int GetAttr(const char* path, struct stat* out, fuse_file_info*) {
  if (strcmp(path, "/") == 0) {
    out->st_mode = S_IFDIR | 0700;
    out->st_nlink = 2;
    return 0;
  }
  if (strcmp(path, kDisk) != 0) return -ENOENT;
  struct stat real {};
  if (fstat(image, &real) != 0) return -errno;
  out->st_mode = S_IFREG | 0600;
  out->st_nlink = 1;
  out->st_size = real.st_size;
  return 0;
}

int Open(const char* path, fuse_file_info*) { return strcmp(path, kDisk) == 0 ? 0 : -ENOENT; }

int Read(const char*, char* buffer, size_t size, off_t offset, fuse_file_info*) {
  const ssize_t got = pread(image, buffer, size, offset);
  return got < 0 ? -errno : static_cast<int>(got);
}

int Write(const char*, const char* data, size_t size, off_t offset, fuse_file_info*) {
  if (state->failing.load() != 0) return -EIO;
  const ssize_t put = pwrite(image, data, size, offset);
  if (put < 0) return -errno;
  const int logged =
      Append({static_cast<uint64_t>(offset), static_cast<uint32_t>(put), kWrite}, data);
  return logged != 0 ? logged : static_cast<int>(put);
}

int Sync(const char*, int, fuse_file_info*) {
  if (state->failing.load() != 0) return -EIO;
  return Append({0, 0, kFlush}, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: blendfs_recorder MOUNT_POINT IMAGE LOG STATE\n");
    return 2;
  }
  image = open(argv[2], O_RDWR | O_CLOEXEC);
  log_file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  const int shared = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (image < 0 || log_file < 0 || shared < 0 || ftruncate(shared, sizeof(State)) != 0) {
    perror("blendfs_recorder");
    return 1;
  }
  void* memory = mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (memory == MAP_FAILED) {
    perror("blendfs_recorder: mmap");
    return 1;
  }
  state = static_cast<State*>(memory);

  fuse_operations table{};
  table.getattr = GetAttr;
  table.open = Open;
  table.read = Read;
  table.write = Write;
  table.fsync = Sync;
  char foreground[] = "-f", single[] = "-s";
  char* words[] = {argv[0], foreground, single, argv[1], nullptr};
  return fuse_main(4, words, &table, nullptr);
}
