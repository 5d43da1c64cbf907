// SPDX-License-Identifier: MIT
// Engines as data: which program one needs, how it mounts, what it cannot do. The same descriptor serves
// natively and for a guest's root. A spec adds one with [[engine]]; the built-in ones are written the same way. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace blendbench {

// What an engine may be unable to do; its descriptor gives the reason.
inline constexpr const char* kTraitCopyUp = "copy-up";  // writes to lower files go to the upper
inline constexpr const char* kTraitWhiteouts = "whiteouts";  // reads the whiteouts of a user image
inline constexpr const char* kTraitRoot = "root";            // carries the root of a guest
inline constexpr const char* kTraitHost = "host";            // is measured on the host itself
inline constexpr const char* kTraitUpgrade =
    "upgrade";  // keeps a user's changes over a newer system image

enum class MountKind {
  kBind,     // the plain tree itself: a copy of the merge on the file system, no union
  kKernel,   // mount(2) of type overlay
  kProgram,  // a command that returns once the file system is mounted
  kBlock,    // a guest's disk that comes merged: no directories are
  kExport    // merged on the host by overlayfs, and given to the guest by a program that serves it
};

struct EngineDescriptor {
  std::string name;
  MountKind kind = MountKind::kProgram;
  std::string program;  // on PATH or a path; "" where none is needed
  std::string package;  // that provides it, for the message when it is missing
  // argv. Placeholders: {program}, {lowers} (top first, joined by colons), {lowers_ro} (each followed
  // by =RO), {upper}, {work}, {target}, {options} (the arm's, each preceded by a comma; "" for none), {images}: the
  // folder that holds all layers. A command that names it gets the layers by their paths inside it.
  std::vector<std::string> mount;
  // The command for a guest's root, where that is another one: the folder of the layers is moved once the root is
  // there, so a program that goes by paths has to change its own root to {images}. Empty: the same.
  std::vector<std::string> root_mount;
  std::map<std::string, std::string> cannot;  // trait -> why, for the cases that need it
};

// Of the built-in ones: a qcow2 file over a shared image, and the merge that the host serves by virtiofs.
inline constexpr const char* kChainEngine = "qcow2";
inline constexpr const char* kExportEngine = "virtiofs";
// The option that kExportEngine takes: the guest believes names and attributes for ever, as a union in the guest does.
inline constexpr const char* kCacheAlways = "cache=always";

std::vector<EngineDescriptor> BuiltInEngines();

// What one mount is about.
struct MountOrder {
  std::vector<std::string> lowers;  // top first
  std::string upper;
  std::string work;
  std::string target;
  std::string options;  // of the arm, separated by commas
  std::string images;   // the folder that holds all layers
};

// The descriptor's command for that mount. An unknown placeholder is an error that names it.
tl::expected<std::vector<std::string>, std::string> MountCommand(const EngineDescriptor& engine,
                                                                 const MountOrder& order);
// The same for a guest's root.
tl::expected<std::vector<std::string>, std::string> RootMountCommand(const EngineDescriptor& engine,
                                                                     const MountOrder& order);

// Whether the images' own initramfs mounts it, so that a guest needs nothing of the host for it.
bool IsInImages(const EngineDescriptor& engine);

// The reason why the engine cannot do what `trait` names; nullopt when it can, or for "".
std::optional<std::string> WhyNot(const EngineDescriptor& engine, const std::string& trait);

nlohmann::json ToJson(const EngineDescriptor& engine);
EngineDescriptor EngineFromJson(const nlohmann::json& object);  // throws std::exception

}  // namespace blendbench
