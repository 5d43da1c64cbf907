// SPDX-License-Identifier: MIT
// The words of -o: what each of them does to the options.
// Thread-safety: pure. Errors: as ParseOptions.
#pragma once

#include <optional>
#include <string>

#include "unionfs/tools/options.h"

namespace blendfs::tools {

// Applies one word ("key" or "key=value", escapes still in it). Returns the complaint, if there is one.
std::optional<std::string> ApplyWord(const std::string& word, Options& options);

}  // namespace blendfs::tools
