// SPDX-License-Identifier: MIT
#include "harness/spec/host_engine.h"

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/spec/host_case.h"

namespace blendbench {
namespace {

EngineDescriptor Program(const char* name, const char* program, const char* package,
                         std::vector<std::string> mount) {
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
  if (name == "options") return order.options.empty() ? "" : "," + order.options;
  return std::nullopt;
}

}  // namespace

std::vector<EngineDescriptor> BuiltInEngines() {
  EngineDescriptor plain;
  plain.name = "plain";
  plain.kind = MountKind::kBind;
  EngineDescriptor overlayfs;
  overlayfs.name = "overlayfs";
  overlayfs.kind = MountKind::kKernel;
  EngineDescriptor unionfs =
      Program("unionfs-fuse", "unionfs", "unionfs-fuse",
              {"{program}", "-o", "cow,allow_other,default_permissions,suid,dev{options}",
               "{upper}=RW:{lowers_ro}", "{target}"});
  unionfs.cannot[kTraitWhiteouts] = "hides deleted files in a way of its own, not by whiteouts";
  EngineDescriptor mergerfs =
      Program("mergerfs", "mergerfs", "mergerfs",
              {"{program}", "-o",
               "allow_other,default_permissions,suid,dev,use_ino,category.create=ff{options}",
               "{upper}:{lowers}", "{target}"});
  mergerfs.cannot[kTraitCopyUp] = "writes into the lower branch instead of copying up";
  mergerfs.cannot[kTraitWhiteouts] = "has no whiteouts: what a user image deletes stays visible";
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
                   "{target}"})};
}

tl::expected<std::vector<std::string>, std::string> MountCommand(const EngineDescriptor& engine,
                                                                 const MountOrder& order) {
  std::vector<std::string> argv;
  for (const std::string& word : engine.mount) {
    std::string expanded;
    size_t at = 0;
    while (at < word.size()) {
      const size_t open = word.find('{', at);
      const size_t close = open == std::string::npos ? open : word.find('}', open);
      if (close == std::string::npos) {  // no placeholder is left: the rest as it is
        expanded += word.substr(at);
        break;
      }
      expanded += word.substr(at, open - at);
      const std::string name = word.substr(open + 1, close - open - 1);
      const auto value = ValueOf(name, engine, order);
      if (!value) {
        return tl::unexpected(fmt::format(
            "engine \"{}\": unknown placeholder {{{}}}; there are {{program}}, {{lowers}}, "
            "{{lowers_ro}}, {{upper}}, {{work}}, {{target}} and {{options}}",
            engine.name, name));
      }
      expanded += *value;
      at = close + 1;
    }
    argv.push_back(std::move(expanded));
  }
  return argv;
}

std::optional<std::string> WhyNot(const EngineDescriptor& engine, const std::string& trait) {
  const auto found = engine.cannot.find(trait);
  if (trait.empty() || found == engine.cannot.end()) return std::nullopt;
  return found->second;
}

}  // namespace blendbench
