// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/spec/experiment.h"
#include "harness/spec/job_text.h"
#include "harness/spec/metrics.h"
#include "harness/spec/program.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kGood = R"toml(name = "t"
blocks = 3
[guest]
memory_mib = 512
[[arm]]
id = "coarse"
layout = "coarse"
reference = true
[[arm]]
id = "fine"
layout = "fine"
engine = "blendfs"
engine_options = "writeback,threads=2"
[[job]]
id = "read"
family = "path"
)toml";

// kGood with `from` replaced by `to`.
std::string Changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string ErrorOf(const std::string& text) {
  const auto parsed = ParseExperiment(text, "t.toml");
  return parsed ? "(no error)" : parsed.error();
}

TEST(Spec, HandicapsAndRulesOfNoiseAreReadAndKeptInThePlan) {
  const auto experiment = ParseExperiment(
      Changed("engine_options = \"writeback,threads=2\"\n",
              "engine_options = \"x\"\n[arm.handicap]\npause = 0.1\nboot_delay_s = 2\n[noise]\n"
              "max_steal = 0.02\n"),
      "t.toml");
  ASSERT_TRUE(experiment) << experiment.error();
  EXPECT_FALSE(experiment->arms[0].handicap.any());
  EXPECT_EQ(experiment->arms[1].handicap, (Handicap{.pause = 0.1, .boot_delay_s = 2}));
  EXPECT_EQ(experiment->noise.max_steal, 0.02);
  EXPECT_EQ(experiment->noise.max_foreign, NoiseRules().max_foreign);
  const nlohmann::json plan = ToJson(MakePlan(*experiment, ""));
  EXPECT_EQ(plan["experiment"]["noise"]["max_steal"], 0.02);
  EXPECT_FALSE(plan["experiment"]["arms"][0].contains("handicap"));
  const auto again = PlanFromJson(plan);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->experiment.arms[1].handicap, experiment->arms[1].handicap);
  EXPECT_EQ(again->experiment.noise, experiment->noise);
}

TEST(Spec, AHandicappedArmIsNoControl) {
  EXPECT_THAT(
      ErrorOf(Changed("layout = \"fine\"\nengine = \"blendfs\"\nengine_options = "
                      "\"writeback,threads=2\"\n",
                      "layout = \"coarse\"\ncontrol = true\n[arm.handicap]\npause = 0.1\n")),
      HasSubstr("must have the layout"));
}

TEST(Spec, NoBlockOfInstructionsIsTooNoisy) {
  Experiment experiment = *ParseExperiment(kGood, "t.toml");
  EXPECT_EQ(MakePlan(experiment, "").experiment.noise, NoiseRules());
  experiment.substrate = "icount";
  EXPECT_EQ(MakePlan(experiment, "").experiment.noise.max_foreign, 1);
  experiment.noise.max_steal = 0.2;
  EXPECT_EQ(MakePlan(experiment, "").experiment.noise.max_steal, 0.2);
}

TEST(Spec, InstructionsNeedOneProcessor) {
  EXPECT_THAT(ErrorOf("substrate = \"icount\"\n" + Changed("memory_mib = 512", "cpus = 2")),
              HasSubstr("set cpus = 1"));
}

TEST(Spec, ReadsWhatIsThereAndDefaultsTheRest) {
  const auto experiment = ParseExperiment(kGood, "t.toml");
  ASSERT_TRUE(experiment) << experiment.error();
  EXPECT_EQ(experiment->blocks, 3);
  EXPECT_EQ(experiment->guest.memory_mib, 512);
  EXPECT_EQ(experiment->guest.cpus, 1);
  EXPECT_EQ(experiment->substrate, "auto");
  ASSERT_EQ(experiment->arms.size(), 2u);
  EXPECT_EQ(experiment->arms[1].engine_options, "writeback,threads=2");
  EXPECT_EQ(experiment->jobs.at(0).file, "read.fio");
  EXPECT_EQ(experiment->spec_sha256, Sha256Hex(kGood));
}

struct Mistake {
  const char* from;
  const char* to;
  const char* message;
};

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreOneLineWithPlaceAndRemedy) {
  const std::string error = ErrorOf(Changed(GetParam().from, GetParam().to));
  EXPECT_THAT(error, HasSubstr(GetParam().message));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_EQ(error.rfind("t.toml:", 0), 0u) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Spec, Mistakes,
    testing::Values(
        Mistake{"blocks = 3", "blokcs = 3",
                "t.toml:2: unknown key \"blokcs\" in the experiment; did you mean \"blocks\"?"},
        Mistake{"memory_mib", "memory", "t.toml:4: unknown key \"memory\" in guest"},
        Mistake{"\"blendfs\"", "\"aufs\"",
                "t.toml:12: arm: unknown engine \"aufs\"; it must be one of: overlayfs, "
                "fuse-overlayfs, unionfs-fuse, blendfs"},
        Mistake{"engine = \"blendfs\"", "engine = \"mergerfs\"",
                "\"mergerfs\" cannot carry a guest's root: it has no copy-on-write"},
        Mistake{"\"fine\"\nengine = \"blendfs\"", "\"fine\"",
                "it must be one of: overlayfs, "
                "fuse-overlayfs, unionfs-fuse, blendfs"},
        Mistake{"engine = \"blendfs\"", "engine = \"mergerfs\"",
                "\"mergerfs\" cannot carry a guest's root: it has no copy-on-write"},
        Mistake{"layout = \"coarse\"", "layout = \"course\"", "monolithic, coarse, fine"},
        Mistake{"layout = \"coarse\"", "layout = \"coarse\"\nengine = \"blendfs\"", "remove it"},
        Mistake{"blocks = 3", "blocks = 0", "it must be 1 to 1000"},
        Mistake{"blocks = 3", "blocks = \"3\"", "must be a whole number"},
        Mistake{"blocks = 3", "blocks = 3.0", "must be a whole number"},
        Mistake{"reference = true", "reference = 1", "must be true or false"},
        Mistake{"reference = true", "reference = false", "no arm has reference = true"},
        Mistake{"engine = \"blendfs\"", "engine = \"blendfs\"\nreference = true", "keep one"},
        Mistake{"engine = \"blendfs\"", "engine = \"blendfs\"\ncontrol = true",
                "must have the layout, engine and options of the reference"},
        Mistake{"id = \"fine\"", "id = \"coarse\"", "is used twice"},
        Mistake{"id = \"fine\"", "id = \"Fine!\"", "may hold only a-z, 0-9 and -"},
        Mistake{"id = \"fine\"\n", "", "needs a \"id\""},
        Mistake{"threads=2", "threads=2 init=/bin/sh", "must not hold blanks"},
        Mistake{"family = \"path\"", "family = \"other\"", "path, app"},
        Mistake{"family = \"path\"", "family = \"path\"\nfile = \"../x\"", "plain name"},
        Mistake{"name = \"t\"", "name = \"../t\"", "may hold only"},
        Mistake{"name = \"t\"", "name = ", "t.toml:1: not valid TOML"},
        Mistake{"blocks = 3", "programs = [\"unpakc\"]",
                "t.toml:2: the experiment: unknown program \"unpakc\"; did you mean \"unpack\"?"},
        Mistake{"blocks = 3", "programs = [\"fio\"]", "it must be one of: fs-mark, unpack"},
        Mistake{"blocks = 3", "programs = [\"unpack\", \"unpack\"]", "is there twice"},
        Mistake{"blocks = 3", "programs = \"unpack\"", "must be"},
        Mistake{"blocks = 3\n[guest]", "substrate = \"icount\"\nprograms = [\"unpack\"]\n[guest]",
                "counts loads of its own"},
        Mistake{"[[job]]", "[job]", "must be an array of tables, written [[job]]"},
        Mistake{"[guest]", "[[guest]]", "must be a table, written [guest]"},
        Mistake{"memory_mib = 512", "boot_timeout_s = nan", "it must be 1 to"}));

TEST(Spec, AnEmptyFileSaysWhatIsMissing) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("needs a \"name\""));
  EXPECT_THAT(ErrorOf("name = \"x\""), HasSubstr("no arms; add at least one [[arm]]"));
}

TEST(Spec, HostileTextIsAnErrorNotACrash) {
  const std::string good = kGood;
  for (size_t cut = 0; cut < good.size(); cut += 7) ParseExperiment(good.substr(0, cut), "t.toml");
  EXPECT_FALSE(ParseExperiment(std::string("\0\xff\xfe", 3), "t.toml"));
  EXPECT_FALSE(ParseExperiment(std::string(5000, '['), "t.toml"));
}

TEST(Plan, EveryBlockHasEveryArmOnce) {
  const Plan plan = MakePlan(SmallExperiment(40), "c");
  std::map<int, std::set<std::string>> blocks;
  for (const Step& step : plan.steps) {
    EXPECT_EQ(step.order, static_cast<int>(blocks[step.block].size()));
    EXPECT_TRUE(blocks[step.block].insert(step.arm).second);
  }
  EXPECT_EQ(blocks.size(), 40u);
  EXPECT_EQ(plan.steps.size(), 120u);
}

TEST(Plan, TheSeedAloneDecidesTheOrder) {
  Experiment experiment = SmallExperiment(20);
  const auto order = [](const Plan& plan) {
    std::string text;
    for (const Step& step : plan.steps) text += step.arm + " ";
    return text;
  };
  const std::string first = order(MakePlan(experiment, ""));
  EXPECT_EQ(order(MakePlan(experiment, "")), first);
  experiment.seed = 2;
  EXPECT_NE(order(MakePlan(experiment, "")), first);
}

// Reckoned apart from this code, with SplitMix64 and Fisher and Yates's shuffle in Python.
TEST(Plan, ASeedMeansTheSameOrderForEver) {
  Experiment experiment = SmallExperiment(2);
  experiment.seed = 42;
  std::vector<std::string> arms;
  for (const Step& step : MakePlan(experiment, "").steps) arms.push_back(step.arm);
  EXPECT_THAT(arms, testing::ElementsAre("coarse", "fine-blendfs", "coarse-aa", "coarse-aa",
                                         "fine-blendfs", "coarse"));
}

TEST(Plan, EveryArmComesFirstAboutEquallyOften) {
  std::map<std::string, int> first;
  for (const Step& step : MakePlan(SmallExperiment(900), "").steps) {
    if (step.order == 0) ++first[step.arm];
  }
  // 300 expected each; four standard deviations are 57.
  for (const auto& [arm, times] : first) EXPECT_NEAR(times, 300, 57) << arm;
}

TEST(Plan, RoundTripsThroughJson) {
  const Plan plan = MakePlan(SmallExperiment(3), "claims");
  const auto again = PlanFromJson(nlohmann::json::parse(ToJson(plan).dump()));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(ToJson(*again).dump(), ToJson(plan).dump());
  for (const char* member : {"schema", "experiment", "steps", "claims_sha256"}) {
    nlohmann::json broken = ToJson(plan);
    broken.erase(member);
    EXPECT_FALSE(PlanFromJson(broken)) << member;
  }
  EXPECT_FALSE(PlanFromJson(nlohmann::json::array()));
}

// Their hash is what finds an unfinished run again.
TEST(Plan, ProgramsAreInItOnlyWhereThereAreSome) {
  EXPECT_FALSE(ToJson(MakePlan(SmallExperiment(1), ""))["experiment"].contains("programs"));
  const auto experiment =
      ParseExperiment(Changed("blocks = 3", "programs = [\"unpack\", \"find-cold\"]"), "t.toml");
  ASSERT_TRUE(experiment) << experiment.error();
  EXPECT_THAT(experiment->programs, testing::ElementsAre("unpack", "find-cold"));
  const Plan plan = MakePlan(*experiment, "");
  const auto again = PlanFromJson(nlohmann::json::parse(ToJson(plan).dump()));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->experiment.programs, experiment->programs);
  nlohmann::json unknown = ToJson(plan);
  unknown["experiment"]["programs"].push_back("none-such");
  EXPECT_FALSE(PlanFromJson(unknown));
}

TEST(Program, EveryOneIsKnownByItsNameAndHasAScript) {
  for (const std::string& id : ProgramIds()) {
    const Program* program = ProgramById(id);
    ASSERT_NE(program, nullptr) << id;
    EXPECT_NE(program->label, "") << id;
    EXPECT_GE(program->rounds, 1) << id;
    EXPECT_GE(program->emulated_estimate_s, program->estimate_s) << id;
    EXPECT_TRUE(fs::exists(fs::path(BLEND_SOURCE_DIR) / "workloads/programs" / program->script));
    for (const ProgramNeed& need : program->needs) EXPECT_NE(need.package, "") << id;
  }
  EXPECT_EQ(ProgramById("none-such"), nullptr);
}

TEST(JobText, VariablesAreFilledIn) {
  FioJob job;
  job.family = "app";
  job.runtime_s = 3;
  job.size_mib = 99;
  const auto text = RenderJob("f=${BENCH_FILE} s=${BENCH_SIZE} r=${BENCH_RUNTIME} ${BENCH_DIR}",
                              job, JobPlace{}, 5);
  ASSERT_TRUE(text) << text.error();
  EXPECT_EQ(*text, "f=/home/user/bench/app.dat s=99m r=3 /home/user/bench");
  job.lower_file = true;
  EXPECT_EQ(*RenderJob("${BENCH_FILE}", job, JobPlace{}, 5), "/usr/share/blend/data.bin");
  EXPECT_THAT(RenderJob("${BENCH_FIEL}", job, JobPlace{}, 5).error(), HasSubstr("${BENCH_FIEL}"));
  EXPECT_FALSE(RenderJob("${BENCH_FILE", job, JobPlace{}, 5));
}

TEST(JobText, SeedsDifferBetweenBlocksAndExperiments) {
  std::set<uint32_t> seeds;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (int block = 0; block < 50; ++block) seeds.insert(JobSeed(seed, block));
  }
  EXPECT_EQ(seeds.size(), 1000u);
  EXPECT_EQ(seeds.count(0), 0u);
}

// What the repository ships is as good as what a user writes.
class Shipped : public testing::TestWithParam<const char*> {};

TEST_P(Shipped, SpecParsesAndItsJobsRender) {
  const fs::path root = BLEND_SOURCE_DIR;
  const fs::path path = root / "harness" / "specs" / (std::string(GetParam()) + ".toml");
  const auto text = ReadFile(path);
  ASSERT_TRUE(text) << text.error().message;
  const auto experiment = ParseExperiment(*text, path.string());
  ASSERT_TRUE(experiment) << experiment.error();
  EXPECT_EQ(experiment->name, GetParam());
  EXPECT_EQ(experiment->arms.size(), 5u);
  for (const FioJob& job : experiment->jobs) {
    const auto job_text = ReadFile(root / "workloads" / "fio" / job.file);
    ASSERT_TRUE(job_text) << job_text.error().message;
    const auto rendered = RenderJob(*job_text, job, JobPlace{}, 1);
    ASSERT_TRUE(rendered) << rendered.error();
    EXPECT_EQ(rendered->find("${"), std::string::npos);
    EXPECT_THAT(*rendered, HasSubstr(job.family == "path" ? "direct=1" : "direct=0")) << job.id;
    EXPECT_THAT(*rendered, HasSubstr("[" + job.id + "]"));
  }
}
INSTANTIATE_TEST_SUITE_P(Profiles, Shipped, testing::Values("smoke", "quick", "full"));

TEST(Metrics, IdsAreUniqueAndUnitsAreInThem) {
  std::set<std::string> ids;
  Experiment experiment = SmallExperiment(1);
  experiment.programs = ProgramIds();
  for (const Metric& metric : MetricsOf(experiment)) {
    EXPECT_TRUE(ids.insert(metric.id).second) << metric.id;
    EXPECT_TRUE(metric.id.ends_with(metric.unit == "s" ? "_s" : "_mbps")) << metric.id;
    EXPECT_EQ(metric.lower_is_better, metric.unit == "s");
    EXPECT_EQ(metric.id.rfind("program.", 0) == 0, metric.family == "program");
  }
  EXPECT_EQ(ids.count("program.fs-mark_s"), 1u);
}

}  // namespace
}  // namespace blendbench
