// SPDX-License-Identifier: MIT
#include "unionfs/fuse/open_policy.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <string>

#include "unionfs/base/log.h"
#include "unionfs/fuse/front.h"

namespace blendfs::fuse {
namespace {

bool OpensForWriting(const merge::OpenFile& file) { return (file.flags() & O_ACCMODE) != O_RDONLY; }

Kind Counter(OpenKind kind) {
  switch (kind) {
    case OpenKind::kPassthrough:
      return Kind::kOpenPassthrough;
    case OpenKind::kDirect:
      return Kind::kOpenDirect;
    case OpenKind::kCached:
      break;
  }
  return Kind::kOpenCached;
}

// Errors that will not go away while this mount lives: no privilege, no kernel support, an upper on a
// file system that is itself stacked.
bool IsLasting(int error) {
  return error == EPERM || error == ENOTTY || error == ENOSYS || error == EOPNOTSUPP ||
         error == EINVAL || error == ELOOP;
}

}  // namespace

double AttributesSeconds(const merge::Node& node) {
  bool mapped = (node.front_flags.load(std::memory_order_relaxed) & kMayBeMappedForWriting) != 0;
  return mapped ? 0.0 : kForeverSeconds;
}

void OpenDecision::ApplyTo(fuse_file_info& info) const {
  info.noflush = 1;  // nothing to do at close(2): the daemon holds no data back
#if BLENDFS_HAVE_PASSTHROUGH
  if (kind == OpenKind::kPassthrough) info.backing_id = backing_id;
#endif
  info.direct_io = kind == OpenKind::kDirect ? 1 : 0;
  info.keep_cache = kind == OpenKind::kCached && keep_cache ? 1 : 0;
}

OpenKind OpenPolicy::Preferred(const merge::OpenFile& file) const {
  if (!passthrough_allowed_ || !file.on_upper()) return OpenKind::kCached;
  return OpenKind::kPassthrough;
}

OpenDecision OpenPolicy::WithoutPassthrough(int error) {
  if (!failure_logged_.exchange(true)) {
    LogWarning(std::string("passthrough is not possible (") + strerror(error) +
               (error == EPERM   ? ": it needs CAP_SYS_ADMIN"
                : error == ELOOP ? ": the upper is on a stacked file system"
                                 : "") +
               "): data of upper files goes through the daemon, which is correct but slower");
  }
  if (passthrough_worked_) return {OpenKind::kDirect, 0, false};
  if (IsLasting(error)) passthrough_allowed_ = false;
  return {OpenKind::kCached, 0, true};
}

OpenDecision OpenPolicy::SetUp(OpenKind kind, merge::OpenFile& file) {
  if (kind == OpenKind::kDirect) return {OpenKind::kDirect, 0, false};
  if (kind == OpenKind::kCached) {
    // Only cached opens ever filled the page cache of this inode: a lower file never had another kind, and
    // an upper one is cached only where passthrough never worked.
    return {OpenKind::kCached, 0, true};
  }
  auto data = file.data();
  if (!data) return {OpenKind::kDirect, 0, false};
  auto backing_id = backing_.Register(*data);
  if (!backing_id) return WithoutPassthrough(backing_id.error().code);
  passthrough_worked_ = true;
  return {OpenKind::kPassthrough, *backing_id, false};
}

OpenDecision OpenPolicy::Enter(merge::OpenFile& file) {
  merge::Node& node = file.node();
  Shard& shard = ShardOf(node);
  OpenDecision decision;
  bool joined = false;
  auto join = [&](Live& live) {
    ++live.opens;
    if (OpensForWriting(file)) ++live.writers;
    decision = live.decision;
  };
  {
    std::lock_guard lock(shard.mutex);
    if (auto found = shard.live.find(&node); found != shard.live.end()) {
      join(found->second);
      joined = true;
    }
  }
  if (!joined) {
    OpenDecision own = SetUp(Preferred(file), file);
    {
      std::lock_guard lock(shard.mutex);
      auto [entry, fresh] = shard.live.try_emplace(&node);
      if (fresh) entry->second.decision = own;
      join(entry->second);
      joined = !fresh;
    }
    // Another thread's first open came between: its choice counts.
    if (joined && own.kind == OpenKind::kPassthrough) backing_.Unregister(own.backing_id);
  }
  if (joined && decision.kind == OpenKind::kCached) decision.keep_cache = true;
  if (decision.kind == OpenKind::kPassthrough && (file.flags() & O_ACCMODE) == O_RDWR) {
    node.front_flags.fetch_or(kMayBeMappedForWriting, std::memory_order_relaxed);
  }
  statistics_.Count(Counter(decision.kind));
  return decision;
}

void OpenPolicy::Leave(merge::OpenFile& file) {
  merge::Node& node = file.node();
  Shard& shard = ShardOf(node);
  int backing_id = 0;
  {
    std::lock_guard lock(shard.mutex);
    auto found = shard.live.find(&node);
    if (found == shard.live.end()) return;
    if (OpensForWriting(file)) --found->second.writers;
    if (--found->second.opens > 0) return;
    backing_id = found->second.decision.backing_id;
    shard.live.erase(found);
  }
  if (backing_id > 0) backing_.Unregister(backing_id);
}

bool OpenPolicy::IsOpenForWriting(const merge::Node& node) {
  Shard& shard = ShardOf(node);
  std::lock_guard lock(shard.mutex);
  auto found = shard.live.find(&node);
  return found != shard.live.end() && found->second.writers > 0;
}

}  // namespace blendfs::fuse
