// SPDX-License-Identifier: MIT
// Archives: what was packed is found whole, whatever is tampered with is found, and an archive that means harm does none.
#include <gmock/gmock.h>

#include <cstring>
#include <random>

#include "harness/archive/gzip.h"
#include "harness/archive/tar.h"
#include "harness/base/json_text.h"
#include "harness/tests/archive_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ArchiveTest, AnHonestOneAgreesInEveryNumber) {
  auto result = Verify(Pack());
  ASSERT_TRUE(result) << result.error().message;
  for (const Mismatch& one : result->mismatches)
    ADD_FAILURE() << one.kind << " " << one.subject << ": " << one.text;
  EXPECT_THAT(result->warnings, IsEmpty());
  EXPECT_EQ(result->samples, 30u);
  EXPECT_GT(result->numbers, 500u);
  EXPECT_TRUE(result->page_checked);
  EXPECT_EQ(Pack(), Pack());  // the same run, the same bytes
}

TEST_F(ArchiveTest, AChangedSampleIsFoundEvenWithNewDigests) {
  FileMap files = Files();
  json first = json::parse(
      files["r/runs/r/samples.jsonl"].substr(0, files["r/runs/r/samples.jsonl"].find('\n')));
  const std::string value = first["metrics"]["boot.total_s"].dump();
  Replace(files["r/runs/r/samples.jsonl"], "\"boot.total_s\":" + value, "\"boot.total_s\":9.5");
  EXPECT_THAT(Kinds(Again(files, false)), testing::IsSupersetOf({"digest", "number"}));
  auto result = Verify(Again(files, true));
  ASSERT_TRUE(result);
  std::string told;
  for (const Mismatch& one : result->mismatches)
    told += one.kind + " " + one.subject + ": " + one.text + "\n";
  EXPECT_THAT(told, HasSubstr("number samples/0/metrics/boot.total_s: the archive says " + value +
                              ", the samples give 9.5"));
  EXPECT_THAT(told, HasSubstr("number comparisons/"));
  EXPECT_THAT(told, HasSubstr("page report/report.html: line 1"));
}

TEST_F(ArchiveTest, AChangedFigureOfTheReportIsFound) {
  FileMap files = Files();
  json report = json::parse(files["r/report/report.json"]);
  report["comparisons"][2]["ratio"] = report["comparisons"][2]["ratio"].get<double>() * 1.001;
  report["claims"][1]["verdict"] = "EQUIVALENT";
  files["r/report/report.json"] = DumpJson(report);
  auto result = Verify(Again(files, true));
  ASSERT_TRUE(result);
  ASSERT_EQ(result->mismatches.size(), 2u);
  EXPECT_EQ(result->mismatches[0].subject, "claims/1/verdict");
  EXPECT_EQ(result->mismatches[1].subject, "comparisons/2/ratio");
}

TEST_F(ArchiveTest, EveryOtherFileIsGuardedToo) {
  const std::vector<std::tuple<std::string, std::string, std::string, std::string>> changes = {
      {"r/report/report.html", "page of", "page off", "page"},
      {"r/report/plots/boot.csv", "\r\n", "1\r\n", "page"},
      {"r/report/plots/boot.png", "drawing", "drawinG", "drawing"},
      {"r/report/report.html", "</svg>", " </svg>", "drawing"},
      {"r/runs/r/spec.toml", "blocks", "blockz", "plan"},
      {"r/runs/r/claims.toml", "margin", "margim", "plan"},
      {"r/runs/r/plan.json", "\"seed\":", "\"seed\":1", "plan"},
      {"r/runs/r/environment.json", Sha256Hex("system"), Sha256Hex("other"), "provenance"},
      {"r/runs/r/samples.jsonl", "\"schema\":1", "\"schema\":2", "sample"}};
  for (const auto& [file, from, to, kind] : changes) {
    FileMap files = Files();
    Replace(files[file], from, to);
    EXPECT_THAT(Kinds(Again(files, false)), testing::Contains("digest")) << file;
    EXPECT_THAT(Kinds(Again(files, true)), testing::Contains(kind)) << file << " " << from;
  }
  FileMap files = Files();
  files.erase("r/report/plots/boot.csv");
  EXPECT_THAT(Kinds(Again(files, false)), testing::IsSupersetOf({"digest", "page"}));
  files = Files();
  files["r/report/plots/more.csv"] = "1";
  EXPECT_THAT(Kinds(Again(files, false)), testing::IsSupersetOf({"digest", "page"}));
}

TEST_F(ArchiveTest, AnotherDrawingProgramIsNoTampering) {
  FileMap files = Files();
  Replace(files["r/report/plots/boot.png"], "drawing", "drawinG");
  Replace(files["r/ARCHIVE.json"], "\"matplotlib\": \"3\"", "\"matplotlib\": \"4\"");
  auto result = Verify(Again(files, true));
  ASSERT_TRUE(result);
  EXPECT_THAT(result->mismatches, IsEmpty());
  ASSERT_EQ(result->warnings.size(), 1u);
  EXPECT_EQ(result->warnings[0].kind, WarningKind::kNotVerified);
}

TEST_F(ArchiveTest, AnImportedRunIsHeldAgainstItsFiles) {
  const std::string results = Write("b.json",
                                    R"({"context": {"num_cpus": 2}, "benchmarks": [
      {"name": "F", "run_type": "iteration", "real_time": 2, "cpu_time": 2, "time_unit": "ms"}]})");
  ASSERT_EQ(CallBlendbench({"import", "x=" + results, "y=" + results, "--as", "micro", "--run", "i",
                            "--out", Runs()})
                .status,
            0);
  const std::string file = (folder_.path() / "i.tar.gz").string();
  ASSERT_EQ(CallBlendbench({"archive", "i", "--out", Runs(), "--no-page", "-o", file}).status, 0);
  const Called good = CallBlendbench({"verify", file});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  FileMap files = *ReadTar(*Gunzip(*ReadFile(file), kMostArchiveBytes), kMostArchiveFiles);
  Replace(files.at("i/runs/i/imported/001-b.json"), "\"real_time\": 2", "\"real_time\": 3");
  ASSERT_TRUE(WriteFileAtomic(file, Gzip(WriteTar(files))));
  const Called bad = CallBlendbench({"verify", file});
  EXPECT_EQ(bad.status, 5);
  EXPECT_THAT(bad.out, HasSubstr("differs: plan plan.json: was made of other imported files"));
}

TEST_F(ArchiveTest, TheCalibrationAndTheDiagnosisAreRecomputedToo) {
  ASSERT_TRUE(WriteFileAtomic(fs::path(Runs()) / "calibration-kvm.json",
                              R"({"schema": 1, "substrate": "kvm", "margin": 0.05})"));
  ASSERT_TRUE(WriteFileAtomic(fs::path(Runs()) / "r/diagnosis.json", R"({"coarse": [7]})"));
  EXPECT_THAT(Kinds(Pack()), IsEmpty());
  FileMap files = Files();
  Replace(files.at("r/runs/calibration-kvm.json"), "0.05", "0.06");
  Replace(files.at("r/runs/r/diagnosis.json"), "7", "8");
  std::set<std::string> told;
  const auto result = Verify(Again(files, true));
  for (const Mismatch& one : result->mismatches) told.insert(one.subject);
  EXPECT_THAT(told, testing::IsSupersetOf({"calibration/margin", "diagnosis/coarse/0"}));
  for (const char* name : {"r/runs/calibration-kvm.json", "r/runs/r/diagnosis.json"})
    for (const std::string& hostile :
         {"{\"schema\":1,\"a\":" + std::string(300'000, '[') + std::string(300'000, ']') + "}",
          std::string(R"({"schema": "1", "machine": []})"), std::string("{\"a\": 1e999}")}) {
      files = Files();
      files[name] = hostile;
      EXPECT_THAT(Kinds(Again(files, true)), testing::Contains("number")) << name;
    }
}

// --- archives that mean harm ---

TEST(Tar, NamesThatLeadOutAreNotSafe) {
  for (const char* path :
       {"", "/etc/passwd", "../x", "a/../x", "a/..", "./a", "a//b", "a/", "..", ".", "a\\b", "a b",
        "a\nb", "\x1b[31m", "a/b/c/d/e/f/g/h/i", "a;b", "$(x)", "~x", "a*"})
    EXPECT_FALSE(IsSafePath(path)) << path;
  EXPECT_FALSE(IsSafePath(std::string_view("a\0b", 3)));
  // What ustar's two fields for a name cannot hold.
  EXPECT_FALSE(IsSafePath(std::string(101, 'a')));
  EXPECT_FALSE(IsSafePath("a/" + std::string(101, 'a')));
  EXPECT_FALSE(IsSafePath(std::string(97, 'a') + "/" + std::string(100, 'b') + "/c"));
  EXPECT_FALSE(IsSafePath(std::string(101, 'a') + "/" + std::string(100, 'b')));
  for (const char* path : {"a", "r/runs/r/console/b000-fine-blendfs.log", "..a",
                           "2026-11-23T10-00-00-quick/plan.json"})
    EXPECT_TRUE(IsSafePath(path)) << path;
}

// A tar with one header field overwritten and its checksum made right again.
std::string WithField(std::string tar, size_t offset, const std::string& value) {
  std::memcpy(tar.data() + offset, value.data(), value.size());
  std::memset(tar.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
  std::snprintf(tar.data() + 148, 8, "%06o", sum);
  return tar;
}

TEST(Tar, RefusesWhatItWouldNotWrite) {
  const std::string good = WriteTar({{"a", "content"}});
  ASSERT_TRUE(ReadTar(good, 10));
  const std::string link = std::string(1, '2'), device = std::string(1, '3');
  for (const std::string& bad :
       {WithField(good, 0, "../a"), WithField(good, 0, "/a"), WithField(good, 156, link),
        WithField(good, 156, device), WithField(good, 156, "L"),
        WithField(good, 124, "77777777777"), WithField(good, 124, "-0000000001"),
        WithField(good, 124, "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        WithField(good, 345, ".."), good.substr(0, 700), good.substr(0, 1024),
        good.substr(0, good.size() - 512), std::string("nonsense"), std::string(),
        std::string(5000, 'x'), good.substr(0, 1024) + good}) {
    auto read = ReadTar(bad, 10);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().find('\n'), std::string::npos);
  }
  FileMap many;
  for (int i = 0; i < 11; ++i) many["f" + std::to_string(i)] = "";
  EXPECT_FALSE(ReadTar(WriteTar(many), 10));
  EXPECT_THAT(ReadTar(WriteTar({{"a", "1"}, {"a/b", "2"}}), 10).error(),
              HasSubstr("also a folder"));
  EXPECT_THROW(WriteTar({{"../a", ""}}), std::invalid_argument);
  EXPECT_EQ(
      ReadTar(WriteTar({{std::string(90, 'd') + "/" + std::string(95, 'f'), "x"}}), 10)->size(),
      1u);
}

TEST(Gzip, ABombStopsAtTheLimit) {
  const std::string bomb = Gzip(std::string(size_t{64} << 20, '\0'));
  EXPECT_LT(bomb.size(), 100'000u);
  auto unpacked = Gunzip(bomb, size_t{1} << 20);
  ASSERT_FALSE(unpacked);
  EXPECT_THAT(unpacked.error(), HasSubstr("more than 1 MiB"));
  EXPECT_EQ(Gunzip(bomb, size_t{64} << 20)->size(), size_t{64} << 20);
  for (const std::string& bad : {std::string(), std::string("x"), bomb.substr(0, 50), bomb + "x",
                                 bomb.substr(0, bomb.size() - 4)})
    EXPECT_FALSE(Gunzip(bad, size_t{64} << 20));
}

TEST_F(ArchiveTest, FlippedAndCutBytesNeverPassAndNeverCrash) {
  const std::string good = Pack();
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i) {
    std::string bad = good;
    if (i % 3 == 0) {
      bad.resize(random() % bad.size());
    } else {
      // The first ten bytes are gzip's header, of which some mean nothing.
      bad[10 + random() % (bad.size() - 10)] ^= static_cast<char>(1 << random() % 8);
    }
    auto result = Verify(bad);
    if (result) {
      EXPECT_FALSE(result->mismatches.empty()) << i;
    } else {
      EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
    }
  }
}

TEST_F(ArchiveTest, HostileContentIsRefusedInWords) {
  using Change = std::function<void(FileMap&)>;
  const std::vector<std::pair<const char*, Change>> changes = {
      {"endless plan",
       [](FileMap& files) {
         json plan = json::parse(files["r/runs/r/plan.json"]);
         plan["experiment"]["blocks"] = 2'000'000'000;
         files["r/runs/r/plan.json"] = plan.dump();
       }},
      {"negative blocks",
       [](FileMap& files) {
         json plan = json::parse(files["r/runs/r/plan.json"]);
         plan["experiment"]["blocks"] = -5;
         files["r/runs/r/plan.json"] = plan.dump();
       }},
      {"deep sample",
       [](FileMap& files) {
         files["r/runs/r/samples.jsonl"] +=
             std::string(200'000, '[') + std::string(200'000, ']') + "\n";
       }},
      {"deep report",
       [](FileMap& files) {
         files["r/report/report.json"] = std::string(200'000, '[') + std::string(200'000, ']');
       }},
      {"wrong types",
       [](FileMap& files) {
         std::string& lines = files["r/runs/r/samples.jsonl"];
         json sample = json::parse(lines.substr(0, lines.find('\n')));
         sample["raw"] = {{"storage", 5}, {"fio", json::array()}, {"skipped", "no"}};
         sample["provenance"] = json::array({1, "two"});
         lines.replace(0, lines.find('\n'), sample.dump());
       }},
      {"environment of wrong types",
       [](FileMap& files) { files["r/runs/r/environment.json"] = R"({"images": 7})"; }},
      {"no plan", [](FileMap& files) { files.erase("r/runs/r/plan.json"); }},
  };
  for (const auto& [name, change] : changes) {
    FileMap files = Files();
    change(files);
    auto result = Verify(Again(files, true));
    if (result) {
      EXPECT_FALSE(result->mismatches.empty()) << name;
    }
    for (const Mismatch& one : result ? result->mismatches : std::vector<Mismatch>{}) {
      EXPECT_EQ(one.text.find('\n'), std::string::npos) << name;
      EXPECT_EQ(one.text.find('\x1b'), std::string::npos) << name;
    }
  }
}

TEST_F(ArchiveTest, TheCommandsTellByExitStatus) {
  const std::string file = (folder_.path() / "r.tar.gz").string();
  EXPECT_EQ(CallBlendbench({"archive", "r", "--out", Runs(), "--no-page", "-o", file}).status, 0);
  const Called good = CallBlendbench({"verify", file});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("everything agrees"));
  EXPECT_THAT(good.err, HasSubstr("made without a page"));
  FileMap files = *ReadTar(*Gunzip(*ReadFile(file), kMostArchiveBytes), kMostArchiveFiles);
  Replace(files["r/runs/r/samples.jsonl"], "\"boot.total_s\":", "\"boot.total_s\":1");
  ASSERT_TRUE(WriteFileAtomic(file, Again(files, true)));
  const Called bad = CallBlendbench({"verify", file});
  EXPECT_EQ(bad.status, 5);
  EXPECT_THAT(bad.out, HasSubstr("differs: number samples/0/metrics/boot.total_s"));
  ASSERT_TRUE(WriteFileAtomic(file, "not an archive"));
  const Called none = CallBlendbench({"verify", file});
  EXPECT_EQ(none.status, 3);
  ExpectOneLine(none.err);
  EXPECT_EQ(CallBlendbench({"verify", "/nowhere/x.tar.gz"}).status, 2);
}

}  // namespace
}  // namespace blendbench
