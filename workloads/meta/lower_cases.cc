// SPDX-License-Identifier: MIT
// Changes to objects of a lower layer: what a union answers by copying up, or by a whiteout.
#include <fcntl.h>

#include "workloads/meta/cases.h"
#include "workloads/meta/content.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace blendload {
namespace {

constexpr size_t kBlock = 4096;
constexpr uint64_t kChunk = uint64_t{1} << 20;
constexpr mode_t kOtherMode = 0600;

void Chmod(const std::string& path) {
  if (::chmod(path.c_str(), kOtherMode) != 0) DieErrno("chmod " + path);
}

void ExpectMode(const std::string& path) {
  Expect((Stat(path).st_mode & 07777) == kOtherMode, path + " has another mode");
}

void ExpectBig(const std::string& path, uint64_t size) {
  const File file(path, O_RDONLY);
  std::vector<char> bytes(kChunk);
  for (uint64_t offset = 0; offset < size; offset += kChunk) {
    file.ReadAt(bytes.data(), kChunk, offset);
    Expect(Matches(KeyOf(kBigName), offset, bytes.data(), kChunk),
           path + " has other bytes near " + std::to_string(offset));
  }
}

// One block behind the part that other cases read, and on the disk.
Result FirstWrite(const Where& where) {
  const std::string path = where.root + "/" + kBigName;
  const uint64_t key = KeyOf(where.name);
  std::vector<char> block(kBlock);
  Fill(key, kBigBytes, block.data(), kBlock);
  Meter meter(where.daemons);
  meter.Once([&] {
    const File file(path, O_RDWR);
    file.WriteAt(block.data(), kBlock, kBigBytes);
    file.Sync();
  });
  const File file(path, O_RDONLY);
  file.ReadAt(block.data(), kBlock, kBigBytes);
  Expect(Matches(key, kBigBytes, block.data(), kBlock), "what was written is not there");
  file.ReadAt(block.data(), kBlock, kBigBytes + kBlock);
  Expect(Matches(KeyOf(kBigName), kBigBytes + kBlock, block.data(), kBlock),
         "the bytes behind it have changed");
  ExpectBig(path, kBigBytes);
  return meter.Finish(1);
}

Result ChmodBig(const Where& where) {
  const std::string path = where.root + "/" + kBigName;
  Meter meter(where.daemons);
  meter.Once([&] { Chmod(path); });
  ExpectMode(path);
  ExpectBig(path, kBigBytes);
  return meter.Finish(1);
}

// Each file's first write is one byte at its end.
Result CopyUpSmall(const Where& where) {
  Meter meter(where.daemons);
  std::vector<std::string> paths;
  ForEachFile(where.root, kCopyUp,
              [&](const std::string& path, uint64_t) { paths.push_back(path); });
  meter.Once([&] {
    for (const std::string& path : paths) File(path, O_WRONLY | O_APPEND).Append("+", 1);
  });
  std::vector<char> bytes(kSmallBytes + 1);
  ForEachFile(where.root, kCopyUp, [&](const std::string& path, uint64_t key) {
    Expect(Stat(path).st_size == static_cast<off_t>(kSmallBytes + 1), path + " has another size");
    const File file(path, O_RDONLY);
    file.ReadAt(bytes.data(), bytes.size(), 0);
    Expect(Matches(key, 0, bytes.data(), kSmallBytes) && bytes.back() == '+',
           path + " has other bytes");
  });
  return meter.Finish(paths.size());
}

Result ChmodSmall(const Where& where) {
  std::vector<std::string> paths;
  ForEachFile(where.root, kChmod,
              [&](const std::string& path, uint64_t) { paths.push_back(path); });
  Meter meter(where.daemons);
  meter.Once([&] {
    for (const std::string& path : paths) Chmod(path);
  });
  std::vector<char> bytes(kSmallBytes);
  ForEachFile(where.root, kChmod, [&](const std::string& path, uint64_t key) {
    ExpectMode(path);
    const File file(path, O_RDONLY);
    file.ReadAt(bytes.data(), bytes.size(), 0);
    Expect(Matches(key, 0, bytes.data(), kSmallBytes), path + " has other bytes");
  });
  return meter.Finish(paths.size());
}

// The files and their directories, in that order, as `rm -r`.
Result RemoveTree(const Where& where) {
  const std::string top = where.root + "/" + kRemove.name;
  Meter meter(where.daemons);
  meter.Once([&] {
    for (int dir = 0; dir < kRemove.dirs; ++dir) {
      for (int file = 0; file < kRemove.files; ++file)
        Unlink(FilePath(where.root, kRemove, dir, file));
      RemoveDir(DirPath(where.root, kRemove, dir));
    }
  });
  Expect(CountNames(top) == 0, "directories are left");
  Expect(!Exists(FilePath(where.root, kRemove, 0, 0)), "a removed file is still there");
  return meter.Finish(kRemove.objects());
}

}  // namespace

void AddLowerCases(Cases& cases) {
  cases["first-write-512M"] = FirstWrite;
  cases["chmod-512M-lower"] = ChmodBig;
  cases["copyup-2k-small"] = CopyUpSmall;
  cases["chmod-2k-lower"] = ChmodSmall;
  cases["rm-lower-5k"] = RemoveTree;
}

}  // namespace blendload
