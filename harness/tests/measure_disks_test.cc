// SPDX-License-Identifier: MIT
// What is looked at on disks and in memory once guests have worked.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "harness/guest/process.h"
#include "harness/measure/crowd.h"
#include "harness/measure/disk_check.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

class DiskCheck : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"mkfs.ext4", "qemu-img", "e2fsck"})
      if (!RunCommand({program, "-V"}, Deadline::After(20), nullptr))
        GTEST_SKIP() << program << " is not installed";
    disk_.serial = "user";
    disk_.image = (folder_.path() / "image.ext4").string();
    disk_.clone = (folder_.path() / "clone.qcow2").string();
    Run({"mkfs.ext4", "-q", "-F", disk_.image, "16m"});
    Run({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk_.image, disk_.clone});
  }
  void Run(const std::vector<std::string>& argv) {
    const auto done = RunChecked(argv, Deadline::After(30), nullptr);
    ASSERT_TRUE(done) << done.error();
  }
  Outcome<DiskState> Check() {
    return CheckFileSystem(disk_, folder_.path(), Deadline::After(60), nullptr);
  }

  TemporaryFolder folder_;
  Disk disk_;
};

TEST_F(DiskCheck, ASoundFileSystemIsSoundAndNothingIsLeft) {
  const Outcome<DiskState> state = Check();
  ASSERT_TRUE(state) << state.error();
  EXPECT_TRUE(state->sound) << state->said;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2);
}

TEST_F(DiskCheck, DamageInTheCloneIsToldAndTheDiskStaysAsItIs) {
  // The inode table and bitmaps of the first group, written over in the clone alone.
  Run({"qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 64k 256k", disk_.clone});
  for (int again = 0; again < 2; ++again) {
    const Outcome<DiskState> state = Check();
    ASSERT_TRUE(state) << state.error();
    EXPECT_FALSE(state->sound);
    EXPECT_THAT(state->said, testing::Not(testing::IsEmpty()));
  }
  const auto image = RunCommand({"e2fsck", "-fn", disk_.image}, Deadline::After(30), nullptr);
  EXPECT_TRUE(image->status.ok());
}

TEST_F(DiskCheck, AnExportedDiskIsTheCopyItself) {
  disk_.exported = true;
  fs::copy_file(disk_.image, disk_.clone, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(Check()->sound);
}

TEST(UsersDisk, IsTheUsersOwnRatherThanACloneOfTheSystem) {
  std::vector<Disk> disks(2);
  disks[0].serial = "system";
  disks[1].serial = "user";
  Arm arm;
  EXPECT_EQ(UsersFileSystem(arm, disks)->serial, "user");
  EXPECT_EQ(UsersFileSystem(arm, disks), &disks[1]);
  arm.layout = Layout::kBlock;
  arm.engine = "dm-snapshot";
  EXPECT_EQ(UsersFileSystem(arm, disks), nullptr);  // its store is no file system
}

TEST(PageCache, IsCountedByFile) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "file").string();
  std::ofstream(path) << std::string(1 << 20, 'x');
  const Outcome<uint64_t> written = CachedBytes(path);
  ASSERT_TRUE(written) << written.error();
  EXPECT_EQ(*written, 1u << 20);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ::fdatasync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
  EXPECT_LE(*CachedBytes(path), 1u << 20);
  EXPECT_EQ(*CachedBytes((folder.path() / "nothing").string()), 0u);
}

TEST(CrowdCopies, AreOfTheArmWithMost) {
  ImageSet images;
  images.files["monolithic"].bytes = 1000;
  Experiment experiment;
  Arm fine, monolithic;
  fine.layout = Layout::kFine;
  fine.guest.guests = 8;
  monolithic.layout = Layout::kMonolithic;
  monolithic.guest.guests = 4;
  experiment.arms = {fine, monolithic};
  EXPECT_EQ(CrowdCopies(experiment, images), 0u);  // one guest after the other
  experiment.crowd = true;
  EXPECT_EQ(CrowdCopies(experiment, images), 4000u);
  experiment.arms = {fine};
  EXPECT_EQ(CrowdCopies(experiment, images), 0u);
}

TEST(Memory, OfAProcessIsMoreThanNothing) {
  const Outcome<uint64_t> own = ProportionalBytes(::getpid());
  ASSERT_TRUE(own) << own.error();
  EXPECT_GT(*own, 100'000u);
  EXPECT_FALSE(ProportionalBytes(0));
}

}  // namespace
}  // namespace blendbench
