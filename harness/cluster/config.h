// SPDX-License-Identifier: MIT
// Where an experiment's blocks are carried out, as the command line says. Thread-safety: values.
#pragma once

#include <string>
#include <vector>

namespace blendbench {

struct ClusterConfig {
  std::string executor = "local";          // "local", "slurm", "ssh"
  std::vector<std::string> slurm_options;  // KEY=VALUE
  std::vector<std::string> hosts;          // of ssh: [USER@]NAME
  std::string remote_folder =
      ".cache/blendbench-cluster";   // of ssh: where hosts keep bundles and blocks
  std::string ssh_config;            // of ssh: a file for ssh's -F; "" for the usual
  std::string scratch = "/var/tmp";  // of slurm: on each machine, for disks and mounts
  bool bundle_images = false;        // the guest images travel in the bundle
  double poll_s = 15;                // of slurm: between two looks at the queue
  double lost_after_s = 30;          // of slurm: a task that has left the queue without results
};

}  // namespace blendbench
