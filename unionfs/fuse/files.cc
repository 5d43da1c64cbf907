// SPDX-License-Identifier: MIT
// Opening, creating and closing regular files. What becomes of their data is open_policy.h's decision.
#include <fcntl.h>

#include <memory>

#include "unionfs/fuse/convert.h"
#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

// The flags that the daemon's own descriptor needs. Every request carries its offset, so O_APPEND would put
// data in the wrong place; it is passed on for append-only files, which take no other open. Alignment (O_DIRECT)
// is the kernel's to keep. Write-through (O_SYNC, O_DSYNC) comes with each write, and is kept there.
int DaemonFlags(int flags) { return flags & (O_ACCMODE | O_TRUNC | O_NOATIME | O_APPEND); }

// An open between the policy's Enter and the reply: undone unless handed over to the kernel.
class OpenInProgress {
 public:
  OpenInProgress(Front& front, std::unique_ptr<merge::OpenFile> file, fuse_file_info& info)
      : front_(front), file_(std::move(file)) {
    const OpenDecision decision = front_.policy.Enter(*file_);
    decision.ApplyTo(info);
    passthrough_ = decision.kind == OpenKind::kPassthrough;
    info.fh = reinterpret_cast<uint64_t>(file_.get());
  }
  OpenInProgress(const OpenInProgress&) = delete;
  OpenInProgress& operator=(const OpenInProgress&) = delete;
  ~OpenInProgress() {
    if (file_) front_.policy.Leave(*file_);
  }

  void BelongsToKernel() { front_.open_files.Add(file_); }

  // A passthrough file that can be mapped or writes through at once is synced without the daemon.
  Status Prepare(int flags) {
    if (!passthrough_ || ((flags & O_ACCMODE) != O_RDWR && (flags & O_DSYNC) == 0)) return {};
    return front_.fs.SyncPublication(*file_);
  }

 private:
  Front& front_;
  std::unique_ptr<merge::OpenFile> file_;
  bool passthrough_ = false;
};

void Open(fuse_req_t request, fuse_ino_t number, fuse_file_info* info) {
  Serve(request, Kind::kOpen, [&](Front& front, Reply& reply) {
    auto file = front.fs.OpenAt(front.NodeOf(number), DaemonFlags(info->flags),
                                MustKillSuidSgid(*info), GroupsOf(request));
    if (!file) return reply.Fail(file.error());
    const double seconds_before = AttributesSeconds(front.NodeOf(number));
    OpenInProgress open(front, std::move(*file), *info);
    if (auto ready = open.Prepare(info->flags); !ready) return reply.Fail(ready.error());
    // What the kernel was told before may no longer be believed.
    if (AttributesSeconds(front.NodeOf(number)) < seconds_before) front.drop_attributes(number);
    // Before the reply: a release may come on another thread as soon as the kernel has it.
    open.BelongsToKernel();
    if (!reply.Opened(*info)) {
      const auto back = front.open_files.Take(*FileOf(info));
      front.policy.Leave(*back);
    }
  });
}

void AnswerCreated(Front& front, Reply& reply, Result<merge::Union::Created> created,
                   fuse_file_info& info) {
  if (!created) return reply.Fail(created.error());
  OpenInProgress open(front, std::move(created->file), info);
  open.BelongsToKernel();
  if (!reply.Created(front, created->entry, info)) {
    auto back = front.open_files.Take(*FileOf(&info));
    front.policy.Leave(*back);
    back.reset();
    front.fs.Forget(*created->entry.node, 1);
  }
}

void Create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* info) {
  Serve(request, Kind::kCreate, [&](Front& front, Reply& reply) {
    AnswerCreated(front, reply,
                  front.fs.Create(front.NodeOf(parent), name, mode, DaemonFlags(info->flags),
                                  ToCaller(request)),
                  *info);
  });
}

#if BLENDFS_HAVE_TMPFILE
void CreateTmp(fuse_req_t request, fuse_ino_t parent, mode_t mode, fuse_file_info* info) {
  Serve(request, Kind::kTmpFile, [&](Front& front, Reply& reply) {
    AnswerCreated(
        front, reply,
        front.fs.CreateTmp(front.NodeOf(parent), mode, DaemonFlags(info->flags), ToCaller(request)),
        *info);
  });
}
#endif

void Release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  Serve(request, Kind::kRelease, [&](Front& front, Reply& reply) {
    auto file = front.open_files.Take(*FileOf(info));
    front.policy.Leave(*file);
    file.reset();
    reply.Done();
  });
}

}  // namespace

void AddFileHandlers(fuse_lowlevel_ops& table) {
  table.open = Open;
  table.create = Create;
#if BLENDFS_HAVE_TMPFILE
  table.tmpfile = CreateTmp;
#endif
  table.release = Release;
  // flush: absent on purpose. Nothing is held back between write and close, and the kernel stops sending it
  // after the first ENOSYS.
}

}  // namespace blendfs::fuse
