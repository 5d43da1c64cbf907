// SPDX-License-Identifier: MIT
// A union over real directories in a temporary folder, for the benchmarks. Thread-safety: one thread.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "unionfs/merge/node.h"
#include "unionfs/merge/union.h"

namespace blendfs::micro {

class Layers {
 public:
  // `lowers` empty lower layers, and an upper.
  explicit Layers(int lowers) : lowers_(lowers) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "blendfs-micro-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    base_ = pattern;
    std::filesystem::create_directories(base_ + "/upper");
    std::filesystem::create_directories(base_ + "/work");
    for (int layer = 0; layer < lowers; ++layer) std::filesystem::create_directories(Lower(layer));
  }
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;
  ~Layers() {
    union_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(base_, ignored);
  }

  // The folder of a lower layer, 0 the topmost.
  std::string Lower(int layer) const { return base_ + "/l" + std::to_string(layer); }
  std::string Upper() const { return base_ + "/upper"; }
  static void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }

  // Throws with the reason where it cannot.
  merge::Union& Open(bool volatile_upper = false) {
    union_.reset();
    layer::StackConfig config;
    for (int layer = 0; layer < lowers_; ++layer) config.lowers.push_back(Lower(layer));
    config.upper = Upper();
    config.work = base_ + "/work";
    config.volatile_upper = volatile_upper;
    std::string problem;
    auto stack = layer::Stack::Open(sys::Real(), config, &problem);
    if (!stack) throw std::runtime_error(problem);
    merge::Options options;
    options.volatile_upper = volatile_upper;
    auto opened = merge::Union::Open(sys::Real(), std::move(*stack), std::move(options));
    if (!opened) throw std::runtime_error("the union does not open");
    union_ = std::move(*opened);
    return *union_;
  }
  merge::Union& fs() { return *union_; }

  // One component after the other. The counts are kept: the union goes soon.
  merge::Node& At(const std::string& path) {
    merge::Node* node = &union_->root();
    for (const auto& part : std::filesystem::path(path)) {
      auto entry = union_->Lookup(*node, part.string());
      if (!entry) throw std::runtime_error("not there: " + path);
      node = entry->node;
    }
    return *node;
  }

 private:
  int lowers_;
  std::string base_;
  std::unique_ptr<merge::Union> union_;
};

}  // namespace blendfs::micro
