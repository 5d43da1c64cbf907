// SPDX-License-Identifier: MIT
// Results without exceptions: every fallible call returns Result<T>, whose error is an errno.
// Thread-safety: values only.
#pragma once

#include <cerrno>
#include <tl/expected.hpp>

namespace blendfs {

// An errno value (always positive) and a static string that names what was being done.
struct Error {
  int code = EIO;
  const char* doing = "";
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> Fail(int code, const char* doing = "") {
  return tl::unexpected<Error>(Error{code, doing});
}
// Fails with the current errno.
inline tl::unexpected<Error> FailErrno(const char* doing = "") { return Fail(errno, doing); }

}  // namespace blendfs

// Returns from the enclosing function with the error of `expression` if it has one.
#define BLENDFS_TRY(expression)                                     \
  do {                                                              \
    auto&& blendfs_try_ = (expression);                             \
    if (!blendfs_try_) return tl::unexpected(blendfs_try_.error()); \
  } while (false)

#define BLENDFS_CONCAT_(a, b) a##b
#define BLENDFS_CONCAT(a, b) BLENDFS_CONCAT_(a, b)
// BLENDFS_ASSIGN(auto fd, Open(...)): declares from the value, or returns the error.
#define BLENDFS_ASSIGN(declaration, expression)                               \
  auto BLENDFS_CONCAT(blendfs_result_, __LINE__) = (expression);              \
  if (!BLENDFS_CONCAT(blendfs_result_, __LINE__))                             \
    return tl::unexpected(BLENDFS_CONCAT(blendfs_result_, __LINE__).error()); \
  declaration = std::move(*BLENDFS_CONCAT(blendfs_result_, __LINE__))
