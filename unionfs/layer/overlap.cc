// SPDX-License-Identifier: MIT
#include "unionfs/layer/overlap.h"

#include <sys/stat.h>

#include <map>
#include <utility>

#include "unionfs/sys/calls.h"
#include "unionfs/sys/filesystem.h"

namespace blendfs::layer {
namespace {

constexpr int kMaxDepth = 4096;

using ObjectId = std::pair<uint64_t, uint64_t>;  // device, inode

Result<ObjectId> Identify(BorrowedFd fd) {
  BLENDFS_ASSIGN(const sys::FileStat stat, sys::Real().StatFd(fd));
  return ObjectId{stat.dev, stat.ino};
}

std::string Quoted(const Place& place) { return place.option + " '" + place.path + "'"; }

Status Same(const Place& a, const Place& b, std::string* problem) {
  if (a.option == b.option) {
    *problem = Quoted(a) + " is given twice: name each layer once";
  } else {
    *problem = Quoted(a) + " and " + Quoted(b) + " are the same directory: use two";
  }
  return Fail(EINVAL, "compare the layers");
}

Status Inside(const Place& inner, const Place& outer, std::string* problem) {
  *problem = Quoted(inner) + " lies inside " + Quoted(outer) + ": put them beside each other";
  return Fail(ELOOP, "compare the layers");
}

class Checker {
 public:
  explicit Checker(const std::vector<Place>& places) : places_(places) {}

  Status Run(std::string* problem) {
    for (size_t i = 0; i < places_.size(); ++i) {
      BLENDFS_ASSIGN(const ObjectId id, Identify(places_[i].root));
      const auto [found, fresh] = by_id_.emplace(id, i);
      if (!fresh) return Same(places_[i], places_[found->second], problem);
    }
    for (const Place& place : places_) BLENDFS_TRY(CheckAncestors(place, problem));
    return {};
  }

 private:
  Status CheckAncestors(const Place& place, std::string* problem) {
    BLENDFS_ASSIGN(const uint64_t mount, sys::MountId(place.root));
    BLENDFS_ASSIGN(ObjectId last, Identify(place.root));
    UniqueFd held;
    for (int depth = 0; depth < kMaxDepth; ++depth) {
      Result<UniqueFd> parent = sys::OpenParent(held ? held.borrow() : place.root);
      if (!parent) return {};  // not ours to see, so no layer either
      held = std::move(*parent);
      BLENDFS_ASSIGN(const uint64_t parent_mount, sys::MountId(held.borrow()));
      BLENDFS_ASSIGN(const ObjectId id, Identify(held.borrow()));
      if (parent_mount != mount || id == last) return {};
      last = id;
      const auto found = by_id_.find(id);
      if (found == by_id_.end()) continue;
      const Place& outer = places_[found->second];
      if (place.written || outer.written) return Inside(place, outer, problem);
    }
    return {};
  }

  const std::vector<Place>& places_;
  std::map<ObjectId, size_t> by_id_;
};

}  // namespace

Status CheckApart(const std::vector<Place>& places, std::string* problem) {
  return Checker(places).Run(problem);
}

}  // namespace blendfs::layer
