// SPDX-License-Identifier: MIT
// What is left of root's power when the daemon has given up the rest.
#include "unionfs/tools/privileges.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "unionfs/tests/unit/child_process.h"

namespace blendfs::tools {
namespace {

// Of /proc/self/status, hexadecimal.
uint64_t StatusNumber(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1), nullptr, 16);
  }
  return UINT64_MAX;
}

// In a process of its own: it is for good.
TEST(Privileges, NoneButTheNeededAreLeft) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const uint64_t before = StatusNumber("CapPrm");
  const int wrong = testing::InChild([&] {
    DropPrivileges();
    const uint64_t wanted = before & NeededCapabilities();
    if (StatusNumber("CapEff") != wanted || StatusNumber("CapPrm") != wanted) return 1;
    if (StatusNumber("CapInh") != 0 || StatusNumber("CapAmb") != 0) return 2;
    if (StatusNumber("NoNewPrivs") != 1) return 3;
    const bool may_bound = (before >> CAP_SETPCAP & 1) != 0;
    if (may_bound && (StatusNumber("CapBnd") & ~NeededCapabilities()) != 0) return 4;
    return 0;
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Privileges, WhatLetsOneTakeOverTheMachineIsNotNeeded) {
  for (const int capability : {CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_PTRACE, CAP_SYS_BOOT,
                               CAP_NET_ADMIN, CAP_BPF, CAP_SETPCAP, CAP_KILL}) {
    EXPECT_EQ(NeededCapabilities() >> capability & 1, 0U) << capability;
  }
}

}  // namespace
}  // namespace blendfs::tools
