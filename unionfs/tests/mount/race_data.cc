// SPDX-License-Identifier: MIT
// Reading, mapping and writing one file while it is copied up.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "unionfs/tests/mount/race.h"

namespace race {
namespace {

constexpr size_t kBlock = 4096;
constexpr size_t kBlocks = 64;  // of each file: 256 KiB
constexpr size_t kWords = kBlock / sizeof(uint64_t);

// A word of a file says which block it belongs to and which generation wrote it, so that a zero page, a
// page of elsewhere and an old page are told apart.
uint64_t Word(uint64_t generation, size_t block, size_t word) {
  return (generation << 40) | (uint64_t{1} << 39) | (block << 16) | word;
}

// One file being read and written at once.
class Subject {
 public:
  explicit Subject(std::string path) : path_(std::move(path)) {
    for (auto& published : published_) published = 0;
  }

  void Write() {
    int fd = open(path_.c_str(), O_RDWR);
    Check(fd >= 0, "open for writing " + path_);
    if (fd < 0) return;
    std::vector<uint64_t> block(kWords);
    for (uint64_t generation = 1; generation <= 4; ++generation) {
      for (size_t b = 0; b < kBlocks; ++b) {
        for (size_t w = 0; w < kWords; ++w) block[w] = Word(generation, b, w);
        bool good = pwrite(fd, block.data(), kBlock, static_cast<off_t>(b * kBlock)) ==
                    static_cast<ssize_t>(kBlock);
        Check(good, "write " + path_);
        published_[b].store(generation, std::memory_order_release);
      }
    }
    close(fd);
    done_ = true;
  }

  // Reads through a descriptor that was opened before the copy-up.
  void ReadOld(int fd) {
    alignas(kBlock) static thread_local uint64_t block[kWords];
    do {
      for (size_t b = 0; b < kBlocks; ++b) {
        uint64_t least = published_[b].load(std::memory_order_acquire);
        ssize_t size = pread(fd, block, kBlock, static_cast<off_t>(b * kBlock));
        Check(size == static_cast<ssize_t>(kBlock), "read " + path_);
        if (size == static_cast<ssize_t>(kBlock)) Judge(block, b, least, "read");
      }
    } while (!done_);
  }

  void Reopen(int extra_flags) {
    do {
      int fd = open(path_.c_str(), O_RDONLY | extra_flags);
      Check(fd >= 0, "open " + path_);
      if (fd < 0) return;
      alignas(kBlock) static thread_local uint64_t block[kWords];
      for (size_t b = 0; b < kBlocks; b += 5) {
        uint64_t least = published_[b].load(std::memory_order_acquire);
        ssize_t size = pread(fd, block, kBlock, static_cast<off_t>(b * kBlock));
        Check(size == static_cast<ssize_t>(kBlock), "read after a new open " + path_);
        if (size == static_cast<ssize_t>(kBlock)) Judge(block, b, least, "new open");
      }
      close(fd);
    } while (!done_);
  }

  void Map(int fd) {
    void* memory = mmap(nullptr, kBlock * kBlocks, PROT_READ, MAP_SHARED, fd, 0);
    Check(memory != MAP_FAILED, "map " + path_);
    if (memory == MAP_FAILED) return;
    auto* words = static_cast<const volatile uint64_t*>(memory);
    do {
      for (size_t b = 0; b < kBlocks; ++b) {
        uint64_t least = published_[b].load(std::memory_order_acquire);
        uint64_t copy[kWords];
        for (size_t w = 0; w < kWords; ++w) copy[w] = words[b * kWords + w];
        Judge(copy, b, least, "mapping");
      }
    } while (!done_);
    munmap(memory, kBlock * kBlocks);
  }

  void Stat() {
    do {
      struct stat info {};
      Check(stat(path_.c_str(), &info) == 0, "stat " + path_);
      if (info.st_size != static_cast<off_t>(kBlock * kBlocks))
        Find("size of " + path_ + " is " + std::to_string(info.st_size));
    } while (!done_);
  }

  const std::string& path() const { return path_; }

 private:
  void Judge(const uint64_t* block, size_t b, uint64_t least, const char* how) {
    for (size_t w = 0; w < kWords; ++w) {
      uint64_t generation = block[w] >> 40;
      if (generation < least || block[w] != Word(generation, b, w)) {
        char text[200];
        snprintf(text, sizeof text,
                 "%s: %s of block %zu word %zu: generation %llu, at least %llu expected (%llx)",
                 path_.c_str(), how, b, w, static_cast<unsigned long long>(generation),
                 static_cast<unsigned long long>(least), static_cast<unsigned long long>(block[w]));
        return Find(text);
      }
    }
  }

  std::string path_;
  std::atomic<uint64_t> published_[kBlocks];
  std::atomic<bool> done_{false};
};

}  // namespace

void Coherence(const std::string& dir, int count) {
  for (int i = 0; i < count; ++i) {
    Subject subject(dir + "/f" + std::to_string(i));
    int reader = open(subject.path().c_str(), O_RDONLY);
    int mapper = open(subject.path().c_str(), O_RDONLY);
    Check(reader >= 0 && mapper >= 0, "open before");
    std::vector<std::thread> threads;
    threads.emplace_back([&] { subject.ReadOld(reader); });
    threads.emplace_back([&] { subject.Map(mapper); });
    threads.emplace_back([&] { subject.Reopen(0); });
    threads.emplace_back([&] { subject.Reopen(O_DIRECT); });
    threads.emplace_back([&] { subject.Stat(); });
    threads.emplace_back([&] { subject.Write(); });
    for (auto& thread : threads) thread.join();
    close(reader);
    close(mapper);
  }
}

}  // namespace race
