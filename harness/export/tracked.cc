// SPDX-License-Identifier: MIT
#include "harness/export/tracked.h"

#include <algorithm>

namespace blendbench {

TrackedRun TrackedFrom(const RunRecord& record) {
  const Environment& environment = record.environment;
  return {record.id,
          environment.created,
          environment.git_commit + (environment.git_dirty ? "+" : ""),
          environment.substrate,
          environment.host,
          record.plan.experiment,
          record.samples,
          record.plan.steps.size() - std::min(record.plan.steps.size(), record.samples.size())};
}

}  // namespace blendbench
