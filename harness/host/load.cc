// SPDX-License-Identifier: MIT
#include "harness/host/load.h"

#include <optional>

#include "harness/guest/hostile.h"
#include "harness/guest/process.h"

namespace blendbench {

Outcome<LoadResult> ParseLoad(const std::string& output, bool rate) {
  std::optional<nlohmann::json> answer = ParseHostileJson(LastLine(output));
  if (!answer || !answer->is_object()) return Unexpected("blendload: no JSON in its answer");
  const std::optional<double> seconds = NumberMember(*answer, "seconds");
  const std::optional<double> bytes = NumberMember(*answer, "bytes");
  const std::optional<double> caller = NumberMember(*answer, "caller_cpu_s");
  const std::optional<double> daemon = NumberMember(*answer, "daemon_cpu_s");
  if (!seconds || !bytes || !caller || !daemon)
    return Unexpected("blendload: its answer lacks seconds, bytes or processor times");
  if (*seconds <= 0 || *bytes < 0 || *caller < 0 || *daemon < 0)
    return Unexpected("blendload: a time or size in its answer cannot be");
  if (rate && *bytes == 0) return Unexpected("blendload: it moved no bytes");
  return LoadResult{*seconds, *caller + *daemon, *bytes, std::move(*answer)};
}

Outcome<LoadResult> RunLoad(const std::filesystem::path& blendload, const std::string& host_case,
                            const std::string& root, const std::vector<pid_t>& daemons, bool rate,
                            Deadline deadline) {
  std::vector<std::string> argv{blendload.string(), host_case, root};
  if (!daemons.empty()) {
    std::string list;
    for (const pid_t pid : daemons) list += (list.empty() ? "" : ",") + std::to_string(pid);
    argv.insert(argv.end(), {"--daemons", list});
  }
  const Outcome<std::string> output = RunChecked(argv, deadline, nullptr);
  if (!output) return Unexpected(output.error());
  return ParseLoad(*output, rate);
}

}  // namespace blendbench
