// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "harness/export/promise_figures.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using nlohmann::json;

Sample Used(const std::string& arm, double per_user) {
  Sample sample;
  sample.arm = arm;
  sample.raw = {{"storage", {{"shared_bytes", 1000}, {"per_user_bytes", per_user}}}};
  return sample;
}

RunRecord WithArms(std::initializer_list<std::pair<const char*, Layout>> arms) {
  RunRecord record;
  for (const auto& [id, layout] : arms) {
    Arm arm;
    arm.id = id;
    arm.layout = layout;
    if (layout == Layout::kBlock) arm.engine = kChainEngine;
    record.plan.experiment.arms.push_back(arm);
  }
  return record;
}

TEST(StorageGrowth, IsWhatIsSharedAndWhatEachUserTakes) {
  RunRecord record = WithArms({{"fine", Layout::kFine}, {"mono", Layout::kMonolithic}});
  for (const double bytes : {30.0, 10.0, 20.0}) record.samples.push_back(Used("fine", bytes));
  record.samples.push_back(Used("fine", 99));
  record.samples.back().status = SampleStatus::kFailed;  // counts for nothing
  const json growth = StorageGrowthJson(record);
  ASSERT_EQ(growth["arms"].size(), 1u);
  const json& fine = growth["arms"][0];
  EXPECT_EQ(fine["shared_bytes"], 1000);
  EXPECT_EQ(fine["per_user_bytes"], 20);
  EXPECT_EQ(fine["per_user_min"], 10);
  EXPECT_EQ(fine["per_user_max"], 30);
  EXPECT_EQ(fine["measured_users"], 3);
  record.plan.experiment.jobs.emplace_back();  // jobs write for a time: not the same for all
  EXPECT_TRUE(StorageGrowthJson(record).is_null());
}

TEST(StorageGrowth, HostileRawOutputsAreNoFigures) {
  RunRecord record = WithArms({{"fine", Layout::kFine}});
  for (const json& raw : {json(), json("x"), json{{"storage", 3}},
                          json{{"storage", {{"per_user_bytes", "many"}, {"shared_bytes", 1}}}}}) {
    record.samples.push_back(Used("fine", 0));
    record.samples.back().raw = raw;
  }
  EXPECT_TRUE(StorageGrowthJson(record).is_null());
}

TEST(Upgrades, TellWhatBecameOfEachUserAndWhyItCannotBe) {
  RunRecord record =
      WithArms({{"fine", Layout::kFine}, {"block", Layout::kBlock}, {"mono", Layout::kMonolithic}});
  EXPECT_TRUE(UpgradesJson(record).is_null());
  Sample good;
  good.arm = "fine";
  good.raw = {{"upgrade", {{"ok", true}, {"exchange_s", 0.5}, {"bytes_per_user", 7}}}};
  good.promises = {{"upgrade-keeps-changes", true, ""},
                   {"upgrade.system-release", true, "2"},
                   {"upgrade.file-system", true, ""}};
  Sample bad;
  bad.arm = "block";
  bad.raw = {{"upgrade", {{"ok", false}, {"failure", "it panicked"}}}};
  bad.promises = {{"upgrade-keeps-changes", false, ""}, {"upgrade.file-system", false, "bad tree"}};
  record.samples = {good, bad};
  const json upgrades = UpgradesJson(record);
  ASSERT_EQ(upgrades.size(), 3u);
  EXPECT_EQ(upgrades[0]["booted"], 1);
  EXPECT_EQ(upgrades[0]["updates_seen"], 1);
  EXPECT_EQ(upgrades[0]["file_system_clean"], 1);
  EXPECT_EQ(upgrades[0]["bytes_per_user"], 7);
  EXPECT_EQ(upgrades[0]["possible"], true);
  EXPECT_EQ(upgrades[1]["booted"], 0);
  EXPECT_EQ(upgrades[1]["possible"], false);
  EXPECT_EQ(upgrades[1]["failures"], json({"file system: bad tree", "it panicked"}));
  EXPECT_EQ(upgrades[2]["of"], 0);
  EXPECT_EQ(upgrades[2]["possible"], false);
  EXPECT_FALSE(upgrades[2]["why"].get<std::string>().empty());
}

}  // namespace
}  // namespace blendbench
