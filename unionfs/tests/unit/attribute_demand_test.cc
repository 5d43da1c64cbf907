// SPDX-License-Identifier: MIT
#include "unionfs/fuse/attribute_demand.h"

#include <gtest/gtest.h>

namespace blendfs::fuse {
namespace {

// Lists a directory; `look`: and then looks at each entry. How many came with attributes.
int List(AttributeDemand& demand, int entries, bool look) {
  int given = 0;
  for (int i = 0; i < entries; ++i) given += demand.Give() ? 1 : 0;
  if (look) {
    for (int i = given; i < entries; ++i) demand.LookedAt();
  }
  return given;
}

TEST(AttributeDemand, GivesBeforeAnythingIsKnown) {
  AttributeDemand demand;
  EXPECT_GE(List(demand, 100, true), 80);
}

TEST(AttributeDemand, StopsForThoseWhoOnlyList) {
  AttributeDemand demand;
  for (int i = 0; i < 30; ++i) List(demand, 50, false);
  EXPECT_EQ(List(demand, 200, false), 0);
}

TEST(AttributeDemand, KeepsGivingToThoseWhoLook) {
  AttributeDemand demand;
  for (const int entries : {3, 10'000, 50, 1, 200}) List(demand, entries, true);
  for (int i = 0; i < 100; ++i) EXPECT_GE(List(demand, 80, true), 60) << "after " << i;
}

TEST(AttributeDemand, LearnsAnewWithinADirectoryOrAFew) {
  AttributeDemand demand;
  for (int i = 0; i < 10; ++i) List(demand, 100, false);
  EXPECT_EQ(List(demand, 100, true), 0);
  EXPECT_GE(List(demand, 100, true), 80);
  for (int i = 0; i < 10; ++i) List(demand, 100, false);
  EXPECT_EQ(List(demand, 100, false), 0);
}

TEST(AttributeDemand, AFewLooksAreNotWorthIt) {
  AttributeDemand demand;
  for (int i = 0; i < 20; ++i) {
    List(demand, 100, false);
    demand.LookedAt();
  }
  EXPECT_EQ(List(demand, 100, false), 0);
}

}  // namespace
}  // namespace blendfs::fuse
