// SPDX-License-Identifier: MIT
#include "harness/spec/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "harness/base/text.h"

namespace blendbench {
namespace {

using Words = std::vector<std::string>;
using nlohmann::json;

constexpr const char* kImages = "{images}";

EngineDescriptor Program(const char* name, const char* program, const char* package, Words mount) {
  EngineDescriptor engine;
  engine.name = name;
  engine.program = program;
  engine.package = package;
  engine.mount = std::move(mount);
  return engine;
}

std::optional<std::string> ValueOf(const std::string& name, const EngineDescriptor& engine,
                                   const MountOrder& order) {
  if (name == "program") return engine.program;
  if (name == "lowers") return Join(order.lowers, ":");
  if (name == "lowers_ro") return Join(order.lowers, "=RO:") + "=RO";
  if (name == "upper") return order.upper;
  if (name == "work") return order.work;
  if (name == "target") return order.target;
  if (name == "images") return order.images;
  if (name == "options") return order.options.empty() ? "" : "," + order.options;
  return std::nullopt;
}

tl::expected<std::string, std::string> ExpandWord(const std::string& word,
                                                  const EngineDescriptor& engine,
                                                  const MountOrder& order) {
  std::string expanded;
  size_t at = 0;
  while (at < word.size()) {
    const size_t open = word.find('{', at);
    const size_t close = open == std::string::npos ? open : word.find('}', open);
    if (close == std::string::npos)  // no placeholder is left: the rest as it is
      return expanded + word.substr(at);
    expanded += word.substr(at, open - at);
    const std::string name = word.substr(open + 1, close - open - 1);
    const auto value = ValueOf(name, engine, order);
    if (!value) {
      return tl::unexpected(fmt::format(
          "engine \"{}\": unknown placeholder {{{}}}; there are {{program}}, {{lowers}}, "
          "{{lowers_ro}}, {{upper}}, {{work}}, {{target}}, {{images}} and {{options}}",
          engine.name, name));
    }
    expanded += *value;
    at = close + 1;
  }
  return expanded;
}

// With the layers' paths as they are inside the folder that holds them.
MountOrder SeenFromImages(MountOrder order) {
  const auto cut = [&](std::string& path) {
    if (path.starts_with(order.images + "/")) path.erase(0, order.images.size());
  };
  for (std::string& lower : order.lowers) cut(lower);
  cut(order.upper);
  cut(order.work);
  return order;
}

tl::expected<Words, std::string> Expand(const Words& command, const EngineDescriptor& engine,
                                        const MountOrder& order) {
  const bool by_images = std::any_of(command.begin(), command.end(), [](const std::string& word) {
    return word.find(kImages) != std::string::npos;
  });
  const MountOrder seen = by_images ? SeenFromImages(order) : order;
  Words argv;
  for (const std::string& word : command) {
    auto expanded = ExpandWord(word, engine, seen);
    if (!expanded) return tl::unexpected(expanded.error());
    argv.push_back(std::move(*expanded));
  }
  return argv;
}

const std::vector<std::string> kKindNames = {"bind", "kernel", "program", "block", "export"};

const std::string& KindName(MountKind kind) { return kKindNames.at(static_cast<size_t>(kind)); }

MountKind KindFromName(const std::string& name) {
  const auto found = std::find(kKindNames.begin(), kKindNames.end(), name);
  if (found == kKindNames.end())
    throw std::runtime_error("unknown kind of engine \"" + name + "\"");
  return static_cast<MountKind>(found - kKindNames.begin());
}

constexpr const char* kOfGuests = "is a way to give a guest its root; there is none on the host";

EngineDescriptor BlockEngine(const char* name) {
  EngineDescriptor engine;
  engine.name = name;
  engine.kind = MountKind::kBlock;
  engine.cannot = {{kTraitHost, kOfGuests},
                   {kTraitUpgrade,
                    "keeps changed blocks, which fit only the file system they were changed in: "
                    "under another system image "
                    "they are damage"}};
  return engine;
}

}  // namespace

std::vector<EngineDescriptor> BuiltInEngines() {
  EngineDescriptor plain;
  plain.name = "plain";
  plain.kind = MountKind::kBind;
  plain.cannot[kTraitRoot] = "is no union; layout \"monolithic\" measures the plain tree";
  EngineDescriptor overlayfs;
  overlayfs.name = "overlayfs";
  overlayfs.kind = MountKind::kKernel;
  EngineDescriptor unionfs =
      Program("unionfs-fuse", "unionfs", "unionfs-fuse",
              {"{program}", "-o", "cow,allow_other,default_permissions,suid,dev{options}",
               "{upper}=RW:{lowers_ro}", "{target}"});
  unionfs.root_mount = {"{program}", "-o",
                        "cow,allow_other,default_permissions,suid,dev,chroot={images}{options}",
                        "{upper}=RW:{lowers_ro}", "{target}"};
  unionfs.cannot[kTraitWhiteouts] = "hides deleted files in a way of its own, not by whiteouts";
  EngineDescriptor mergerfs =
      Program("mergerfs", "mergerfs", "mergerfs",
              {"{program}", "-o",
               "allow_other,default_permissions,suid,dev,use_ino,category.create=ff{options}",
               "{upper}:{lowers}", "{target}"});
  mergerfs.cannot[kTraitCopyUp] = "writes into the lower branch instead of copying up";
  mergerfs.cannot[kTraitWhiteouts] = "has no whiteouts: what a user image deletes stays visible";
  mergerfs.cannot[kTraitRoot] = "has no copy-on-write, so a user would write into the shared image";
  EngineDescriptor virtiofs;
  virtiofs.name = kExportEngine;
  virtiofs.kind = MountKind::kExport;
  virtiofs.program = "virtiofsd";
  virtiofs.package = "virtiofsd";
  virtiofs.cannot[kTraitHost] = kOfGuests;
  return {plain,
          overlayfs,
          Program("fuse-overlayfs", "fuse-overlayfs", "fuse-overlayfs",
                  {"{program}", "-o",
                   "allow_other,default_permissions,suid,dev,lowerdir={lowers},upperdir={upper},"
                   "workdir={work}{options}",
                   "{target}"}),
          unionfs,
          mergerfs,
          Program("blendfs", "blendfs", "",
                  {"{program}", "-o", "lowerdir={lowers},upperdir={upper},workdir={work}{options}",
                   "{target}"}),
          virtiofs,
          BlockEngine(kChainEngine),
          BlockEngine("dm-snapshot")};
}

tl::expected<Words, std::string> MountCommand(const EngineDescriptor& engine,
                                              const MountOrder& order) {
  return Expand(engine.mount, engine, order);
}

tl::expected<Words, std::string> RootMountCommand(const EngineDescriptor& engine,
                                                  const MountOrder& order) {
  return Expand(engine.root_mount.empty() ? engine.mount : engine.root_mount, engine, order);
}

bool IsInImages(const EngineDescriptor& engine) {
  return engine.kind == MountKind::kKernel || engine.kind == MountKind::kBlock ||
         engine.name == "blendfs";
}

std::optional<std::string> WhyNot(const EngineDescriptor& engine, const std::string& trait) {
  const auto found = engine.cannot.find(trait);
  if (trait.empty() || found == engine.cannot.end()) return std::nullopt;
  return found->second;
}

json ToJson(const EngineDescriptor& engine) {
  json object = {{"name", engine.name},       {"kind", KindName(engine.kind)},
                 {"program", engine.program}, {"package", engine.package},
                 {"mount", engine.mount},     {"cannot", engine.cannot}};
  if (!engine.root_mount.empty()) object["root_mount"] = engine.root_mount;
  return object;
}

EngineDescriptor EngineFromJson(const json& object) {
  EngineDescriptor engine;
  engine.name = object.at("name");
  engine.kind = KindFromName(object.at("kind"));
  engine.program = object.at("program");
  engine.package = object.at("package");
  engine.mount = object.at("mount").get<Words>();
  engine.cannot = object.at("cannot").get<std::map<std::string, std::string>>();
  if (object.contains("root_mount")) engine.root_mount = object["root_mount"].get<Words>();
  return engine;
}

}  // namespace blendbench
