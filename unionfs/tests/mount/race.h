// SPDX-License-Identifier: MIT
// The kinds of load of blendfs_race, and how they tell what they find.
// Thread-safety: Find and Check from any thread; each kind runs its own threads and joins them.
#pragma once

#include <string>

namespace race {

// Something that must not be was seen: one line on standard output (the first ten only).
void Find(const std::string& text);
// Finds `what` and errno's text unless `good`.
void Check(bool good, const std::string& what);

// race_data.cc
void Coherence(const std::string& dir, int count);

// race_names.cc
void Storm(const std::string& dir, double seconds, unsigned seed);
void Identity(const std::string& dir, double seconds);
void Contend(const std::string& dir);

}  // namespace race
