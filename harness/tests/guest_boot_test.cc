// SPDX-License-Identifier: MIT
// Boots real guests from real images: BLEND_IMAGES names their folder, else the cache's is taken.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "harness/guest/guest.h"
#include "harness/measure/arm.h"
#include "harness/measure/arm_session.h"
#include "harness/measure/clones.h"
#include "harness/measure/engine_initramfs.h"
#include "harness/spec/guest_load.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

fs::path ImagesFolder() {
  if (const char* folder = std::getenv("BLEND_IMAGES")) return folder;
  if (const char* cache = std::getenv("BLEND_CACHE")) return fs::path(cache) / "images/current";
  if (const char* cache = std::getenv("XDG_CACHE_HOME"))
    return fs::path(cache) / "blendfs/images/current";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/") / ".cache/blendfs/images/current";
}

constexpr char kReadJob[] =
    "[global]\nfilename=/home/user/bench/path.dat\nsize=8m\ndirect=1\nioengine=psync\n"
    "time_based=1\nruntime=1\nrandrepeat=0\nrandseed=7\n[read]\nrw=randread\nbs=4k\n";

class GuestBoot : public testing::Test {
 protected:
  void SetUp() override {
    Result<ImageSet> images = LoadImages(ImagesFolder());
    if (!images) GTEST_SKIP() << images.error().message;
    folder_ = fs::temp_directory_path() / ("blendbench-guest-" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "console");
    settings_.images = *images;
    settings_.run_folder = settings_.scratch = folder_;
    settings_.direct_io = SupportsDirectIo(folder_);
    settings_.job_texts["read.fio"] = kReadJob;
    Experiment& experiment = settings_.experiment;
    FioJob job;
    job.id = "read";
    job.family = "path";
    job.file = "read.fio";
    experiment.jobs = {job};
    for (const auto& [id, layout, engine] :
         {std::tuple{"coarse", Layout::kCoarse, ""},
          std::tuple{"fine-overlayfs", Layout::kFine, "overlayfs"},
          std::tuple{"fine-nonsense", Layout::kFine, "nonsense"}}) {
      Arm arm;
      arm.id = id;
      arm.layout = layout;
      arm.engine = engine;
      experiment.arms.push_back(arm);
    }
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  Result<Sample> Measure(const std::string& arm, bool with_upgrade) {
    SilentProgress progress;
    ArmMeasurer measurer(settings_, progress, &interrupt_);
    Step step;
    step.arm = arm;
    return measurer.Measure(step, "console/" + arm + ".log", with_upgrade);
  }

  fs::path folder_;
  ArmSettings settings_;
  Interrupt interrupt_;
};

Promise PromiseOf(const Sample& sample, const std::string& check) {
  for (const Promise& promise : sample.promises)
    if (promise.check == check) return promise;
  return {check, false, "not reported"};
}

TEST_F(GuestBoot, AFineArmIsMeasuredFromPowerOnToUpgrade) {
  Result<Sample> sample = Measure("fine-overlayfs", true);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kOk)
      << sample->failure->phase << ": " << sample->failure->reason << "\n"
      << sample->failure->console_tail;
  double phases_s = 0;
  for (const char* phase : {"kernel", "initramfs", "merge", "switch", "userspace"}) {
    const double phase_s = sample->metrics.at(std::string("boot.") + phase + "_s");
    EXPECT_GT(phase_s, 0) << phase;
    phases_s += phase_s;
  }
  EXPECT_DOUBLE_EQ(sample->metrics.at("boot.total_s"), phases_s);
  EXPECT_GT(sample->metrics.at("fio.read_mbps"), 0);
  EXPECT_GT(sample->metrics.at("shutdown_s"), 0);
  EXPECT_EQ(sample->raw["storage"]["system_bytes_written"], 0);
  EXPECT_EQ(sample->raw["storage"]["app_bytes_written"], 0);
  EXPECT_GT(sample->raw["storage"]["user_bytes_written"], 0);
  std::map<std::string, Promise> by_name;
  for (const Promise& promise : sample->promises) by_name[promise.check] = promise;
  for (const char* check :
       {"override-config", "override-program", "deletion", "app-in-place", "user-home",
        "write-system-path", "upgrade-keeps-changes", "upgrade.file-system"})
    EXPECT_TRUE(by_name[check].held) << check << ": " << by_name[check].detail;
  EXPECT_EQ(by_name["system-release"].detail, "1");
  EXPECT_EQ(by_name["upgrade.system-release"].detail, "2");
  EXPECT_TRUE(fs::is_empty(folder_ / "console") == false);
  for (const auto& entry : fs::recursive_directory_iterator(folder_))
    EXPECT_THAT(entry.path().string(), Not(HasSubstr("qcow2")));
}

TEST_F(GuestBoot, CoarseLosesSystemChangesWhenTheSystemIsExchanged) {
  Result<Sample> sample = Measure("coarse", true);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kOk) << sample->failure->reason;
  const Promise kept = PromiseOf(*sample, "upgrade-keeps-changes");
  EXPECT_FALSE(kept.held);
  EXPECT_THAT(kept.detail, HasSubstr("a change below /etc"));
  EXPECT_THAT(kept.detail, Not(HasSubstr("home directory")));
  EXPECT_TRUE(PromiseOf(*sample, "upgrade.file-system").held);
}

// Changed blocks under another file system than the one they were changed in: whatever the guest makes of it, the
// user's file system is damaged, and that is told.
TEST_F(GuestBoot, AnUpgradeUnderAChainOfBlocksIsShownToBeDamage) {
  Arm arm;
  arm.id = "block-qcow2";
  arm.layout = Layout::kBlock;
  arm.engine = kChainEngine;
  settings_.experiment.arms = {arm};
  Result<void> images = TakeImages(settings_.images, settings_.experiment);
  if (!images) GTEST_SKIP() << images.error().message;
  Result<Sample> sample = Measure(arm.id, true);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kOk) << sample->failure->reason;
  for (const char* check : {"override-config", "deletion", "deletion-of-app", "user-over-app"})
    EXPECT_TRUE(PromiseOf(*sample, check).held) << check;
  EXPECT_FALSE(PromiseOf(*sample, "upgrade-keeps-changes").held);
  const Promise disk = PromiseOf(*sample, "upgrade.file-system");
  EXPECT_FALSE(disk.held);
  EXPECT_THAT(disk.detail, Not(testing::IsEmpty()));
}

TEST_F(GuestBoot, ACrowdSharesItsImagesAndNothingElse) {
  Experiment& experiment = settings_.experiment;
  experiment.crowd = true;
  experiment.jobs.clear();
  experiment.guest.memory_mib = 256;
  settings_.direct_io = false;
  Arm& fine = experiment.arms[1];
  fine.guest.guests = 2;
  Result<Sample> sample = Measure(fine.id, false);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kOk)
      << sample->failure->phase << ": " << sample->failure->reason;
  EXPECT_TRUE(PromiseOf(*sample, "isolation").held) << PromiseOf(*sample, "isolation").detail;
  // Each has read the 64 MiB file of the system image; the host holds it once.
  EXPECT_GT(sample->metrics.at("memory.cache_mib"), 64);
  EXPECT_GT(sample->metrics.at("memory.guests_mib"), 2 * 64);
  EXPECT_GT(sample->metrics.at("storage.on_disk_mib"), 0);
}

// The host merges and serves the root; the user's image is clean once that has ended.
TEST_F(GuestBoot, AnExportedRootIsAsGoodAsOneOfDisks) {
  if (FindVirtiofsd().empty()) GTEST_SKIP() << "there is no virtiofsd; setup/install brings one";
  Arm arm;
  arm.id = "fine-virtiofs";
  arm.layout = Layout::kFine;
  arm.engine = kExportEngine;
  arm.engine_options = kCacheAlways;  // or an emulated guest asks for a minute
  settings_.virtiofsd = FindVirtiofsd();
  settings_.experiment.arms = {arm};
  Result<Sample> sample = Measure(arm.id, true);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kOk)
      << sample->failure->phase << ": " << sample->failure->reason << "\n"
      << sample->failure->console_tail;
  for (const char* check : {"override-config", "deletion", "app-in-place", "user-home",
                            "upgrade-keeps-changes", "upgrade.file-system"})
    EXPECT_TRUE(PromiseOf(*sample, check).held) << PromiseOf(*sample, check).detail;
}

// More work in the boot is seen in its instructions, and no time of an emulated guest is taken for a measurement.
TEST_F(GuestBoot, InstructionsAreCountedInPlaceOfTimes) {
  settings_.substrate = Substrate::kIcount;
  settings_.direct_io = false;
  settings_.experiment.promises = settings_.experiment.upgrade = false;
  Result<Sample> plain = Measure("coarse", false);
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_EQ(plain->status, SampleStatus::kOk) << plain->failure->phase << plain->failure->reason;
  for (const auto& [metric, value] : plain->metrics)
    if (metric.rfind("setup.", 0) != 0) {
      EXPECT_THAT(metric, testing::EndsWith("_minsn"));
    }
  for (const GuestLoad& load : GuestLoads()) EXPECT_GT(plain->metrics.at(LoadMetricId(load)), 1);
  settings_.experiment.arms[0].handicap.boot_work = 40'000;
  Result<Sample> more = Measure("coarse", false);
  ASSERT_TRUE(more) << more.error().message;
  ASSERT_EQ(more->status, SampleStatus::kOk) << more->failure->phase << more->failure->reason;
  const double added = more->metrics.at("boot.total_minsn") - plain->metrics.at("boot.total_minsn");
  EXPECT_GT(added, 40'000 * 0.008);  // about 11,000 instructions a count
  EXPECT_LT(added, 40'000 * 0.020);
  EXPECT_NEAR(more->metrics.at("load.walk_minsn") / plain->metrics.at("load.walk_minsn"), 1, 0.02);
}

TEST_F(GuestBoot, AnInitramfsThatGivesUpIsAFailedSampleWithItsWords) {
  Result<Sample> sample = Measure("fine-nonsense", false);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kFailed);
  EXPECT_EQ(sample->failure->phase, "boot");
  EXPECT_THAT(sample->failure->reason, HasSubstr("nonsense"));
  EXPECT_THAT(sample->failure->console_tail, HasSubstr("nonsense"));
  EXPECT_TRUE(fs::exists(folder_ / sample->failure->console));
  EXPECT_TRUE(sample->metrics.empty());
}

#ifdef BLEND_BLENDFS
// An engine that nothing here knows of carries a root by its descriptor alone.
TEST_F(GuestBoot, AMadeUpEngineCarriesARoot) {
  Arm arm;
  arm.id = "fine-made-up";
  arm.layout = Layout::kFine;
  arm.engine = "made-up";
  arm.engine_options = "noatime";
  settings_.experiment.arms.push_back(arm);
  EngineDescriptor engine;
  engine.name = "made-up";
  engine.program = BLEND_BLENDFS;
  engine.mount = {"{program}", "-o", "lowerdir={lowers},upperdir={upper},workdir={work}{options}",
                  "{target}"};
  const fs::path initramfs = folder_ / "initramfs-made-up.img";
  const Result<void> written = WriteEngineInitramfs(
      engine, RootMountOrder(arm), settings_.images.at("initramfs").path, initramfs, &interrupt_);
  ASSERT_TRUE(written) << written.error().message;
  settings_.engine_initramfs.emplace(arm.id, initramfs);
  Result<Sample> sample = Measure(arm.id, false);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kOk) << sample->failure->reason << "\n"
                                               << sample->failure->console_tail;
  ASSERT_FALSE(sample->promises.empty());
  for (const Promise& promise : sample->promises)
    EXPECT_TRUE(promise.held) << promise.check << ": " << promise.detail;
}
#endif

TEST_F(GuestBoot, AnEngineThisMachineLacksIsAFailedSampleThatSaysSo) {
  settings_.engine_initramfs.emplace(
      "fine-nonsense", Fail(ExitCode::kEnvironment, "not available here: no nonsense"));
  Result<Sample> sample = Measure("fine-nonsense", false);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kFailed);
  EXPECT_EQ(sample->failure->phase, "start");
  EXPECT_THAT(sample->failure->reason, HasSubstr("no nonsense"));
}

TEST_F(GuestBoot, AGuestThatNeverBootsTimesOut) {
  settings_.experiment.guest.boot_timeout_s = 1;
  Result<Sample> sample = Measure("coarse", false);
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_EQ(sample->status, SampleStatus::kFailed);
  EXPECT_THAT(sample->failure->reason, HasSubstr("timed out"));
}

TEST_F(GuestBoot, AnInterruptLeavesNoSample) {
  interrupt_.Raise(15);
  Result<Sample> sample = Measure("coarse", false);
  ASSERT_FALSE(sample);
  EXPECT_EQ(sample.error().code, ExitCode::kInterrupted);
}

}  // namespace
}  // namespace blendbench
