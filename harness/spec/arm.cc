// SPDX-License-Identifier: MIT
#include "harness/spec/arm.h"

#include <algorithm>
#include <stdexcept>

namespace blendbench {
namespace {

using nlohmann::json;

ArmGuest GuestFromJson(const json& object) {
  ArmGuest guest;
  guest.images = object.value("images", guest.images);
  guest.layers = object.value("layers", guest.layers);
  guest.memory_mib = object.value("memory_mib", guest.memory_mib);
  guest.disk_mbps = object.value("disk_mbps", guest.disk_mbps);
  guest.disk_iops = object.value("disk_iops", guest.disk_iops);
  guest.guests = object.value("guests", guest.guests);
  guest.user_at = object.value("user_at", guest.user_at);
  return guest;
}

}  // namespace

const std::vector<std::string>& LayoutNames() {
  static const std::vector<std::string> kNames = {"monolithic", "coarse", "fine", "block"};
  return kNames;
}

std::string LayoutName(Layout layout) { return LayoutNames().at(static_cast<size_t>(layout)); }

std::optional<Layout> LayoutFromName(const std::string& name) {
  const auto& names = LayoutNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Layout>(found - names.begin());
}

bool SameSettings(const Arm& a, const Arm& b) {
  return a.layout == b.layout && a.engine == b.engine && a.engine_options == b.engine_options &&
         a.handicap == b.handicap && a.guest == b.guest;
}

json ToJson(const ArmGuest& guest) {
  const ArmGuest usual;
  json object = json::object();
  if (guest.images != usual.images) object["images"] = guest.images;
  if (guest.layers != usual.layers) object["layers"] = guest.layers;
  if (guest.memory_mib != usual.memory_mib) object["memory_mib"] = guest.memory_mib;
  if (guest.disk_mbps != usual.disk_mbps) object["disk_mbps"] = guest.disk_mbps;
  if (guest.disk_iops != usual.disk_iops) object["disk_iops"] = guest.disk_iops;
  if (guest.guests != usual.guests) object["guests"] = guest.guests;
  if (guest.user_at != usual.user_at) object["user_at"] = guest.user_at;
  return object;
}

// What most arms do not have is written only where they have it, so that their plans keep their hash.
json ToJson(const Arm& arm) {
  json object = {{"id", arm.id},
                 {"label", arm.label},
                 {"layout", LayoutName(arm.layout)},
                 {"engine", arm.engine},
                 {"engine_options", arm.engine_options},
                 {"reference", arm.reference},
                 {"control", arm.control}};
  if (arm.handicap.any()) object["handicap"] = ToJson(arm.handicap);
  if (json guest = ToJson(arm.guest); !guest.empty()) object["guest"] = std::move(guest);
  if (arm.at) object["at"] = *arm.at;
  return object;
}

Arm ArmFromJson(const json& object) {
  Arm arm;
  arm.id = object.at("id");
  arm.label = object.at("label");
  const std::string layout = object.at("layout");
  const auto known = LayoutFromName(layout);
  if (!known) throw std::runtime_error("unknown layout \"" + layout + "\"");
  arm.layout = *known;
  arm.engine = object.at("engine");
  arm.engine_options = object.at("engine_options");
  arm.reference = object.at("reference");
  arm.control = object.at("control");
  if (object.contains("handicap")) arm.handicap = HandicapFromJson(object["handicap"]);
  if (object.contains("guest")) arm.guest = GuestFromJson(object["guest"]);
  if (object.contains("at")) arm.at = object["at"].get<double>();
  return arm;
}

}  // namespace blendbench
