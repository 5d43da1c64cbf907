// SPDX-License-Identifier: MIT
// untar: what unpacking an archive of a small program asks of a file system, without the archive: 150
// directories, 1,500 files of up to 24 KiB (6 KiB on average) with owner, mode and times, 100 symlinks.
#include <fcntl.h>

#include <cstring>

#include "workloads/meta/cases.h"
#include "workloads/meta/content.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace blendload {
namespace {

constexpr int kDirs = 150;
constexpr int kFilesPerDir = 10;
constexpr int kLinks = 100;
constexpr timespec kTime{1'400'000'000, 123'456'789};
constexpr timespec kTimes[2] = {kTime, kTime};

struct Member {
  std::string path;
  uint64_t key;
  size_t size;
};

// Mostly small files, as in real archives: three quarters up to 4 KiB, the rest up to 24 KiB.
size_t SizeOf(uint64_t key) {
  const uint64_t draw = WordAt(key, 0);
  const size_t limit = draw % 4 == 0 ? 24 * 1024 : 4 * 1024;
  return (8 + (draw >> 8) % limit) / 8 * 8;
}

void Extract(const Member& member, const char* bytes) {
  const File file(member.path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  file.Append(bytes, member.size);
  if (::fchown(file.fd(), 1000, 1000) != 0) DieErrno("chown " + member.path);
  if (::fchmod(file.fd(), 0640) != 0) DieErrno("chmod " + member.path);
  if (::futimens(file.fd(), kTimes) != 0) DieErrno("utimes " + member.path);
}

void Check(const Member& member, std::vector<char>& bytes) {
  const struct stat st = Stat(member.path);
  Expect(static_cast<size_t>(st.st_size) == member.size && (st.st_mode & 07777) == 0640 &&
             st.st_uid == 1000 && st.st_gid == 1000,
         member.path + " has other attributes");
  Expect(st.st_mtim.tv_sec == kTime.tv_sec && st.st_mtim.tv_nsec == kTime.tv_nsec,
         member.path + " has other times");
  const File file(member.path, O_RDONLY);
  file.ReadAt(bytes.data(), member.size, 0);
  Expect(Matches(member.key, 0, bytes.data(), member.size), member.path + " has other bytes");
}

Result Untar(const Where& where) {
  std::vector<std::string> dirs;
  std::vector<Member> members;
  std::vector<std::string> contents;
  for (int dir = 0; dir < kDirs; ++dir) {
    dirs.push_back(where.folder() + "/" + Numbered("d", dir, 3));
    for (int file = 0; file < kFilesPerDir; ++file) {
      const std::string path = dirs.back() + "/" + Numbered("f", file, 2);
      const uint64_t key = KeyOf(path.substr(where.root.size()));
      members.push_back({path, key, SizeOf(key)});
      contents.emplace_back(members.back().size, '\0');
      Fill(key, 0, contents.back().data(), members.back().size);
    }
  }
  auto link = [&](int number) { return dirs[static_cast<size_t>(number)] + "/link"; };
  Meter meter(where.daemons);
  meter.Once([&] {
    MakeDir(where.folder());
    for (const std::string& dir : dirs) MakeDir(dir);
    for (size_t i = 0; i < members.size(); ++i) Extract(members[i], contents[i].data());
    for (int number = 0; number < kLinks; ++number)
      if (::symlink("f00", link(number).c_str()) != 0) DieErrno("symlink");
    for (const std::string& dir : dirs)
      if (::utimensat(AT_FDCWD, dir.c_str(), kTimes, 0) != 0) DieErrno("utimes " + dir);
  });
  std::vector<char> bytes(32 * 1024);
  for (const Member& member : members) Check(member, bytes);
  for (const std::string& dir : dirs)
    Expect(Stat(dir).st_mtim.tv_sec == kTime.tv_sec, dir + " has another time");
  for (int number = 0; number < kLinks; ++number) {
    char target[8] = {};
    Expect(::readlink(link(number).c_str(), target, sizeof target) == 3 &&
               memcmp(target, "f00", 3) == 0,
           link(number) + " has another target");
  }
  return meter.Finish(dirs.size() + members.size() + kLinks);
}

}  // namespace

void AddUntarCase(Cases& cases) { cases["untar"] = Untar; }

}  // namespace blendload
