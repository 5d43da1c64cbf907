// SPDX-License-Identifier: MIT
// Numbers from a seed, the same for ever: the standard library's shuffle and distributions may differ between
// releases. SplitMix64 (Steele, Lea, Flood 2014): tiny, well mixed from any seed.
// Thread-safety: one thread.
#pragma once

#include <cstdint>

namespace blendbench {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  // Uniform below `bound` (> 0): draws from the incomplete last stretch are rejected.
  uint64_t Below(uint64_t bound) {
    const uint64_t rejected = (0 - bound) % bound;
    uint64_t value = Next();
    while (value < rejected) value = Next();
    return value % bound;
  }

 private:
  uint64_t state_;
};

}  // namespace blendbench
