// SPDX-License-Identifier: MIT
// An arm of an experiment: how a guest's images form its root, what merges them, and what its guests have
// otherwise than the experiment's. Pure. Thread-safety: values.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/spec/handicap.h"

namespace blendbench {

// kBlock: disks are merged rather than directories, by a qcow2 backing chain or a snapshot of the device mapper.
enum class Layout { kMonolithic, kCoarse, kFine, kBlock };
// "monolithic", "coarse", "fine" or "block", as specs, plans and reports write it.
std::string LayoutName(Layout layout);
const std::vector<std::string>& LayoutNames();
// nullopt for any other word.
std::optional<Layout> LayoutFromName(const std::string& name);

inline constexpr int kDefaultLayers = 2;  // the system image and the application's
inline constexpr int kMostGuestLayers = 64;
inline constexpr int kMostGuestsAtOnce = 16;

// What an arm's guests have otherwise than the experiment's [guest] and the images' usual roles.
struct ArmGuest {
  std::map<std::string, std::string>
      images;                   // "system", "app", "user", "overlay" -> name in the manifest
  int layers = kDefaultLayers;  // lower layers of a fine root; 1 is the system image alone
  int memory_mib = 0;           // 0: the experiment's
  double disk_mbps =
      0;  // what all disks of a guest together may move, 10^6 bytes a second; 0: no limit
  int disk_iops = 0;  // and how many requests a second
  int guests = 1;     // at once
  std::string
      user_at;  // coarse: where the user image is mounted; "": on /data, its home bound on /home

  bool operator==(const ArmGuest&) const = default;
};

struct Arm {
  std::string id;  // [a-z0-9-]+, unique
  std::string label;
  Layout layout = Layout::kCoarse;
  std::string engine;          // its name; "" in layouts without one
  std::string engine_options;  // extra -o options
  bool reference = false;      // exactly one
  bool control = false;        // the reference again (A')
  Handicap handicap;           // made worse on purpose, for a calibration
  ArmGuest guest;
  std::optional<double> at;  // its place on the experiment's dimension
};

// Whether all that reaches the guests of two arms is the same.
bool SameSettings(const Arm& a, const Arm& b);

// What of `guest` is not the default, as specs write it; an empty object when nothing is.
nlohmann::json ToJson(const ArmGuest& guest);
nlohmann::json ToJson(const Arm& arm);
Arm ArmFromJson(const nlohmann::json& object);  // throws std::exception

}  // namespace blendbench
