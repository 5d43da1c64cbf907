// SPDX-License-Identifier: MIT
// The cases of the host substrate: what each measures, what it needs, and in which state of the caches
// it begins. blendload (workloads/meta) carries them out under the same names, those of the group
// "program" their scripts (spec/program.h). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace blendbench {

struct HostCase {
  std::string id;
  std::string label;
  std::string group;  // "data", "metadata", "copy-up", "program", "layers", "boot"
  bool rate = false;  // MB/s, more is better; otherwise seconds
  bool cold = false;  // page and dentry caches are dropped before it
  int layers = 1;     // lower layers of the union
  std::string
      lower_data;  // what its lower layer must hold, for `blendload prepare`; "" for nothing
  std::string upper_data;   // what its upper must hold beforehand; "" for nothing
  std::string needs_trait;  // "" or one of the traits of spec/engine.h
  double estimate_s = 0.5;  // of an engine of middling speed, for the first estimate
};

inline constexpr int kMostLayers = 128;

// nullopt when there is no such case. "layers<N>-find", "-tree" and "-negative" exist for N from 1 to
// kMostLayers.
std::optional<HostCase> FindHostCase(const std::string& id);

// For messages and for what users may write: the fixed ones, with layers33 for the layered ones.
std::vector<std::string> HostCaseIds();

inline bool IsBootCase(const HostCase& host_case) { return host_case.group == "boot"; }
inline bool IsProgramCase(const HostCase& host_case) { return host_case.group == "program"; }

// <case>.wall_s or <case>.rate_mbps
std::string HostMetricId(const HostCase& host_case);
std::string HostCpuMetricId(const HostCase& host_case);  // <case>.cpu_s

}  // namespace blendbench
