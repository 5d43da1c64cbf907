// SPDX-License-Identifier: MIT
#include "harness/export/tracked.h"

namespace blendbench {

TrackedRun TrackedFrom(const RunRecord& record) {
  const Environment& environment = record.environment;
  return {record.id,
          environment.created,
          environment.git_commit + (environment.git_dirty ? "+" : ""),
          environment.substrate,
          environment.host,
          record.plan.experiment,
          record.samples};
}

}  // namespace blendbench
