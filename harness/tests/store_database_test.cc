// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/store/database.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DatabaseTest : public testing::Test {
 protected:
  void MakeRun(const std::string& id, int samples) {
    const Plan plan = MakePlan(SmallExperiment(2), Sha256Hex(""));
    auto run = RunFolder::Create(folder_.path(), id, plan, "", "");
    ASSERT_TRUE(run) << run.error().message;
    Environment environment;
    environment.created = "2026-11-23T10:00:00Z";
    environment.substrate = "tcg";
    ASSERT_TRUE(run->WriteEnvironment(environment));
    for (int i = 0; i < samples; ++i) {
      const Step& step = plan.steps[i];
      Sample sample =
          i == 1 ? FailedSample(step.block, step.order, step.arm)
                 : OkSample(step.block, step.order, step.arm, {{"boot.total_s", 10.0 + i}});
      sample.promises = {{"deletion", true, ""}};
      ASSERT_TRUE(run->Append(sample));
    }
  }
  Database Open() {
    auto database = Database::Open(folder_.path());
    EXPECT_TRUE(database) << database.error().message;
    return std::move(*database);
  }
  fs::path file() const { return folder_.path() / "blendbench.sqlite"; }
  // All rows of all tables, as one text.
  std::string Dump() {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(file().c_str(), &handle), SQLITE_OK);
    std::string dump;
    const auto add = [](void* text, int columns, char** values, char**) {
      for (int i = 0; i < columns; ++i)
        *static_cast<std::string*>(text) += std::string(values[i] ? values[i] : "NULL") + "|";
      *static_cast<std::string*>(text) += "\n";
      return 0;
    };
    for (const char* table : {"runs", "samples", "metrics", "promises"}) {
      const std::string query = std::string("SELECT * FROM ") + table + " ORDER BY 1, 2, 3, 4";
      EXPECT_EQ(sqlite3_exec(handle, query.c_str(), add, &dump, nullptr), SQLITE_OK) << table;
    }
    sqlite3_close(handle);
    return dump;
  }

  TemporaryFolder folder_;
};

TEST_F(DatabaseTest, ANewOneHoldsTheRunsThereAre) {
  MakeRun("one", 3);
  Database database = Open();
  const auto runs = database.Runs();
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->at(0).id, "one");
  EXPECT_EQ(runs->at(0).samples, 3);
  EXPECT_EQ(runs->at(0).failed, 1);
  EXPECT_EQ(runs->at(0).planned, 6);
  EXPECT_THAT(database.notes(), IsEmpty());
}

TEST_F(DatabaseTest, ImportingTwiceChangesNothing) {
  MakeRun("one", 4);
  { Open(); }
  const std::string before = Dump();
  {
    Database database = Open();
    const auto run = RunFolder::OpenForReading(folder_.path() / "one");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(database.Import(*run));
    ASSERT_TRUE(database.Rebuild());
  }
  EXPECT_EQ(Dump(), before);
}

TEST_F(DatabaseTest, RebuildForgetsRunsThatAreGone) {
  MakeRun("one", 2);
  MakeRun("two", 2);
  Database database = Open();
  fs::remove_all(folder_.path() / "one");
  ASSERT_TRUE(database.Rebuild());
  ASSERT_EQ(database.Runs()->size(), 1u);
  EXPECT_EQ(Dump().find("one|"), std::string::npos);
}

TEST_F(DatabaseTest, HistoryIsInOrder) {
  MakeRun("one", 1);
  MakeRun("two", 1);
  Database database = Open();
  const std::string arm = MakePlan(SmallExperiment(2), "").steps[0].arm;
  const auto points = database.History("boot.total_s", arm);
  ASSERT_TRUE(points);
  ASSERT_EQ(points->size(), 2u);
  EXPECT_EQ(points->at(0).run, "one");
  EXPECT_DOUBLE_EQ(points->at(0).value, 10.0);
  EXPECT_THAT(*database.History("boot.total_s'; DROP TABLE runs; --", arm), IsEmpty());
}

TEST_F(DatabaseTest, OtherTablesOfThisSchemaAreBuiltAnew) {
  MakeRun("one", 2);
  { Open(); }
  const std::string good = Dump();
  for (const char* change : {"ALTER TABLE runs ADD COLUMN more TEXT", "DROP TABLE promises"}) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, change, nullptr, nullptr, nullptr), SQLITE_OK) << change;
    sqlite3_close(handle);
    EXPECT_THAT(Lines(Open().notes()), ElementsAre(HasSubstr("built anew from the run folders")));
    EXPECT_EQ(Dump(), good) << change;
  }
}

TEST_F(DatabaseTest, DamageIsSeenKeptAndRepaired) {
  for (int i = 0; i < 12; ++i) MakeRun("run-" + std::to_string(i), 6);
  { Open(); }
  const std::string good = Dump();
  const std::string bytes = *ReadFile(file());
  ASSERT_GT(bytes.size(), 30000u);
  std::string shot = bytes;
  for (size_t at = 4096; at < shot.size(); at += 4096)
    shot.replace(at, 64, std::string(64, '\x5a'));
  const std::vector<std::string> damaged = {
      bytes.substr(0, bytes.size() / 2), bytes.substr(0, 50),
      "this is no database, it only looks long enough to be one", shot};
  int number = 0;
  for (const std::string& content : damaged) {
    fs::remove(file().string() + "-wal");
    fs::remove(file().string() + "-shm");
    std::ofstream(file(), std::ios::binary) << content;
    {
      Database database = Open();
      ++number;
      EXPECT_THAT(Lines(database.notes()),
                  ElementsAre(HasSubstr("built anew from the run folders")))
          << number;
      EXPECT_EQ(database.Runs()->size(), 12u);
    }
    EXPECT_EQ(Dump(), good);
    EXPECT_EQ(*ReadFile(file().string() + ".corrupt-" + std::to_string(number)), content);
  }
}

TEST_F(DatabaseTest, AnEmptiedFileIsFilledAgain) {
  MakeRun("one", 2);
  { Open(); }
  fs::remove(file().string() + "-wal");
  fs::remove(file().string() + "-shm");
  std::ofstream(file(), std::ios::trunc).close();
  EXPECT_EQ(Open().Runs()->size(), 1u);
}

TEST_F(DatabaseTest, OneBrokenRunDoesNotHideTheOthers) {
  MakeRun("one", 2);
  MakeRun("two", 2);
  std::ofstream(folder_.path() / "one" / "plan.json") << "{";
  Database database = Open();
  EXPECT_EQ(database.Runs()->size(), 1u);
  EXPECT_THAT(Lines(database.notes()), ElementsAre(HasSubstr("plan.json")));
}

}  // namespace
}  // namespace blendbench
