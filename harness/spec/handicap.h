// SPDX-License-Identifier: MIT
// An arm made worse on purpose, by an amount that is known: what a calibration looks for, so that it can
// say how often the harness finds it. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace blendbench {

struct Handicap {
  // The arm's processes (in a guest: the whole machine) stand still for this share of the time that they
  // run: with 0.05 what takes 1 s of processor takes 1.05 s. What they wait for goes on meanwhile.
  double pause = 0;
  double boot_delay_s = 0;  // a unit that everything after it waits for sleeps that long
  int64_t boot_work = 0;    // a unit that everything after it waits for counts to that number
  double disk_mbps =
      0;  // the disks of a guest together move no more than that, in 10^6 bytes a second

  bool any() const { return pause > 0 || boot_delay_s > 0 || boot_work > 0 || disk_mbps > 0; }
  bool operator==(const Handicap&) const = default;
};

// "stands still for 5 % of its time", for labels and reports; "" for none.
std::string Describe(const Handicap& handicap);

nlohmann::json ToJson(const Handicap& handicap);
// Throws std::exception of what is missing or of the wrong type.
Handicap HandicapFromJson(const nlohmann::json& object);

// The unit behind boot_delay_s and boot_work: name and text. It starts after sysinit.target, and everything that
// comes with basic.target waits for it.
inline constexpr const char* kBootUnit = "blendbench-handicap.service";
std::string BootUnitText(const Handicap& handicap);

}  // namespace blendbench
