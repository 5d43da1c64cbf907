// SPDX-License-Identifier: MIT
#include "harness/spec/disk_roles.h"

#include <gtest/gtest.h>

namespace blendbench {
namespace {

TEST(DiskRoles, OnlyPrivateDisksAreWritable) {
  Arm arm;
  arm.layout = Layout::kFine;
  arm.engine = "blendfs";
  const std::vector<DiskRole> fine = DiskRoles(arm, false);
  ASSERT_EQ(fine.size(), 3u);
  EXPECT_EQ(fine[0], (DiskRole{.serial = "system", .image = "system", .read_only = true}));
  EXPECT_EQ(fine[1], (DiskRole{.serial = "app0", .image = "app", .read_only = true}));
  EXPECT_EQ(fine[2], (DiskRole{.serial = "user", .image = "user", .per_user = true}));
  arm.layout = Layout::kCoarse;
  EXPECT_EQ(DiskRoles(arm, true)[0], (DiskRole{.serial = "system", .image = "system_next"}));
  EXPECT_TRUE(DiskRoles(arm, true)[1].read_only);
  arm.guest.user_at = "/home";
  EXPECT_EQ(DiskRoles(arm, false)[2].image, "home");
  arm.layout = Layout::kMonolithic;
  EXPECT_EQ(DiskRoles(arm, false),
            (std::vector<DiskRole>{{.serial = "system", .image = "monolithic", .per_user = true}}));
}

TEST(DiskRoles, OfBlockLayoutsShareTheBase) {
  Arm arm;
  arm.layout = Layout::kBlock;
  arm.engine = kChainEngine;
  EXPECT_EQ(
      DiskRoles(arm, true),
      (std::vector<DiskRole>{{.serial = "system", .image = "base_next", .overlay = "block_user"}}));
  arm.engine = "dm-snapshot";
  EXPECT_TRUE(DiskRoles(arm, false)[0].read_only);
  EXPECT_EQ(DiskRoles(arm, false)[1].image, "snapshot_user");
}

TEST(DiskRoles, LayersComeBehindTheDisksThatEveryGuestHas) {
  Arm arm;
  arm.layout = Layout::kFine;
  arm.engine = "overlayfs";
  arm.guest.layers = 4;
  arm.guest.images["system"] = "system_erofs";
  const std::vector<DiskRole> roles = DiskRoles(arm, true);
  ASSERT_EQ(roles.size(), 5u);
  EXPECT_EQ(roles[0].image, "system_next_erofs");
  EXPECT_EQ(roles[2].serial, "user");
  EXPECT_EQ(roles[4].serial, "app2");
  EXPECT_EQ(roles[4].slice, 1);
  arm.guest.layers = 1;
  EXPECT_EQ(DiskRoles(arm, false).size(), 2u);  // no application
  arm.engine = kExportEngine;
  for (const DiskRole& role : DiskRoles(arm, false)) EXPECT_TRUE(role.exported);
}

}  // namespace
}  // namespace blendbench
