// SPDX-License-Identifier: MIT
// The index of names that spares lookups the layers that do not have them: what it says, when it is made, and that
// it changes no answer.
#include "unionfs/merge/name_index.h"

#include <gtest/gtest.h>

#include <string>

#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/union_fixture.h"

namespace blendfs::testing {
namespace {

using merge::NameIndex;

TEST(NameIndexTest, KnowsThePlacesOfEachName) {
  NameIndex::Builder builder;
  for (uint32_t place = 0; place < 40; ++place) {
    builder.Add(place, "everywhere");
    builder.Add(place, "only " + std::to_string(place));
  }
  const auto index = builder.Finish();
  ASSERT_TRUE(index);
  for (uint32_t place = 0; place < 40; ++place) {
    EXPECT_TRUE(index->Of("everywhere").Has(place));
    EXPECT_TRUE(index->Of("only " + std::to_string(place)).Has(place));
    EXPECT_FALSE(index->Of("only " + std::to_string(place)).Has((place + 1) % 40));
    EXPECT_FALSE(index->Of("nowhere").Has(place));
  }
}

TEST(NameIndexTest, OfNoNamesHasNone) {
  const auto index = NameIndex::Builder().Finish();
  ASSERT_TRUE(index);
  EXPECT_FALSE(index->Of("").Has(0));
}

TEST(NameIndexTest, TooManyNamesAreNotWorthTheirMemory) {
  NameIndex::Builder builder;
  for (int i = 0; i < 300'000; ++i) builder.Add(0, std::to_string(i));
  EXPECT_FALSE(builder.Finish());
}

class NameIndexUse : public UnionFixture {
 protected:
  static constexpr int kMisses = 500;  // many times what an index of these directories costs

  void SetUp() override {
    UnionFixture::SetUp();
    if (IsSkipped()) return;
    Write("lower0/d/top", "0");
    Write("lower1/d/bottom", "1");
    Write("lower1/d/hidden", "1");
    ASSERT_EQ(mknod(Path("lower0/d/hidden").c_str(), S_IFCHR, 0), 0);
  }

  // Calls that look for a name in a layer, for one lookup in "d".
  int CallsFor(const std::string& name, int error) {
    merge::Node& parent = At("d");
    const int before = os_.count("Stat");
    auto entry = fs().Lookup(parent, name);
    if (entry) Hold(*entry);
    EXPECT_EQ(entry ? 0 : entry.error().code, error) << name;
    return os_.count("Stat") - before;
  }
  void ExpectRightAnswers() {
    EXPECT_EQ(Read("d/top"), "0");
    EXPECT_EQ(Read("d/bottom"), "1");
    EXPECT_EQ(ErrorOf("d/hidden"), ENOENT);
    EXPECT_EQ(ErrorOf("d/none"), ENOENT);
  }
  void Miss() {
    for (int i = 0; i < kMisses; ++i) EXPECT_EQ(ErrorOf("d/no" + std::to_string(i)), ENOENT);
  }

  FaultyCalls os_;
};

TEST_F(NameIndexUse, AfterManyMissesTheLowerLayersAreNotAskedAnyMore) {
  Open(os_);
  EXPECT_EQ(CallsFor("none", ENOENT), 2);  // "d" is not on the upper
  Miss();
  EXPECT_EQ(CallsFor("none", ENOENT), 0);
  EXPECT_EQ(CallsFor("top", 0), 1);
  EXPECT_EQ(CallsFor("bottom", 0), 1);
  EXPECT_EQ(CallsFor("hidden", ENOENT), 1);  // the whiteout ends the search
  ExpectRightAnswers();
}

TEST_F(NameIndexUse, AListingMakesIt) {
  Open(os_);
  EXPECT_EQ(Names("d"), (std::vector<std::string>{"bottom", "top"}));
  EXPECT_EQ(CallsFor("none", ENOENT), 0);
  EXPECT_EQ(CallsFor("bottom", 0), 1);
  ExpectRightAnswers();
}

TEST_F(NameIndexUse, ChangesOnTheUpperAreSeen) {
  Open(os_);
  Miss();
  ASSERT_TRUE(fs().Unlink(At("d"), "bottom"));
  ASSERT_TRUE(fs().MakeDir(At("d"), "no1", 0755, merge::Caller{}));
  EXPECT_EQ(ErrorOf("d/bottom"), ENOENT);
  EXPECT_EQ(ErrorOf("d/no1"), 0);
  EXPECT_TRUE(OnDisk("upper/d/bottom"));  // the whiteout: the lower layer has the name
  ASSERT_TRUE(fs().Rename(At("d"), "top", At("d"), "no2", 0));
  EXPECT_EQ(ErrorOf("d/top"), ENOENT);
  EXPECT_EQ(Read("d/no2"), "0");
  EXPECT_EQ(ErrorOf("d/hidden"), ENOENT);
}

TEST_F(NameIndexUse, ALayerThatCannotBeListedIsAsked) {
  Open(os_);
  os_.FailAlways("List", EIO);
  Miss();
  EXPECT_EQ(CallsFor("none", ENOENT), 2);
  ExpectRightAnswers();
}

}  // namespace
}  // namespace blendfs::testing
