// SPDX-License-Identifier: MIT
// The shared libraries that this very program runs with. Thread-safety: a function without state.
#pragma once

#include <filesystem>
#include <vector>

namespace blendbench {

// Without the C library's own, which fit the kernel and the loader of the machine that they are on. In order of name.
std::vector<std::filesystem::path> LibrariesOfThisProgram();

}  // namespace blendbench
