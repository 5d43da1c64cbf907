// SPDX-License-Identifier: MIT
// Many threads changing names, and what the names lead to.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "unionfs/tests/mount/race.h"

namespace race {
namespace {

// --- storm ---

// What an operation on names that others change at the same time may answer.
bool IsExpected(int error) {
  static const std::set<int> kExpected = {0,      ENOENT, EEXIST, ENOTEMPTY, ENOTDIR, EISDIR,
                                          EINVAL, EBUSY,  EPERM,  EMLINK,    ELOOP};
  return kExpected.count(error) != 0;
}

void OneOperation(const std::string& dir, std::minstd_rand& random) {
  auto name = [&] { return dir + "/" + std::string(1, static_cast<char>('a' + random() % 6)); };
  auto path = [&] {
    return random() % 3 == 0 ? name() + "/" + std::string(1, static_cast<char>('a' + random() % 6))
                             : name();
  };
  const std::string one = path(), two = path();
  int result = 0;
  const auto kind = random() % 12;
  switch (kind) {
    case 0:
      result = mkdir(one.c_str(), 0755);
      break;
    case 1:
      result = rmdir(one.c_str());
      break;
    case 2:
      result = unlink(one.c_str());
      break;
    case 3:
    case 4:
      result = rename(one.c_str(), two.c_str());
      break;
    case 5:
      result = link(one.c_str(), two.c_str());
      break;
    case 6:
      result = symlink("target", one.c_str());
      break;
    case 7:
      result = renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
      break;
    case 8:
      result = chmod(one.c_str(), 0700);
      break;
    case 9: {
      DIR* stream = opendir(one.c_str());
      if (stream == nullptr) {
        result = -1;
        break;
      }
      std::set<std::string> seen;
      while (dirent* entry = readdir(stream)) {
        if (!seen.insert(entry->d_name).second)
          Find(std::string("name listed twice: ") + entry->d_name);
      }
      closedir(stream);
      break;
    }
    default: {
      int fd = open(one.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
      if (fd < 0) {
        result = -1;
        break;
      }
      char letter = 'x';
      Check(write(fd, &letter, 1) == 1, "write in the storm");
      close(fd);
    }
  }
  if (result != 0 && !IsExpected(errno))
    Find("operation " + std::to_string(kind) + " on " + one + " " + two + ": " + strerror(errno));
}

}  // namespace

void Storm(const std::string& dir, double seconds, unsigned seed) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      std::minstd_rand random(seed * 100 + i + 1);
      while (std::chrono::steady_clock::now() < end) OneOperation(dir, random);
    });
  }
  for (auto& thread : threads) thread.join();
}

// --- identity ---

// Files are replaced under their names while others open them by name: what is written through a descriptor
// must end up in the object that fstat names.
void Identity(const std::string& dir, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      const std::string fresh = dir + "/fresh" + std::to_string(i);
      for (unsigned turn = 0; std::chrono::steady_clock::now() < end; ++turn) {
        const std::string name = dir + "/n" + std::to_string(turn % 3);
        if (turn % 4 == 0) unlink(name.c_str());
        close(open(fresh.c_str(), O_CREAT | O_WRONLY, 0644));
        rename(fresh.c_str(), name.c_str());
      }
    });
  }
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (unsigned turn = 0; std::chrono::steady_clock::now() < end; ++turn) {
        const std::string name = dir + "/n" + std::to_string(turn % 3);
        int fd = open(name.c_str(), O_RDWR);
        if (fd < 0 && errno != ENOENT) Check(false, "open a name that is being replaced");
        if (fd < 0) continue;
        struct stat info {};
        uint64_t mark = 0;
        Check(fstat(fd, &info) == 0, "fstat of a replaced file");
        Check(pread(fd, &mark, sizeof mark, 0) >= 0, "read of a replaced file");
        if (mark != 0 && mark != info.st_ino)
          Find("bytes of inode " + std::to_string(mark) + " in inode " +
               std::to_string(info.st_ino));
        mark = info.st_ino;
        Check(pwrite(fd, &mark, sizeof mark, 0) == sizeof mark, "write to a replaced file");
        close(fd);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

// --- contend ---

void Contend(const std::string& dir) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 30; ++round) {
    const std::string path = dir + "/c" + std::to_string(round);
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        ++ready;
        while (ready < kThreads) {
        }
        int fd = -1;
        switch (i) {
          case 0:
            Check(chmod(path.c_str(), 0640) == 0, "chmod");
            break;
          case 1:
            Check(link(path.c_str(), (path + ".link").c_str()) == 0, "link");
            break;
          case 2:
            Check(chown(path.c_str(), 5, 6) == 0, "chown");
            break;
          case 3:
            Check(truncate(path.c_str(), 3000) == 0, "truncate");
            break;
          default:
            fd = open(path.c_str(), O_WRONLY | O_APPEND);
            Check(fd >= 0 && write(fd, "append", 6) == 6, "append");
            close(fd);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    struct stat one {
    }, two{};
    Check(stat(path.c_str(), &one) == 0 && stat((path + ".link").c_str(), &two) == 0,
          "stat afterwards");
    if (one.st_ino != two.st_ino || one.st_nlink != 2)
      Find(path + ": two objects or a wrong link count");
    if ((one.st_mode & 07777) != 0640 || one.st_uid != 5 || one.st_gid != 6)
      Find(path + ": a change of attributes was lost");
    if (one.st_size < 3000 || one.st_size > 3000 + 4 * 6 || (one.st_size - 3000) % 6 != 0) {
      Find(path + ": size " + std::to_string(one.st_size));
    }
  }
}

}  // namespace race
