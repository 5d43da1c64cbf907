// SPDX-License-Identifier: MIT
// Whether those who list a directory go on to look at what is in it: learned from what was done before, so that
// `find` gets names alone, and `ls -l` or `rm -r` the attributes with them. Looking an object up for its attributes
// costs more than listing it, on a cold disk a read; an entry that came without and is looked at costs a request.
// While attributes are given, one entry in some goes without: what becomes of those is what is learned from.
// Thread-safety: all methods.
#pragma once

#include <mutex>

namespace blendfs::fuse {

class AttributeDemand {
 public:
  // Whether the next entry gets its attributes; one that does not is counted.
  bool Give();
  // An entry of a directory that was listed with some going without has been looked at.
  void LookedAt();

 private:
  static constexpr unsigned kSeldom = 32, kOften = 8;  // one entry in so many goes without
  static constexpr unsigned kWorthIt = 4;  // attributes are given if one in so many is looked at
  static constexpr unsigned kWindow = 32;  // what lies back further counts half, a quarter, ...

  std::mutex mutex_;
  unsigned turn_ = 0;
  unsigned without_ = kWindow / 2, looked_at_ = kWindow / 2;  // given until something is known
};

}  // namespace blendfs::fuse
