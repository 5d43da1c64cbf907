// SPDX-License-Identifier: MIT
// By which a running mount is looked at and steered: extended attributes of its root directory that no layer has.
//
//   trusted.blendfs.statistics   read: "name value" lines, described in blendctl(8)
//   trusted.blendfs.log_level    read and written: error, warning, info or debug
//
// With userxattr they are user.blendfs.*. They are not listed. Nothing else is needed to reach them than the mount
// itself, so they work in an initramfs, in any namespace and after a change of root.
// Thread-safety: Get and Set from any thread.
// Errors: EPERM for who is neither root nor the daemon's user (of trusted.* the kernel sees to that itself), EINVAL for
// a level that does not exist, EACCES for an attribute that is only read.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "unionfs/base/result.h"

namespace blendfs::fuse {

class Control {
 public:
  // prefix: "trusted.blendfs." or "user.blendfs."; statistics: makes the lines.
  Control(std::string prefix, std::function<std::string()> statistics)
      : prefix_(std::move(prefix)), statistics_(std::move(statistics)) {}

  // Whether an attribute of the root directory is one of these.
  bool Has(std::string_view key) const { return Find(key).has_value(); }
  Result<std::string> Get(std::string_view key, uid_t caller) const;
  Status Set(std::string_view key, std::string_view value, uid_t caller) const;

 private:
  enum class Attribute { kStatistics, kLogLevel };
  std::optional<Attribute> Find(std::string_view key) const;

  const std::string prefix_;
  const std::function<std::string()> statistics_;
};

}  // namespace blendfs::fuse
