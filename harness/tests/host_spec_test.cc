// SPDX-License-Identifier: MIT
// The host substrate's part of a spec: cases, engines as data, arms, and the plan made of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/base/files.h"
#include "harness/spec/experiment.h"
#include "harness/spec/host_case.h"
#include "harness/spec/metrics.h"
#include "harness/spec/program.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kGood = R"toml(name = "h"
substrate = "host"
blocks = 2
cases = ["warm-find", "upper-write-4k", "layers33-find"]
[host]
case_timeout_s = 30
boots = 2
[[engine]]
name = "made-up"
program = "made-up-mount"
package = "made-up-tools"
mount = ["{program}", "-o", "l={lowers},r={lowers_ro},u={upper},w={work}{options}", "{target}"]
cannot = { copy-up = "is read-only" }
[[arm]]
id = "ext4"
engine = "plain"
reference = true
[[arm]]
id = "union"
engine = "made-up"
engine_options = "fast"
)toml";

std::string Changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(HostSpec, ReadsCasesEnginesAndArms) {
  const auto experiment = ParseExperiment(kGood, "h.toml");
  ASSERT_TRUE(experiment) << experiment.error();
  EXPECT_TRUE(OnHost(*experiment));
  EXPECT_FALSE(experiment->promises);
  EXPECT_FALSE(experiment->upgrade);
  EXPECT_THAT(experiment->host.cases, ElementsAre("warm-find", "upper-write-4k", "layers33-find"));
  EXPECT_EQ(experiment->host.case_timeout_s, 30);
  EXPECT_EQ(experiment->host.boots, 2);
  // Only the engines that an arm uses.
  ASSERT_EQ(experiment->engines.size(), 2u);
  EXPECT_EQ(experiment->engines[0].name, "plain");
  EXPECT_EQ(experiment->engines[1].name, "made-up");
  EXPECT_EQ(experiment->arms[0].layout, Layout::kMonolithic);
  EXPECT_EQ(experiment->arms[1].layout, Layout::kFine);
}

struct Mistake {
  const char* from;
  const char* to;
  const char* message;
};
class HostMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(HostMistakes, AreOneLineWithPlaceAndRemedy) {
  const auto parsed = ParseExperiment(Changed(GetParam().from, GetParam().to), "h.toml");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error(), HasSubstr(GetParam().message));
  EXPECT_EQ(parsed.error().find('\n'), std::string::npos);
  EXPECT_EQ(parsed.error().rfind("h.toml:", 0), 0u) << parsed.error();
}

INSTANTIATE_TEST_SUITE_P(
    Host, HostMistakes,
    testing::Values(
        Mistake{
            "\"warm-find\"", "\"warm-fnid\"",
            "h.toml:4: the experiment: unknown case \"warm-fnid\"; did you mean \"warm-find\"?"},
        Mistake{"\"layers33-find\"", "\"layers0-find\"", "unknown case \"layers0-find\""},
        Mistake{"\"layers33-find\"", "\"layers129-find\"", "unknown case"},
        Mistake{"\"layers33-find\"", "\"layers033-find\"", "unknown case"},
        Mistake{"\"layers33-find\"", "\"warm-find\"", "case \"warm-find\" is there twice"},
        Mistake{"cases = [\"warm-find\", \"upper-write-4k\", \"layers33-find\"]", "",
                "needs \"cases\": a list of cold-find"},
        Mistake{"boots = 2", "boots = 0", "it must be 1 to 100"},
        Mistake{"boots = 2", "boost = 2", "did you mean \"boots\"?"},
        Mistake{"engine = \"plain\"", "engine = \"aufs\"",
                "it must be one of: plain, overlayfs, fuse-overlayfs, unionfs-fuse, mergerfs, "
                "blendfs, made-up"},
        Mistake{"cannot = {", "root_mount = [\"{image}\"]\ncannot = {",
                "unknown placeholder {image}"},
        Mistake{"engine = \"plain\"", "engine = \"plain\"\nlayout = \"coarse\"",
                "unknown key \"layout\" in arm"},
        Mistake{"reference = true", "reference = true\nengine_options = \"x\"",
                "engine \"plain\" has no options"},
        Mistake{"name = \"made-up\"", "name = \"plain\"", "there is an engine \"plain\" already"},
        Mistake{"name = \"made-up\"", "name = \"Made up\"", "may hold only a-z, 0-9 and -"},
        Mistake{"program = \"made-up-mount\"\n", "", "needs a \"program\""},
        Mistake{"{target}", "{tarjet}", "unknown placeholder {tarjet}; there are {program}"},
        Mistake{"copy-up =", "copyup =", "did you mean \"copy-up\"?"},
        Mistake{"[host]", "promises = true\n[host]", "is about guests"},
        Mistake{"[host]", "programs = [\"unpack\"]\n[host]", "is about guests"},
        Mistake{"[host]", "[guest]\ncpus = 2\n[host]", "is about guests"},
        Mistake{"substrate = \"host\"", "substrate = \"tcg\"",
                "belongs to substrate = \"host\" alone"}));

TEST(HostPlan, RoundTripsAndIsNotInPlansOfGuests) {
  const Plan plan = MakePlan(*ParseExperiment(kGood, "h.toml"), "");
  const auto again = PlanFromJson(nlohmann::json::parse(ToJson(plan).dump()));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(ToJson(*again).dump(), ToJson(plan).dump());
  EXPECT_EQ(again->experiment.engines[1].cannot.at("copy-up"), "is read-only");
  EXPECT_EQ(again->experiment.engines[0].kind, MountKind::kBind);
  nlohmann::json unknown = ToJson(plan);
  unknown["experiment"]["host"]["cases"].push_back("none-such");
  EXPECT_FALSE(PlanFromJson(unknown));
  // Their hash is what finds an unfinished run again.
  EXPECT_FALSE(ToJson(MakePlan(SmallExperiment(1), ""))["experiment"].contains("host"));
}

TEST(HostEngine, ExpandsItsCommand) {
  const Experiment experiment = *ParseExperiment(kGood, "h.toml");
  const EngineDescriptor& engine = experiment.engines[1];
  MountOrder order{{"/l0", "/l1"}, "/up", "/wk", "/t", "", "/"};
  EXPECT_THAT(*MountCommand(engine, order),
              ElementsAre("made-up-mount", "-o", "l=/l0:/l1,r=/l0=RO:/l1=RO,u=/up,w=/wk", "/t"));
  order.options = "a,b";
  EXPECT_THAT(MountCommand(engine, order)->at(2), testing::EndsWith(",w=/wk,a,b"));
  EngineDescriptor odd;
  odd.name = "odd";
  odd.mount = {"x{target", "}{"};  // no placeholder: taken as it is
  EXPECT_THAT(*MountCommand(odd, order), ElementsAre("x{target", "}{"));
}

TEST(HostEngine, WhatOneCannotDoHasAReason) {
  for (const EngineDescriptor& engine : BuiltInEngines()) {
    const bool in_place = engine.name == "mergerfs";
    EXPECT_EQ(WhyNot(engine, kTraitCopyUp).has_value(), in_place) << engine.name;
    EXPECT_EQ(WhyNot(engine, ""), std::nullopt);
    EXPECT_EQ(engine.kind == MountKind::kProgram, !engine.mount.empty()) << engine.name;
    EXPECT_TRUE(MountCommand(engine, MountOrder{})) << engine.name;
  }
}

TEST(HostCase, EveryOneIsKnownByItsNameAndHasItsMetrics) {
  std::set<std::string> metrics;
  for (const std::string& id : HostCaseIds()) {
    const auto known = FindHostCase(id);
    ASSERT_TRUE(known) << id;
    EXPECT_EQ(known->id, id);
    EXPECT_NE(known->label, "");
    EXPECT_TRUE(metrics.insert(HostMetricId(*known)).second);
    EXPECT_EQ(HostMetricId(*known).ends_with(".rate_mbps"), known->rate);
    EXPECT_EQ(HostCpuMetricId(*known), id + ".cpu_s");
  }
  EXPECT_EQ(FindHostCase("layers2-tree")->layers, 2);
  for (const char* wrong :
       {"", "layers", "layers-find", "layers2-", "layers2-boot", "layers+2-find"})
    EXPECT_FALSE(FindHostCase(wrong)) << wrong;
}

TEST(HostCase, ProgramsThatHaveNoOtherCaseAreCasesToo) {
  for (const Program& program : Programs())
    EXPECT_EQ(FindHostCase(program.id).has_value(), !program.guests_alone) << program.id;
  const HostCase database = *FindHostCase("database");
  EXPECT_TRUE(IsProgramCase(database));
  EXPECT_EQ(HostMetricId(database), "database.wall_s");
}

TEST(HostMetrics, TimesFirstThenProcessorTimes) {
  const std::vector<Metric> metrics = MetricsOf(*ParseExperiment(kGood, "h.toml"));
  std::vector<std::string> ids;
  for (const Metric& metric : metrics) ids.push_back(metric.id);
  EXPECT_THAT(ids, ElementsAre("warm-find.wall_s", "upper-write-4k.rate_mbps",
                               "layers33-find.wall_s", "warm-find.cpu_s", "upper-write-4k.cpu_s",
                               "layers33-find.cpu_s", "setup.clones_s"));
  EXPECT_FALSE(metrics[1].lower_is_better);
  EXPECT_EQ(metrics[1].family, "host-data");
  EXPECT_EQ(metrics[4].family, "host-cpu");
}

class ShippedHost : public testing::TestWithParam<const char*> {};

TEST_P(ShippedHost, SpecParses) {
  const fs::path path =
      fs::path(BLEND_SOURCE_DIR) / "harness" / "specs" / (std::string(GetParam()) + ".toml");
  const auto text = ReadFile(path);
  ASSERT_TRUE(text) << text.error().message;
  const auto experiment = ParseExperiment(*text, path.string());
  ASSERT_TRUE(experiment) << experiment.error();
  EXPECT_EQ(experiment->name, GetParam());
}
INSTANTIATE_TEST_SUITE_P(Profiles, ShippedHost,
                         testing::Values("host", "host-quick", "host-layers", "calibrate-host",
                                         "calibrate", "icount", "icount-proof"));

// Those that are programs are chosen by specs of their own.
TEST(ShippedHost, TheFullTableHasEveryFixedCaseAndEngine) {
  const auto text = ReadFile(fs::path(BLEND_SOURCE_DIR) / "harness" / "specs" / "host.toml");
  const Experiment experiment = *ParseExperiment(*text, "host.toml");
  std::vector<std::string> cases = HostCaseIds();
  std::erase_if(cases, [](const std::string& id) { return IsProgramCase(*FindHostCase(id)); });
  EXPECT_THAT(experiment.host.cases, testing::IsSupersetOf(cases));
  for (const EngineDescriptor& engine : BuiltInEngines())
    EXPECT_EQ(FindEngine(experiment, engine.name) != nullptr, !WhyNot(engine, kTraitHost))
        << engine.name;
}

}  // namespace
}  // namespace blendbench
