// SPDX-License-Identifier: MIT
#include "workloads/meta/content.h"

#include <cstring>

namespace blendload {

uint64_t KeyOf(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

void Fill(uint64_t key, uint64_t offset, char* bytes, size_t size) {
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = WordAt(key, offset + at);
    memcpy(bytes + at, &word, sizeof word);
  }
}

bool Matches(uint64_t key, uint64_t offset, const char* bytes, size_t size) {
  for (size_t at = 0; at < size; at += sizeof(uint64_t))
    if (FirstWord(bytes + at) != WordAt(key, offset + at)) return false;
  return true;
}

uint64_t FirstWord(const char* bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t SumOfWords(const char* bytes, size_t size) {
  uint64_t sum = 0;
  for (size_t at = 0; at + sizeof sum <= size; at += sizeof sum) sum += FirstWord(bytes + at);
  return sum;
}

}  // namespace blendload
