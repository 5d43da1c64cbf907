// SPDX-License-Identifier: MIT
// The union: every operation of a file system over a stack of layers, without any knowledge of FUSE.
// The fuse folder turns requests into these calls, one to one.
//
// Node life: Lookup and the creating calls return an Entry whose node has had its lookup count raised
// by one; Forget gives counts back. A node is valid as long as its count is above zero or an OpenFile
// or OpenDir of it is. The root is always valid.
// Thread-safety: every method may be called from any thread (each must have called
// sys::InitThread()). The caller keeps namespace-changing calls in one directory apart from each other, as
// the kernel does; memory safety does not depend on it.
// Errors: positive errno, what a local POSIX file system would answer. Permission checks are the
// kernel's (default_permissions); the union makes none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "unionfs/layer/stack.h"

namespace blendfs::merge {

class FdKeeper;  // held_fd.h
class Node;      // node.h
struct State;    // what the operations share: state.h

// Attributes as the union shows them: st_ino is constant over copy-up, rename and remount; dev is the
// mount's and left to the kernel.
using Attr = sys::FileStat;

struct Entry {
  Node* node = nullptr;
  Attr attr;
  uint64_t generation = 0;
};

// Who asks. umask is applied where the parent directory has no default ACL.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  mode_t umask = 0;
};

using IsInGroup = std::function<bool(gid_t group)>;

// Which attributes to change; the unset ones stay.
struct AttrChange {
  bool set_mode = false, set_uid = false, set_gid = false, set_size = false;
  bool set_atime = false, set_mtime = false, atime_now = false, mtime_now = false;
  bool kill_suid_sgid = false;  // clear suid, sgid and security.capability
  // Of one who asks without CAP_FSETID: whether he is in a group. Only his own group's files keep an sgid that
  // comes without group execute. Asked when there is one.
  IsInGroup caller_is_in;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  uint64_t size = 0;
  timespec atime{}, mtime{};
};

// An open regular file. data() is the descriptor to read and write now: it moves from the lower to
// the upper file when the node is copied up, so ask each time. Closing is deleting.
class OpenFile {
 public:
  virtual ~OpenFile() = default;
  virtual Node& node() = 0;
  virtual int flags() const = 0;
  // Valid until the OpenFile goes, even after a later switch. The errno of the switch if that failed.
  virtual Result<BorrowedFd> data() = 0;
  virtual bool on_upper() const = 0;
};

struct DirItem {
  std::string name;
  uint64_t ino = 0;  // what st_ino will say
  uint8_t type = 0;  // DT_*
  off_t offset = 0;  // where a reader goes on after this item
};

// A directory listing, merged once when it is opened or rewound. Items are in the order of their offsets,
// and an offset depends on the name alone: it means the same place in every listing of the directory,
// whatever has come and gone. The kernel needs that, which hands one reader's listing to another and
// lets that one go on by itself from anywhere.
class OpenDir {
 public:
  virtual ~OpenDir() = default;
  virtual Node& node() = 0;
  // Reads the layers (again); called on open lazily and at offset 0.
  virtual Status Refresh() = 0;
  virtual const std::vector<DirItem>& items() const = 0;
  // Nothing but "." and "..": what rmdir and rename over a directory ask for.
  bool empty() const { return items().size() <= 2; }
};

struct Options {
  bool volatile_upper = false;
  bool strict_sync = false;  // fsync=strict: copy-up is fsynced before it is published
  // Whether any are made, where the format has them. Those that a layer has are read in any case.
  bool metadata_only_copies = true;
  // How many descriptors of layers' objects nodes may hold open: held_fd.h.
  size_t most_descriptors = SIZE_MAX;
};

// What the union holds now, and what has happened since it was opened. Not one moment's: others go on meanwhile.
struct Counters {
  uint64_t nodes = 0;
  uint64_t descriptors = 0;  // of layers' objects, open for nodes
  // Copy-ups: whole regular files, also where the data came later; metadata without the data; all else.
  uint64_t data_copy_ups = 0, metadata_copy_ups = 0, directory_copy_ups = 0, special_copy_ups = 0;
  uint64_t copied_bytes = 0;
  uint64_t misses = 0;  // lookups of names that are not there
  struct Layer {
    std::string path;  // as given at the mount
    bool writable = false;
    uint64_t hits = 0;  // lookups whose object it provides
  };
  std::vector<Layer> layers;  // top to bottom
};

class Union {
 public:
  static Result<std::unique_ptr<Union>> Open(sys::Calls& os, layer::Stack stack, Options options);
  ~Union();

  Node& root();
  // Whoever calls its Trim puts a Use around each of the other calls.
  FdKeeper& descriptors();
  // For whoever looks at the layers behind the union (inspect/) instead of serving it.
  State& state() { return *state_; }
  bool read_only() const;
  Counters counters() const;
  // Of attributes that are blendfs's own: "trusted.blendfs.", or "user.blendfs." with userxattr.
  std::string OwnXattrPrefix() const;
  // st_dev of the layers, each once.
  std::set<dev_t> LayerDevices() const;

  // --- names ---
  Result<Entry> Lookup(Node& parent, std::string_view name);  // ENOENT when not there
  void Forget(Node& node, uint64_t count);
  Result<Entry> MakeNode(Node& parent, std::string_view name, mode_t mode, dev_t rdev,
                         const Caller& caller);
  Result<Entry> MakeDir(Node& parent, std::string_view name, mode_t mode, const Caller& caller);
  Result<Entry> MakeSymlink(Node& parent, std::string_view name, std::string_view target,
                            const Caller& caller);
  Result<Entry> Link(Node& node, Node& new_parent, std::string_view new_name);
  Status Unlink(Node& parent, std::string_view name);
  Status RemoveDir(Node& parent, std::string_view name);
  Status Rename(Node& from_parent, std::string_view from, Node& to_parent, std::string_view to,
                unsigned flags);

  // --- attributes ---
  Result<Attr> GetAttr(Node& node, OpenFile* file);
  Result<Attr> SetAttr(Node& node, const AttrChange& change, OpenFile* file);
  Result<std::string> ReadLink(Node& node);
  Result<std::string> GetXattr(Node& node, std::string_view key);
  Status SetXattr(Node& node, std::string_view key, std::string_view value, int flags,
                  bool kill_sgid);
  Status RemoveXattr(Node& node, std::string_view key);
  Result<std::string> ListXattr(Node& node);  // names, each ended by NUL
  // Inode flags as of FS_IOC_GETFLAGS; ENOTTY for what is neither a regular file nor a directory.
  Result<unsigned> GetFlags(Node& node);
  Status SetFlags(Node& node, unsigned flags);
  Result<sys::ExtendedFlags> GetExtendedFlags(Node& node);
  Status SetExtendedFlags(Node& node, const sys::ExtendedFlags& flags);

  // --- files ---
  // flags as of open(2); O_CREAT and O_EXCL are ignored. Copies up when opened for writing or with
  // O_TRUNC. kill_suid_sgid and caller_is_in go with O_TRUNC.
  Result<std::unique_ptr<OpenFile>> OpenAt(Node& node, int flags, bool kill_suid_sgid,
                                           const IsInGroup& caller_is_in = {});
  struct Created {
    Entry entry;
    std::unique_ptr<OpenFile> file;
  };
  Result<Created> Create(Node& parent, std::string_view name, mode_t mode, int flags,
                         const Caller& caller);
  // O_TMPFILE: an unnamed file in parent; entry's node has a count of one and link count 0.
  Result<Created> CreateTmp(Node& parent, mode_t mode, int flags, const Caller& caller);
  Result<std::unique_ptr<OpenDir>> OpenDirectory(Node& node);
  // fsync and fdatasync of an open file, of a node, of the whole upper. The root directory stands for the whole:
  // syncfs(2) on a FUSE mount never reaches its daemon.
  Status SyncFile(OpenFile& file, bool data_only);
  // To be called before the kernel is let write to an upper file past the daemon, where msync and O_DSYNC sync data
  // alone and nobody else is asked: syncs a copy-up's last step unless that has been done.
  Status SyncPublication(OpenFile& file);
  Status SyncNode(Node& node, bool data_only);
  Status SyncAll();
  Result<struct statvfs> StatFs();

 private:
  explicit Union(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blendfs::merge
