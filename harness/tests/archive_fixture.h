// SPDX-License-Identifier: MIT
// A judged run, its archive, and the archive after somebody changed it. Test code only.
#pragma once

#include <set>

#include "harness/archive/gzip.h"
#include "harness/archive/pack_run.h"
#include "harness/archive/tar.h"
#include "harness/archive/verify_run.h"
#include "harness/base/json_text.h"
#include "harness/export/report.h"
#include "harness/tests/cli_fixture.h"

namespace blendbench {

inline constexpr const char* kVersion = "test";

// Stands for paper/report: a page whose words depend on every number.
inline Result<Pages> FakePages(const std::string& report) {
  Pages pages;
  pages.files["report.html"] = "<p>page of " + Sha256Hex(report) +
                               "</p>\n<svg viewBox=\"0 0 1 1\">" + Sha256Hex(report) + "</svg>\n";
  pages.files["plots/boot.csv"] = Sha256Hex(report) + "\r\n";
  pages.files["plots/boot.png"] = "drawing of " + Sha256Hex(report);
  pages.made_with = {{"matplotlib", "3"}};
  return pages;
}

class ArchiveTest : public CliTest {
 protected:
  void SetUp() override { MakeJudgedRun("r", 6, 1.02); }

  std::string Pack() {
    auto run = RunFolder::OpenForReading(std::filesystem::path(Runs()) / "r");
    const RunRecord record = RecordOf(*run);
    const std::string report = DumpJson(MakeReport(record, *Analyse(record)));
    auto packed = PackRun(*run, kVersion, report, *FakePages(report));
    EXPECT_TRUE(packed) << packed.error().message;
    return *packed;
  }
  FileMap Files() { return *ReadTar(*Gunzip(Pack(), kMostArchiveBytes), kMostArchiveFiles); }
  // As `archive` writes it; with the digests brought up to date, as somebody who tampers would.
  static std::string Again(FileMap files, bool with_digests) {
    if (with_digests) {
      nlohmann::json manifest = nlohmann::json::parse(files.at("r/ARCHIVE.json"));
      manifest["files"] = nlohmann::json::object();
      for (const auto& [path, content] : files)
        if (path != "r/ARCHIVE.json")
          manifest["files"][path.substr(2)] = {{"sha256", Sha256Hex(content)},
                                               {"bytes", content.size()}};
      files["r/ARCHIVE.json"] = DumpJson(manifest);
    }
    return Gzip(WriteTar(files));
  }
  Result<Verification> Verify(const std::string& archive) {
    const TemporaryFolder scratch;
    auto result = VerifyRun(archive, "a.tar.gz", scratch.path(), kVersion, FakePages);
    return result;
  }
  // The kinds of what does not agree.
  std::set<std::string> Kinds(const std::string& archive) {
    auto result = Verify(archive);
    if (!result) return {"refused: " + result.error().message};
    std::set<std::string> kinds;
    for (const Mismatch& one : result->mismatches) kinds.insert(one.kind);
    return kinds;
  }
  static void Replace(std::string& text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
};

}  // namespace blendbench
