// SPDX-License-Identifier: MIT
// What files hold: every 8-byte word follows from the file's key and its place, so that any byte can
// be checked without a copy of the data, and no two blocks are alike. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace blendload {

uint64_t KeyOf(std::string_view name);  // of a file, by its name within its data set

// The word at byte `offset` (a multiple of 8) of the file `key`.
inline uint64_t WordAt(uint64_t key, uint64_t offset) {
  uint64_t z = key + (offset / 8 + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// The `size` bytes from `offset` on; both multiples of 8.
void Fill(uint64_t key, uint64_t offset, char* bytes, size_t size);

// Whether they are what Fill makes.
bool Matches(uint64_t key, uint64_t offset, const char* bytes, size_t size);

uint64_t FirstWord(const char* bytes);
// Of all words: a check of the whole that costs next to nothing beside reading it.
uint64_t SumOfWords(const char* bytes, size_t size);

}  // namespace blendload
