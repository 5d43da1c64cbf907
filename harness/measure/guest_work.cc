// SPDX-License-Identifier: MIT
#include "harness/measure/guest_work.h"

#include "harness/base/text.h"
#include "harness/guest/hostile.h"
#include "harness/measure/promise_checks.h"

namespace blendbench {
namespace {

constexpr char kBenchFolder[] = "/home/user/bench";
constexpr char kForgetCaches[] = "sync; echo 3 >/proc/sys/vm/drop_caches";
// Reading fio and its libraries back into memory is not the job's work.
constexpr char kWarmFio[] = "; fio --version >/dev/null";
constexpr char kEtcChange[] = "/etc/blendbench-change";
constexpr char kHomeChange[] = "/home/user/blendbench-change";
constexpr char kChangeText[] = "changed by the user";

// fio's own words when it fails: warnings come first, the reason last.
std::string WhyFioFailed(const GuestExit& exit) {
  std::string said = LastLine(CleanText(exit.err));
  if (said.empty()) said = LastLine(CleanText(exit.out));
  return "fio ended with " +
         (exit.signal != 0 ? "signal " + std::to_string(exit.signal)
                           : "exit code " + std::to_string(exit.code)) +
         (said.empty() ? "" : ": " + Truncate(said, 300));
}

}  // namespace

Outcome<JobOutcome> RunFioJob(Guest& guest, const std::string& job_id, const std::string& job_text,
                              Deadline deadline) {
  Agent& agent = guest.agent();
  const std::string job_file = "/run/blendbench-" + job_id + ".fio";
  if (Outcome<void> pushed = agent.WriteFile(job_file, job_text, deadline); !pushed)
    return Unexpected(pushed.error());
  const std::string prepare = std::string("set -e; mkdir -p ") + kBenchFolder + "; cd " +
                              kBenchFolder + "; fio --create_only=1 " + job_file + " >/dev/null; " +
                              kForgetCaches + kWarmFio;
  if (Outcome<std::string> prepared = agent.RunScript(prepare, deadline); !prepared)
    return Unexpected("laying out files: " + prepared.error());

  Outcome<BlockStats> before = guest.QueryBlockStats(deadline);
  if (!before) return Unexpected(before.error());
  // Few looks at a running job: each one takes the guest's processor for a moment.
  GuestCommand command{
      .path = "/usr/bin/fio", .arguments = {"--output-format=json+", job_file}, .poll_s = 1.0};
  Outcome<GuestExit> exit = agent.Run(command, deadline);
  if (!exit) return Unexpected(exit.error());
  Outcome<BlockStats> after = guest.QueryBlockStats(deadline);
  if (!after) return Unexpected(after.error());
  if (!exit->ok()) return Unexpected(WhyFioFailed(*exit));
  if (exit->truncated) return Unexpected("fio wrote more than the agent passes on");
  Outcome<FioResult> result = ParseFio(exit->out);
  if (!result) return Unexpected(result.error());

  const BlockStats during = Difference(*after, *before);
  JobOutcome outcome;
  outcome.raw = {{"job", job_text},
                 {"disks", ToJson(during)},
                 {"served_from", ServedFrom(*result, during)},
                 {"direction", result->direction},
                 {"bytes", result->bytes},
                 {"runtime_s", result->runtime_s}};
  outcome.raw["fio"] = std::move(result->raw);
  outcome.result = std::move(*result);
  return outcome;
}

Outcome<std::vector<Promise>> RunPromises(Guest& guest, Deadline deadline) {
  Outcome<std::string> output = guest.agent().RunScript("exec /usr/lib/blend/promises", deadline);
  if (!output) return Unexpected(output.error());
  return ParsePromises(*output);
}

Outcome<void> MakeUserChanges(Guest& guest, Deadline deadline) {
  std::string script = "set -e";
  for (const char* path : {kEtcChange, kHomeChange})
    script += std::string("; echo '") + kChangeText + "' >" + path;
  Outcome<std::string> made = guest.agent().RunScript(script + "; sync", deadline);
  if (!made) return Unexpected(made.error());
  return {};
}

Outcome<UserChanges> FindUserChanges(Guest& guest, Deadline deadline) {
  auto holds = [&](const char* path) -> Outcome<bool> {
    Outcome<std::string> content =
        guest.agent().RunScript(std::string("cat ") + path + " 2>/dev/null || :", deadline);
    if (!content) return Unexpected(content.error());
    return *content == std::string(kChangeText) + "\n";
  };
  Outcome<bool> in_etc = holds(kEtcChange);
  if (!in_etc) return Unexpected(in_etc.error());
  Outcome<bool> in_home = holds(kHomeChange);
  if (!in_home) return Unexpected(in_home.error());
  return UserChanges{*in_etc, *in_home};
}

}  // namespace blendbench
