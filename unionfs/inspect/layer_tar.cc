// SPDX-License-Identifier: MIT
#include "unionfs/inspect/layer_tar.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <memory>

#include "unionfs/inspect/compare.h"
#include "unionfs/merge/files.h"

namespace blendfs::inspect {
namespace {

constexpr char kMark[] = ".wh.";
constexpr char kOpaqueMark[] = ".wh..wh..opq";
constexpr size_t kBufferBytes = 256 * 1024;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string InTar(const std::string& path) { return path == "/" ? "./" : path.substr(1); }

TarEntry::Type TypeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return TarEntry::Type::kDirectory;
    case S_IFLNK:
      return TarEntry::Type::kSymlink;
    case S_IFCHR:
      return TarEntry::Type::kCharacter;
    case S_IFBLK:
      return TarEntry::Type::kBlock;
    case S_IFIFO:
      return TarEntry::Type::kFifo;
    default:
      return TarEntry::Type::kFile;
  }
}

}  // namespace

Status LayerTar::Take(const Change& change) {
  const std::string name = NameOf(change.path);
  if (name.starts_with(kMark)) {
    problems_.push_back(change.path + ": a name that begins with .wh. would be read as a removal");
    return {};
  }
  if (change.kind == ChangeKind::kRemoved) {
    return Mark(change.path.substr(0, change.path.size() - name.size()) + kMark + name);
  }
  if (change.kind == ChangeKind::kSame) {
    // A file that is no different is written only where it has another name that is new.
    const bool other_names = change.node->indexed.load(std::memory_order_relaxed);
    if (change.path == "/" || (!S_ISDIR(change.mode) && !other_names)) return {};
  }
  BLENDFS_TRY(Object(change.path, *change.node));
  return change.kind == ChangeKind::kOpaque ? Mark(Join(change.path, kOpaqueMark)) : Status();
}

Status LayerTar::Mark(const std::string& path) {
  TarEntry entry;
  entry.path = InTar(path);
  entry.mode = 0600;
  BLENDFS_TRY(tar_.Begin(entry));
  return tar_.End();
}

Status LayerTar::Object(const std::string& path, merge::Node& node) {
  if (S_ISSOCK(node.type)) {
    problems_.push_back(path + ": a tar holds no sockets");
    return {};
  }
  TarEntry entry;
  const auto attr = fs_.GetAttr(node, nullptr);
  const auto first = linked_.find(node.ino);
  if (first != linked_.end()) {
    entry.type = TarEntry::Type::kHardLink;
    entry.path = InTar(path);
    entry.target = InTar(first->second);
    if (attr) entry.mode = attr->mode & 07777;
    BLENDFS_TRY(tar_.Begin(entry));
    return tar_.End();
  }
  const Status filled = attr ? Fill(path, node, &entry) : Status(tl::unexpect, attr.error());
  if (!filled) {
    problems_.push_back(path + ": " + Reason(filled.error()));
    return {};
  }
  if (!node.IsDir() && attr->nlink > 1) linked_.emplace(node.ino, path);
  if (S_ISREG(node.type)) return File(path, node, entry);
  BLENDFS_TRY(tar_.Begin(entry));
  return tar_.End();
}

Status LayerTar::Fill(const std::string& path, merge::Node& node, TarEntry* entry) {
  BLENDFS_ASSIGN(const merge::Attr attr, fs_.GetAttr(node, nullptr));
  entry->type = TypeOf(attr.mode);
  entry->path = InTar(path);
  if (node.IsDir() && path != "/") entry->path += '/';
  entry->mode = attr.mode & 07777;
  entry->uid = attr.uid;
  entry->gid = attr.gid;
  entry->mtime = attr.mtime;
  if (S_ISREG(attr.mode)) entry->size = attr.size;
  if (S_ISLNK(attr.mode)) {
    BLENDFS_ASSIGN(entry->target, fs_.ReadLink(node));
  }
  if (S_ISCHR(attr.mode) || S_ISBLK(attr.mode)) {
    entry->device_major = major(attr.rdev);
    entry->device_minor = minor(attr.rdev);
  }
  BLENDFS_ASSIGN(const std::vector<std::string> keys, XattrNames(fs_, node));
  for (const std::string& key : keys) {
    if (key.find('=') != key.npos) {
      problems_.push_back(path + ": a tar has no place for the attribute " + key);
      continue;
    }
    BLENDFS_ASSIGN(std::string value, fs_.GetXattr(node, key));
    entry->xattrs.emplace_back(key, std::move(value));
  }
  return {};
}

Status LayerTar::File(const std::string& path, merge::Node& node, const TarEntry& entry) {
  sys::Calls& os = fs_.state().os;
  const auto fd = merge::OpenNodeData(fs_.state(), node, O_RDONLY);
  if (!fd) {
    problems_.push_back(path + ": " + Reason(fd.error()));
    linked_.erase(node.ino);
    return {};
  }
  BLENDFS_TRY(tar_.Begin(entry));
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  for (uint64_t at = 0; at < entry.size;) {
    const size_t want = std::min<uint64_t>(kBufferBytes, entry.size - at);
    const auto got = os.Read(fd->borrow(), buffer.get(), want, at);
    if (!got || *got == 0) {
      problems_.push_back(path + ": " + (got ? "is shorter than it was" : Reason(got.error())) +
                          ": zeros stand for the rest");
      break;
    }
    BLENDFS_TRY(tar_.Data({buffer.get(), *got}));
    at += *got;
  }
  return tar_.End();
}

}  // namespace blendfs::inspect
