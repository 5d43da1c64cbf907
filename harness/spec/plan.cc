// SPDX-License-Identifier: MIT
// MakePlan and the plan's JSON.
#include <fmt/format.h>

#include <numeric>
#include <stdexcept>

#include "harness/base/random.h"
#include "harness/spec/experiment.h"
#include "harness/spec/plan_host.h"
#include "harness/spec/program.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;

Layout LayoutFromName(const std::string& name) {
  if (name == "monolithic") return Layout::kMonolithic;
  if (name == "coarse") return Layout::kCoarse;
  if (name == "fine") return Layout::kFine;
  throw std::runtime_error("unknown layout \"" + name + "\"");
}

json ArmJson(const Arm& arm) {
  json object = {{"id", arm.id},
                 {"label", arm.label},
                 {"layout", LayoutName(arm.layout)},
                 {"engine", arm.engine},
                 {"engine_options", arm.engine_options},
                 {"reference", arm.reference},
                 {"control", arm.control}};
  if (arm.handicap.any()) object["handicap"] = ToJson(arm.handicap);
  return object;
}

json JobJson(const FioJob& job) {
  return {{"id", job.id},         {"label", job.label},           {"family", job.family},
          {"file", job.file},     {"lower_file", job.lower_file}, {"runtime_s", job.runtime_s},
          {"ramp_s", job.ramp_s}, {"size_mib", job.size_mib}};
}

json GuestJson(const GuestSettings& guest) {
  return {{"memory_mib", guest.memory_mib},
          {"cpus", guest.cpus},
          {"boot_timeout_s", guest.boot_timeout_s},
          {"job_timeout_s", guest.job_timeout_s},
          {"poweroff_timeout_s", guest.poweroff_timeout_s},
          {"console", guest.console}};
}

Arm ReadArm(const json& object) {
  Arm arm;
  arm.id = object.at("id");
  arm.label = object.at("label");
  arm.layout = LayoutFromName(object.at("layout"));
  arm.engine = object.at("engine");
  arm.engine_options = object.at("engine_options");
  arm.reference = object.at("reference");
  arm.control = object.at("control");
  if (object.contains("handicap")) arm.handicap = HandicapFromJson(object["handicap"]);
  return arm;
}

FioJob ReadJob(const json& object) {
  FioJob job;
  job.id = object.at("id");
  job.label = object.at("label");
  job.family = object.at("family");
  job.file = object.at("file");
  job.lower_file = object.at("lower_file");
  job.runtime_s = object.at("runtime_s");
  job.ramp_s = object.at("ramp_s");
  job.size_mib = object.at("size_mib");
  return job;
}

GuestSettings ReadGuest(const json& object) {
  GuestSettings guest;
  guest.memory_mib = object.at("memory_mib");
  guest.cpus = object.at("cpus");
  guest.boot_timeout_s = object.at("boot_timeout_s");
  guest.job_timeout_s = object.at("job_timeout_s");
  guest.poweroff_timeout_s = object.at("poweroff_timeout_s");
  guest.console = object.at("console");
  return guest;
}

std::vector<std::string> ProgramsFromJson(const json& list) {
  const std::vector<std::string> ids = list;
  for (const std::string& id : ids)
    if (ProgramById(id) == nullptr) throw std::runtime_error("unknown program \"" + id + "\"");
  return ids;
}

Experiment ReadExperiment(const json& object) {
  Experiment experiment;
  experiment.name = object.at("name");
  experiment.description = object.at("description");
  experiment.substrate = object.at("substrate");
  experiment.seed = object.at("seed");
  experiment.blocks = object.at("blocks");
  experiment.promises = object.at("promises");
  experiment.upgrade = object.at("upgrade");
  experiment.spec_sha256 = object.at("spec_sha256");
  experiment.guest = ReadGuest(object.at("guest"));
  // Plans from before there were rules discard nothing: steal and foreign load were not recorded then.
  if (object.contains("noise")) experiment.noise = NoiseRulesFromJson(object["noise"]);
  for (const json& arm : object.at("arms")) experiment.arms.push_back(ReadArm(arm));
  for (const json& job : object.at("jobs")) experiment.jobs.push_back(ReadJob(job));
  if (OnHost(experiment)) experiment.host = HostFromJson(object.at("host"));
  const json engines =
      OnHost(experiment) ? object.at("host").at("engines") : object.value("engines", json::array());
  for (const json& engine : engines) experiment.engines.push_back(EngineFromJson(engine));
  if (IsExternal(experiment)) experiment.external = MetricsFromJson(object.at("external"));
  experiment.programs = ProgramsFromJson(object.value("programs", json::array()));
  return experiment;
}

}  // namespace

std::string LayoutName(Layout layout) {
  switch (layout) {
    case Layout::kMonolithic:
      return "monolithic";
    case Layout::kCoarse:
      return "coarse";
    case Layout::kFine:
      break;
  }
  return "fine";
}

Plan MakePlan(const Experiment& experiment, const std::string& claims_sha256) {
  Plan plan{experiment, {}, claims_sha256};
  // Instructions are the same in any noise, so unless the spec has rules of its own there are none.
  if (CountsInstructions(experiment) && experiment.noise == NoiseRules())
    plan.experiment.noise = {.max_steal = 1, .max_foreign = 1};
  Random random(experiment.seed);
  std::vector<size_t> order(experiment.arms.size());
  for (int block = 0; block < experiment.blocks; ++block) {
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    for (size_t i = 0; i < order.size(); ++i) {
      plan.steps.push_back({block, static_cast<int>(i), experiment.arms[order[i]].id});
    }
  }
  return plan;
}

json ToJson(const Plan& plan) {
  const Experiment& experiment = plan.experiment;
  json arms = json::array(), jobs = json::array(), steps = json::array();
  for (const Arm& arm : experiment.arms) arms.push_back(ArmJson(arm));
  for (const FioJob& job : experiment.jobs) jobs.push_back(JobJson(job));
  for (const Step& step : plan.steps) {
    steps.push_back({{"block", step.block}, {"order", step.order}, {"arm", step.arm}});
  }
  json described = {{"name", experiment.name},
                    {"description", experiment.description},
                    {"substrate", experiment.substrate},
                    {"seed", experiment.seed},
                    {"blocks", experiment.blocks},
                    {"promises", experiment.promises},
                    {"upgrade", experiment.upgrade},
                    {"spec_sha256", experiment.spec_sha256},
                    {"guest", GuestJson(experiment.guest)},
                    {"noise", ToJson(experiment.noise)},
                    {"arms", arms},
                    {"jobs", jobs}};
  // Only where there is one, so that the plans of guests keep their hash.
  json engines = json::array();
  for (const EngineDescriptor& engine : experiment.engines) engines.push_back(ToJson(engine));
  if (OnHost(experiment)) {
    described["host"] = HostToJson(experiment.host);
    described["host"]["engines"] = std::move(engines);
  } else if (!engines.empty()) {
    described["engines"] = std::move(engines);
  }
  if (IsExternal(experiment)) described["external"] = MetricsToJson(experiment.external);
  if (!experiment.programs.empty()) described["programs"] = experiment.programs;
  return {{"schema", kSchema},
          {"claims_sha256", plan.claims_sha256},
          {"steps", steps},
          {"experiment", std::move(described)}};
}

tl::expected<Plan, std::string> PlanFromJson(const json& object) {
  try {
    if (object.at("schema") != kSchema) {
      return tl::unexpected(fmt::format("schema {} is not the {} this version reads",
                                        object.at("schema").dump(), kSchema));
    }
    Plan plan;
    plan.claims_sha256 = object.at("claims_sha256");
    plan.experiment = ReadExperiment(object.at("experiment"));
    if (plan.experiment.blocks < 0 || plan.experiment.blocks > kMostBlocks)
      return tl::unexpected(
          fmt::format("{} blocks are none that an experiment can have", plan.experiment.blocks));
    for (const json& step : object.at("steps")) {
      plan.steps.push_back({step.at("block"), step.at("order"), step.at("arm")});
    }
    return plan;
  } catch (const std::exception& error) {  // nlohmann's own and an unknown layout
    return tl::unexpected(std::string(error.what()));
  }
}

}  // namespace blendbench
