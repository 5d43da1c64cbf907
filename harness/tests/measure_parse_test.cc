// SPDX-License-Identifier: MIT
// What is made of markers, fio's output and the promise checks, whatever a guest sends.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "harness/measure/boot_phases.h"
#include "harness/measure/fio_result.h"
#include "harness/measure/promise_checks.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<Marker> Boot(const std::string& names) {
  std::vector<Marker> markers;
  int64_t ns = 1'000'000'000;
  for (const char name : names) markers.push_back({name, ns += 333'333'333});
  return markers;
}

TEST(BootPhases, AddUpToTheTotalToTheLastBit) {
  const auto phases = BootPhases(Boot("ImMSR"), 1'000'000'000);
  ASSERT_TRUE(phases) << phases.error();
  double sum_s = 0;
  for (const char* phase : {"kernel", "initramfs", "merge", "switch", "userspace"})
    sum_s += phases->at(std::string("boot.") + phase + "_s");
  EXPECT_EQ(phases->at("boot.total_s"), sum_s);
  EXPECT_NEAR(sum_s, 5 * 0.333333333, 1e-9);
  EXPECT_EQ(phases->size(), 6u);
}

TEST(BootPhases, StrayBytesDoNotMoveAPhase) {
  // An R before its time is not the end of the boot.
  const auto phases = BootPhases(Boot("RxImMSRRD"), 1'000'000'000);
  ASSERT_TRUE(phases) << phases.error();
  EXPECT_NEAR(phases->at("boot.kernel_s"), 3 * 0.333333333, 1e-9);
  EXPECT_NEAR(phases->at("boot.userspace_s"), 0.333333333, 1e-9);
}

TEST(BootPhases, AMissingMarkerIsNamed) {
  for (const auto& [names, missing] : {std::pair{"ImSR", "M"}, std::pair{"", "I"},
                                       std::pair{"ImMRS", "R"}, std::pair{"mIMSR", "m"}}) {
    const auto phases = BootPhases(Boot(names), 0);
    ASSERT_FALSE(phases) << names;
    EXPECT_THAT(phases.error(), HasSubstr(std::string("boot marker ") + missing));
  }
}

TEST(BootPhases, AMarkerFromBeforeTimeZeroIsAnError) {
  EXPECT_FALSE(BootPhases(Boot("ImMSR"), 2'000'000'000));
}

json Side(int64_t bytes, double runtime_ms) {
  return {{"io_bytes", bytes},
          {"runtime", runtime_ms},
          {"bw_bytes", runtime_ms > 0 ? static_cast<double>(bytes) / (runtime_ms / 1e3) : 0}};
}

json Job(const json& read, const json& write) {
  return {{"jobname", "j"}, {"error", 0}, {"read", read}, {"write", write}};
}

std::string Document(std::initializer_list<json> jobs) {
  return json{{"fio version", "fio-3.39"}, {"jobs", jobs}}.dump();
}

TEST(Fio, RateIsInMillionsOfBytesOfTheJobsDirection) {
  const auto read = ParseFio(Document({Job(Side(50'000'000, 2000), Side(0, 0))}));
  ASSERT_TRUE(read) << read.error();
  EXPECT_DOUBLE_EQ(read->mbps, 25);
  EXPECT_EQ(read->direction, "read");
  const auto write = ParseFio(Document({Job(Side(0, 0), Side(8'000'000, 500))}));
  ASSERT_TRUE(write) << write.error();
  EXPECT_DOUBLE_EQ(write->mbps, 16);
  EXPECT_EQ(write->direction, "write");
}

TEST(Fio, JobsOfOneFileCountTogether) {
  const auto result = ParseFio(
      Document({Job(Side(10'000'000, 1000), Side(0, 0)), Job(Side(0, 0), Side(30'000'000, 2000))}));
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->direction, "mixed");
  EXPECT_DOUBLE_EQ(result->mbps, 20);
}

TEST(Fio, WarningsBeforeTheDocumentAreNoMatter) {
  EXPECT_TRUE(ParseFio("fio: note: something\n" + Document({Job(Side(1000, 10), Side(0, 0))})));
}

struct BadOutput {
  const char* name;
  std::string output;
  const char* says;
};

class BadFio : public testing::TestWithParam<BadOutput> {};

TEST_P(BadFio, IsRefusedInWords) {
  const auto result = ParseFio(GetParam().output);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error(), HasSubstr(GetParam().says));
}

json Lie(const char* member, const json& value) {
  json side = Side(50'000'000, 2000);
  side[member] = value;
  return side;
}

json WithError(const json& error) {
  json job = Job(Side(1000, 10), Side(0, 0));
  job["error"] = error;
  return job;
}

INSTANTIATE_TEST_SUITE_P(
    Outputs, BadFio,
    testing::Values(
        BadOutput{"Empty", "", "no JSON"}, BadOutput{"Cut", R"({"jobs": [{"error": 0)", "damaged"},
        BadOutput{"NoJobs", R"({"jobs": []})", "no job"},
        BadOutput{"JobsOfText", R"({"jobs": "none"})", "no job"},
        BadOutput{"JobOfNumber", R"({"jobs": [1]})", "without an error number"},
        BadOutput{"Failed", Document({WithError(5)}), "error 5"},
        BadOutput{"ErrorOfText", Document({WithError("0")}), "without an error number"},
        BadOutput{"NoBytes", Document({Job(Side(0, 0), Side(0, 0))}), "no bytes"},
        BadOutput{"NoTime", Document({Job(Side(5, 0), Side(0, 0))}), "no time"},
        BadOutput{"Negative", Document({Job(Side(-5, 10), Side(0, 0))}), "lacks"},
        BadOutput{"NoRead", R"({"jobs": [{"error": 0, "write": {}}]})", "read part lacks"},
        BadOutput{"RateLies", Document({Job(Lie("bw_bytes", 99'000'000), Side(0, 0))}),
                  "do not make"},
        BadOutput{"BytesOfText", Document({Job(Lie("io_bytes", "many"), Side(0, 0))}), "lacks"},
        BadOutput{"TooFast", Document({Job(Side(4'000'000'000'000, 1000), Side(0, 0))}),
                  "cannot be"},
        BadOutput{"Deep", "{\"jobs\": " + std::string(200, '[') + std::string(200, ']') + "}",
                  "damaged"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(Fio, ARunOutOfTheCacheIsLabelled) {
  FioResult read{.mbps = 1, .direction = "read", .bytes = 1000, .runtime_s = 1, .raw = {}};
  BlockStats disks;
  disks["user"].read_bytes = 20;
  EXPECT_EQ(ServedFrom(read, disks), "cache");
  disks["system"].read_bytes = 480;
  EXPECT_EQ(ServedFrom(read, disks), "partly");
  disks["user"].read_bytes = 600;
  EXPECT_EQ(ServedFrom(read, disks), "device");
  read.direction = "write";
  EXPECT_EQ(ServedFrom(read, disks), "cache");
}

TEST(Promises, AreReadLineByLine) {
  const auto promises = ParsePromises(
      "{\"check\": \"deletion\", \"held\": true, \"detail\": \"gone\"}\n"
      "some shell warning\n"
      "{\"check\": \"user-home\", \"held\": false}\n"
      "{\"check\": 5, \"held\": true}\n"
      "{\"check\": \"Bad Name\", \"held\": true}\n"
      "{\"check\": \"no-answer\", \"held\": \"yes\"}\n"
      "[1, 2]");
  ASSERT_TRUE(promises) << promises.error();
  ASSERT_EQ(promises->size(), 2u);
  EXPECT_EQ((*promises)[0].check, "deletion");
  EXPECT_TRUE((*promises)[0].held);
  EXPECT_EQ((*promises)[0].detail, "gone");
  EXPECT_FALSE((*promises)[1].held);
}

TEST(Promises, HostileOutputIsBounded) {
  EXPECT_FALSE(ParsePromises(""));
  EXPECT_FALSE(ParsePromises("nothing here\n"));
  EXPECT_FALSE(
      ParsePromises("{\"check\": \"a\", \"held\": true}\n{\"check\": \"a\", \"held\": false}\n"));
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += "{\"check\": \"c" + std::to_string(i) + "\", \"held\": true}\n";
  EXPECT_FALSE(ParsePromises(many));
  const auto longer = ParsePromises(
      json{{"check", "a"}, {"held", true}, {"detail", "\x1b[2J" + std::string(5000, 'x')}}.dump());
  ASSERT_TRUE(longer);
  EXPECT_LE(longer->front().detail.size(), 512u);
  EXPECT_EQ(longer->front().detail.find('\x1b'), std::string::npos);
}

UpgradeFindings GoodUpgrade() {
  UpgradeFindings findings;
  findings.before = {{"override-config", true, ""},
                     {"deletion", false, "never held in this layout"},
                     {"system-release", true, "1"}};
  findings.after = {
      {"override-config", true, ""}, {"deletion", false, ""}, {"system-release", true, "2"}};
  findings.etc_change_kept = findings.home_change_kept = true;
  return findings;
}

TEST(Upgrade, KeepsWhatHeldBefore) {
  const Promise promise = JudgeUpgrade(GoodUpgrade());
  EXPECT_EQ(promise.check, "upgrade-keeps-changes");
  EXPECT_TRUE(promise.held) << promise.detail;
}

TEST(Upgrade, EachLossBreaksItAndIsNamed) {
  UpgradeFindings old_release = GoodUpgrade();
  old_release.after[2].detail = "1";
  UpgradeFindings no_etc = GoodUpgrade();
  no_etc.etc_change_kept = false;
  UpgradeFindings no_home = GoodUpgrade();
  no_home.home_change_kept = false;
  UpgradeFindings no_override = GoodUpgrade();
  no_override.after[0].held = false;
  UpgradeFindings unreported = GoodUpgrade();
  unreported.after.erase(unreported.after.begin());
  const std::pair<UpgradeFindings, const char*> cases[] = {{old_release, "the new release"},
                                                           {no_etc, "below /etc"},
                                                           {no_home, "home directory"},
                                                           {no_override, "override-config"},
                                                           {unreported, "override-config"}};
  for (const auto& [findings, lost] : cases) {
    const Promise promise = JudgeUpgrade(findings);
    EXPECT_FALSE(promise.held) << lost;
    EXPECT_THAT(promise.detail, HasSubstr(lost));
  }
}

}  // namespace
}  // namespace blendbench
