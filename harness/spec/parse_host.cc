// SPDX-License-Identifier: MIT
#include "harness/spec/parse_host.h"

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/spec/host_case.h"
#include "harness/spec/parse_arm.h"
#include "harness/spec/parse_engine.h"

namespace blendbench {
namespace {

Arm ReadHostArm(const toml::table& table, const std::vector<std::string>& engines,
                TomlErrors& errors) {
  TomlReader reader(table, "arm",
                    {"id", "label", "engine", "engine_options", "reference", "control", "handicap"},
                    errors);
  Arm arm;
  arm.id = reader.RequiredText("id");
  if (!arm.id.empty() && !IsPlainName(arm.id, "-"))
    reader.Error("id", fmt::format("id \"{}\" may hold only {}", arm.id, PlainNameWords("-")));
  arm.label = reader.Text("label", arm.id);
  arm.engine = reader.Choice("engine", "", engines);
  arm.layout = arm.engine == "plain" ? Layout::kMonolithic : Layout::kFine;
  arm.engine_options = reader.Text("engine_options", "");
  if (arm.layout == Layout::kMonolithic && !arm.engine_options.empty())
    reader.Error("engine_options", "engine \"plain\" has no options; remove them");
  arm.reference = reader.Flag("reference", false);
  arm.control = reader.Flag("control", false);
  arm.handicap = ReadHandicap(reader, true, errors);
  return arm;
}

std::vector<std::string> ReadCases(TomlReader& root) {
  std::vector<std::string> cases =
      ReadNames(root, "cases", "case", HostCaseIds(),
                [](const std::string& id) { return FindHostCase(id).has_value(); });
  if (cases.empty()) root.Error("cases", "needs \"cases\": a list of " + Join(HostCaseIds(), ", "));
  return cases;
}

}  // namespace

void ReadHostExperiment(const toml::table& document, TomlReader& root, TomlErrors& errors,
                        Experiment& experiment) {
  for (const char* key : {"guest", "job", "promises", "upgrade", "programs"})
    if (document.contains(key))
      root.Error(
          key,
          fmt::format("\"{}\" is about guests, and substrate \"host\" has none; remove it", key));
  experiment.promises = experiment.upgrade = false;
  experiment.host.cases = ReadCases(root);
  if (const toml::table* host = root.Table("host")) {
    TomlReader reader(*host, "host", {"case_timeout_s", "boots"}, errors);
    experiment.host.case_timeout_s =
        reader.Number("case_timeout_s", experiment.host.case_timeout_s, 1, 24 * 3600);
    experiment.host.boots =
        static_cast<int>(reader.Integer("boots", experiment.host.boots, 1, 100));
  }
  const std::vector<EngineDescriptor> engines = ReadEngines(root, errors);
  std::vector<std::string> names;
  for (const EngineDescriptor& engine : engines) names.push_back(engine.name);
  for (const toml::table* table : root.Tables("arm"))
    experiment.arms.push_back(ReadHostArm(*table, names, errors));
  experiment.engines = UsedEngines(engines, experiment.arms);
}

}  // namespace blendbench
