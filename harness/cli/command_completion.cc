// SPDX-License-Identifier: MIT
// completion: a shell's script, and the words that the scripts ask for while somebody types.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/completion.h"
#include "harness/cli/places.h"
#include "harness/gate/claims.h"
#include "harness/store/baselines.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

std::vector<std::string> Candidates(const CompletionOptions& options) {
  std::vector<std::string> words;
  if (options.candidates == "specs") return Profiles(FindHome());
  if (options.candidates == "baselines") return ListBaselines(options.baselines_dir);
  if (options.candidates == "compared") words = ListBaselines(options.baselines_dir);
  if (options.candidates == "runs" || options.candidates == "compared") {
    words.push_back("latest");
    for (const std::filesystem::path& run : ListRuns(options.runs_dir))
      words.push_back(run.filename().string());
    return words;
  }
  auto dir = FindRun(options.run.empty() ? "latest" : options.run, options.runs_dir);
  auto run = dir ? RunFolder::OpenForReading(*dir) : Result<RunFolder>(tl::unexpected(dir.error()));
  if (!run) return words;  // nothing to offer is no reason to write into somebody's prompt
  if (auto claims = ParseClaims(run->claims_text(), "claims.toml"))
    for (const Claim& claim : *claims) words.push_back(claim.id);
  return words;
}

}  // namespace

int CompletionCommand(const CLI::App& app, const CompletionOptions& options, Io& io) {
  if (options.shell.empty() && options.candidates.empty())
    return Complain(io, {ExitCode::kUsage,
                         "name a shell: bash, zsh or fish; see `blendbench completion --help`"});
  nlohmann::json answer = Answer("completion", {});
  if (!options.candidates.empty()) {
    const std::vector<std::string> words = Candidates(options);
    if (!options.json) {
      Print(io, words.empty() ? "" : Join(words, "\n") + "\n");
      return Status(ExitCode::kOk);
    }
    answer["candidates"] = words;
    return Give(io, answer);
  }
  const std::vector<CompletedCommand> commands = CommandsOf(app);
  const std::string script = options.shell == "bash"  ? BashCompletion(commands)
                             : options.shell == "zsh" ? ZshCompletion(commands)
                                                      : FishCompletion(commands);
  if (!options.json) return WriteOut(io, script);
  answer["shell"] = options.shell;
  answer["script"] = script;
  return Give(io, answer);
}

}  // namespace blendbench
