// SPDX-License-Identifier: MIT
// A running mount, looked at and steered from outside through the attributes of its root directory (fuse/control.h).
// Thread-safety: one thread; the words are pure functions.
// Errors: `problem` receives one line with the remedy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/sys/calls.h"

namespace blendfs::inspect {

// As fuse/report.h describes them: {"requests.lookup", "12"}.
struct Figure {
  std::string name;
  std::string value;
};
using Figures = std::vector<Figure>;

Result<Figures> ReadFigures(sys::Calls& os, const std::string& mount_point, std::string* problem);
// level: as base/log.h names them; what the mount does not know fails with EINVAL.
Status SetMountLogLevel(sys::Calls& os, const std::string& mount_point, const std::string& level,
                        std::string* problem);

// Lines that are no "name value" are left out: another version may have sent them.
Figures ParseFigures(std::string_view lines);

// A line each, values in one column.
std::string ToText(const Figures& figures);
// One object: plain members, one object a family ("requests", "opens", "copy_ups"), and the array "layers".
std::string ToJson(const std::string& mount_point, const Figures& figures);
// The text format that Prometheus scrapes (version 0.0.4), with the label mount on every sample.
std::string ToPrometheus(const std::string& mount_point, const Figures& figures);

}  // namespace blendfs::inspect
