// SPDX-License-Identifier: MIT
// What blendbench's exit status means, and the error type that carries it to main. "The gate
// failed" is not "the harness broke": scripts and CI tell them apart by these numbers, so they
// never change their meaning. Thread-safety: values.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace blendbench {

enum class ExitCode : int {
  kOk = 0,     // done; every sample is good
  kBroke = 1,  // a defect of the harness, or an I/O error nobody foresaw
  kUsage = 2,  // wrong arguments, or an experiment or claims file that does not parse
  kEnvironment =
      3,  // something the machine lacks: QEMU, images, disk space, a lock somebody else holds
  kFailedSamples = 4,  // the run finished, and some of its samples failed
  kGateFailed = 5,     // a gate said no: something got worse
  kCannotTell = 6,     // a gate cannot tell: too noisy, incomplete, or another machine
  kInterrupted = 130,  // SIGINT or SIGTERM; finished samples are kept, --resume continues
};

// One line that names the file, the value and the remedy, and the status main ends with.
struct Error {
  ExitCode code = ExitCode::kBroke;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(ExitCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace blendbench
