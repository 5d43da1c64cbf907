// SPDX-License-Identifier: MIT
// A small part of the ustar format: regular files with plain relative names, which is all an archive of ours holds and all
// that is accepted from one. Nothing is ever extracted to a name that the archive chose without it passing IsSafePath.
// Pure; thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace blendbench {

// Path -> content, in the order of the names.
using FileMap = std::map<std::string, std::string>;

inline constexpr size_t kMostPath = 200;
inline constexpr size_t kMostName = 100;  // of a file without its folders

// Relative, of [A-Za-z0-9._+:@=-] parts, none of them "", "." or "..", at most 8 deep and 200 characters, 100 a part and
// whatever else ustar asks for: nothing that could lead out of a folder, hide in a terminal or surprise a shell.
bool IsSafePath(std::string_view path);

// Every path is safe, otherwise std::invalid_argument. The same files give the same bytes: no owner, no time.
std::string WriteTar(const FileMap& files);

// Refuses whatever WriteTar does not write: links, devices, long names, sizes beyond the end, names twice, a file where
// another has its folder. At most `max_files`.
tl::expected<FileMap, std::string> ReadTar(std::string_view bytes, size_t max_files);

}  // namespace blendbench
