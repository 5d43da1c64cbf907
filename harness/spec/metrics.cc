// SPDX-License-Identifier: MIT
#include "harness/spec/metrics.h"

#include "harness/spec/guest_load.h"
#include "harness/spec/host_case.h"
#include "harness/spec/program.h"

namespace blendbench {
namespace {

std::vector<Metric> HostMetrics(const HostSettings& host) {
  std::vector<Metric> metrics, cpu;
  for (const std::string& id : host.cases) {
    const auto known = FindHostCase(id);
    if (!known) continue;
    metrics.push_back({HostMetricId(*known), known->label, "host-" + known->group,
                       known->rate ? "MB/s" : "s", !known->rate});
    cpu.push_back(
        {HostCpuMetricId(*known), known->label + ": processor time", "host-cpu", "s", true});
  }
  metrics.insert(metrics.end(), cpu.begin(), cpu.end());
  metrics.push_back({"setup.clones_s", "cloning the images", "setup", "s", true});
  return metrics;
}

std::vector<Metric> InstructionMetrics() {
  std::vector<Metric> metrics = {
      {"boot.total_minsn", "boot to the default target", "icount-boot", "M instructions", true}};
  for (const GuestLoad& load : GuestLoads())
    metrics.push_back({LoadMetricId(load), load.label, "icount-load", "M instructions", true});
  metrics.push_back({"setup.clones_s", "cloning the images", "setup", "s", true});
  metrics.push_back({"setup.qemu_s", "starting QEMU", "setup", "s", true});
  return metrics;
}

}  // namespace

std::string JobMetricId(const FioJob& job) { return "fio." + job.id + "_mbps"; }

std::vector<Metric> MetricsOf(const Experiment& experiment) {
  if (OnHost(experiment)) return HostMetrics(experiment.host);
  if (CountsInstructions(experiment)) return InstructionMetrics();
  if (IsExternal(experiment)) return experiment.external;
  std::vector<Metric> metrics = {
      {"boot.total_s", "boot to the default target", "boot", "s", true},
      {"boot.kernel_s", "firmware and kernel", "boot-phase", "s", true},
      {"boot.initramfs_s", "initramfs before the merge", "boot-phase", "s", true},
      {"boot.merge_s", "merge", "boot-phase", "s", true},
      {"boot.switch_s", "merge to switch_root", "boot-phase", "s", true},
      {"boot.userspace_s", "switch_root to the default target", "boot-phase", "s", true},
  };
  for (const FioJob& job : experiment.jobs) {
    metrics.push_back({JobMetricId(job), job.label, "fio-" + job.family, "MB/s", false});
  }
  for (const std::string& id : experiment.programs)
    if (const Program* program = ProgramById(id))
      metrics.push_back({ProgramMetricId(*program), program->label, "program", "s", true});
  metrics.push_back({"shutdown_s", "power-off", "shutdown", "s", true});
  metrics.push_back({"setup.clones_s", "cloning the images", "setup", "s", true});
  metrics.push_back({"setup.qemu_s", "starting QEMU", "setup", "s", true});
  return metrics;
}

}  // namespace blendbench
