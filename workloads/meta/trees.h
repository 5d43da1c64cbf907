// SPDX-License-Identifier: MIT
// The data that cases work on, made once into a directory that becomes a lower or an upper layer.
// Everything follows from names, so that a case knows what it has to find. Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace blendload {

// A tree of `dirs` directories d000, d001, ... of `files` files f00, f01, ... of kSmallBytes each.
struct TreeShape {
  const char* name;
  int dirs;
  int files;
  int count() const { return dirs * files; }
  // The files and their directories.
  uint64_t objects() const {
    return static_cast<uint64_t>(dirs) * (static_cast<uint64_t>(files) + 1);
  }
};
inline constexpr size_t kSmallBytes = 2048;
inline constexpr TreeShape kSmall{"small", 200, 50};    // find, cat
inline constexpr TreeShape kCopyUp{"copyup", 40, 50};   // copyup-2k-small
inline constexpr TreeShape kChmod{"chmod", 40, 50};     // chmod-2k-lower
inline constexpr TreeShape kRemove{"remove", 100, 50};  // rm-lower-5k

// The large file: what is read, and behind it a tail for the first write, so that readers do not care
// whether that case ran before.
inline constexpr const char* kBigName = "big.bin";
inline constexpr uint64_t kBigBytes = uint64_t{512} << 20;
inline constexpr uint64_t kBigTailBytes = uint64_t{1} << 20;

// A large file of the upper, for the cases upper-*.
inline constexpr uint64_t kUpperFileBytes = uint64_t{128} << 20;

// Layers: each has a tree of its own and its part of one that all share.
inline constexpr int kLayerDirs = 20;       // of the shared tree, in every layer
inline constexpr int kLayerFiles = 5;       // a layer adds to each of them
inline constexpr int kLayerOwnFiles = 100;  // in the layer's own directory
inline constexpr const char* kSharedDir = "shared";
inline constexpr const char* kTopFile = "which-layer";  // in every layer; the topmost one's counts

std::string DirPath(const std::string& root, const TreeShape& shape, int dir);
std::string FilePath(const std::string& root, const TreeShape& shape, int dir, int file);
// Key of a file's content.
uint64_t FileKey(const TreeShape& shape, int dir, int file);
// Every file of the tree, in order.
void ForEachFile(const std::string& root, const TreeShape& shape,
                 const std::function<void(const std::string& path, uint64_t key)>& use);

// Names of the files in the case's own directory: "f00000" ...
inline constexpr int kNames = 10'000;
std::string NamePath(const std::string& folder, const char* prefix, int number);
inline constexpr size_t kNameBytes = 64;  // what each of them holds

// `what`: small, big, copyup, chmod, remove; "names:CASE" (kNames files in DIR/CASE), "file:CASE" (a
// large file DIR/CASE/data); "layer:K" (the K-th layer from the top, 0 first), "merged:N" (what a union
// of the layers 0 to N-1 shows). Dies of anything else.
void Prepare(const std::string& what, const std::string& dir);

}  // namespace blendload
