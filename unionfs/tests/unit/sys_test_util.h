// SPDX-License-Identifier: MIT
// Runs tests of sys/ twice: with what this kernel has, and with the fallbacks for older kernels.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "unionfs/sys/calls.h"
#include "unionfs/sys/kernel.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::testing {

enum class Kernel { kThis, kOld };

// Clears the features of newer kernels while it lives.
class OldKernel {
 public:
  OldKernel() : features_(sys::kernel::TheFeatures()) {
    openat2_ = features_.openat2.exchange(false);
    fchmodat2_ = features_.fchmodat2.exchange(false);
    xattrat_ = features_.xattrat.exchange(false);
  }
  ~OldKernel() {
    features_.openat2 = openat2_;
    features_.fchmodat2 = fchmodat2_;
    features_.xattrat = xattrat_;
  }
  OldKernel(const OldKernel&) = delete;
  OldKernel& operator=(const OldKernel&) = delete;

 private:
  sys::kernel::Features& features_;
  bool openat2_, fchmodat2_, xattrat_;
};

class SysTest : public ::testing::TestWithParam<Kernel> {
 protected:
  void SetUp() override {
    sys::InitThread();
    if (GetParam() == Kernel::kOld) old_.emplace();
  }
  TempTree tree_;
  sys::Calls& os_ = sys::Real();

 private:
  std::optional<OldKernel> old_;
};

inline std::string KernelName(const ::testing::TestParamInfo<Kernel>& info) {
  return info.param == Kernel::kThis ? "ThisKernel" : "OldKernel";
}

// Runs `body` on a thread of its own, which ends with what the body changed of it.
template <typename Body>
void OnNewThread(Body body) {
  std::thread(body).join();
}

}  // namespace blendfs::testing

#define BLENDFS_ON_BOTH_KERNELS(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(                                                                   \
      Kernels, suite,                                                                         \
      ::testing::Values(::blendfs::testing::Kernel::kThis, ::blendfs::testing::Kernel::kOld), \
      ::blendfs::testing::KernelName)
