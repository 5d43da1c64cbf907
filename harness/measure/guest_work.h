// SPDX-License-Identifier: MIT
// What the harness lets a booted guest do through the agent: fio jobs, the promise checks, and the
// changes of a user whose fate an upgrade shows.
// Thread-safety: one thread. Every call ends at its deadline; an error is one line for the sample.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/guest/guest.h"
#include "harness/measure/fio_result.h"

namespace blendbench {

struct JobOutcome {
  FioResult result;
  nlohmann::json raw;  // {"job", "fio", "disks", "served_from", "bytes", "direction"}
};

// Lays out the job's files, forgets caches, and runs it with the disks' statistics taken around it.
// `job_text` is the rendered fio job file.
Outcome<JobOutcome> RunFioJob(Guest& guest, const std::string& job_id, const std::string& job_text,
                              Deadline deadline);

Outcome<std::vector<Promise>> RunPromises(Guest& guest, Deadline deadline);

// Changes made as a user would make them: one file below /etc, one in the home directory.
Outcome<void> MakeUserChanges(Guest& guest, Deadline deadline);
struct UserChanges {
  bool in_etc = false;
  bool in_home = false;
};
Outcome<UserChanges> FindUserChanges(Guest& guest, Deadline deadline);

}  // namespace blendbench
