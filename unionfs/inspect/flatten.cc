// SPDX-License-Identifier: MIT
#include "unionfs/inspect/flatten.h"

#include <fcntl.h>
#include <unistd.h>

#include <unordered_map>

#include "unionfs/inspect/compare.h"
#include "unionfs/layer/copy.h"
#include "unionfs/layer/overlap.h"
#include "unionfs/merge/files.h"

namespace blendfs::inspect {
namespace {

using merge::Node;
using merge::NodeRef;

constexpr mode_t kWhileWritten = 0700;

// A directory that is being written; its attributes come last, for what is made in it would change its times.
struct Step {
  NodeRef node;
  UniqueFd target;
  std::string path;
  std::vector<std::string> names;
  size_t next = 0;
};

// No object would fare better than this one.
bool EndsEverything(int code) {
  return code == ENOSPC || code == EDQUOT || code == EROFS || code == EMFILE || code == ENFILE;
}

class Flattener {
 public:
  Flattener(merge::Union& fs, FlattenReport& report)
      : fs_(fs), os_(fs.state().os), report_(report) {}

  Status Run(BorrowedFd target) {
    BLENDFS_ASSIGN(UniqueFd top, os_.OpenBeneath(target, ".", O_RDONLY | O_DIRECTORY));
    Enter(NodeRef::Share(fs_.state().table, fs_.root()), std::move(top), "/");
    while (!way_.empty()) {
      Step& here = way_.back();
      const bool left = here.next == here.names.size();
      const std::string path = left ? here.path : Join(here.path, here.names[here.next]);
      const Status done = left ? Leave(here) : Visit(here, here.names[here.next++], path);
      if (!done && EndsEverything(done.error().code)) {
        culprit = path;
        return done;
      }
      if (!done) report_.problems.push_back(path + ": " + Reason(done.error()));
      if (left) way_.pop_back();
    }
    return {};
  }

  std::string culprit;

 private:
  void Enter(NodeRef node, UniqueFd target, const std::string& path) {
    ++report_.objects;
    auto names = NamesIn(fs_, *node);
    if (!names) report_.problems.push_back(path + ": " + Reason(names.error()));
    way_.push_back({std::move(node), std::move(target), path,
                    names ? std::move(*names) : std::vector<std::string>(), 0});
  }

  Status Leave(const Step& step) {
    BLENDFS_ASSIGN(const merge::Attr attr, fs_.GetAttr(*step.node, nullptr));
    return SetAttributesFd(*step.node, attr, step.target.borrow());
  }

  // `here` may move when a directory is entered.
  Status Visit(const Step& here, const std::string& name, const std::string& path) {
    merge::Found found;
    BLENDFS_ASSIGN(NodeRef node, merge::LookupNode(fs_.state(), *here.node, name, &found));
    const BorrowedFd dir = here.target.borrow();
    if (node->IsDir()) {
      BLENDFS_TRY(os_.MakeDir(dir, name.c_str(), kWhileWritten, sys::Creator{}));
      BLENDFS_ASSIGN(UniqueFd target, os_.OpenBeneath(dir, name.c_str(), O_RDONLY | O_DIRECTORY));
      Enter(std::move(node), std::move(target), path);
      return {};
    }
    BLENDFS_ASSIGN(const merge::Attr attr, fs_.GetAttr(*node, nullptr));
    if (const auto first = linked_.find(node->ino); first != linked_.end()) {
      ++report_.objects;
      return os_.LinkFd(first->second.borrow(), dir, name.c_str());
    }
    const Status made = node->IsRegular() ? MakeFile(*node, attr, dir, name.c_str())
                                          : MakeSpecial(*node, attr, dir, name.c_str());
    if (!made) {
      (void)os_.Unlink(dir, name.c_str());  // half of an object is worse than none
      return made;
    }
    ++report_.objects;
    if (attr.nlink > 1) {
      BLENDFS_ASSIGN(UniqueFd fd, os_.OpenBeneath(dir, name.c_str(), O_PATH | O_NOFOLLOW));
      linked_.emplace(node->ino, std::move(fd));
    }
    return {};
  }

  Status MakeFile(Node& node, const merge::Attr& attr, BorrowedFd dir, const char* name) {
    BLENDFS_ASSIGN(const UniqueFd from, merge::OpenNodeData(fs_.state(), node, O_RDONLY));
    BLENDFS_ASSIGN(const UniqueFd to, os_.Create(dir, name, O_RDWR, 0600, sys::Creator{}));
    BLENDFS_TRY(layer::CopyData(os_, from.borrow(), to.borrow(), attr.size));
    return SetAttributesFd(node, attr, to.borrow());
  }

  // The owner first, which takes suid and capabilities away; the mode after an ACL, which has its say in it.
  Status SetAttributesFd(Node& node, const merge::Attr& attr, BorrowedFd fd) {
    BLENDFS_TRY(os_.ChownFd(fd, attr.uid, attr.gid));
    BLENDFS_ASSIGN(const std::vector<std::string> keys, XattrNames(fs_, node));
    for (const std::string& key : keys) {
      BLENDFS_ASSIGN(const std::string value, fs_.GetXattr(node, key));
      BLENDFS_TRY(os_.SetXattrFd(fd, key.c_str(), value, 0));
    }
    BLENDFS_TRY(os_.ChmodFd(fd, attr.mode & 07777));
    const timespec times[2] = {attr.atime, attr.mtime};
    return os_.SetTimesFd(fd, times);
  }

  Status MakeSpecial(Node& node, const merge::Attr& attr, BorrowedFd dir, const char* name) {
    if (S_ISLNK(attr.mode)) {
      BLENDFS_ASSIGN(const std::string target, fs_.ReadLink(node));
      BLENDFS_TRY(os_.MakeSymlink(target.c_str(), dir, name, sys::Creator{}));
    } else {
      BLENDFS_TRY(os_.MakeNode(dir, name, (attr.mode & S_IFMT) | 0600, attr.rdev, sys::Creator{}));
    }
    BLENDFS_TRY(os_.Chown(dir, name, attr.uid, attr.gid));
    BLENDFS_ASSIGN(const std::vector<std::string> keys, XattrNames(fs_, node));
    for (const std::string& key : keys) {
      BLENDFS_ASSIGN(const std::string value, fs_.GetXattr(node, key));
      BLENDFS_TRY(os_.SetXattr(dir, name, key.c_str(), value, 0));
    }
    if (!S_ISLNK(attr.mode)) BLENDFS_TRY(os_.Chmod(dir, name, attr.mode & 07777));
    const timespec times[2] = {attr.atime, attr.mtime};
    return os_.SetTimes(dir, name, times);
  }

  merge::Union& fs_;
  sys::Calls& os_;
  FlattenReport& report_;
  std::vector<Step> way_;
  std::unordered_map<uint64_t, UniqueFd>
      linked_;  // inode number in the union -> the object written
};

Status CheckTarget(merge::Union& fs, BorrowedFd target, const std::string& path,
                   std::string* problem) {
  merge::State& state = fs.state();
  std::vector<layer::Place> places;
  for (const layer::Layer& layer : state.stack.layers()) {
    places.push_back({layer.writable ? "upperdir" : "lowerdir", layer.path, layer.given.borrow(),
                      layer.writable});
  }
  places.push_back({"the target", path, target, true});
  BLENDFS_TRY(layer::CheckApart(places, problem));
  BLENDFS_ASSIGN(const auto entries, state.os.List(target));
  if (entries.empty()) return {};
  *problem = "'" + path + "' is not empty: give a directory that is, or one that does not exist";
  return Fail(ENOTEMPTY, "flatten");
}

}  // namespace

Result<FlattenReport> Flatten(merge::Union& fs, BorrowedFd target, const std::string& target_path,
                              std::string* problem) {
  BLENDFS_TRY(CheckTarget(fs, target, target_path, problem));
  // Nobody else exchanges names in it before their owner and mode are set. The root's own come at the end.
  sys::Calls& os = fs.state().os;
  BLENDFS_TRY(os.ChownFd(target, ::geteuid(), ::getegid()));
  BLENDFS_TRY(os.ChmodFd(target, kWhileWritten));
  FlattenReport report;
  Flattener flattener(fs, report);
  const Status done = flattener.Run(target);
  if (done) return report;
  *problem = flattener.culprit + ": " + Reason(done.error());
  return tl::unexpected(done.error());
}

}  // namespace blendfs::inspect
