// SPDX-License-Identifier: MIT
#include "harness/cli/prepare_plan.h"

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/places.h"
#include "harness/gate/claims.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// The text of the claims, which parses. An experiment on the host is judged by none unless it is given
// some.
Result<std::string> ReadClaims(const SpecOptions& options, const Experiment& experiment,
                               const fs::path& home) {
  if (options.claims.empty() && OnHost(experiment)) return std::string();
  if (options.claims.empty() && home.empty()) {
    return Fail(ExitCode::kUsage, "paper/claims.toml not found; name the claims with --claims");
  }
  const fs::path path =
      options.claims.empty() ? home / "paper" / "claims.toml" : fs::path(options.claims);
  auto text = ReadFile(path);
  if (!text) return Fail(ExitCode::kUsage, text.error().message);
  if (auto claims = ParseClaims(*text, path.string()); !claims) {
    return Fail(ExitCode::kUsage, claims.error());
  }
  return text;
}

}  // namespace

Result<PreparedPlan> PreparePlan(const SpecOptions& options) {
  PreparedPlan prepared;
  prepared.home = FindHome();
  auto spec_path = FindSpec(options.spec, prepared.home);
  if (!spec_path) return tl::unexpected(spec_path.error());
  auto spec_text = ReadFile(*spec_path);
  if (!spec_text) return tl::unexpected(spec_text.error());
  auto experiment = ParseExperiment(*spec_text, spec_path->string());
  if (!experiment) return Fail(ExitCode::kUsage, experiment.error());
  if (options.blocks) experiment->blocks = *options.blocks;
  if (options.seed) experiment->seed = *options.seed;
  if (!options.substrate.empty()) {
    if (OnHost(*experiment))
      return Fail(ExitCode::kUsage, spec_path->string() +
                                        " is for the host, which has no guests to put on " +
                                        options.substrate + "; leave --substrate out");
    experiment->substrate = options.substrate;
  }
  auto claims_text = ReadClaims(options, *experiment, prepared.home);
  if (!claims_text) return tl::unexpected(claims_text.error());
  prepared.plan = MakePlan(*experiment, Sha256Hex(*claims_text));
  prepared.spec_text = std::move(*spec_text);
  prepared.claims_text = std::move(*claims_text);
  return prepared;
}

}  // namespace blendbench
