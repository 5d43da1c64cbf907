// SPDX-License-Identifier: MIT
// blendbench's real main, with its output injected. Thread-safety: one thread.
#pragma once

#include "harness/cli/io.h"

namespace blendbench {

// Never throws; whatever still arrives as an exception is one line and kBroke.
int BlendbenchMain(int argc, const char* const* argv, Io io);

}  // namespace blendbench
