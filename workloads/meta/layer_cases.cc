// SPDX-License-Identifier: MIT
// A union of many layers, freshly mounted over warm layers: everything walked, a tree that every layer
// has a part of listed, and names that no layer has looked up.
#include <fcntl.h>

#include <cerrno>

#include "workloads/meta/cases.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace blendload {
namespace {

constexpr int kMissingPerDir = 1'000;

std::string SharedDir(const Where& where, int dir) {
  return where.root + "/" + kSharedDir + "/" + Numbered("d", dir, 2);
}

void ExpectTopmost(const Where& where) {
  const File file(where.root + "/" + kTopFile, O_RDONLY);
  char text[8] = {};
  Expect(file.Read(text, sizeof text) == 1 && text[0] == '0', "a lower layer's file is on top");
}

void NeedLayers(const Where& where) {
  if (where.layers < 1) Die("--layers is missing");
}

Result FindAll(const Where& where) {
  NeedLayers(where);
  // Per layer its own directory and files and its part of the shared tree; once, the shared tree's
  // directories and the file on top. A case before may have left a folder, so only these are walked.
  const auto layers = static_cast<uint64_t>(where.layers);
  const uint64_t expected =
      layers * (1 + kLayerOwnFiles) + 1 + kLayerDirs + layers * kLayerDirs * kLayerFiles + 1;
  Meter meter(where.daemons);
  uint64_t entries = 0;
  meter.Once([&] { entries = Walk(where.root).entries; });
  Expect(entries == expected,
         "find saw " + std::to_string(entries) + " entries instead of " + std::to_string(expected));
  ExpectTopmost(where);
  return meter.Finish(expected);
}

// Names alone, as `ls`.
Result ListShared(const Where& where) {
  NeedLayers(where);
  const auto expected = static_cast<size_t>(where.layers) * kLayerFiles;
  Meter meter(where.daemons);
  meter.Once([&] {
    for (int dir = 0; dir < kLayerDirs; ++dir)
      Expect(CountNames(SharedDir(where, dir)) == expected,
             "a directory of all layers lists another number of files");
  });
  ExpectTopmost(where);
  return meter.Finish(kLayerDirs * expected);
}

// No name twice: each miss has to be found out in every layer.
Result LookUpMissing(const Where& where) {
  NeedLayers(where);
  std::vector<std::string> paths;
  for (int dir = 0; dir < kLayerDirs; ++dir)
    for (int number = 0; number < kMissingPerDir; ++number)
      paths.push_back(SharedDir(where, dir) + "/" + Numbered("none", number, 4));
  Meter meter(where.daemons);
  meter.Once([&] {
    for (const std::string& path : paths) {
      struct stat st {};
      Expect(::lstat(path.c_str(), &st) != 0 && errno == ENOENT, path + " is there");
    }
  });
  Expect(Exists(SharedDir(where, 0) + "/l000-0"), "a file that is there is not found");
  return meter.Finish(paths.size());
}

}  // namespace

void AddLayerCases(Cases& cases) {
  cases["layers-find"] = FindAll;
  cases["layers-tree"] = ListShared;
  cases["layers-negative"] = LookUpMissing;
}

}  // namespace blendload
