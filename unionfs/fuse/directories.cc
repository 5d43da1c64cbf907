// SPDX-License-Identifier: MIT
// Listing directories. The kernel keeps a finished listing (cache_readdir) until it changes the directory
// itself, and keeps the attributes that come with it.
#include <dirent.h>

#include <cstring>
#include <span>
#include <vector>

#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

// Answered once where the kernel can do without: it opens directories by itself from then on, and keeps their
// listings as if told so here.
void OpenDir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  Serve(request, Kind::kOpenDir, [&](Front& front, Reply& reply) {
    if (front.kernel_opens_directories) return reply.Fail(ENOSYS);
    info->cache_readdir = 1;
    info->keep_cache = 1;
    (void)reply.Opened(*info);  // nothing was taken that would have to be given back
  });
}

// Adds entries to a reply buffer of a fixed size.
class EntryBuffer {
 public:
  EntryBuffer(fuse_req_t request, size_t size) : request_(request), bytes_(size) {}

  bool Add(const merge::DirItem& item) {
    struct stat attributes {};
    attributes.st_ino = item.ino;
    attributes.st_mode = static_cast<mode_t>(item.type) << 12;  // DT_* are S_IFMT's bits moved down
    return Advance(
        fuse_add_direntry(request_, Rest(), Left(), item.name.c_str(), &attributes, item.offset));
  }
  bool AddPlus(const merge::DirItem& item, const fuse_entry_param& entry) {
    return Advance(
        fuse_add_direntry_plus(request_, Rest(), Left(), item.name.c_str(), &entry, item.offset));
  }

  const char* data() const { return bytes_.data(); }
  size_t used() const { return used_; }

 private:
  char* Rest() { return bytes_.data() + used_; }
  size_t Left() const { return bytes_.size() - used_; }
  bool Advance(size_t needed) {
    if (needed > Left()) return false;
    used_ += needed;
    return true;
  }

  fuse_req_t request_;
  std::vector<char> bytes_;
  size_t used_ = 0;
};

void ReadDir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, fuse_file_info*) {
  Serve(request, Kind::kReadDir, [&](Front& front, Reply& reply) {
    auto listing = front.listings.Of(front.NodeOf(number));
    if (!listing) return reply.Fail(listing.error());
    auto items = listing->ItemsAfter(offset);
    if (!items) return reply.Fail(items.error());
    EntryBuffer buffer(request, size);
    for (const merge::DirItem& item : *items) {
      if (!buffer.Add(item)) break;
    }
    reply.Data(buffer.data(), buffer.used());
  });
}

// "." and "..": the kernel takes no attributes for them.
bool IsDot(const std::string& name) { return name == "." || name == ".."; }

fuse_entry_param NameOnly(const merge::DirItem& item) {
  fuse_entry_param entry{};  // ino 0: no lookup count is passed on
  entry.attr.st_ino = item.ino;
  entry.attr.st_mode = static_cast<mode_t>(item.type) << 12;
  return entry;
}

// The lookup counts raised for one reply; given back unless the kernel took it.
class RaisedCounts {
 public:
  explicit RaisedCounts(merge::Union& fs) : fs_(fs) {}
  RaisedCounts(const RaisedCounts&) = delete;
  RaisedCounts& operator=(const RaisedCounts&) = delete;
  ~RaisedCounts() {
    for (merge::Node* node : nodes_) fs_.Forget(*node, 1);
  }
  void Add(merge::Node& node) { nodes_.push_back(&node); }
  void BelongToKernel() { nodes_.clear(); }

 private:
  merge::Union& fs_;
  std::vector<merge::Node*> nodes_;
};

// Adds one entry with its attributes; false when the buffer is full.
bool AddWithAttributes(Front& front, merge::Node& parent, const merge::DirItem& item,
                       EntryBuffer& buffer, RaisedCounts& raised) {
  auto found = front.fs.Lookup(parent, item.name);
  if (!found && found.error().code == ENOENT) return true;  // removed since the listing was made
  if (!found) return buffer.AddPlus(item, NameOnly(item));
  if (!buffer.AddPlus(item, front.ToEntry(*found))) {
    front.fs.Forget(*found->node, 1);
    return false;
  }
  raised.Add(*found->node);
  return true;
}

// Adds one entry, with attributes where they are likely to be asked for.
bool AddAsWanted(Front& front, merge::Node& parent, const merge::DirItem& item, off_t offset,
                 EntryBuffer& buffer, RaisedCounts& raised) {
  if (IsDot(item.name)) return buffer.AddPlus(item, NameOnly(item));
  // Beyond a directory's first entries the kernel asks in this way where those have been looked at.
  if (offset > 0 || front.DemandFor(item.type == DT_DIR).Give()) {
    return AddWithAttributes(front, parent, item, buffer, raised);
  }
  parent.front_flags.fetch_or(kListedWithoutAttributes, std::memory_order_relaxed);
  return buffer.AddPlus(item, NameOnly(item));
}

void ReadDirPlus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                 fuse_file_info*) {
  Serve(request, Kind::kReadDirPlus, [&](Front& front, Reply& reply) {
    merge::Node& node = front.NodeOf(number);
    auto listing = front.listings.Of(node);
    if (!listing) return reply.Fail(listing.error());
    auto items = listing->ItemsAfter(offset);
    if (!items) return reply.Fail(items.error());
    RaisedCounts raised(front.fs);
    EntryBuffer buffer(request, size);
    for (const merge::DirItem& item : *items) {
      if (!AddAsWanted(front, node, item, offset, buffer, raised)) break;
    }
    if (reply.Data(buffer.data(), buffer.used())) raised.BelongToKernel();
  });
}

void SyncDir(fuse_req_t request, fuse_ino_t number, int data_only, fuse_file_info*) {
  Serve(request, Kind::kSyncDir, [&](Front& front, Reply& reply) {
    reply.Done(front.fs.SyncNode(front.NodeOf(number), data_only != 0));
  });
}

}  // namespace

void AddDirectoryHandlers(fuse_lowlevel_ops& table) {
  table.opendir = OpenDir;
  // releasedir: absent on purpose, an open directory has nothing that would end with it.
  table.readdir = ReadDir;
  table.readdirplus = ReadDirPlus;
  table.fsyncdir = SyncDir;
}

}  // namespace blendfs::fuse
