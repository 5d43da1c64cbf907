// SPDX-License-Identifier: MIT
// What `verify` finds in a run that was changed with care, and what it leaves behind.
#include <gmock/gmock.h>

#include <cstdlib>

#include "harness/tests/archive_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class VerifyTest : public ArchiveTest {
 protected:
  VerifyTest() {
    fs::create_directories(Scratch());
    setenv("TMPDIR", Scratch().c_str(), 1);
  }
  ~VerifyTest() override { unsetenv("TMPDIR"); }

  fs::path Scratch() const { return folder_.path() / "tmp"; }
  size_t LeftInScratch() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(Scratch()), fs::directory_iterator()));
  }
  std::string ArchiveFile() const { return (folder_.path() / "a.tar.gz").string(); }
  // A checkout whose paper/report is this shell script; it gets the document, --out and a folder.
  void SetReporter(const std::string& script) {
    const fs::path home = folder_.path() / "home";
    fs::create_directories(home / "paper");
    std::ofstream(home / "paper" / "report")
        << "#!/bin/sh\nif [ \"$1\" = --versions ]; then echo '{}'; exit; fi\n"
        << script << "\n";
    fs::permissions(home / "paper" / "report", fs::perms::owner_all);
    setenv("BLENDBENCH_HOME", home.c_str(), 1);
  }
  // Every sample's line after `change`.
  static std::string Changed(const std::string& lines, const std::function<void(json&)>& change) {
    std::istringstream in(lines);
    std::string line, changed;
    while (std::getline(in, line)) {
      json sample = json::parse(line);
      change(sample);
      changed += sample.dump() + "\n";
    }
    return changed;
  }
  // "KIND SUBJECT: TEXT" of what does not agree.
  std::vector<std::string> Told(const FileMap& files) {
    auto result = Verify(Again(files, true));
    if (!result) return {"refused: " + result.error().message};
    std::vector<std::string> told;
    for (const Mismatch& one : result->mismatches)
      told.push_back(one.kind + " " + one.subject + ": " + one.text);
    return told;
  }
};

TEST_F(VerifyTest, ThePlanIsHeldAgainstTheSpec) {
  using Change = std::function<void(json&)>;
  const std::vector<std::pair<const char*, Change>> changes = {
      {"arms/0/label", [](json& experiment) { experiment["arms"][0]["label"] = "better"; }},
      {"arms/3/engine",
       [](json& experiment) {
         for (json& arm : experiment["arms"])
           if (arm["engine"] != "")
             arm["engine"] = arm["engine"] == "blendfs" ? "overlayfs" : "blendfs";
       }},
      {"arms/1/reference",
       [](json& experiment) {
         for (size_t i = 0; i < 2; ++i)
           experiment["arms"][i]["reference"] = !experiment["arms"][i]["reference"].get<bool>();
       }},
      {"noise/max_steal", [](json& experiment) { experiment["noise"]["max_steal"] = 0.9; }}};
  for (const auto& [place, change] : changes) {
    FileMap files = Files();
    json plan = json::parse(files["r/runs/r/plan.json"]);
    change(plan["experiment"]);
    std::string& text = files["r/runs/r/plan.json"] = plan.dump();
    files["r/runs/r/samples.jsonl"] = Changed(files["r/runs/r/samples.jsonl"], [&](json& sample) {
      sample["provenance"]["plan_sha256"] = Sha256Hex(text);
    });
    EXPECT_THAT(Told(files),
                Contains(testing::AllOf(HasSubstr(std::string("plan plan.json: ") + place),
                                        HasSubstr("spec.toml gives"))))
        << place;
  }
}

TEST_F(VerifyTest, SubstrateBlocksAndSeedMayBeOfTheCommandLine) {
  const std::string claims = *ReadFile(fs::path(BLEND_SOURCE_DIR) / "paper" / "claims.toml");
  Experiment experiment = *ParseExperiment(Profile("smoke"), "smoke.toml");
  experiment.blocks = 2;
  experiment.seed = 77;
  experiment.substrate = "icount";
  const Plan plan = MakePlan(experiment, Sha256Hex(claims));
  fs::remove_all(fs::path(Runs()) / "r");
  ASSERT_TRUE(RunFolder::Create(Runs(), "r", plan, Profile("smoke"), claims));
  EXPECT_THAT(Kinds(Pack()), IsEmpty());
}

TEST_F(VerifyTest, ASampleTellsItsPlanAndStandsInItsOrder) {
  for (const char* member : {"plan_sha256", "spec_sha256", "images", "substrate"}) {
    FileMap files = Files();
    files["r/runs/r/samples.jsonl"] = Changed(
        files["r/runs/r/samples.jsonl"], [&](json& sample) { sample["provenance"].erase(member); });
    EXPECT_THAT(Told(files), Contains(HasSubstr(std::string("it does not tell its ") + member)));
  }
  // Two samples of one block under each other's name.
  FileMap files = Files();
  const json first = json::parse(
      files["r/runs/r/samples.jsonl"].substr(0, files["r/runs/r/samples.jsonl"].find('\n')));
  files["r/runs/r/samples.jsonl"] = Changed(files["r/runs/r/samples.jsonl"], [&](json& sample) {
    if (sample["block"] != 0) return;
    if (sample["order"] == 0)
      sample["order"] = 1;
    else if (sample["order"] == 1)
      sample["order"] = 0;
  });
  EXPECT_THAT(Told(files),
              Contains("sample block 0, arm " + first["arm"].get<std::string>() +
                       ": it was number 1 of its block, which is not the plan's order"));
}

TEST_F(VerifyTest, ARepairedRunAgreesAndSaysThatItWasDamaged) {
  const fs::path samples = fs::path(Runs()) / "r" / "samples.jsonl";
  std::string content = *ReadFile(samples);
  const std::string first = content.substr(0, content.find('\n') + 1);
  content[2] = '\xff';
  ASSERT_TRUE(WriteFileAtomic(samples, content));
  EXPECT_THAT(Kinds(Pack()), Contains("sample"));
  EXPECT_THAT(CallBlendbench({"show", "r", "--out", Runs()}).err,
              HasSubstr("`blendbench run ... --resume` measures its step again"));
  {
    auto run = RunFolder::OpenForWriting(fs::path(Runs()) / "r");
    ASSERT_EQ(run->PendingSteps().size(), 1u);
    ASSERT_TRUE(run->Append(SampleFromJson(json::parse(first))));
  }
  auto result = Verify(Pack());
  ASSERT_TRUE(result);
  EXPECT_THAT(result->mismatches, IsEmpty());
  EXPECT_THAT(
      Lines(result->warnings),
      testing::ElementsAre(HasSubstr("kept in samples.corrupt; every step has its sample")));
  const Called show = CallBlendbench({"show", "r", "--out", Runs()});
  EXPECT_THAT(show.err, testing::Not(HasSubstr("--resume")));
  EXPECT_THAT(show.err, HasSubstr("every step has its sample"));
}

TEST_F(VerifyTest, AnInterruptIsNoAgreement) {
  SetReporter("echo page >\"$3/report.html\"");
  ASSERT_EQ(CallBlendbench({"archive", "r", "--out", Runs(), "-o", ArchiveFile()}).status, 0);
  const Called good = CallBlendbench({"verify", ArchiveFile()});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("page made again: everything agrees"));
  for (const char* signal : {"INT", "TERM"}) {
    SetReporter(std::string("kill -") + signal + " $PPID; exec sleep 5");
    const Called stopped = CallBlendbench({"verify", ArchiveFile()});
    EXPECT_EQ(stopped.status, 130) << stopped.out << stopped.err;
    EXPECT_EQ(stopped.out, "");
    ExpectOneLine(stopped.err);
    EXPECT_EQ(CallBlendbench({"archive", "r", "--out", Runs(), "-o", ArchiveFile()}).status, 130);
  }
  // It ends well all the same: what it made is not looked at any more.
  SetReporter("echo page >\"$3/report.html\"; kill -INT $PPID");
  EXPECT_EQ(CallBlendbench({"verify", ArchiveFile()}).status, 130);
  EXPECT_EQ(LeftInScratch(), 0u);
}

TEST_F(VerifyTest, NoTemporaryFolderIsSaidInOneLine) {
  SetReporter("echo page >\"$3/report.html\"");
  ASSERT_EQ(CallBlendbench({"archive", "r", "--out", Runs(), "-o", ArchiveFile()}).status, 0);
  setenv("TMPDIR", "/nonexistent", 1);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"verify", ArchiveFile()},
        {"archive", "r", "--out", Runs(), "-o", ArchiveFile()}}) {
    const Called result = CallBlendbench(arguments);
    EXPECT_EQ(result.status, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("set TMPDIR"));
    ExpectOneLine(result.err);
  }
}

// Counts what is in a folder whenever something is written.
class Watching : public std::stringbuf {
 public:
  explicit Watching(std::function<size_t()> count) : count_(std::move(count)) {}
  size_t most() const { return most_; }

 protected:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    most_ = std::max(most_, count_());
    return std::stringbuf::xsputn(text, size);
  }

 private:
  std::function<size_t()> count_;
  size_t most_ = 0;
};

TEST_F(VerifyTest, WhoeverReadsItsOutputMayGo) {
  ASSERT_TRUE(WriteFileAtomic(ArchiveFile(), Pack()));
  for (const char* more : {"", "--json"}) {
    Watching written([&] { return LeftInScratch(); });
    std::ostream out(&written), err(&written);
    const std::string file = ArchiveFile();
    const char* arguments[] = {"blendbench", "verify", file.c_str(), more};
    BlendbenchMain(*more ? 4 : 3, arguments, Io{out, err, false, false});
    EXPECT_NE(written.str(), "");
    EXPECT_EQ(written.most(), 0u) << "a broken pipe would leave the unpacked archive behind";
  }
}

// --- imported runs ---

class VerifyImportTest : public VerifyTest {
 protected:
  std::string Results(const std::string& name, int repetitions, double first_ms) {
    json list = json::array();
    for (int i = 0; i < repetitions; ++i)
      list.push_back({{"name", "F"},
                      {"run_type", "iteration"},
                      {"real_time", first_ms + i % 7},
                      {"cpu_time", first_ms + i % 5},
                      {"time_unit", "ms"}});
    return Write(name, json{{"context", {{"num_cpus", 2}}}, {"benchmarks", list}}.dump());
  }
  // Imports as run i, and archives it.
  Called Archive(std::vector<std::string> files) {
    files.insert(files.begin(), "import");
    for (const char* more : {"--as", "micro", "--run", "i", "--out"}) files.emplace_back(more);
    files.push_back(Runs());
    const Called imported = CallBlendbench(files);
    if (imported.status != 0) return imported;
    return CallBlendbench({"archive", "i", "--out", Runs(), "--no-page", "-o", ArchiveFile()});
  }
  FileMap Unpacked() {
    return *ReadTar(*Gunzip(*ReadFile(ArchiveFile()), kMostArchiveBytes), kMostArchiveFiles);
  }
};

TEST_F(VerifyImportTest, EveryNumberIsReadOfItsFileAgain) {
  ASSERT_EQ(Archive({"x=" + Results("a.json", 6, 2), "y=" + Results("b.json", 6, 3)}).status, 0);
  using Change = std::function<void(FileMap&)>;
  const auto samples = [](const std::function<void(json&)>& change) -> Change {
    return [change](FileMap& files) {
      files["i/runs/i/samples.jsonl"] = Changed(files["i/runs/i/samples.jsonl"], change);
    };
  };
  const auto plan = [](const std::function<void(json&)>& change) -> Change {
    return [change](FileMap& files) {
      json changed = json::parse(files["i/runs/i/plan.json"]);
      change(changed);
      files["i/runs/i/plan.json"] = changed.dump();
    };
  };
  const std::vector<std::pair<const char*, Change>> changes = {
      {"metrics/F.real_s: the archive says 0.5",
       samples([](json& sample) { sample["metrics"]["F.real_s"] = 0.5; })},
      {"raw/external",
       samples([](json& sample) { sample["raw"]["external"][0]["real_time"] = 9; })},
      {"provenance/tool", samples([](json& sample) { sample["provenance"]["tool"] = "fio"; })},
      {"do not come from the imported files",
       samples([](json& sample) { sample["provenance"].erase("sha256"); })},
      {"experiment", plan([](json& document) { document["experiment"]["name"] = "?"; })},
      {"arms/0/label",
       plan([](json& document) { document["experiment"]["arms"][0]["label"] = "better"; })},
      {"external/0/better",
       plan([](json& document) { document["experiment"]["external"][0]["better"] = "higher"; })},
      {"is not what the imported files tell", [](FileMap& files) {
         Replace(files["i/runs/i/environment.json"], "\"cores\": 2", "\"cores\": 64");
       }}};
  for (const auto& [text, change] : changes) {
    FileMap files = Unpacked();
    change(files);
    ASSERT_TRUE(WriteFileAtomic(ArchiveFile() + "2", Gzip(WriteTar(files))));
    const Called bad = CallBlendbench({"verify", ArchiveFile() + "2"});
    EXPECT_EQ(bad.status, 5) << text;
    if (std::string(text) != "experiment") {
      EXPECT_THAT(bad.out, HasSubstr(text));
    }
  }
}

TEST_F(VerifyImportTest, EqualFilesOfSeveralArmsAgree) {
  const std::string a = Results("a.json", 1, 2), b = Results("b.json", 2, 3),
                    c = Results("c.json", 1, 4);
  for (const std::vector<std::string>& files :
       {std::vector<std::string>{"x=" + a, "y=" + a},
        {"x=" + b, "y=" + a, "z=" + c, "x=" + a},
        {"x=" + b, "x=" + a, "x=" + c, "y=" + a},
        {"x=" + a, "x=" + a, "y=" + b, "x=" + a, "y=" + a, "y=" + b}}) {
    fs::remove_all(fs::path(Runs()) / "i");
    ASSERT_EQ(Archive(files).status, 0);
    const Called good = CallBlendbench({"verify", ArchiveFile()});
    EXPECT_EQ(good.status, 0) << Join(files, " ") << ": " << good.out;
  }
}

TEST_F(VerifyImportTest, TakesAsManyBlocksAsAnImportDoes) {
  ASSERT_EQ(Archive({"x=" + Results("a.json", 2500, 2)}).status, 0);
  const Called good = CallBlendbench({"verify", ArchiveFile()});
  EXPECT_EQ(good.status, 0) << good.out;
  fs::remove_all(fs::path(Runs()) / "i");
  const Called more = Archive({"x=" + Results("a.json", kMostBlocks + 1, 2)});
  EXPECT_EQ(more.status, 2);
  EXPECT_THAT(more.err, HasSubstr("more than 10000 blocks of arm x"));
}

TEST_F(VerifyImportTest, ALongFileNameFits) {
  const std::string name = std::string(110, 'n') + ".json";
  const Called packed = Archive({"x=" + Results(name, 6, 2), "y=" + Results("b.json", 6, 2)});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_EQ(CallBlendbench({"verify", ArchiveFile()}).status, 0);
  // As earlier versions kept it.
  const fs::path imported = fs::path(Runs()) / "i" / "imported";
  for (const auto& entry : fs::directory_iterator(imported))
    if (entry.path().filename().string().rfind("000-", 0) == 0)
      fs::rename(entry.path(), imported / ("000-" + std::string(100, 'n')));
  const std::string id(60, 'i');
  fs::rename(fs::path(Runs()) / "i", fs::path(Runs()) / id);
  const Called again =
      CallBlendbench({"archive", id, "--out", Runs(), "--no-page", "-o", ArchiveFile()});
  EXPECT_EQ(again.status, 0) << again.err;
  const Called good = CallBlendbench({"verify", ArchiveFile()});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
}

}  // namespace
}  // namespace blendbench
