// SPDX-License-Identifier: MIT
// What may stand in a command that goes to another machine. ssh hands its words to a shell over there, so nothing goes
// that a shell would read as more than a word; sbatch gets an argument vector, and of its options those that do not
// undo what an executor promises. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/exit_code.h"

namespace blendbench {

// Letters, digits and . _ / : @ = + , - only, not empty, no "-" at its beginning, at most 1,000 characters.
bool IsPlainWord(std::string_view text);

// A relative path of plain parts, none of them "..": where a bundle's files may lie.
bool IsPlainPath(std::string_view text);

// [USER@]NAME for ssh. kUsage says what a host's name is.
Result<void> CheckHosts(const std::vector<std::string>& hosts);

// "partition=long" -> "--partition=long". kUsage for an option that is not known or not the user's to choose.
Result<std::string> SlurmArgument(const std::string& option);
Result<std::vector<std::string>> SlurmArguments(const std::vector<std::string>& options);

}  // namespace blendbench
