// SPDX-License-Identifier: MIT
// Changes as the tar of a container image's layer (OCI): changed objects whole, what was removed as an empty file
// .wh.NAME, an opaque directory with a .wh..wh..opq in it.
// Thread-safety: one thread.
#pragma once

#include <unordered_map>

#include "unionfs/inspect/changes.h"
#include "unionfs/inspect/tar.h"

namespace blendfs::inspect {

class LayerTar : public ChangeSink {
 public:
  // `problems` gets a line for what the format has no place for: sockets, names that begin with .wh.
  LayerTar(merge::Union& fs, TarWriter& tar, std::vector<std::string>* problems)
      : fs_(fs), tar_(tar), problems_(*problems) {}
  Status Take(const Change& change) override;

 private:
  Status Object(const std::string& path, merge::Node& node);
  Status Fill(const std::string& path, merge::Node& node, TarEntry* entry);
  Status File(const std::string& path, merge::Node& node, const TarEntry& entry);
  Status Mark(const std::string& path);

  merge::Union& fs_;
  TarWriter& tar_;
  std::vector<std::string>& problems_;
  std::unordered_map<uint64_t, std::string>
      linked_;  // inode number -> the name it was written under
};

}  // namespace blendfs::inspect
