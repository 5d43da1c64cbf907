// SPDX-License-Identifier: MIT
#include "unionfs/inspect/changes.h"

#include <algorithm>
#include <optional>

#include "unionfs/inspect/compare.h"
#include "unionfs/inspect/words.h"

namespace blendfs::inspect {
namespace {

using merge::Node;
using merge::NodeRef;

// A directory on the way, with what is below it: none where everything in it is new.
struct Step {
  NodeRef above, below;
  std::string path;
  std::vector<std::string> names;
  size_t next = 0;
};

// The same directories of the same lower layers. The union with the upper counts them from 1.
bool SameLowers(sys::Calls& os, const Node& above, const Node& below) {
  const auto& a = above.dir->lowers;
  const auto& b = below.dir->lowers;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&os](const merge::LowerDir& x, const merge::LowerDir& y) {
                      if (x.layer != y.layer + 1) return false;
                      const auto there = os.StatFd(x.fd.borrow());
                      const auto here = os.StatFd(y.fd.borrow());
                      return there && here && there->ino == here->ino;
                    });
}

class Walker {
 public:
  Walker(merge::Union& above, merge::Union& below, Renames renames, ChangeSink& sink,
         std::vector<std::string>* problems)
      : above_(above), below_(below), renames_(renames), sink_(sink), problems_(*problems) {}

  Status Run() {
    NodeRef root = NodeRef::Share(above_.state().table, above_.root());
    NodeRef below = NodeRef::Share(below_.state().table, below_.root());
    BLENDFS_TRY(TellMerged("/", *root, *below));
    BLENDFS_TRY(Enter(std::move(root), std::move(below), "/"));
    while (!way_.empty()) {
      if (way_.back().next == way_.back().names.size()) {
        way_.pop_back();
        continue;
      }
      const std::string name = way_.back().names[way_.back().next++];
      BLENDFS_TRY(Visit(name));
    }
    return {};
  }

 private:
  void Problem(const std::string& path, const Error& error) {
    problems_.push_back(path + ": " + Reason(error));
  }

  // Lists a directory, tells what is missing in it, and makes it the one whose names come next.
  Status Enter(NodeRef above, NodeRef below, const std::string& path) {
    auto names = NamesIn(above_, *above);
    if (!names) {
      Problem(path, names.error());
      return {};
    }
    if (below) {
      const auto before = NamesIn(below_, *below);
      if (!before) Problem(path, before.error());
      std::vector<std::string> removed;
      if (before) {
        std::set_difference(before->begin(), before->end(), names->begin(), names->end(),
                            std::back_inserter(removed));
      }
      for (const std::string& name : removed) BLENDFS_TRY(TellRemoved(*below, path, name));
    }
    way_.push_back({std::move(above), std::move(below), path, std::move(*names), 0});
    return {};
  }

  Status TellRemoved(Node& parent, const std::string& folder, const std::string& name) {
    Change change{.kind = ChangeKind::kRemoved, .path = Join(folder, name)};
    merge::Found found;
    if (auto node = merge::LookupNode(below_.state(), parent, name, &found)) {
      change.mode = (*node)->type;
    } else if (node.error().code == ENOENT) {
      return {};  // listed, but nothing that can be opened
    }
    return sink_.Take(change);
  }

  Status Visit(const std::string& name) {
    Step& here = way_.back();
    const std::string path = Join(here.path, name);
    merge::Found found;
    auto node = merge::LookupNode(above_.state(), *here.above, name, &found);
    if (!node) {
      Problem(path, node.error());
      return {};
    }
    const bool untouched = here.below && !(*node)->OnUpper();
    if (untouched && !LeadsToIndexed(**node)) return {};
    NodeRef below;
    if (here.below) {
      merge::Found other;
      auto lower = merge::LookupNode(below_.state(), *here.below, name, &other);
      if (lower) {
        below = std::move(*lower);
      } else if (lower.error().code != ENOENT) {
        Problem(path, lower.error());
        return {};
      }
    }
    if (untouched) return Enter(std::move(*node), std::move(below), path);
    if ((*node)->IsDir()) return VisitFolder(path, std::move(*node), std::move(below));
    return VisitFile(path, **node, found, below.get());
  }

  // A change of a file with several lower names shows under each of them, wherever it is.
  bool LeadsToIndexed(const Node& node) const {
    return node.IsDir() && above_.state().index_used.load(std::memory_order_relaxed);
  }

  Status VisitFile(const std::string& path, Node& node, const merge::Found& found, Node* below) {
    Change change{.kind = ChangeKind::kAdded, .path = path, .mode = node.type, .node = &node};
    if (below != nullptr) return TellCompared(change, *below);
    if (renames_ == Renames::kTell && found.marks.metacopy && found.marks.redirect) {
      change.kind = ChangeKind::kRenamed;
      change.from = *found.marks.redirect;
      if (change.from[0] != '/') change.from = Join(way_.back().path, change.from);
    }
    return sink_.Take(change);
  }

  Status TellCompared(Change change, Node& below) {
    const auto difference = Compare({above_, *change.node}, {below_, below});
    if (!difference) {
      Problem(change.path, difference.error());
      return {};
    }
    change.metadata = difference->metadata;
    if (difference->type) {
      change.kind = ChangeKind::kReplaced;
    } else if (difference->content) {
      change.kind = ChangeKind::kContent;
    } else if (difference->metadata || difference->times) {
      change.kind = ChangeKind::kMetadata;
    } else {
      change.kind = ChangeKind::kSame;
    }
    return sink_.Take(change);
  }

  Status TellMerged(const std::string& path, Node& node, Node& below) {
    return TellCompared({.path = path, .mode = node.type, .node = &node}, below);
  }

  Status VisitFolder(const std::string& path, NodeRef node, NodeRef below) {
    const bool over_folder = below && below->IsDir();
    if (over_folder && SameLowers(above_.state().os, *node, *below)) {
      BLENDFS_TRY(TellMerged(path, *node, *below));
      return Enter(std::move(node), std::move(below), path);
    }
    Change change{.kind = ChangeKind::kAdded, .path = path, .mode = S_IFDIR, .node = node.get()};
    if (below) change.kind = over_folder ? ChangeKind::kOpaque : ChangeKind::kReplaced;
    NodeRef source;
    if (renames_ == Renames::kTell && !node->dir->lowers.empty()) {
      source = FindSource(*node, &change.from);
    }
    if (source) {
      change.kind = ChangeKind::kRenamed;
      const auto difference = Compare({above_, *node}, {below_, *source});
      if (!difference) Problem(path, difference.error());
      change.metadata = difference && difference->metadata;
    }
    BLENDFS_TRY(sink_.Take(change));
    return Enter(std::move(node), std::move(source), path);
  }

  // What a renamed directory was in the union of the lowers; none where redirects of several layers are mixed so
  // that it was nothing by itself.
  NodeRef FindSource(Node& node, std::string* from) {
    *from = PathInLayer(above_.state().stack, node.dir->lowers.front().layer,
                        node.dir->lowers.front().fd.borrow());
    std::vector<std::string> names;
    if (!SplitPath(*from, &names)) return {};
    NodeRef current = NodeRef::Share(below_.state().table, below_.root());
    for (const std::string& name : names) {
      merge::Found found;
      auto next = merge::LookupNode(below_.state(), *current, name, &found);
      if (!next || !(*next)->IsDir()) return {};
      current = std::move(*next);
    }
    return SameLowers(above_.state().os, node, *current) ? std::move(current) : NodeRef();
  }

  merge::Union& above_;
  merge::Union& below_;
  const Renames renames_;
  ChangeSink& sink_;
  std::vector<std::string>& problems_;
  std::vector<Step> way_;
};

}  // namespace

const char* ChangeWord(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kSame:
      return "same";
    case ChangeKind::kAdded:
      return "added";
    case ChangeKind::kContent:
      return "content";
    case ChangeKind::kMetadata:
      return "metadata";
    case ChangeKind::kReplaced:
      return "replaced";
    case ChangeKind::kRemoved:
      return "removed";
    case ChangeKind::kOpaque:
      return "opaque";
    case ChangeKind::kRenamed:
      return "renamed";
  }
  return "?";
}

Status WalkChanges(merge::Union& above, merge::Union& below, Renames renames, ChangeSink& sink,
                   std::vector<std::string>* problems) {
  return Walker(above, below, renames, sink, problems).Run();
}

std::string ToText(const Change& change) {
  std::string text = ChangeWord(change.kind);
  if (change.metadata && change.kind != ChangeKind::kMetadata) text += "+metadata";
  text += " " + Printable(change.path);
  if (S_ISDIR(change.mode) && change.path != "/") text += "/";
  if (!change.from.empty() && change.kind == ChangeKind::kRenamed) {
    text += " from " + Printable(change.from);
  }
  return text + "\n";
}

std::string ToJson(const Change& change) {
  JsonObject json;
  json.Text("change", ChangeWord(change.kind)).Text("path", change.path);
  if (change.mode != 0) json.Text("type", TypeWord(change.mode));
  if (change.kind == ChangeKind::kRenamed) json.Text("from", change.from);
  return json.Flag("metadata", change.metadata || change.kind == ChangeKind::kMetadata).Close();
}

}  // namespace blendfs::inspect
