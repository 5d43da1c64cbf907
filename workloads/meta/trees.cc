// SPDX-License-Identifier: MIT
#include "workloads/meta/trees.h"

#include <fcntl.h>

#include <cstdlib>

#include "workloads/meta/content.h"
#include "workloads/meta/system.h"

namespace blendload {
namespace {

constexpr uint64_t kChunk = uint64_t{1} << 20;

void MakeTree(const std::string& root, const TreeShape& shape) {
  MakeDir(root + "/" + shape.name);
  for (int dir = 0; dir < shape.dirs; ++dir) MakeDir(DirPath(root, shape, dir));
  std::vector<char> bytes(kSmallBytes);
  ForEachFile(root, shape, [&](const std::string& path, uint64_t key) {
    Fill(key, 0, bytes.data(), bytes.size());
    File(path, O_WRONLY | O_CREAT | O_TRUNC).Append(bytes.data(), bytes.size());
  });
}

void MakeLarge(const std::string& path, uint64_t key, uint64_t size) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  std::vector<char> bytes(kChunk);
  for (uint64_t offset = 0; offset < size; offset += kChunk) {
    Fill(key, offset, bytes.data(), kChunk);
    file.WriteAt(bytes.data(), kChunk, offset);
  }
}

void MakeNames(const std::string& folder) {
  MakeDir(folder);
  std::vector<char> bytes(kNameBytes);
  for (int number = 0; number < kNames; ++number) {
    Fill(static_cast<uint64_t>(number), 0, bytes.data(), bytes.size());
    File(NamePath(folder, "f", number), O_WRONLY | O_CREAT | O_TRUNC)
        .Append(bytes.data(), bytes.size());
  }
}

void Touch(const std::string& path) { const File file(path, O_WRONLY | O_CREAT | O_TRUNC); }

void AddLayer(int layer, const std::string& dir) {
  const std::string own = dir + "/" + Numbered("own", layer, 3);
  MakeDir(own);
  for (int file = 0; file < kLayerOwnFiles; ++file) Touch(own + "/" + Numbered("f", file, 3));
  MakeDir(dir + "/" + kSharedDir);
  for (int folder = 0; folder < kLayerDirs; ++folder) {
    const std::string shared = dir + "/" + kSharedDir + "/" + Numbered("d", folder, 2);
    MakeDir(shared);
    for (int file = 0; file < kLayerFiles; ++file)
      Touch(shared + "/" + Numbered("l", layer, 3) + Numbered("-", file, 1));
  }
}

void MakeLayers(int first, int end, const std::string& dir) {
  for (int layer = first; layer < end; ++layer) AddLayer(layer, dir);
  // The topmost layer's wins.
  const std::string text = std::to_string(first);
  File(dir + "/" + kTopFile, O_WRONLY | O_CREAT | O_TRUNC).Append(text.data(), text.size());
}

}  // namespace

std::string DirPath(const std::string& root, const TreeShape& shape, int dir) {
  return root + "/" + shape.name + "/" + Numbered("d", dir, 3);
}

std::string FilePath(const std::string& root, const TreeShape& shape, int dir, int file) {
  return DirPath(root, shape, dir) + "/" + Numbered("f", file, 2);
}

uint64_t FileKey(const TreeShape& shape, int dir, int file) {
  return KeyOf(FilePath("", shape, dir, file));
}

void ForEachFile(const std::string& root, const TreeShape& shape,
                 const std::function<void(const std::string&, uint64_t)>& use) {
  for (int dir = 0; dir < shape.dirs; ++dir)
    for (int file = 0; file < shape.files; ++file)
      use(FilePath(root, shape, dir, file), FileKey(shape, dir, file));
}

std::string NamePath(const std::string& folder, const char* prefix, int number) {
  return folder + "/" + Numbered(prefix, number, 5);
}

void Prepare(const std::string& what, const std::string& dir) {
  MakeDir(dir);
  for (const TreeShape& shape : {kSmall, kCopyUp, kChmod, kRemove})
    if (what == shape.name) return MakeTree(dir, shape);
  if (what == "big")
    return MakeLarge(dir + "/" + kBigName, KeyOf(kBigName), kBigBytes + kBigTailBytes);
  const size_t colon = what.find(':');
  const std::string kind = what.substr(0, colon);
  const std::string argument = colon == std::string::npos ? "" : what.substr(colon + 1);
  if (kind == "names" && !argument.empty()) return MakeNames(dir + "/" + argument);
  if (kind == "file" && !argument.empty()) {
    MakeDir(dir + "/" + argument);
    return MakeLarge(dir + "/" + argument + "/data", KeyOf(argument), kUpperFileBytes);
  }
  char* end = nullptr;
  const long number = strtol(argument.c_str(), &end, 10);
  const bool is_number = !argument.empty() && *end == '\0' && number >= 0 && number <= 1000;
  if (kind == "layer" && is_number)
    return MakeLayers(static_cast<int>(number), static_cast<int>(number) + 1, dir);
  if (kind == "merged" && is_number) return MakeLayers(0, static_cast<int>(number), dir);
  Die("prepare: unknown data '" + what + "'");
}

}  // namespace blendload
