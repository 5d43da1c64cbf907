// SPDX-License-Identifier: MIT
// The guest's own account of what the scheme promises, and what became of it after an upgrade.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/sample.h"
#include "harness/guest/fd.h"

namespace blendbench {

// One JSON object a line, {"check", "held", "detail"}; other lines are passed over. An error when
// there is no check at all, or one comes twice.
Outcome<std::vector<Promise>> ParsePromises(std::string_view output);

// What an exchange of the system image should keep.
struct UpgradeFindings {
  std::vector<Promise> before;    // checks with the old system image
  std::vector<Promise> after;     // with the new one
  bool etc_change_kept = false;   // a file the user wrote below /etc
  bool home_change_kept = false;  // and one in the home directory
};

// `upgrade-keeps-changes`: the new release is seen, both files are still there, and every check
// that held before holds after. The detail names what was lost.
Promise JudgeUpgrade(const UpgradeFindings& findings);

}  // namespace blendbench
