// SPDX-License-Identifier: MIT
// Reading and writing whole small files (specs, plans, exports) with errors a user can act on.
// Thread-safety: functions without state. Errors: Result with the path, the reason and the remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/exit_code.h"

namespace blendbench {

// A missing file is kEnvironment, as is one that cannot be read, is no regular file (a FIFO would be waited for, a
// device never ends) or larger than kMostFileBytes.
inline constexpr uint64_t kMostFileBytes = uint64_t{2} << 30;
Result<std::string> ReadFile(const std::filesystem::path& path);

// Of a file that holds a fact of the machine (/proc, /sys); nothing where it cannot be read, or is empty.
std::optional<std::string> FirstLine(const std::filesystem::path& path);

// The old content or the new one, never a part: temporary file beside it, fsync, rename, fsync of
// the folder.
Result<void> WriteFileAtomic(const std::filesystem::path& path, std::string_view content);

// The same for a file that the user names: through symlinks, and what is no regular file (/dev/stdout, a FIFO) is
// written to and stays.
Result<void> WriteOutput(const std::filesystem::path& path, std::string_view content);

// Error for a failed system call on `path`: a full disk and a missing permission get their remedy.
Error FileError(const std::string& action, const std::filesystem::path& path, int error_number);

// Bytes an ordinary user may still write to the file system of `path` (or of its nearest existing
// parent).
Result<uint64_t> FreeBytes(const std::filesystem::path& path);

// Of a file that may be gigabytes, read in chunks; lowercase hex.
Result<std::string> Sha256OfFile(const std::filesystem::path& path);

}  // namespace blendbench
