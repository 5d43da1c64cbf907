// SPDX-License-Identifier: MIT
// Calibrations as documents, beside the runs and in words; and the boots of a run for a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "harness/export/calibration_report.h"
#include "harness/export/timeline.h"
#include "harness/store/calibration_file.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

RunRecord Recorded() {
  RunRecord record;
  record.id = "r1";
  record.plan = MakePlan(SmallExperiment(8), "");
  for (Arm& arm : record.plan.experiment.arms) arm.handicap.disk_mbps = 60;
  record.plan.experiment.arms[2].handicap.disk_mbps = 50;
  record.environment.substrate = "tcg";
  record.environment.host = {{"cpu", "c"}, {"cores", 2}, {"kernel", "k"}, {"load1_max", 3}};
  record.samples = SmallSamples(8, 1.2);
  return record;
}

json Document() {
  const RunRecord record = Recorded();
  return CalibrationJson(record, Calibrate(record.plan.experiment, record.samples, 8, 0.05));
}

TEST(CalibrationDocument, SaysWhatWasFound) {
  const json document = Document();
  EXPECT_EQ(document["substrate"], "tcg");
  EXPECT_EQ(document["machine"], (json{{"cpu", "c"}, {"cores", 2}, {"kernel", "k"}}));
  EXPECT_EQ(document["false_alarms"]["trials"], 3);
  EXPECT_EQ(document["arms"][0]["refuted"]["count"], 2);
  const std::string table = CalibrationTable(document);
  EXPECT_THAT(table, HasSubstr("fine-blendfs: its disks move at most 50 MB/s"));
  EXPECT_THAT(table, HasSubstr("REFUTED          2 of 2, 100 %"));
  EXPECT_THAT(CalibrationLines(document), HasSubstr("slower by 20.0 %: REFUTED 2 of 2"));
  EXPECT_THAT(CalibrationLines(json()), HasSubstr("none on this substrate"));
}

TEST(CalibrationDocument, LiesBesideTheRunsAndKnowsItsMachine) {
  const TemporaryFolder folder;
  Environment environment = Recorded().environment;
  EXPECT_TRUE(ReadCalibration(folder.path(), environment).is_null());
  ASSERT_TRUE(WriteCalibration(folder.path(), Document()));
  EXPECT_EQ(ReadCalibration(folder.path(), environment)["same_machine"], true);
  environment.host["cores"] = 4;
  const json elsewhere = ReadCalibration(folder.path(), environment);
  EXPECT_EQ(elsewhere["same_machine"], false);
  EXPECT_THAT(CalibrationLines(elsewhere), HasSubstr("another machine"));
  environment.substrate = "kvm";
  EXPECT_TRUE(ReadCalibration(folder.path(), environment).is_null());
  environment.substrate = "tcg";
  std::ofstream(folder.path() / "calibration-tcg.json") << "{\"torn";
  EXPECT_TRUE(ReadCalibration(folder.path(), environment).is_null());
}

TEST(Timeline, IsToOneScaleAndNamesTheLongestUnits) {
  RunRecord record = Recorded();
  for (Sample& sample : record.samples) {
    const double half = sample.arm == "coarse" ? 1 : 2;
    for (const char* phase : {"kernel", "initramfs", "merge", "switch"})
      sample.metrics[std::string("boot.") + phase + "_s"] = half;
    sample.metrics["boot.userspace_s"] = 6 * half;
  }
  record.diagnosis = {{"coarse", {{"units", {{{"unit", "slow.service"}, {"s", 1.25}}}}}},
                      {"fine-blendfs", {{"failure", "kernel panic"}}}};
  const std::string text = BootTimeline(record);
  EXPECT_THAT(text, HasSubstr("coarse            10.00 s  kkkiiimmmsss"));
  EXPECT_THAT(text, HasSubstr("fine-blendfs      20.00 s  kkkkkkiiiiiimmmmmm"));
  EXPECT_EQ(std::count(text.begin(), text.end(), 'u') > 54, true);
  EXPECT_THAT(text, HasSubstr("1.250 s  slow.service"));
  EXPECT_THAT(text, HasSubstr("the diagnostic boot failed: kernel panic"));
  for (Sample& sample : record.samples) sample.metrics.erase("boot.merge_s");
  record.diagnosis = nullptr;
  EXPECT_EQ(BootTimeline(record), "");
}

}  // namespace
}  // namespace blendbench
