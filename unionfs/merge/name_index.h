// SPDX-License-Identifier: MIT
// Which of a directory's lower places may have a name: a cheap "not there" for unions of many layers, where asking
// each of them costs a system call.
//
// Eight bytes for each name of each place. A name that is said to be absent is; one that may be there may not
// (two names with one hash). It stands for lower layers as they were when it was made: they do not change while they
// are mounted.
// Thread-safety: immutable once made. Errors: none; without one every place is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace blendfs::merge {

class NameIndex {
 public:
  // A name's places, ascending.
  class Places {
   public:
    bool Has(uint32_t place) const;

   private:
    friend class NameIndex;
    struct Mark {
      uint32_t hash, place;
      auto operator<=>(const Mark&) const = default;
    };
    explicit Places(std::span<const Mark> marks) : marks_(marks) {}
    std::span<const Mark> marks_;  // of one hash
  };

  class Builder {
   public:
    // `place` counts a directory's lower places from 0, the topmost.
    void Add(uint32_t place, std::string_view name);
    // Null when there are more names than are worth their memory. Empties the builder.
    std::unique_ptr<const NameIndex> Finish();

   private:
    std::vector<Places::Mark> marks_;
  };

  // Valid as long as the index.
  Places Of(std::string_view name) const;

 private:
  explicit NameIndex(std::vector<Places::Mark> marks) : marks_(std::move(marks)) {}

  const std::vector<Places::Mark> marks_;  // sorted
};

}  // namespace blendfs::merge
