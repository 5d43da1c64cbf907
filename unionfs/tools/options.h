// SPDX-License-Identifier: MIT
// The command line: blendfs [-f] [-d] -o lowerdir=A:B,upperdir=U,workdir=W[,OPTION...] MOUNTPOINT, in any order,
// also as mount(8)'s helpers call it (SOURCE MOUNTPOINT -o rw,...).
// Pure: nothing is opened, no process-wide state is read.
// Thread-safety: values only. Errors: one line that names the word at fault and the remedy.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "unionfs/fuse/session.h"
#include "unionfs/layer/stack.h"
#include "unionfs/merge/union.h"

namespace blendfs::tools {

struct Options {
  enum class Action { kMount, kHelp, kVersion, kRemount, kNothing };
  Action action = Action::kMount;
  layer::StackConfig stack;
  merge::Options merge;
  fuse::SessionConfig session;
  // merge::Options::most_descriptors, unless the system lets us have fewer.
  unsigned descriptors = 65'536;
  bool foreground = false;
  bool root_file_system = false;
  std::vector<std::string> notes;  // accepted, but not exactly what was asked for
};

struct Invocation {
  // argv[0]: one that begins with '@' means a root file system, one named mount.* is mount(8)'s helper.
  std::string program;
  std::vector<std::string> arguments;  // argv[1..]
  bool privileged = false;             // effective user is root
};

tl::expected<Options, std::string> ParseOptions(const Invocation& invocation);

// The words of one or several -o alone, for who works on layers without a mount point: lowerdir=, upperdir=, workdir=
// and userxattr; words that concern the mount only are passed over.
tl::expected<layer::StackConfig, std::string> ParseLayers(const std::vector<std::string>& words);

std::string Usage();

// --- pieces, for tests ---

// "a,b\,c" -> {"a", "b\,c"}: splits at separators without a backslash; escapes stay.
std::vector<std::string> SplitUnescaped(std::string_view text, char separator);
// "a\:b\\" -> "a:b\".
std::string Unescape(std::string_view text);

}  // namespace blendfs::tools
