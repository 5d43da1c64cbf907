// SPDX-License-Identifier: MIT
// ParseExperiment: the TOML of an experiment, checked key by key and then as a whole.
#include <fmt/format.h>

#include <limits>

#include "harness/base/text.h"
#include "harness/spec/experiment.h"
#include "harness/spec/parse_arm.h"
#include "harness/spec/parse_guest.h"
#include "harness/spec/parse_host.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

tl::expected<Experiment, std::string> ParseExperiment(const std::string& toml_text,
                                                      const std::string& file_name) {
  auto parsed = ParseToml(toml_text, file_name);
  if (!parsed) return tl::unexpected(parsed.error());
  const toml::table& document = *parsed;
  TomlErrors errors{file_name, ""};
  TomlReader root(
      document, "the experiment",
      {"name", "description", "substrate", "seed", "blocks", "arm", "job", "promises", "upgrade",
       "guest", "cases", "host", "engine", "noise", "crowd", "dimension", "programs"},
      errors);
  Experiment experiment;
  experiment.name = root.RequiredText("name");
  if (!experiment.name.empty() && !IsPlainName(experiment.name, "-_")) {
    root.Error("name",
               fmt::format("name \"{}\" may hold only {}; it becomes part of a folder's name",
                           experiment.name, PlainNameWords("-_")));
  }
  experiment.description = root.Text("description", "");
  experiment.substrate =
      root.Choice("substrate", experiment.substrate, {"auto", "kvm", "tcg", "icount", "host"});
  experiment.seed =
      static_cast<uint64_t>(root.Integer("seed", 1, 0, std::numeric_limits<int64_t>::max()));
  experiment.blocks = static_cast<int>(root.Integer("blocks", experiment.blocks, 1, 1000));
  if (OnHost(experiment)) {
    ReadHostExperiment(document, root, errors, experiment);
  } else {
    ReadGuestExperiment(document, root, errors, experiment);
  }
  experiment.noise = ReadNoiseRules(root, errors);
  CheckArms(experiment, root);
  if (!errors.first.empty()) return tl::unexpected(errors.first);
  experiment.spec_sha256 = Sha256Hex(toml_text);
  return experiment;
}

}  // namespace blendbench
