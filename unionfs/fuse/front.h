// SPDX-License-Identifier: MIT
// What all handlers share, and how a node is named towards the kernel: the root by FUSE_ROOT_ID, any other
// node by its address (valid as long as the kernel holds lookup counts of it).
// Thread-safety: the references are set once; what they refer to locks itself.
#pragma once

#include <functional>
#include <new>

#include "unionfs/fuse/attribute_demand.h"
#include "unionfs/fuse/control.h"
#include "unionfs/fuse/libfuse.h"
#include "unionfs/fuse/listings.h"
#include "unionfs/fuse/open_files.h"
#include "unionfs/fuse/open_policy.h"
#include "unionfs/fuse/statistics.h"
#include "unionfs/merge/union.h"

namespace blendfs::fuse {

// The layers belong to the mount alone, so what the kernel was told stays true until it changes it
// itself: ten years, in seconds.
inline constexpr double kForeverSeconds = 10.0 * 365 * 24 * 3600;

// Bits of Node::front_flags.
enum NodeFlag : uint32_t {
  kMayBeMappedForWriting = 1,
  kListedWithoutAttributes = 2,  // of a directory: not every entry of its listing came with them
};

struct Front {
  merge::Union& fs;
  sys::Calls& os;
  Statistics& statistics;
  OpenPolicy& policy;
  Listings& listings;
  AttributeDemand& directories_demand;  // for attributes with the listing, of directories
  AttributeDemand& others_demand;       // and of all else
  OpenFiles& open_files;
  const Control& control;
  std::function<void(fuse_conn_info&)> negotiate;  // on INIT
  // Makes the kernel ask for a node's attributes again; takes no lock of the node's there.
  std::function<void(fuse_ino_t)> drop_attributes;
  bool kernel_opens_directories = false;  // agreed on INIT

  merge::Node& NodeOf(fuse_ino_t number) const {
    return number == FUSE_ROOT_ID ? fs.root() : *reinterpret_cast<merge::Node*>(number);
  }
  fuse_ino_t NumberOf(const merge::Node& node) const {
    return &node == &fs.root() ? FUSE_ROOT_ID : reinterpret_cast<fuse_ino_t>(&node);
  }
  fuse_entry_param ToEntry(const merge::Entry& entry) const;
  AttributeDemand& DemandFor(bool directory) const {
    return directory ? directories_demand : others_demand;
  }
};

// Readies the calling thread for system calls on layers; nothing after the first time.
inline void ReadyThread() {
  thread_local const bool ready = (sys::InitThread(), true);
  (void)ready;
}

// The handler families fill in their part of the table.
void AddNameHandlers(fuse_lowlevel_ops& table);
void AddAttributeHandlers(fuse_lowlevel_ops& table);
void AddXattrHandlers(fuse_lowlevel_ops& table);
void AddFileHandlers(fuse_lowlevel_ops& table);
void AddDataHandlers(fuse_lowlevel_ops& table);
void AddDirectoryHandlers(fuse_lowlevel_ops& table);
void AddIoctlHandlers(fuse_lowlevel_ops& table);

inline merge::OpenFile* FileOf(const fuse_file_info* info) {
  return info == nullptr ? nullptr : reinterpret_cast<merge::OpenFile*>(info->fh);
}

// On a write by a caller without CAP_FSETID: clears suid and sgid. Costs one fstat when there is nothing
// to clear. (security.capability is removed by the layer's own file system.)
Status ClearPrivileges(Front& front, fuse_req_t request, merge::OpenFile& file);

// True when the asking process is in `group`. False also when that cannot be found out: what depends on it is
// only whether sgid survives, and losing it is the safe side.
bool CallerIsIn(fuse_req_t request, gid_t group);
// The same as a question for later, while the request is being served.
inline merge::IsInGroup GroupsOf(fuse_req_t request) {
  return [request](gid_t group) { return CallerIsIn(request, group); };
}

}  // namespace blendfs::fuse
