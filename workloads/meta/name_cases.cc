// SPDX-License-Identifier: MIT
// Names: ten thousand files of the upper made, looked at, listed, renamed and removed, and names that
// are not there looked up. Each case has a directory of its own.
#include <fcntl.h>

#include <cerrno>
#include <cstdio>

#include "workloads/meta/cases.h"
#include "workloads/meta/content.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace blendload {
namespace {

constexpr int kMissingNames = 1'000;
constexpr int kMissingPasses = 50;

std::vector<std::string> NamePaths(const Where& where, const char* prefix) {
  std::vector<std::string> paths;
  for (int number = 0; number < kNames; ++number)
    paths.push_back(NamePath(where.folder(), prefix, number));
  return paths;
}

// Whether the files of kNames hold what they were given, by every hundredth.
void ExpectNames(const Where& where, const char* prefix) {
  Expect(CountNames(where.folder()) == kNames, "the directory lists another number of files");
  std::vector<char> bytes(kNameBytes);
  for (int number = 0; number < kNames; number += 100) {
    const File file(NamePath(where.folder(), prefix, number), O_RDONLY);
    file.ReadAt(bytes.data(), kNameBytes, 0);
    Expect(Matches(static_cast<uint64_t>(number), 0, bytes.data(), kNameBytes),
           file.path() + " has other bytes");
  }
}

Result Create(const Where& where) {
  MakeDir(where.folder());
  const std::vector<std::string> paths = NamePaths(where, "f");
  std::vector<char> bytes(kNameBytes);
  Meter meter(where.daemons);
  meter.Once([&] {
    for (size_t i = 0; i < paths.size(); ++i) {
      Fill(i, 0, bytes.data(), bytes.size());
      File(paths[i], O_WRONLY | O_CREAT | O_EXCL).Append(bytes.data(), bytes.size());
    }
  });
  ExpectNames(where, "f");
  return meter.Finish(kNames);
}

Result StatNames(const Where& where) {
  const std::vector<std::string> paths = NamePaths(where, "f");
  Meter meter(where.daemons);
  meter.Repeat(1, [&] {
    for (const std::string& path : paths)
      Expect(Stat(path).st_size == static_cast<off_t>(kNameBytes), path + " has another size");
  });
  return meter.Finish(kNames);
}

Result ListNames(const Where& where) {
  Meter meter(where.daemons);
  meter.Repeat(1, [&] {
    Expect(CountNames(where.folder()) == kNames, "the directory lists another number of files");
  });
  return meter.Finish(kNames);
}

Result RenameNames(const Where& where) {
  const std::vector<std::string> from = NamePaths(where, "f"), to = NamePaths(where, "g");
  Meter meter(where.daemons);
  meter.Once([&] {
    for (size_t i = 0; i < from.size(); ++i)
      if (::rename(from[i].c_str(), to[i].c_str()) != 0) DieErrno("rename " + from[i]);
  });
  ExpectNames(where, "g");
  Expect(!Exists(from[0]) && !Exists(from[kNames - 1]), "an old name is still there");
  return meter.Finish(kNames);
}

Result RemoveNames(const Where& where) {
  const std::vector<std::string> paths = NamePaths(where, "f");
  Meter meter(where.daemons);
  meter.Once([&] {
    for (const std::string& path : paths) Unlink(path);
  });
  Expect(CountNames(where.folder()) == 0, "files are left");
  Expect(!Exists(paths[0]), "a removed name is still there");
  return meter.Finish(kNames);
}

void ExpectMissing(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    struct stat st {};
    Expect(::lstat(path.c_str(), &st) != 0, path + " is there");
    if (errno != ENOENT) DieErrno("stat " + path);
  }
}

// The same thousand names again and again, in a directory of a lower layer: the first pass asks the
// layers, the others a cache of what is not there, if there is one.
Result LookUpMissing(const Where& where) {
  std::vector<std::string> paths;
  for (int number = 0; number < kMissingNames; ++number)
    paths.push_back(DirPath(where.root, kSmall, 0) + "/" + Numbered("none", number, 4));
  Meter meter(where.daemons);
  meter.Repeat(0, [&] {
    for (int pass = 0; pass < kMissingPasses; ++pass) ExpectMissing(paths);
  });
  Expect(Exists(FilePath(where.root, kSmall, 0, 0)), "a file that is there is not found");
  return meter.Finish(uint64_t{kMissingNames} * kMissingPasses);
}

}  // namespace

void AddNameCases(Cases& cases) {
  cases["create-10k"] = Create;
  cases["stat-10k-warm"] = StatNames;
  cases["readdir-10k"] = ListNames;
  cases["rename-10k"] = RenameNames;
  cases["rm-10k"] = RemoveNames;
  cases["negative-lookup-50k"] = LookUpMissing;
}

}  // namespace blendload
