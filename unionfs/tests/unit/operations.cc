// SPDX-License-Identifier: MIT
// The table of operations: each object in each situation that takes a path of its own through merge/.
#include <stdio.h>

#include "unionfs/tests/unit/operation.h"

namespace blendfs::testing {

namespace {

using T = OperationTest;

template <typename Value>
Status Void(const Result<Value>& result) {
  return result ? Status() : Status(tl::unexpected(result.error()));
}
Status Keep(T& t, const Result<merge::Entry>& made) {
  if (made) t.Hold(*made);
  return Void(made);
}
Status Keep(T& t, const Result<merge::Union::Created>& made) {
  if (made) t.Hold(made->entry);
  return Void(made);
}
Status Change(T& t, const char* path, const merge::AttrChange& change) {
  return Void(t.fs().SetAttr(t.At(path), change, nullptr));
}
Status Chmod(T& t, const char* path) {
  merge::AttrChange change;
  change.set_mode = true;
  change.mode = 0600;
  return Change(t, path, change);
}
Status Chown(T& t, const char* path) {
  merge::AttrChange change;
  change.set_uid = change.set_gid = true;
  change.uid = change.gid = 12;
  return Change(t, path, change);
}
Status Touch(T& t, const char* path) {
  merge::AttrChange change;
  change.set_atime = change.set_mtime = true;
  change.atime.tv_sec = change.mtime.tv_sec = 5;
  return Change(t, path, change);
}
Status Resize(T& t, const char* path, uint64_t size, bool kill = false) {
  merge::AttrChange change;
  change.set_size = true;
  change.size = size;
  change.kill_suid_sgid = kill;
  return Change(t, path, change);
}
Status OpenAs(T& t, const char* path, int flags) {
  return Void(t.fs().OpenAt(t.At(path), flags, false));
}
Status SetXattr(T& t, const char* path) {
  return t.fs().SetXattr(t.At(path), "user.new", "text", 0, false);
}
Status Rename(T& t, const char* from, const char* to, unsigned flags = 0) {
  return t.fs().Rename(t.fs().root(), from, t.fs().root(), to, flags);
}
Status Unlink(T& t, const char* name) { return t.fs().Unlink(t.fs().root(), name); }
Status Link(T& t, const char* path, const char* name) {
  return Keep(t, t.fs().Link(t.At(path), t.fs().root(), name));
}
merge::Node& Root(T& t) { return t.fs().root(); }

Status CopyLinked(T& t) { return OpenAs(t, "linked", O_RDWR); }
Status ChmodBig(T& t) { return Chmod(t, "big"); }
Status MoveEmptied(T& t) { return Rename(t, "emptied", "moved"); }
Status MakeSetuid(T& t) {
  merge::AttrChange change;
  change.set_mode = true;
  change.mode = 06755;
  return Change(t, "own", change);
}

std::vector<Operation> Copying() {
  return {
      {"CopyUpForWriting", [](T& t) { return OpenAs(t, "plain", O_RDWR); }, {}},
      {"CopyUpOfALink", [](T& t) { return OpenAs(t, "twin", O_RDWR); }, {}},
      {"CopyUpBig", [](T& t) { return OpenAs(t, "big", O_WRONLY); }, {}},
      // Named for what the fault test does with them.
      {"CopyUpBigInPieces", [](T& t) { return OpenAs(t, "big", O_WRONLY); }, {}},
      {"CopyUpBigThroughABuffer", [](T& t) { return OpenAs(t, "big", O_WRONLY); }, {}},
      {"DataOfAMetacopyThroughABuffer", [](T& t) { return OpenAs(t, "big", O_RDWR); }, ChmodBig,
       Between::kAfterACrash},
      {"CopyUpSparse", [](T& t) { return OpenAs(t, "sparse", O_RDWR); }, {}},
      {"CopyUpTagged", [](T& t) { return OpenAs(t, "tagged", O_RDWR); }, {}},
      {"CopyUpDeep", [](T& t) { return OpenAs(t, "tree/a/deep", O_RDWR); }, {}},
      {"ChmodDeep", [](T& t) { return Chmod(t, "tree/a/deep"); }, {}},
      {"ChmodBig", ChmodBig, {}},
      {"ChmodDirectory", [](T& t) { return Chmod(t, "tree/a"); }, {}},
      {"ChmodDevice", [](T& t) { return Chmod(t, "null"); }, {}},
      {"ChmodFifo", [](T& t) { return Chmod(t, "pipe"); }, {}},
      {"ChownSymlink", [](T& t) { return Chown(t, "sym"); }, {}},
      {"ChownLink", [](T& t) { return Chown(t, "linked"); }, {}},
      {"ChownUpper", [](T& t) { return Chown(t, "own"); }, {}},
      {"TouchLower", [](T& t) { return Touch(t, "plain"); }, {}},
      {"TouchUpper", [](T& t) { return Touch(t, "own"); }, {}},
      // The data is written in place, which moves the time before it is put back.
      {"DataOfAMetacopy", [](T& t) { return OpenAs(t, "big", O_RDWR); }, ChmodBig,
       Between::kAfterACrash},
      {"TruncateAMetacopy", [](T& t) { return OpenAs(t, "big", O_RDWR | O_TRUNC); }, ChmodBig},
      {"OpenTruncating", [](T& t) { return OpenAs(t, "plain", O_WRONLY | O_TRUNC); }, {}},
      {"ShortenLower", [](T& t) { return Resize(t, "big", 1000); }, {}},
      {"ShortenUpper", [](T& t) { return Resize(t, "own", 1); }, {}},
      // The bits go before the data.
      {"ShortenSetuid", [](T& t) { return Resize(t, "own", 1, true); }, MakeSetuid,
       Between::kAlways},
      {"SetXattrLower", [](T& t) { return SetXattr(t, "plain"); }, {}},
      {"SetXattrBig", [](T& t) { return SetXattr(t, "big"); }, {}},
      {"SetXattrDirectory", [](T& t) { return SetXattr(t, "shared"); }, {}},
      {"RemoveXattr", [](T& t) { return t.fs().RemoveXattr(t.At("tagged"), "user.tag"); }, {}},
  };
}

std::vector<Operation> Making() {
  return {
      {"Create", [](T& t) { return Keep(t, t.fs().Create(Root(t), "new", 0644, O_RDWR, {})); }, {}},
      {"CreateBelow",
       [](T& t) { return Keep(t, t.fs().Create(t.At("tree/a"), "new", 0644, O_RDWR, {})); },
       {}},
      {"CreateOverWhiteout",
       [](T& t) { return Keep(t, t.fs().Create(Root(t), "old", 0644, O_RDWR, {})); },
       {}},
      {"CreateInheriting",
       [](T& t) { return Keep(t, t.fs().Create(t.At("setgid"), "gone", 0644, O_RDWR, {})); },
       {}},
      {"MakeDir", [](T& t) { return Keep(t, t.fs().MakeDir(Root(t), "new", 0755, {})); }, {}},
      {"MakeDirOverWhiteout",
       [](T& t) { return Keep(t, t.fs().MakeDir(Root(t), "old", 0755, {})); },
       {}},
      {"MakeDirInheriting",
       [](T& t) { return Keep(t, t.fs().MakeDir(t.At("setgid"), "gone", 0755, {})); },
       {}},
      {"MakeNode",
       [](T& t) { return Keep(t, t.fs().MakeNode(Root(t), "new", S_IFIFO | 0644, 0, {})); },
       {}},
      {"MakeNodeOverWhiteout",
       [](T& t) { return Keep(t, t.fs().MakeNode(Root(t), "old", S_IFIFO | 0644, 0, {})); },
       {}},
      {"Symlink", [](T& t) { return Keep(t, t.fs().MakeSymlink(Root(t), "new", "x", {})); }, {}},
      {"SymlinkOverWhiteout",
       [](T& t) { return Keep(t, t.fs().MakeSymlink(Root(t), "old", "x", {})); },
       {}},
      {"LinkUpper", [](T& t) { return Link(t, "own", "o2"); }, {}},
      {"LinkOverWhiteout", [](T& t) { return Link(t, "own", "old"); }, {}},
      {"LinkLower", [](T& t) { return Link(t, "plain", "p2"); }, {}},
      {"LinkSymlink", [](T& t) { return Link(t, "sym", "s2"); }, {}},
      {"LinkIndexed", [](T& t) { return Link(t, "twin", "p3"); }, {}},
      {"LinkSecondLink", [](T& t) { return Link(t, "twin", "third"); }, CopyLinked},
      {"LinkTmpFile",
       [](T& t) -> Status {
         auto made = t.fs().CreateTmp(Root(t), 0644, O_RDWR, {});
         if (!made) return Void(made);
         const Status linked = Keep(t, t.fs().Link(*made->entry.node, Root(t), "named"));
         made->file.reset();
         t.fs().Forget(*made->entry.node, 1);
         return linked;
       },
       {}},
  };
}

std::vector<Operation> Removing() {
  return {
      {"UnlinkLower", [](T& t) { return Unlink(t, "plain"); }, {}},
      {"UnlinkBig", [](T& t) { return Unlink(t, "big"); }, ChmodBig},
      {"UnlinkCopiedUp", [](T& t) { return Unlink(t, "plain"); },
       [](T& t) { return Chmod(t, "plain"); }},
      {"UnlinkOneLink", [](T& t) { return Unlink(t, "twin"); }, {}},
      // The other name of a file that was copied up under its first.
      {"UnlinkSecondLink", [](T& t) { return Unlink(t, "twin"); }, CopyLinked},
      {"UnlinkUpper", [](T& t) { return Unlink(t, "own"); }, {}},
      {"UnlinkUpperLink", [](T& t) { return Unlink(t, "own"); },
       [](T& t) { return Link(t, "own", "o2"); }},
      {"RemoveOwnDirectory", [](T& t) { return t.fs().RemoveDir(Root(t), "owndir"); }, {}},
      {"RemoveEmptied", [](T& t) { return t.fs().RemoveDir(Root(t), "emptied"); }, {}},
      {"RemoveMovedEmptied", [](T& t) { return t.fs().RemoveDir(Root(t), "moved"); }, MoveEmptied},
  };
}

std::vector<Operation> Renaming() {
  return {
      {"RenameUpper", [](T& t) { return Rename(t, "own", "moved"); }, {}},
      {"RenameLowerFile", [](T& t) { return Rename(t, "plain", "moved"); }, {}},
      {"RenameBigFile", [](T& t) { return Rename(t, "big", "moved"); }, {}},
      {"RenameSymlink", [](T& t) { return Rename(t, "sym", "moved"); }, {}},
      {"RenameLink", [](T& t) { return Rename(t, "twin", "moved"); }, {}},
      {"RenameSecondLink", [](T& t) { return Rename(t, "twin", "moved"); }, CopyLinked},
      {"RenameOverLower", [](T& t) { return Rename(t, "own", "plain"); }, {}},
      {"RenameOverUpper", [](T& t) { return Rename(t, "plain", "own"); }, {}},
      {"RenameOverLink", [](T& t) { return Rename(t, "own", "twin"); }, {}},
      {"RenameOverUpperLink", [](T& t) { return Rename(t, "plain", "own"); },
       [](T& t) { return Link(t, "own", "o2"); }},
      {"RenameNoReplace", [](T& t) { return Rename(t, "own", "moved", RENAME_NOREPLACE); }, {}},
      {"RenameOverWhiteout", [](T& t) { return Rename(t, "plain", "old"); }, {}},
      {"RenameInto",
       [](T& t) { return t.fs().Rename(Root(t), "plain", t.At("tree/a"), "moved", 0); },
       {}},
      {"RenameLowerDirectory", [](T& t) { return Rename(t, "tree", "moved"); }, {}},
      {"RenameMergedDirectory", [](T& t) { return Rename(t, "shared", "moved"); }, {}},
      {"RenameDirectoryAgain",
       [](T& t) { return t.fs().Rename(Root(t), "moved", t.At("shared"), "again", 0); },
       [](T& t) { return Rename(t, "tree", "moved"); }},
      {"RenameDirectoryOverWhiteout", [](T& t) { return Rename(t, "owndir", "old"); }, {}},
      {"RenameDirectoryOverEmptied", [](T& t) { return Rename(t, "tree", "emptied"); }, {}},
      {"RenameDirectoryOverTaggedEmptied", [](T& t) { return Rename(t, "tree", "emptied"); },
       [](T& t) { return SetXattr(t, "emptied"); }},
      {"RenameDirectoryOverMovedEmptied", [](T& t) { return Rename(t, "owndir", "moved"); },
       MoveEmptied},
      {"RenameDirectoryBack", [](T& t) { return Rename(t, "moved", "tree"); },
       [](T& t) { return Rename(t, "tree", "moved"); }},
      {"ExchangeDirectories",
       [](T& t) { return Rename(t, "tree", "owndir", RENAME_EXCHANGE); },
       {}},
      {"RenameOwnDirectoryOverEmptied", [](T& t) { return Rename(t, "owndir", "emptied"); }, {}},
      {"Exchange", [](T& t) { return Rename(t, "tree", "plain", RENAME_EXCHANGE); }, {}},
      {"ExchangeLinks", [](T& t) { return Rename(t, "twin", "own", RENAME_EXCHANGE); }, {}},
  };
}

}  // namespace

std::vector<Operation> ChangingOperations() {
  std::vector<Operation> all;
  for (const auto& part : {Copying(), Making(), Removing(), Renaming()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<Operation> LookingOperations() {
  const auto see = [](T& t, const char* path) -> Status {
    auto file = t.fs().OpenAt(t.At(path), O_RDONLY, false);
    if (!file) return Void(file);
    BLENDFS_TRY((*file)->data());
    t.seen = T::ReadAll(**file);
    return {};
  };
  const auto list = [](T& t, const char* path) -> Status {
    BLENDFS_ASSIGN(t.seen, t.Listing(t.At(path)));
    return {};
  };
  const auto attributes = [](T& t, const char* path) -> Status {
    BLENDFS_ASSIGN(const merge::Attr attr, t.fs().GetAttr(t.At(path), nullptr));
    t.seen = t.Identity(attr.ino) + " " + std::to_string(attr.size);
    return {};
  };
  return {
      {"LookUpLower", [=](T& t) { return attributes(t, "tree/a/deep"); }, {}},
      {"LookUpIndexed", [=](T& t) { return attributes(t, "twin"); }, CopyLinked},
      {"LookUpCopiedUp", [=](T& t) { return attributes(t, "plain"); },
       [](T& t) { return Chmod(t, "plain"); }},
      {"LookUpMetacopy", [=](T& t) { return attributes(t, "big"); }, ChmodBig},
      {"LookUpRedirected", [=](T& t) { return attributes(t, "moved/a/deep"); },
       [](T& t) { return Rename(t, "tree", "moved"); }},
      {"ReadLower", [=](T& t) { return see(t, "plain"); }, {}},
      {"ReadMetacopy", [=](T& t) { return see(t, "moved"); },
       [](T& t) { return Rename(t, "big", "moved"); }},
      {"ReadLink",
       [](T& t) -> Status {
         BLENDFS_ASSIGN(t.seen, t.fs().ReadLink(t.At("sym")));
         return {};
       },
       {}},
      {"ListRoot", [=](T& t) { return list(t, ""); }, {}},
      {"ListMerged", [=](T& t) { return list(t, "shared"); }, {}},
      {"ListImpure", [=](T& t) { return list(t, "shared"); },
       [](T& t) -> Status {
         BLENDFS_TRY(OpenAs(t, "shared/bottom", O_RDWR));
         return t.fs().Rename(Root(t), "plain", t.At("shared"), "moved", 0);
       }},
      {"ListXattr",
       [](T& t) -> Status {
         BLENDFS_ASSIGN(t.seen, t.fs().ListXattr(t.At("tagged")));
         return {};
       },
       {}},
      {"GetXattr",
       [](T& t) -> Status {
         BLENDFS_ASSIGN(t.seen, t.fs().GetXattr(t.At("tagged"), "user.tag"));
         return {};
       },
       {}},
      // A descriptor from before the copy-up moves to the new file.
      {"ReadOnAfterCopyUp",
       [](T& t) -> Status {
         BLENDFS_ASSIGN(const auto file, t.fs().OpenAt(t.At("plain"), O_RDONLY, false));
         BLENDFS_TRY(OpenAs(t, "plain", O_RDWR));
         BLENDFS_TRY(file->data());
         t.seen = T::ReadAll(*file);
         return {};
       },
       {}},
      {"TmpFile", [](T& t) { return Keep(t, t.fs().CreateTmp(Root(t), 0644, O_RDWR, {})); }, {}},
      {"Sync", [](T& t) { return t.fs().SyncNode(t.At("own"), false); }, {}},
      {"SyncDirectory", [](T& t) { return t.fs().SyncNode(t.At("owndir"), true); }, {}},
      {"SyncAll", [](T& t) { return t.fs().SyncAll(); }, {}},
      {"StatFs", [](T& t) { return Void(t.fs().StatFs()); }, {}},
  };
}

}  // namespace blendfs::testing
