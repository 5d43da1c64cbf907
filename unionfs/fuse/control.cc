// SPDX-License-Identifier: MIT
#include "unionfs/fuse/control.h"

#include <unistd.h>

#include <cerrno>

#include "unionfs/base/log.h"

namespace blendfs::fuse {
namespace {

bool IsAllowed(uid_t caller) { return caller == 0 || caller == geteuid(); }

}  // namespace

std::optional<Control::Attribute> Control::Find(std::string_view key) const {
  if (!key.starts_with(prefix_)) return std::nullopt;
  key.remove_prefix(prefix_.size());
  if (key == "statistics") return Attribute::kStatistics;
  if (key == "log_level") return Attribute::kLogLevel;
  return std::nullopt;
}

Result<std::string> Control::Get(std::string_view key, uid_t caller) const {
  const auto attribute = Find(key);
  if (!attribute) return Fail(ENODATA);
  if (!IsAllowed(caller)) return Fail(EPERM);
  if (*attribute == Attribute::kStatistics) return statistics_();
  return std::string(Name(CurrentLogLevel()));
}

Status Control::Set(std::string_view key, std::string_view value, uid_t caller) const {
  const auto attribute = Find(key);
  if (!IsAllowed(caller)) return Fail(EPERM);
  if (attribute != Attribute::kLogLevel) return Fail(EACCES);
  const auto level = ParseLogLevel(value);
  if (!level) return Fail(EINVAL);
  SetLogLevel(*level);
  return {};
}

}  // namespace blendfs::fuse
