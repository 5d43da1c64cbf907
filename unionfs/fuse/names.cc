// SPDX-License-Identifier: MIT
// Requests that look names up, make, move and remove them, and forget nodes.
#include <span>

#include "unionfs/fuse/convert.h"
#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

void Answer(Front& front, Reply& reply, const Result<merge::Entry>& entry) {
  if (entry) {
    reply.Entry(front, *entry);
  } else {
    reply.Fail(entry.error());
  }
}

void Lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Serve(request, Kind::kLookup, [&](Front& front, Reply& reply) {
    merge::Node& directory = front.NodeOf(parent);
    auto entry = front.fs.Lookup(directory, name);
    if (!entry && entry.error().code == ENOENT) return reply.NoEntry();
    if (entry &&
        (directory.front_flags.load(std::memory_order_relaxed) & kListedWithoutAttributes) != 0) {
      front.DemandFor(entry->node->IsDir()).LookedAt();
    }
    Answer(front, reply, entry);
  });
}

void Forget(fuse_req_t request, fuse_ino_t number, uint64_t count) {
  Serve(request, Kind::kForget, [&](Front& front, Reply& reply) {
    front.fs.Forget(front.NodeOf(number), count);
    reply.None();
  });
}

void ForgetMany(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  Serve(request, Kind::kForget, [&](Front& front, Reply& reply) {
    for (const fuse_forget_data& each : std::span(forgets, count)) {
      front.fs.Forget(front.NodeOf(each.ino), each.nlookup);
    }
    reply.None();
  });
}

void MakeNode(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  Serve(request, Kind::kMakeNode, [&](Front& front, Reply& reply) {
    Answer(front, reply,
           front.fs.MakeNode(front.NodeOf(parent), name, mode, device, ToCaller(request)));
  });
}

void MakeDir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  Serve(request, Kind::kMakeDir, [&](Front& front, Reply& reply) {
    Answer(front, reply, front.fs.MakeDir(front.NodeOf(parent), name, mode, ToCaller(request)));
  });
}

void MakeSymlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  Serve(request, Kind::kSymlink, [&](Front& front, Reply& reply) {
    Answer(front, reply,
           front.fs.MakeSymlink(front.NodeOf(parent), name, target, ToCaller(request)));
  });
}

void Link(fuse_req_t request, fuse_ino_t number, fuse_ino_t parent, const char* name) {
  Serve(request, Kind::kLink, [&](Front& front, Reply& reply) {
    Answer(front, reply, front.fs.Link(front.NodeOf(number), front.NodeOf(parent), name));
  });
}

void Unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Serve(request, Kind::kUnlink, [&](Front& front, Reply& reply) {
    reply.Done(front.fs.Unlink(front.NodeOf(parent), name));
  });
}

void RemoveDir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Serve(request, Kind::kRemoveDir, [&](Front& front, Reply& reply) {
    reply.Done(front.fs.RemoveDir(front.NodeOf(parent), name));
  });
}

void Rename(fuse_req_t request, fuse_ino_t from_parent, const char* from, fuse_ino_t to_parent,
            const char* to, unsigned flags) {
  Serve(request, Kind::kRename, [&](Front& front, Reply& reply) {
    reply.Done(
        front.fs.Rename(front.NodeOf(from_parent), from, front.NodeOf(to_parent), to, flags));
  });
}

void ReadLink(fuse_req_t request, fuse_ino_t number) {
  Serve(request, Kind::kReadLink, [&](Front& front, Reply& reply) {
    auto target = front.fs.ReadLink(front.NodeOf(number));
    if (!target) return reply.Fail(target.error());
    reply.Target(*target);
  });
}

}  // namespace

void AddNameHandlers(fuse_lowlevel_ops& table) {
  table.lookup = Lookup;
  table.forget = Forget;
  table.forget_multi = ForgetMany;
  table.mknod = MakeNode;
  table.mkdir = MakeDir;
  table.symlink = MakeSymlink;
  table.link = Link;
  table.unlink = Unlink;
  table.rmdir = RemoveDir;
  table.rename = Rename;
  table.readlink = ReadLink;
}

}  // namespace blendfs::fuse
