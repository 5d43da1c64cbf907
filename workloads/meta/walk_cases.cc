// SPDX-License-Identifier: MIT
// find and cat: over ten thousand small files of a lower layer, and what of that is repeated from
// caches.
#include <fcntl.h>

#include "workloads/meta/cases.h"
#include "workloads/meta/content.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace blendload {
namespace {

void WalkInto(const std::string& dir, Walked& walked) {
  std::vector<std::string> below;
  ForEachName(dir, [&](const dirent& entry) {
    const std::string path = dir + "/" + entry.d_name;
    const struct stat st = Stat(path);
    ++walked.entries;
    if (S_ISDIR(st.st_mode)) {
      below.push_back(path);
    } else {
      walked.file_bytes += static_cast<uint64_t>(st.st_size);
    }
  });
  for (const std::string& path : below) WalkInto(path, walked);
}

// As `find -size`: names and attributes of everything.
Result Find(const Where& where, bool warm) {
  const std::string top = where.root + "/" + kSmall.name;
  const uint64_t expected = kSmall.objects();
  Meter meter(where.daemons);
  auto run = [&] {
    const Walked walked = Walk(top);
    Expect(walked.entries == expected, "find saw " + std::to_string(walked.entries) +
                                           " entries instead of " + std::to_string(expected));
    Expect(walked.file_bytes == kSmall.count() * kSmallBytes, "find saw other sizes");
  };
  if (warm) {
    meter.Repeat(1, run);
  } else {
    meter.Once(run);
  }
  return meter.Finish(expected);
}

struct CatFile {
  std::string path;
  uint64_t sum;
};

// Every byte of every file, and the sum of its words against what it must be.
Result Cat(const Where& where, bool warm) {
  std::vector<char> bytes(kSmallBytes + 8);
  std::vector<CatFile> files;
  ForEachFile(where.root, kSmall, [&](const std::string& path, uint64_t key) {
    Fill(key, 0, bytes.data(), kSmallBytes);
    files.push_back({path, SumOfWords(bytes.data(), kSmallBytes)});
  });
  Meter meter(where.daemons);
  auto run = [&] {
    for (const CatFile& wanted : files) {
      const File file(wanted.path, O_RDONLY);
      const size_t size = file.Read(bytes.data(), bytes.size());
      Expect(size == kSmallBytes && SumOfWords(bytes.data(), size) == wanted.sum,
             wanted.path + " has other bytes");
    }
  };
  if (warm) {
    meter.Repeat(1, run);
  } else {
    meter.Once(run);
  }
  return meter.Finish(files.size(), files.size() * kSmallBytes);
}

}  // namespace

Walked Walk(const std::string& dir) {
  Walked walked;
  WalkInto(dir, walked);
  return walked;
}

void AddWalkCases(Cases& cases) {
  cases["cold-find"] = [](const Where& where) { return Find(where, false); };
  cases["warm-find"] = [](const Where& where) { return Find(where, true); };
  cases["cold-cat-10k"] = [](const Where& where) { return Cat(where, false); };
  cases["warm-cat-10k"] = [](const Where& where) { return Cat(where, true); };
}

}  // namespace blendload
