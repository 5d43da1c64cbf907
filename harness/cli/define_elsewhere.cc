// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>

#include "harness/cli/comfort.h"
#include "harness/cli/elsewhere.h"
#include "harness/cli/number_checks.h"

namespace blendbench {
namespace {

void DefineCollect(CLI::App& app, RunChoice& options) {
  CLI::App* command = app.add_subcommand(
      "collect", "merge by hand what other machines have measured of a run, after checks");
  AddRunChoice(*command, options);
  command->add_flag("--json", options.json, "print what was merged as JSON");
  command->footer(
      "Examples:\n"
      "  blendbench collect latest\n"
      "  blendbench collect mine --json    # blocks that entered, are missing, were refused\n\n"
      "Exit status: 0 the run is whole, 4 with failed samples; 3 blocks are missing or were "
      "refused");
}

void DefineBlock(CLI::App& app, BlockCommandOptions& options) {
  CLI::App* command = app.add_subcommand(
      "block", "carry out one block of a bundle: what --executor starts on each machine");
  command->add_option("BLOCK", options.block, "its number, from 0 on")
      ->required()
      ->check(CLI::Range(0, 10'000));
  command->add_option("--bundle", options.bundle, "folder of the bundle")->required();
  command->add_option("--results", options.results,
                      "folder that gets a folder a block; a block in it is continued");
  command->add_option("--scratch", options.scratch,
                      "folder on a disk of this machine, for disks and mounts (default: with the "
                      "results)");
  command->add_option("--images", options.images,
                      "folder of the guest images, if not the bundle's");
  command->add_option("--node", options.node, "what this machine is called in the samples");
  command->add_option("--qemu", options.qemu, "the QEMU to use")->default_val("qemu-system-x86_64");
  command->add_flag("--check", options.check, "check the bundle, and do nothing else");
  command->add_flag("--tune", options.tune, "as of `blendbench run`");
  command->add_flag("--keep-failed", options.keep_failed, "keep the disks of guests that failed");
  command->add_flag("--json", options.json, "print the result as JSON");
  command->footer(
      "Examples:\n"
      "  blendbench block 3 --bundle bundle-0123456789abcdef --results blocks\n"
      "  blendbench block 0 --bundle bundle-0123456789abcdef --check");
}

}  // namespace

void AddExecutorOptions(CLI::App& run, ClusterConfig& options) {
  run.add_option("--executor", options.executor, "where blocks are carried out (default: local)")
      ->check(CLI::IsMember({"local", "slurm", "ssh"}));
  run.add_option("--slurm-option", options.slurm_options,
                 "KEY=VALUE for sbatch: partition, account, time, ...; may be repeated")
      ->allow_extra_args(false);
  run.add_option("--host", options.hosts,
                 "[USER@]NAME of a machine for --executor ssh; repeated for each")
      ->allow_extra_args(false);
  run.add_option("--remote-folder", options.remote_folder,
                 "where those keep bundle and blocks (default: .cache/blendbench-cluster)");
  run.add_option("--ssh-config", options.ssh_config, "configuration file for ssh and scp");
  run.add_option("--scratch", options.scratch,
                 "with slurm: folder on each machine for disks and mounts (default: /var/tmp)");
  run.add_flag("--bundle-images", options.bundle_images,
               "the guest images travel in the bundle, instead of by path");
  run.add_option("--poll", options.poll_s,
                 "with slurm: seconds between two looks at the queue (default: 15)")
      ->check(FiniteRange(0.1, 3600));
  run.add_option("--lost-after", options.lost_after_s,
                 "with slurm: seconds until a task that has left the queue counts as lost "
                 "(default: 30)")
      ->check(FiniteRange(0, 86'400));
}

void DefineElsewhere(CLI::App& app, ElsewhereOptions& options) {
  DefineCollect(app, options.collect);
  DefineBlock(app, options.block);
}

std::optional<int> DispatchElsewhere(const CLI::App& app, const ElsewhereOptions& options, Io& io) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "collect") return CollectCommand(options.collect, io);
  if (name == "block") return BlockCommand(options.block, io);
  return std::nullopt;
}

}  // namespace blendbench
