// SPDX-License-Identifier: MIT
// Reading and writing one large file, sequentially and at random, in small and large blocks. Every
// block read is checked by its first word while the clock runs and wholly afterwards; every file
// written is read back.
#include <fcntl.h>

#include <algorithm>
#include <numeric>

#include "workloads/meta/cases.h"
#include "workloads/meta/content.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace blendload {
namespace {

constexpr uint64_t k4K = 4096;
constexpr uint64_t k1M = uint64_t{1} << 20;
constexpr size_t kRandomReads = 32'768;

struct Target {
  std::string path;
  uint64_t key;
  uint64_t size;  // of the part that is used
};

Target Lower(const Where& where) {
  return {where.root + "/" + kBigName, KeyOf(kBigName), kBigBytes};
}
Target Upper(const Where& where) {
  return {where.folder() + "/data", KeyOf(where.name), kUpperFileBytes};
}

std::vector<uint64_t> InOrder(uint64_t size, uint64_t block) {
  std::vector<uint64_t> offsets(size / block);
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = i * block;
  return offsets;
}

// The same permutation of all blocks in every run.
std::vector<uint64_t> Shuffled(uint64_t size, uint64_t block) {
  std::vector<uint64_t> offsets = InOrder(size, block);
  for (size_t i = offsets.size(); i > 1; --i)
    std::swap(offsets[i - 1], offsets[WordAt(4711, i * 8) % i]);
  return offsets;
}

void ExpectContent(const Target& target, uint64_t key) {
  const File file(target.path, O_RDONLY);
  std::vector<char> bytes(k1M);
  for (const uint64_t offset : InOrder(target.size, k1M)) {
    file.ReadAt(bytes.data(), k1M, offset);
    Expect(Matches(key, offset, bytes.data(), k1M),
           target.path + " has other bytes near " + std::to_string(offset));
  }
}

void ReadBlocks(const File& file, uint64_t key, const std::vector<uint64_t>& offsets,
                std::vector<char>& block) {
  for (const uint64_t offset : offsets) {
    file.ReadAt(block.data(), block.size(), offset);
    Expect(FirstWord(block.data()) == WordAt(key, offset),
           file.path() + " has other bytes at " + std::to_string(offset));
  }
}

Result ReadCase(const Where& where, const Target& target, const std::vector<uint64_t>& offsets,
                uint64_t block_size, bool warm) {
  std::vector<char> block(block_size);
  Meter meter(where.daemons);
  {
    const File file(target.path, O_RDONLY);
    if (warm) {
      // Into the cache once, whatever part the rounds read.
      std::vector<char> large(k1M);
      ReadBlocks(file, target.key, InOrder(target.size, k1M), large);
      meter.Repeat(1, [&] { ReadBlocks(file, target.key, offsets, block); });
    } else {
      meter.Once([&] { ReadBlocks(file, target.key, offsets, block); });
    }
  }
  ExpectContent(target, target.key);
  return meter.Finish(offsets.size(), offsets.size() * block_size);
}

// Overwrites the whole file, with other bytes in every round.
Result WriteCase(const Where& where, const std::vector<uint64_t>& offsets, uint64_t block_size) {
  const Target target = Upper(where);
  std::vector<char> bytes(target.size);
  uint64_t key = target.key;
  Meter meter(where.daemons);
  {
    const File file(target.path, O_RDWR);
    int rounds = 0;
    double measured_s = 0;
    while (measured_s < kEnough_s && rounds < kMaxRounds) {
      Fill(++key, 0, bytes.data(), bytes.size());
      meter.Once([&] {
        for (const uint64_t offset : offsets)
          file.WriteAt(bytes.data() + offset, block_size, offset);
      });
      measured_s += meter.last_s();
      ++rounds;
    }
  }
  ExpectContent(target, key);
  return meter.Finish(offsets.size(), target.size);
}

// A new file, to the disk.
Result CreateAndWrite(const Where& where) {
  MakeDir(where.folder());
  const Target target{where.folder() + "/data", KeyOf(where.name), kBigBytes};
  std::vector<char> bytes(k1M);
  Fill(target.key, 0, bytes.data(), bytes.size());
  Meter meter(where.daemons);
  meter.Once([&] {
    const File file(target.path, O_WRONLY | O_CREAT | O_EXCL);
    for (const uint64_t offset : InOrder(target.size, k1M)) {
      const uint64_t word = WordAt(target.key, offset);  // no two blocks alike
      std::copy_n(reinterpret_cast<const char*>(&word), sizeof word, bytes.data());
      file.WriteAt(bytes.data(), k1M, offset);
    }
    file.Sync();
  });
  const File file(target.path, O_RDONLY);
  std::vector<char> block(k1M);
  for (const uint64_t offset : InOrder(target.size, k1M)) {
    file.ReadAt(block.data(), k1M, offset);
    Expect(FirstWord(block.data()) == WordAt(target.key, offset) &&
               std::equal(block.begin() + 8, block.end(), bytes.begin() + 8),
           target.path + " has other bytes near " + std::to_string(offset));
  }
  Expect(static_cast<uint64_t>(Stat(target.path).st_size) == target.size, "the file's size");
  return meter.Finish(target.size / k1M, target.size);
}

}  // namespace

void AddDataCases(Cases& cases) {
  cases["cold-seqread"] = [](const Where& where) {
    return ReadCase(where, Lower(where), InOrder(kBigBytes, k1M), k1M, false);
  };
  cases["lower-read-4k-warm"] = [](const Where& where) {
    return ReadCase(where, Lower(where), InOrder(kBigBytes, k4K), k4K, true);
  };
  cases["lower-randread-4k-warm"] = [](const Where& where) {
    std::vector<uint64_t> offsets = Shuffled(kBigBytes, k4K);
    offsets.resize(kRandomReads);
    return ReadCase(where, Lower(where), offsets, k4K, true);
  };
  cases["lower-read-1M-warm"] = [](const Where& where) {
    return ReadCase(where, Lower(where), InOrder(kBigBytes, k1M), k1M, true);
  };
  cases["upper-read-4k-warm"] = [](const Where& where) {
    return ReadCase(where, Upper(where), InOrder(kUpperFileBytes, k4K), k4K, true);
  };
  cases["upper-write-4k"] = [](const Where& where) {
    return WriteCase(where, InOrder(kUpperFileBytes, k4K), k4K);
  };
  cases["upper-randwrite-4k"] = [](const Where& where) {
    return WriteCase(where, Shuffled(kUpperFileBytes, k4K), k4K);
  };
  cases["upper-write-1M"] = [](const Where& where) {
    return WriteCase(where, InOrder(kUpperFileBytes, k1M), k1M);
  };
  cases["upper-create-seqwrite-512M"] = CreateAndWrite;
}

}  // namespace blendload
