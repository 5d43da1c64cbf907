// SPDX-License-Identifier: MIT
// The host's side of an arm: images and their manifest, clones, the machine's facts.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/base/files.h"
#include "harness/guest/process.h"
#include "harness/measure/clones.h"
#include "harness/measure/host_facts.h"
#include "harness/measure/images.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

void Write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

class MeasureHost : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("blendbench-measure-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    for (const char* name :
         {"system", "system_next", "app", "user", "monolithic", "kernel", "initramfs"}) {
      const std::string content = std::string(name) + std::string(1 << 20, 'x');
      Write(folder_ / name, content);
      manifest_["files"][name] = {
          {"path", name}, {"sha256", *Sha256OfFile(folder_ / name)}, {"bytes", content.size()}};
    }
    manifest_["schema"] = 1;
    manifest_["kernel_version"] = "6.12";
    Publish();
  }
  void TearDown() override { fs::remove_all(folder_); }
  void Publish() { Write(folder_ / "manifest.json", manifest_.dump()); }
  std::string LoadError() {
    Result<ImageSet> images = LoadImages(folder_);
    if (images) return "";
    EXPECT_EQ(images.error().code, ExitCode::kEnvironment);
    EXPECT_THAT(images.error().message, HasSubstr("vm-images/build --out"));
    EXPECT_EQ(images.error().message.find('\n'), std::string::npos);
    return images.error().message;
  }

  fs::path folder_;
  json manifest_;
};

TEST_F(MeasureHost, WhatWorkloadsWorkOnMayBeAmongTheImages) {
  Result<ImageSet> without = LoadImages(folder_);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(without->files.count("workloads"), 0u);
  Write(folder_ / "workloads.tar", "tar");
  manifest_["files"]["workloads"] = {{"path", "workloads.tar"},
                                     {"sha256", *Sha256OfFile(folder_ / "workloads.tar")},
                                     {"bytes", 3}};
  Publish();
  Result<ImageSet> with = LoadImages(folder_);
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_EQ(with->at("workloads").bytes, 3u);
  manifest_["files"]["workloads"].erase("sha256");
  Publish();
  EXPECT_THAT(LoadError(), HasSubstr("no complete entry for \"workloads\""));
}

TEST_F(MeasureHost, ImagesAreFoundAndTheirDigestsAgree) {
  Result<ImageSet> images = LoadImages(folder_);
  ASSERT_TRUE(images) << images.error().message;
  EXPECT_EQ(images->at("user").path, folder_ / "user");
  auto digests = DigestImages(*images, [] { return true; });
  ASSERT_TRUE(digests);
  EXPECT_TRUE(CheckDigests(*images, *digests));
}

TEST_F(MeasureHost, AChangedByteIsFound) {
  Result<ImageSet> images = LoadImages(folder_);
  std::fstream file(folder_ / "system", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(77777);
  file << 'y';
  file.close();
  auto digests = DigestImages(*images, [] { return true; });
  ASSERT_TRUE(digests);
  Result<void> good = CheckDigests(*images, *digests);
  ASSERT_FALSE(good);
  EXPECT_THAT(good.error().message, HasSubstr((folder_ / "system").string()));
}

TEST_F(MeasureHost, AnImageExchangedDuringTheRunIsFound) {
  Result<ImageSet> images = LoadImages(folder_);
  EXPECT_TRUE(CheckUnchanged(*images));
  fs::copy_file(folder_ / "user", folder_ / "new");
  fs::rename(folder_ / "new", folder_ / "user");
  Result<void> same = CheckUnchanged(*images);
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(same.error().message, HasSubstr("user"));
}

TEST_F(MeasureHost, ReadingDigestsCanBeInterrupted) {
  Result<ImageSet> images = LoadImages(folder_);
  auto digests = DigestImages(*images, [] { return false; });
  ASSERT_FALSE(digests);
  EXPECT_EQ(digests.error().code, ExitCode::kInterrupted);
}

TEST_F(MeasureHost, EveryDefectOfTheImagesIsOneLineWithTheRemedy) {
  fs::resize_file(folder_ / "app", 5);
  EXPECT_THAT(LoadError(), HasSubstr("app: 5 bytes"));
  fs::remove(folder_ / "app");
  EXPECT_THAT(LoadError(), HasSubstr("app: the image is missing"));
  manifest_["files"].erase("kernel");
  Publish();
  EXPECT_THAT(LoadError(), HasSubstr("\"kernel\""));
  manifest_["schema"] = 2;
  Publish();
  EXPECT_THAT(LoadError(), HasSubstr("schema 1"));
  Write(folder_ / "manifest.json", "{");
  EXPECT_THAT(LoadError(), HasSubstr("manifest.json"));
  fs::remove(folder_ / "manifest.json");
  EXPECT_THAT(LoadError(), HasSubstr("no guest images"));
}

Arm FineArm() {
  Arm arm;
  arm.layout = Layout::kFine;
  arm.engine = "blendfs";
  return arm;
}

TEST_F(MeasureHost, OnlyWhatTheExperimentNeedsIsTaken) {
  Experiment experiment;
  experiment.upgrade = false;
  experiment.arms = {FineArm()};
  ImageSet images = *LoadImages(folder_);
  ASSERT_TRUE(TakeImages(images, experiment));
  EXPECT_FALSE(images.files.contains("monolithic"));
  EXPECT_FALSE(images.files.contains("system_next"));
  EXPECT_TRUE(images.files.contains("kernel"));
  experiment.arms[0].guest.images["system"] = "system_erofs";
  Result<void> taken = TakeImages(images, experiment);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(taken.error().message, HasSubstr("have no \"system_erofs\""));
  EXPECT_THAT(taken.error().message, HasSubstr("vm-images/build"));
}

TEST_F(MeasureHost, AnImageOfPartsHasAsManyAsFitIntoIt) {
  Write(folder_ / "layers", std::string(300, 'l'));
  manifest_["files"]["layers"] = {
      {"path", "layers"}, {"sha256", "x"}, {"bytes", 300}, {"slice_bytes", 100}};
  Publish();
  Experiment experiment;
  experiment.arms = {FineArm()};
  experiment.arms[0].guest.layers = 5;
  ImageSet images = *LoadImages(folder_);
  EXPECT_EQ(images.at("layers").slices(), 3);
  EXPECT_TRUE(TakeImages(images, experiment));
  images = *LoadImages(folder_);
  experiment.arms[0].guest.layers = 6;
  EXPECT_THAT(TakeImages(images, experiment).error().message, HasSubstr("part 4 of \"layers\""));
}

TEST_F(MeasureHost, ClonesLieOnTheImagesAndGoWithTheirOwner) {
  if (!RunCommand({"qemu-img", "--version"}, Deadline::After(20), nullptr))
    GTEST_SKIP() << "qemu-img is not installed";
  Result<ImageSet> images = LoadImages(folder_);
  const fs::path place = folder_ / "clones";
  fs::create_directories(place);
  {
    Result<CloneSet> clones = CloneSet::Make(*images, DiskRoles(FineArm(), false), place, nullptr);
    ASSERT_TRUE(clones) << clones.error().message;
    ASSERT_EQ(clones->disks().size(), 3u);
    const Disk user = clones->disks()[2];
    EXPECT_EQ(user.image, (folder_ / "user").string());
    Outcome<std::string> info =
        RunChecked({"qemu-img", "info", "--output=json", user.clone}, Deadline::After(20), nullptr);
    ASSERT_TRUE(info) << info.error();
    EXPECT_EQ(json::parse(*info)["backing-filename"], user.image);
    Result<void> exchanged = clones->Exchange(*images, DiskRoles(FineArm(), true)[0], nullptr);
    ASSERT_TRUE(exchanged) << exchanged.error().message;
    EXPECT_TRUE(fs::exists(user.clone));  // the user's disk stays as it was
    EXPECT_EQ(clones->disks()[0].image, (folder_ / "system_next").string());
    EXPECT_EQ(clones->disks()[2].clone, user.clone);
    EXPECT_EQ(clones->disks().size(), 3u);
  }
  EXPECT_FALSE(fs::exists(place));
}

TEST_F(MeasureHost, ACopyIsTheUsersAloneAndCountsAsSuch) {
  if (!RunCommand({"qemu-img", "--version"}, Deadline::After(20), nullptr))
    GTEST_SKIP() << "qemu-img is not installed";
  Result<ImageSet> images = LoadImages(folder_);
  const fs::path place = folder_ / "clones";
  fs::create_directories(place);
  Arm arm;
  arm.layout = Layout::kMonolithic;
  std::vector<DiskRole> roles = DiskRoles(arm, false);
  roles[0].copied = true;
  {
    Result<CloneSet> clones = CloneSet::Make(*images, roles, place, nullptr);
    ASSERT_TRUE(clones) << clones.error().message;
    const Disk disk = clones->disks()[0];
    EXPECT_NE(disk.image, images->at("monolithic").path.string());
    EXPECT_EQ(*ReadFile(disk.image), *ReadFile(images->at("monolithic").path));
    EXPECT_EQ(clones->OnDisk().shared, 0u);
    EXPECT_GT(clones->OnDisk().per_user, 0u);
  }
  EXPECT_FALSE(fs::exists(place));
  EXPECT_TRUE(fs::exists(images->at("monolithic").path));
}

TEST_F(MeasureHost, TooLittleSpaceIsTheEnvironmentsFault) {
  Experiment experiment;
  FioJob job;
  job.size_mib = 1 << 30;
  experiment.jobs = {job};
  Result<void> room = CheckFreeSpace(folder_, experiment);
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(room.error().message, HasSubstr("--resume"));
  experiment.jobs[0].lower_file = true;  // reads what is there
  EXPECT_TRUE(CheckFreeSpace(folder_, experiment));
  EXPECT_FALSE(CheckFreeSpace(folder_, experiment, uint64_t{1} << 50));
}

TEST_F(MeasureHost, FactsComeFromTheFilesAndAbsentOnesAreLeftOut) {
  Write(folder_ / "proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU 3000\n");
  Write(folder_ / "proc/meminfo", "MemTotal:  2097152 kB\nMemAvailable:  1048576 kB\n");
  Write(folder_ / "proc/loadavg", "1.50 0.70 0.30 1/100 42\n");
  Write(folder_ / "proc/pressure/io", "some avg10=2.25 avg60=0.00 avg300=0.00 total=5\n");
  Write(folder_ / "proc/stat", "cpu  10 1 5 100 2 1 1 7 0 0\n");
  Write(folder_ / "sys/kernel/mm/ksm/run", "0\n");
  const json facts = HostFacts(folder_);
  EXPECT_EQ(facts["cpu"], "Test CPU 3000");
  EXPECT_EQ(facts["memory_mib"], 2048);
  EXPECT_EQ(facts["ksm"], "0");
  EXPECT_FALSE(facts.contains("governor"));
  const json state = HostState(folder_);
  EXPECT_DOUBLE_EQ(state["load1"], 1.5);
  EXPECT_EQ(state["memory_available_mib"], 1024);
  EXPECT_DOUBLE_EQ(state["pressure"]["io"], 2.25);
  EXPECT_FALSE(state["pressure"].contains("cpu"));
  EXPECT_EQ(state["steal_ticks"], 7);
  EXPECT_EQ(state["busy_ticks"], 18);
  EXPECT_TRUE(HostState(folder_ / "nothing").empty());
}

TEST_F(MeasureHost, AMachinesFingerprintIsItsOwnAndSaysNothingOfIt) {
  Write(folder_ / "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  Write(folder_ / "proc/cpuinfo", "model name\t: Test CPU 3000\n");
  const std::string mine = MachineFingerprint(folder_);
  EXPECT_THAT(mine, testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(MachineFingerprint(folder_), mine);
  EXPECT_NE(mine.substr(0, 8), "01234567");
  Write(folder_ / "etc/machine-id", "ffffffffffffffffffffffffffffffff\n");
  EXPECT_NE(MachineFingerprint(folder_), mine);
  EXPECT_EQ(MachineFingerprint(), MachineFingerprint());
}

}  // namespace
}  // namespace blendbench
