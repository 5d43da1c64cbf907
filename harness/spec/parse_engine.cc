// SPDX-License-Identifier: MIT
#include "harness/spec/parse_engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.h"

namespace blendbench {
namespace {

const std::vector<std::string> kTraits = {kTraitCopyUp, kTraitWhiteouts, kTraitRoot, kTraitHost,
                                          kTraitUpgrade};

EngineDescriptor ReadEngine(const toml::table& table, TomlErrors& errors) {
  TomlReader reader(table, "engine",
                    {"name", "program", "package", "mount", "root_mount", "cannot"}, errors);
  EngineDescriptor engine;
  engine.name = reader.RequiredText("name");
  if (!engine.name.empty() && !IsPlainName(engine.name, "-"))
    reader.Error("name",
                 fmt::format("name \"{}\" may hold only {}", engine.name, PlainNameWords("-")));
  engine.program = reader.RequiredText("program");
  engine.package = reader.Text("package", "");
  engine.mount = reader.Texts("mount");
  if (engine.mount.empty())
    reader.Error("mount", "needs a \"mount\": the command as a list of words");
  if (const auto tried = MountCommand(engine, MountOrder{}); !tried)
    reader.Error("mount", tried.error());
  engine.root_mount = reader.Texts("root_mount");
  if (const auto tried = RootMountCommand(engine, MountOrder{}); !tried)
    reader.Error("root_mount", tried.error());
  for (const std::string& word : engine.root_mount.empty() ? engine.mount : engine.root_mount)
    if (word.find('\n') != std::string::npos)  // a guest gets one word a line
      reader.Error("mount", "a word of the command must not hold a line's end");
  if (const toml::table* cannot = reader.Table("cannot")) {
    TomlReader traits(*cannot, "engine.cannot", kTraits, errors);
    for (const std::string& trait : kTraits)
      if (const std::string why = traits.Text(trait, ""); !why.empty()) engine.cannot[trait] = why;
  }
  return engine;
}

}  // namespace

std::vector<EngineDescriptor> ReadEngines(TomlReader& root, TomlErrors& errors) {
  std::vector<EngineDescriptor> engines = BuiltInEngines();
  for (const toml::table* table : root.Tables("engine")) {
    EngineDescriptor engine = ReadEngine(*table, errors);
    const bool taken = std::any_of(engines.begin(), engines.end(),
                                   [&](const auto& other) { return other.name == engine.name; });
    if (taken) root.Error("engine", fmt::format("there is an engine \"{}\" already", engine.name));
    engines.push_back(std::move(engine));
  }
  return engines;
}

std::vector<EngineDescriptor> UsedEngines(const std::vector<EngineDescriptor>& engines,
                                          const std::vector<Arm>& arms) {
  std::vector<EngineDescriptor> used;
  for (const EngineDescriptor& engine : engines)
    if (std::any_of(arms.begin(), arms.end(),
                    [&](const Arm& arm) { return arm.engine == engine.name; }))
      used.push_back(engine);
  return used;
}

}  // namespace blendbench
