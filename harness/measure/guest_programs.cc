// SPDX-License-Identifier: MIT
#include "harness/measure/guest_programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr char kFolder[] = "/home/user/bench/program";
constexpr char kData[] = "/usr/share/blend/workloads";
constexpr char kRebuild[] =
    "the guest images are older than this workload: build them again with vm-images/build";
constexpr size_t kMostSaid = 300;
// A clock of the guest's may run that much faster than the host's.
constexpr double kClockShare = 1.05, kClockS = 0.05;

// In the coarse layout the application's programs lie beside the system's; their libraries are the system's.
constexpr char kEnvironment[] =
    "export LC_ALL=C BLEND_SYSTEM=/ "
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/apps/0/usr/bin\n";

// Arguments: script, folder, data, rounds. bash reads the clock itself, where another program would be in the time.
constexpr char kTimed[] = R"(for round in $(seq "$4"); do
  from=$EPOCHREALTIME
  sh "$1" run "$2" "$3" >/dev/null || exit
  to=$EPOCHREALTIME
  echo "$from $to"
done)";

std::string ScriptPath(const Program& program) { return "/run/blendbench-" + program.script; }

std::string Verb(const Program& program, const char* verb) {
  return fmt::format("sh {} {} {} {}", ScriptPath(program), verb, kFolder, kData);
}

// Says what the guest lacks before anything of it fails in words of its own.
Outcome<void> CheckNeeds(Agent& agent, const Program& program, Deadline deadline) {
  std::string script = std::string(kEnvironment) + "lacks() { echo lacks \"$1\"; exit; }\n";
  for (const ProgramNeed& need : program.needs) {
    for (size_t i = 0; i < need.any_of.size(); ++i)
      script += fmt::format("{}command -v {} >/dev/null", i == 0 ? "" : " || ", need.any_of[i]);
    script += fmt::format(" || lacks {}\n", need.any_of.front());
  }
  if (program.needs_data) script += fmt::format("[ -d {0} ] || lacks {0}\n", kData);
  const Outcome<std::string> said = agent.RunScript(script, deadline);
  if (!said) return Unexpected(said.error());
  if (said->empty()) return {};
  return Unexpected("the guest " + Truncate(LastLine(CleanText(*said)), kMostSaid) + "; " +
                    kRebuild);
}

// What comes before the timed part: the folder, what the script makes in it, and the caches.
Outcome<void> Ready(Agent& agent, const Program& program, const std::string& text,
                    Deadline deadline) {
  if (Outcome<void> pushed = agent.WriteFile(ScriptPath(program), text, deadline); !pushed)
    return pushed;
  if (Outcome<void> good = CheckNeeds(agent, program, deadline); !good) return good;
  std::string script = kEnvironment + fmt::format("set -e; rm -rf {0}; mkdir -p {0}; {1}; sync",
                                                  kFolder, Verb(program, "prepare"));
  // Reading the programs back into memory is not the work.
  if (program.cold)
    script += "; echo 3 >/proc/sys/vm/drop_caches; bash -c :; " + Verb(program, "warm");
  const Outcome<std::string> ready = agent.RunScript(script, deadline);
  if (!ready) return Unexpected("preparing: " + ready.error());
  return {};
}

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Outcome<std::vector<double>> ParseRounds(std::string_view text, int rounds, double elapsed_s) {
  std::vector<double> seconds;
  std::istringstream lines{std::string(text)};
  lines.imbue(std::locale::classic());
  double from = 0, to = 0, sum = 0;
  while (static_cast<int>(seconds.size()) < rounds && lines >> from >> to) {
    if (!(to > from)) return Unexpected("the guest's clock went backwards");
    seconds.push_back(to - from);
    sum += to - from;
  }
  if (static_cast<int>(seconds.size()) != rounds || !(lines >> std::ws).eof())
    return Unexpected(fmt::format("the guest did not time {} rounds", rounds));
  if (sum > elapsed_s * kClockShare + kClockS)
    return Unexpected(fmt::format(
        "the guest's clock is wrong: it took {:.3f} s by it, and the host waited for {:.3f} s", sum,
        elapsed_s));
  return seconds;
}

Outcome<ProgramOutcome> RunProgram(Guest& guest, const Program& program, const std::string& script,
                                   Deadline deadline) {
  Agent& agent = guest.agent();
  if (Outcome<void> ready = Ready(agent, program, script, deadline); !ready)
    return Unexpected(ready.error());
  Outcome<BlockStats> before = guest.QueryBlockStats(deadline);
  if (!before) return Unexpected(before.error());
  const int64_t from_ns = MonotonicNs();
  // Few looks at it: each one takes the guest's processor for a moment.
  Outcome<GuestExit> exit =
      agent.Run({.path = "/bin/bash",
                 .arguments = {"-c", std::string(kEnvironment) + kTimed, "bash",
                               ScriptPath(program), kFolder, kData, std::to_string(program.rounds)},
                 .poll_s = 1.0},
                deadline);
  const double elapsed_s = SecondsBetween(from_ns, MonotonicNs());
  if (!exit) return Unexpected(exit.error());
  Outcome<BlockStats> after = guest.QueryBlockStats(deadline);
  if (!after) return Unexpected(after.error());
  if (!exit->ok())
    return Unexpected(fmt::format("exit code {}: {}", exit->code,
                                  Truncate(LastLine(CleanText(exit->err)), kMostSaid)));
  Outcome<std::vector<double>> rounds = ParseRounds(exit->out, program.rounds, elapsed_s);
  if (!rounds) return Unexpected(rounds.error());
  const Outcome<std::string> checked =
      agent.RunScript(kEnvironment + Verb(program, "check"), deadline);
  if (!checked) return Unexpected("wrong result: " + checked.error());
  const Outcome<std::string> cleaned =
      agent.RunScript(fmt::format("rm -rf {} {}", kFolder, ScriptPath(program)), deadline);
  if (!cleaned) return Unexpected(cleaned.error());

  ProgramOutcome outcome;
  outcome.seconds = MedianOf(*rounds);
  outcome.raw = {{"rounds", *rounds},
                 {"checked", Truncate(LastLine(CleanText(*checked)), kMostSaid)},
                 {"script_sha256", Sha256Hex(script)},
                 {"disks", ToJson(Difference(*after, *before))}};
  return outcome;
}

Result<ScriptTexts> ReadScripts(const std::vector<std::string>& programs,
                                const std::filesystem::path& folder) {
  ScriptTexts texts;
  for (const std::string& id : programs) {
    const Program* program = ProgramById(id);
    if (program == nullptr) continue;
    Result<std::string> text = ReadFile(folder / program->script);
    if (!text) return tl::unexpected(text.error());
    texts[program->script] = std::move(*text);
  }
  return texts;
}

}  // namespace blendbench
