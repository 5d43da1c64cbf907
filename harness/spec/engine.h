// SPDX-License-Identifier: MIT
// Engines of the host substrate as data: which program one needs, how it mounts, what it cannot do.
// A spec adds one with [[engine]]; the built-in ones are written the same way. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace blendbench {

enum class MountKind {
  kBind,    // the plain tree itself: a copy of the merge on the file system, no union
  kKernel,  // mount(2) of type overlay
  kProgram  // a command that returns once the file system is mounted
};

struct EngineDescriptor {
  std::string name;
  MountKind kind = MountKind::kProgram;
  std::string program;  // on PATH or a path; "" where none is needed
  std::string package;  // that provides it, for the message when it is missing
  // argv. Placeholders: {program}, {lowers} (top first, joined by colons), {lowers_ro} (each followed
  // by =RO), {upper}, {work}, {target}, {options} (the arm's, each preceded by a comma; "" for none).
  std::vector<std::string> mount;
  std::map<std::string, std::string> cannot;  // trait -> why, for the cases that need it
};

std::vector<EngineDescriptor> BuiltInEngines();

// What one mount is about.
struct MountOrder {
  std::vector<std::string> lowers;  // top first
  std::string upper;
  std::string work;
  std::string target;
  std::string options;  // of the arm, separated by commas
};

// The descriptor's command for that mount. An unknown placeholder is an error that names it.
tl::expected<std::vector<std::string>, std::string> MountCommand(const EngineDescriptor& engine,
                                                                 const MountOrder& order);

// The reason why the engine cannot do what `trait` names; nullopt when it can, or for "".
std::optional<std::string> WhyNot(const EngineDescriptor& engine, const std::string& trait);

}  // namespace blendbench
