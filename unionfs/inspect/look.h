// SPDX-License-Identifier: MIT
// A union that is opened to be looked at: nothing is mounted, nothing is written. And what every command
// needs to tell about the places behind it.
// Thread-safety: one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unionfs/merge/lookup.h"
#include "unionfs/merge/state.h"
#include "unionfs/merge/union.h"

namespace blendfs::inspect {

// Opens the layers for looking and merges them. `problem` receives one line with the remedy on failure.
Result<std::unique_ptr<merge::Union>> OpenLook(sys::Calls& os, layer::StackConfig config,
                                               std::string* problem);

// "upperdir 'DIR'" or "lowerdir 'DIR'".
std::string LayerName(const layer::Stack& stack, layer::LayerIndex index);

// Where an object lies below the root of its layer ("/" for the root itself), for people to read.
std::string PathInLayer(const layer::Stack& stack, layer::LayerIndex index, BorrowedFd fd);

// "/a" + "b" -> "/a/b".
std::string Join(const std::string& folder, const std::string& name);

// The components of a path in the union: empty ones and "." left out. False if there is a "..".
bool SplitPath(std::string_view path, std::vector<std::string>* names);

// Names of a directory of the union in byte order, without "." and "..".
Result<std::vector<std::string>> NamesIn(merge::Union& fs, merge::Node& directory);

// What could not be looked at, in words.
std::string Reason(const Error& error);

}  // namespace blendfs::inspect
