// SPDX-License-Identifier: MIT
#include "unionfs/tests/unit/operation.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <array>

namespace blendfs::testing {

namespace {

constexpr time_t kOldTime = 1'000'000'000;  // of everything that was laid

void SetOld(const std::string& path) {
  const std::array<timespec, 2> old = {{{kOldTime, 0}, {kOldTime, 0}}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), old.data(), AT_SYMLINK_NOFOLLOW), 0) << path;
}

}  // namespace

void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

std::string Difference(const Tree& expected, const Tree& found) {
  std::string text;
  for (const auto& [path, value] : expected) {
    const auto other = found.find(path);
    if (other == found.end()) {
      text += path + " is missing\n";
    } else if (other->second != value) {
      text += path + ": " + other->second + "\n    instead of: " + value + "\n";
    }
  }
  for (const auto& [path, value] : found) {
    if (!expected.contains(path)) text += path + " is too many: " + value + "\n";
  }
  return text;
}

void OperationTest::Lay() {
  Close();
  for (const char* dir : {"upper", "work", "lower0", "lower1"}) {
    std::filesystem::remove_all(Path(dir));
    MakeDir(dir);
  }
  Write("lower0/shared/top", "top");
  Write("lower1/shared/bottom", "bottom");
  Write("lower1/plain", "plain");
  Write("lower1/big", std::string(200000, 'b'));
  Write("lower1/sparse", std::string(5000, 's'));
  ASSERT_EQ(::truncate(Path("lower1/sparse").c_str(), 150000), 0);
  Write("lower1/tree/a/deep", "deep");
  Write("lower1/linked", "linked");
  ASSERT_EQ(::link(Path("lower1/linked").c_str(), Path("lower1/twin").c_str()), 0);
  Write("lower0/old", "old");
  Write("lower1/emptied/inner", "inner");
  Write("lower1/tagged", "tagged");
  ASSERT_EQ(::setxattr(Path("lower1/tagged").c_str(), "user.tag", "value", 5, 0), 0);
  ASSERT_EQ(::symlink("plain", Path("lower1/sym").c_str()), 0);
  ASSERT_EQ(::link(Path("lower1/sym").c_str(), Path("lower1/symtwin").c_str()), 0);
  ASSERT_EQ(::mknod(Path("lower1/null").c_str(), S_IFCHR, makedev(1, 3)), 0);
  ASSERT_EQ(::mkfifo(Path("lower1/pipe").c_str(), 0600), 0);
  MakeDir("upper/emptied");
  ASSERT_EQ(::mknod(Path("upper/emptied/inner").c_str(), S_IFCHR, 0), 0);
  ASSERT_EQ(::mknod(Path("upper/old").c_str(), S_IFCHR, 0), 0);
  Write("upper/own", "own");
  MakeDir("upper/owndir");
  // A directory that hands its group down.
  MakeDir("upper/setgid");
  Write("lower1/setgid/gone", "gone");
  ASSERT_EQ(::mknod(Path("upper/setgid/gone").c_str(), S_IFCHR, 0), 0);
  // Not by the umask, which belongs to the union while this thread acts for it.
  lower_names_.clear();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(base_)) {
    const std::string path = entry.path().string();
    struct stat st {};
    ASSERT_EQ(::lstat(path.c_str(), &st), 0);
    const bool lower = path.starts_with(Path("lower"));
    if (lower && !S_ISDIR(st.st_mode)) {
      auto& name = lower_names_.try_emplace(st.st_ino, path.substr(base_.size() + 1)).first->second;
      name = std::min(name, path.substr(base_.size() + 1));
    }
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
      ASSERT_EQ(::chmod(path.c_str(), S_ISDIR(st.st_mode) ? 0755 : 0644), 0);
    }
    SetOld(path);
  }
  ASSERT_EQ(::chown(Path("upper/setgid").c_str(), 0, 7), 0);
  ASSERT_EQ(::chmod(Path("upper/setgid").c_str(), 02755), 0);
}

void OperationTest::Begin(const Operation& operation, sys::Calls& os) {
  ASSERT_NO_FATAL_FAILURE(Lay());
  ASSERT_NO_FATAL_FAILURE(Open(os));
  seen.clear();
  if (operation.prepare) {
    const Status prepared = operation.prepare(*this);
    ASSERT_TRUE(prepared) << prepared.error().doing << " " << prepared.error().code;
  }
  ForgetAll();
}

Status OperationTest::Run(const Operation& operation) {
  seen.clear();
  try {
    return operation.run(*this);
  } catch (const NotThere& failed) {
    return Fail(failed.error, "walk");
  }
}

std::string OperationTest::Identity(uint64_t ino) const {
  const auto found = lower_names_.find(ino);
  return found == lower_names_.end() ? "its own" : found->second;
}

Result<std::string> OperationTest::Listing(merge::Node& directory) {
  BLENDFS_ASSIGN(const auto opened, fs().OpenDirectory(directory));
  BLENDFS_TRY(opened->Refresh());
  std::map<std::string, std::string> sorted;
  for (const merge::DirItem& item : opened->items()) {
    sorted[item.name] = Identity(item.ino) + " " + std::to_string(item.type);
  }
  std::string text;
  for (const auto& [name, value] : sorted) text += name + " " + value + "\n";
  return text;
}

std::string OperationTest::Content(merge::Node& node) {
  auto file = fs().OpenAt(node, O_RDONLY, false);
  if (!file) return "<errno " + std::to_string(file.error().code) + ">";
  auto fd = (*file)->data();
  if (!fd) return "<errno " + std::to_string(fd.error().code) + ">";
  std::string text(1 << 20, '\0');
  const ssize_t size = ::pread(fd->get(), text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text.substr(0, 12) + " #" + std::to_string(std::hash<std::string>()(text));
}

std::string OperationTest::Xattrs(merge::Node& node) {
  auto names = fs().ListXattr(node);
  if (!names) return " no attributes: " + std::to_string(names.error().code);
  std::string text;
  for (size_t at = 0; at < names->size(); at = names->find('\0', at) + 1) {
    const std::string key = names->c_str() + at;
    text += " " + key + "=" + fs().GetXattr(node, key).value_or("?");
  }
  return text;
}

std::string OperationTest::Describe(const merge::Entry& entry) {
  const merge::Attr& attr = entry.attr;
  char mode[64];
  std::snprintf(mode, sizeof(mode), "%o %u:%u", attr.mode, attr.uid, attr.gid);
  std::string value = mode + Xattrs(*entry.node);
  if (S_ISDIR(attr.mode)) return value;
  value += " size " + std::to_string(attr.size) + " links " + std::to_string(attr.nlink);
  value += " is " + Identity(attr.ino) + (attr.mtime.tv_sec == kOldTime ? " old " : " new ");
  if (S_ISREG(attr.mode)) value += Content(*entry.node);
  if (S_ISLNK(attr.mode)) value += fs().ReadLink(*entry.node).value_or("?");
  return value;
}

void OperationTest::Collect(const std::string& path, merge::Node& directory, Tree& tree) {
  auto opened = fs().OpenDirectory(directory);
  const Status read = opened ? (*opened)->Refresh() : Status(tl::unexpect, opened.error());
  if (!read) {
    tree[path] += " cannot be listed: " + std::to_string(read.error().code);
    return;
  }
  for (const merge::DirItem& item : (*opened)->items()) {
    if (item.name == "." || item.name == "..") continue;
    const std::string child = path.empty() ? item.name : path + "/" + item.name;
    auto entry = fs().Lookup(directory, item.name);
    if (!entry) {
      tree[child] = "listed but gone: " + std::to_string(entry.error().code);
      continue;
    }
    Hold(*entry);
    tree[child] = Describe(*entry);
    if (item.ino != entry->attr.ino) tree[child] += " listed as " + Identity(item.ino);
    if (S_ISDIR(entry->attr.mode)) Collect(child, *entry->node, tree);
  }
}

Tree OperationTest::Look() {
  Tree tree;
  Collect("", fs().root(), tree);
  return tree;
}

Tree OperationTest::LookAgain() {
  Open();
  return Look();
}

}  // namespace blendfs::testing
