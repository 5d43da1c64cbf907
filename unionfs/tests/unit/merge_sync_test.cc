// SPDX-License-Identifier: MIT
// The dial fsync=auto|strict|volatile: which calls that make things durable reach the upper, and in which order
// to the call that publishes. Counts are exact: one sync too many is a slow file system, one too few a lie.
#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>
#include <string_view>

#include "unionfs/sys/filesystem.h"
#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/union_fixture.h"

namespace blendfs::testing {
namespace {

merge::Options Auto() { return {}; }
merge::Options Strict() {
  merge::Options options;
  options.strict_sync = true;
  return options;
}
merge::Options Volatile() {
  merge::Options options;
  options.volatile_upper = true;
  return options;
}

constexpr size_t kBig = 200000;  // above what is copied up whole for a change of attributes

// FaultyCalls that also tells fsync from fdatasync.
class SyncCalls : public FaultyCalls {
 public:
  Status Sync(BorrowedFd fd, bool data_only) override {
    ++(data_only ? data_syncs : full_syncs);
    return FaultyCalls::Sync(fd, data_only);
  }
  int data_syncs = 0, full_syncs = 0;
};

class SyncTest : public UnionFixture {
 protected:
  void SetUp() override {
    UnionFixture::SetUp();
    if (IsSkipped()) return;
    Write("lower1/small", "small");
    Write("lower1/empty", "");
    Write("lower1/big", std::string(kBig, 'b'));
    Write("lower1/dir/inner", "inner");
    Write("upper/own", "own");
  }
  // Mounts; what mounting itself synced does not count.
  void Begin(const merge::Options& options) {
    Open(os_, options);
    os_.data_syncs = os_.full_syncs = 0;
    sync_fs_before_ = os_.count("SyncFs");
    changes_before_ = os_.changes().size();
  }
  // "fsync fdatasync syncfs" since Begin.
  std::string Syncs() {
    return std::to_string(os_.full_syncs) + " " + std::to_string(os_.data_syncs) + " " +
           std::to_string(os_.count("SyncFs") - sync_fs_before_);
  }
  // Calls that changed a layer since Begin.
  std::vector<std::string> Changes() {
    const auto all = os_.changes();
    return {all.begin() + static_cast<std::ptrdiff_t>(changes_before_), all.end()};
  }
  std::ptrdiff_t FirstOf(const char* call) {
    const auto changes = Changes();
    return std::find(changes.begin(), changes.end(), call) - changes.begin();
  }
  Status OpenForWriting(const char* path) {
    auto file = fs().OpenAt(At(path), O_RDWR, false);
    return file ? Status() : Status(tl::unexpected(file.error()));
  }
  Status Chmod(const char* path) {
    auto done = ChangeMode(At(path), 0700);
    return done ? Status() : Status(tl::unexpected(done.error()));
  }

  SyncCalls os_;
  int sync_fs_before_ = 0;
  size_t changes_before_ = 0;
};

TEST_F(SyncTest, CopyUpOfDataSyncsItBeforeTheName) {
  Begin(Auto());
  ASSERT_TRUE(OpenForWriting("small"));
  EXPECT_EQ(Syncs(), "0 1 0");
  EXPECT_LT(FirstOf("Sync"), FirstOf("LinkFd"));
}

// On a disk whose file system puts written-out data before names.
class SyncOnDiskTest : public SyncTest {
 protected:
  std::filesystem::path Folder() const override { return "/var/tmp"; }
  void SetUp() override {
    SyncTest::SetUp();
    if (IsSkipped()) return;
    auto folder = sys::OpenGiven(base_.c_str(), O_RDONLY | O_DIRECTORY);
    if (!folder || !sys::WrittenOutComesBeforeNames(folder->borrow()))
      GTEST_SKIP() << "/var/tmp is not on an ext4 with a journal";
  }
};

TEST_F(SyncOnDiskTest, CopyUpOfDataWritesItOutBeforeTheName) {
  Begin(Auto());
  ASSERT_TRUE(OpenForWriting("small"));
  EXPECT_EQ(Syncs(), "0 0 0");
  EXPECT_LT(FirstOf("WriteOut"), FirstOf("LinkFd"));
}

TEST_F(SyncOnDiskTest, DataOfAMetadataOnlyCopyIsWrittenOutBeforeItCounts) {
  Begin(Auto());
  ASSERT_TRUE(Chmod("big"));
  ASSERT_TRUE(OpenForWriting("big"));
  EXPECT_EQ(Syncs(), "0 0 0");
  EXPECT_LT(FirstOf("WriteOut"), FirstOf("RemoveXattrFd"));
}

TEST_F(SyncOnDiskTest, StrictSyncsAllTheSame) {
  Begin(Strict());
  ASSERT_TRUE(OpenForWriting("small"));
  EXPECT_EQ(Syncs(), "1 0 0");
}

TEST_F(SyncTest, CopyUpOfDataUnderStrictSyncsMetadataToo) {
  Begin(Strict());
  ASSERT_TRUE(OpenForWriting("small"));
  EXPECT_EQ(Syncs(), "1 0 0");
  EXPECT_LT(FirstOf("Sync"), FirstOf("LinkFd"));
}

TEST_F(SyncTest, CopyUpOfAnEmptyFileHasNoDataToSync) {
  Begin(Auto());
  ASSERT_TRUE(OpenForWriting("empty"));
  EXPECT_EQ(Syncs(), "0 0 0");
}

TEST_F(SyncTest, MetadataOnlyCopyUpIsSyncedOnlyUnderStrict) {
  Begin(Auto());
  ASSERT_TRUE(Chmod("big"));
  EXPECT_EQ(Syncs(), "0 0 0");
  // Its data come later, and are synced before the mark goes.
  ASSERT_TRUE(OpenForWriting("big"));
  EXPECT_EQ(Syncs(), "0 1 0");
  EXPECT_LT(FirstOf("Sync"), FirstOf("RemoveXattrFd"));
}

TEST_F(SyncTest, MetadataOnlyCopyUpUnderStrict) {
  Begin(Strict());
  ASSERT_TRUE(Chmod("big"));
  EXPECT_EQ(Syncs(), "1 0 0");
  EXPECT_LT(FirstOf("Sync"), FirstOf("LinkFd"));
}

TEST_F(SyncTest, CopyUpOfADirectoryIsSyncedOnlyUnderStrict) {
  Begin(Auto());
  ASSERT_TRUE(Chmod("dir"));
  EXPECT_EQ(Syncs(), "0 0 0");
}

TEST_F(SyncTest, CopyUpOfADirectoryUnderStrictSyncsThatDirectoryAlone) {
  Begin(Strict());
  ASSERT_TRUE(Chmod("dir"));
  EXPECT_EQ(Syncs(), "1 0 0");
  EXPECT_LT(FirstOf("Sync"), FirstOf("Rename"));
}

TEST_F(SyncTest, RenamesSyncNothingOfTheirOwn) {
  Begin(Auto());
  merge::Node& root = fs().root();
  ASSERT_TRUE(fs().Rename(root, "own", root, "small", 0));
  ASSERT_TRUE(fs().Rename(root, "dir", root, "moved", 0));
  ASSERT_TRUE(fs().Rename(root, "big", root, "grown", 0));
  EXPECT_EQ(Syncs(), "0 0 0");
  // Below the limit a rename copies the data up with the name.
  ASSERT_TRUE(fs().Rename(root, "small", root, "own", 0));
  EXPECT_EQ(Syncs(), "0 0 0") << "it was on the upper already";
}

TEST_F(SyncTest, FsyncOfAFileReachesTheUpper) {
  Begin(Auto());
  auto file = fs().OpenAt(At("own"), O_RDWR, false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(fs().SyncFile(**file, false));
  EXPECT_EQ(Syncs(), "1 0 0");
  ASSERT_TRUE(fs().SyncFile(**file, true));
  EXPECT_EQ(Syncs(), "1 1 0");
}

TEST_F(SyncTest, FsyncOfALowerFileHasNothingToDo) {
  Begin(Auto());
  auto file = fs().OpenAt(At("small"), O_RDONLY, false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(fs().SyncFile(**file, false));
  EXPECT_EQ(Syncs(), "0 0 0");
}

TEST_F(SyncTest, FsyncOnADescriptorFromBeforeTheCopyUp) {
  Begin(Auto());
  auto file = fs().OpenAt(At("small"), O_RDONLY, false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(Append(At("small"), "more"));
  EXPECT_EQ(Syncs(), "0 1 0");
  ASSERT_TRUE(fs().SyncFile(**file, false));
  EXPECT_EQ(Syncs(), "1 1 0");
}

// Data alone would not come back after a crash that undoes the copy-up's last step.
TEST_F(SyncTest, TheFirstFdatasyncAfterACopyUpIsAnFsync) {
  for (const char* path : {"small", "big"}) {
    Begin(Auto());
    ASSERT_TRUE(Chmod(path));
    os_.data_syncs = os_.full_syncs = 0;
    auto file = fs().OpenAt(At(path), O_RDWR, false);
    ASSERT_TRUE(file);
    const int copied = os_.data_syncs;
    os_.FailNth("Sync", os_.count("Sync") + 1, EIO);
    EXPECT_FALSE(fs().SyncFile(**file, true));
    ASSERT_TRUE(fs().SyncFile(**file, true));
    EXPECT_EQ(os_.full_syncs, 2) << "the one that failed does not count";
    ASSERT_TRUE(fs().SyncFile(**file, true));
    ASSERT_TRUE(fs().SyncPublication(**file));
    EXPECT_EQ(os_.data_syncs, copied + 1);
    EXPECT_EQ(os_.full_syncs, 2);
  }
}

TEST_F(SyncTest, PublicationIsSyncedOnce) {
  Begin(Auto());
  auto file = fs().OpenAt(At("small"), O_RDWR, false);
  ASSERT_TRUE(file);
  EXPECT_EQ(Syncs(), "0 1 0");
  ASSERT_TRUE(fs().SyncPublication(**file));
  ASSERT_TRUE(fs().SyncPublication(**file));
  EXPECT_EQ(Syncs(), "1 1 0");
}

TEST_F(SyncTest, FsyncOfAMetadataOnlyCopySyncsItsAttributes) {
  Begin(Auto());
  auto file = fs().OpenAt(At("big"), O_RDONLY, false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(Chmod("big"));
  ASSERT_TRUE(fs().SyncFile(**file, false));
  EXPECT_EQ(Syncs(), "1 0 0");
}

TEST_F(SyncTest, FsyncOfDirectories) {
  Begin(Auto());
  ASSERT_TRUE(fs().SyncNode(At("dir"), false));
  EXPECT_EQ(Syncs(), "0 0 0") << "a lower one";
  ASSERT_TRUE(Chmod("dir"));
  ASSERT_TRUE(fs().SyncNode(At("dir"), false));
  EXPECT_EQ(Syncs(), "1 0 0");
  ASSERT_TRUE(fs().SyncNode(fs().root(), false));
  EXPECT_EQ(Syncs(), "1 0 1") << "the root stands for the whole upper";
}

TEST_F(SyncTest, AFailedFsyncIsReported) {
  Begin(Auto());
  auto file = fs().OpenAt(At("own"), O_RDWR, false);
  ASSERT_TRUE(file);
  os_.FailAlways("Sync", EIO);
  os_.FailAlways("SyncFs", ENOSPC);
  EXPECT_EQ(fs().SyncFile(**file, false).error().code, EIO);
  EXPECT_EQ(fs().SyncNode(fs().root(), false).error().code, ENOSPC);
}

TEST_F(SyncTest, ACopyUpWhoseSyncFailsIsNotPublished) {
  for (const auto& options : {Auto(), Strict()}) {
    os_.Reset();
    Begin(options);
    os_.FailAlways("Sync", EIO);
    EXPECT_EQ(OpenForWriting("small").error().code, EIO);
    EXPECT_FALSE(OnDisk("upper/small"));
    EXPECT_EQ(Read("small"), "small");
  }
  EXPECT_EQ(Chmod("dir").error().code, EIO);
  EXPECT_FALSE(OnDisk("upper/dir"));
  EXPECT_TRUE(std::filesystem::is_empty(Path("work/work")));
}

TEST_F(SyncTest, VolatileSyncsNothing) {
  Begin(Volatile());
  ASSERT_TRUE(OpenForWriting("small"));
  ASSERT_TRUE(Chmod("big"));
  ASSERT_TRUE(OpenForWriting("big"));
  ASSERT_TRUE(Chmod("dir"));
  auto file = fs().OpenAt(At("own"), O_RDWR, false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(fs().SyncFile(**file, false));
  ASSERT_TRUE(fs().SyncNode(At("dir"), false));
  ASSERT_TRUE(fs().SyncNode(fs().root(), false));
  ASSERT_TRUE(fs().SyncAll());
  EXPECT_EQ(Syncs(), "0 0 0");
}

// What copying data into a metadata-only copy must leave alone.
TEST_F(SyncTest, FillingAMetadataOnlyCopyKeepsCapabilityAndTimes) {
  // cap_net_raw+ep, revision 2.
  constexpr std::string_view kCapability(
      "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00",
      20);
  ASSERT_EQ(::setxattr(Path("lower1/big").c_str(), "security.capability", kCapability.data(),
                       kCapability.size(), 0),
            0);
  Begin(Auto());
  ASSERT_TRUE(Chmod("big"));
  const auto before = fs().GetAttr(At("big"), nullptr);
  ASSERT_TRUE(OpenForWriting("big"));
  EXPECT_EQ(fs().GetXattr(At("big"), "security.capability").value_or(""), kCapability);
  const auto after = fs().GetAttr(At("big"), nullptr);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->mtime.tv_nsec, after->mtime.tv_nsec);
  EXPECT_EQ(Read("big").substr(0, 3), "bbb");
}

}  // namespace
}  // namespace blendfs::testing
