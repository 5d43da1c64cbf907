// SPDX-License-Identifier: MIT
// gzip in memory. The input of Gunzip is untrusted. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace blendbench {

// The same bytes give the same bytes: no name and no time inside.
std::string Gzip(std::string_view bytes);

// One gzip stream and nothing after it. Stops as soon as more than `max_bytes` come out, so that a small file cannot
// fill the memory. An error is one line without the file's name.
tl::expected<std::string, std::string> Gunzip(std::string_view bytes, size_t max_bytes);

}  // namespace blendbench
