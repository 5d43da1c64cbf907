// SPDX-License-Identifier: MIT
#include "harness/spec/handicap.h"

#include <fmt/format.h>

#include <vector>

#include "harness/base/text.h"

namespace blendbench {

std::string Describe(const Handicap& handicap) {
  std::vector<std::string> parts;
  if (handicap.pause > 0)
    parts.push_back(
        fmt::format("stands still for {:g} % of its running time", handicap.pause * 100));
  if (handicap.boot_delay_s > 0)
    parts.push_back(fmt::format("a unit delays the boot by {:g} s", handicap.boot_delay_s));
  if (handicap.boot_work > 0)
    parts.push_back(fmt::format("a unit counts to {} while it boots", handicap.boot_work));
  if (handicap.disk_mbps > 0)
    parts.push_back(fmt::format("its disks move at most {:g} MB/s", handicap.disk_mbps));
  return Join(parts, ", ");
}

nlohmann::json ToJson(const Handicap& handicap) {
  return {{"pause", handicap.pause},
          {"boot_delay_s", handicap.boot_delay_s},
          {"boot_work", handicap.boot_work},
          {"disk_mbps", handicap.disk_mbps}};
}

Handicap HandicapFromJson(const nlohmann::json& object) {
  Handicap handicap;
  handicap.pause = object.at("pause");
  handicap.boot_delay_s = object.at("boot_delay_s");
  handicap.boot_work = object.at("boot_work");
  handicap.disk_mbps = object.at("disk_mbps");
  return handicap;
}

std::string BootUnitText(const Handicap& handicap) {
  std::string text =
      "[Unit]\nDefaultDependencies=no\nAfter=sysinit.target\n"
      "Before=basic.target sockets.target timers.target paths.target\n[Service]\nType=oneshot\n";
  if (handicap.boot_delay_s > 0)
    text += fmt::format("ExecStart=/bin/sleep {:.3f}\n", handicap.boot_delay_s);
  if (handicap.boot_work > 0)
    text += fmt::format("ExecStart=/bin/sh -c 'i=0; while [ $$i -lt {} ]; do i=$$((i+1)); done'\n",
                        handicap.boot_work);
  return text;
}

}  // namespace blendbench
