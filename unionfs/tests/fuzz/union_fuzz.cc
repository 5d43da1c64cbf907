// SPDX-License-Identifier: MIT
// A libFuzzer entry for what the merge does with the marks it reads: the input decides what every object of a
// small stack says of itself (redirects, origins, opaque, metadata-only, link counts, whiteouts), then the union
// is walked, read and changed. Nothing crashes, hangs, or opens anything outside of the layers and the work
// directory.
//
// The trees are real ones below $TMPDIR (a tmpfs makes it fast), laid again when an input has changed them; the
// marks come from a fake in front of the system and cost nothing. Needs root. Inputs are short but not tiny:
// -len_control=0 -max_len=400.
#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/union_fixture.h"

namespace blendfs::testing {
namespace {

constexpr std::array kKeys = {"redirect", "opaque", "origin",   "impure",
                              "metacopy", "nlink",  "whiteout", "overlay.opaque"};
constexpr std::array kValues = {
    "y",    "x",      "",         "..",  "/..",  "/../outside", "../../outside", "/a",
    "/a/b", "/b",     "b",        "f",   "/a/f", "/trap",       "/trap/secret",  "trap",
    "/big", "/a/b/c", "/c/c/c/c", "U+1", "U-1",  "L+0",         "L-2147483648",  "/",
    "//a",  "a/b"};
constexpr int kMostDepth = 12;
constexpr int kMostNodes = 300;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Marks by the input, and a watch over every descriptor that is opened.
class MarkedLayers : public FaultyCalls {
 public:
  using Marks = std::map<std::string, std::string>;

  explicit MarkedLayers(std::string base)
      : base_(std::move(base)), mount_(MountOf(AT_FDCWD, base_.c_str())) {}

  void Clear() { marks_.clear(); }
  void Mark(uint64_t ino, const std::string& key, std::string value) {
    marks_[ino][key] = std::move(value);
  }

  Result<std::vector<std::string>> ListXattr(BorrowedFd dir, const char* name) override {
    return Keys(Stat(dir, name), FaultyCalls::ListXattr(dir, name));
  }
  Result<std::vector<std::string>> ListXattrFd(BorrowedFd fd) override {
    return Keys(StatFd(fd), FaultyCalls::ListXattrFd(fd));
  }
  Result<std::string> GetXattr(BorrowedFd dir, const char* name, const char* key) override {
    if (const std::string* value = Find(Stat(dir, name), key)) return *value;
    return FaultyCalls::GetXattr(dir, name, key);
  }
  Result<std::string> GetXattrFd(BorrowedFd fd, const char* key) override {
    if (const std::string* value = Find(StatFd(fd), key)) return *value;
    return FaultyCalls::GetXattrFd(fd, key);
  }
  Result<UniqueFd> OpenBeneath(BorrowedFd dir, const char* path, int flags) override {
    return Watch(dir, FaultyCalls::OpenBeneath(dir, path, flags));
  }
  Result<UniqueFd> OpenHandle(BorrowedFd mount, const sys::Handle& handle, int flags) override {
    // A handle may lead anywhere on its file system, but is only asked what it is: O_PATH.
    Require((flags & O_PATH) != 0, "a handle is opened for more than a look");
    return FaultyCalls::OpenHandle(mount, handle, flags);
  }

 private:
  Result<std::vector<std::string>> Keys(const Result<sys::FileStat>& stat,
                                        Result<std::vector<std::string>> real) {
    if (!real || !stat) return real;
    if (const auto found = marks_.find(stat->ino); found != marks_.end()) {
      for (const auto& [key, value] : found->second) real->push_back(key);
    }
    return real;
  }
  const std::string* Find(const Result<sys::FileStat>& stat, const char* key) {
    if (!stat) return nullptr;
    const auto found = marks_.find(stat->ino);
    if (found == marks_.end()) return nullptr;
    const auto value = found->second.find(key);
    return value == found->second.end() ? nullptr : &value->second;
  }
  static uint64_t MountOf(int dir, const char* path) {
    struct statx info {};
    Require(::statx(dir, path, AT_EMPTY_PATH, STATX_MNT_ID, &info) == 0, "statx");
    return info.stx_mnt_id;
  }
  // Below a layer by its path; or in a layer's own mount, which has nothing above the layer.
  Result<UniqueFd> Watch(BorrowedFd dir, Result<UniqueFd> fd) {
    if (!fd) return fd;
    const uint64_t mount = MountOf(dir.get(), "");
    if (mount != mount_ && MountOf(fd->get(), "") == mount) return fd;
    const std::string link = "/proc/self/fd/" + std::to_string(fd->get());
    char target[4096];
    const ssize_t size = ::readlink(link.c_str(), target, sizeof(target));
    const std::string_view path(target, size < 0 ? 0 : static_cast<size_t>(size));
    Require(path.starts_with(base_ + "/layers/"), "a descriptor outside of the layers");
    return fd;
  }

  const std::string base_;
  const uint64_t mount_;  // that of base_
  std::map<uint64_t, Marks> marks_;
};

class Arena : public UnionFixture {
 public:
  Arena() {
    sys::InitThread();
    ::umask(022);
    std::string pattern = (std::filesystem::temp_directory_path() / "blendfs-fuzz-XXXXXX").string();
    Require(::mkdtemp(pattern.data()) != nullptr, "a temporary folder");
    outside_ = pattern;
    base_ = pattern + "/layers";
    std::filesystem::create_directories(outside_ + "/outside");
    std::ofstream(outside_ + "/outside/secret") << "secret";
    os_ = std::make_unique<MarkedLayers>(outside_);
    Lay();
  }
  void TestBody() override {}

  void Run(FuzzedDataProvider& input) {
    os_->Clear();
    const auto count = input.ConsumeIntegralInRange<size_t>(0, 8);
    for (size_t i = 0; i < count; ++i) {
      const uint64_t ino = inodes_[input.ConsumeIntegralInRange<size_t>(0, inodes_.size() - 1)];
      const std::string key = std::string("trusted.overlay.") + input.PickValueInArray(kKeys);
      os_->Mark(ino, key,
                input.ConsumeBool() ? input.PickValueInArray(kValues)
                                    : input.ConsumeRandomLengthString(5000));
    }
    const bool change = input.ConsumeProbability<float>() < 0.3F;
    if (!Mount()) return Lay();
    nodes_ = 0;
    Visit(fs().root(), 0, change ? &input : nullptr);
    ForgetAll();
    Require(fs().counters().nodes == 1, "nodes are held");
    Close();
    if (change) Lay();
  }

 private:
  void Lay() {
    Close();
    std::filesystem::remove_all(base_);
    for (const char* dir : {"upper/a/b", "upper/c", "work/index", "lower0/a/b/c", "lower0/c/c",
                            "lower1/a/b/c", "lower1/b", "lower1/c/c/c"}) {
      MakeDir(dir);
    }
    for (const char* file : {"upper/a/f", "upper/empty", "lower0/a/f", "lower0/f", "lower1/a/b/f",
                             "lower1/c/c/f", "lower1/twin"}) {
      Write(file, file);
    }
    std::ofstream(Path("upper/empty"), std::ios::trunc);
    Write("upper/big", std::string(70000, 'u'));
    Write("lower1/big", std::string(70000, 'l'));
    for (const char* layer : {"upper/trap", "lower0/trap", "lower1/a/trap"}) {
      Require(::symlink("../../outside", Path(layer).c_str()) == 0, "a symlink");
    }
    Require(::link(Path("lower1/twin").c_str(), Path("lower1/b/twin").c_str()) == 0, "a link");
    Require(::mknod(Path("upper/c/f").c_str(), S_IFCHR, 0) == 0, "a whiteout");
    Require(::mkfifo(Path("lower0/pipe").c_str(), 0600) == 0, "a FIFO");
    os_->Clear();
    // An index entry, whose link count and origin the input may then rewrite.
    Require(Mount(), "a mount without marks");
    Require(Append(At("b/twin"), "+").has_value(), "a copy-up");
    Close();
    inodes_.clear();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(base_)) {
      struct stat st {};
      Require(::lstat(entry.path().c_str(), &st) == 0, "lstat");
      inodes_.push_back(st.st_ino);
    }
  }

  bool Mount() {
    layer::StackConfig config;
    config.lowers = {Path("lower0"), Path("lower1")};
    config.upper = Path("upper");
    config.work = Path("work");
    std::string problem;
    auto stack = layer::Stack::Open(*os_, config, &problem);
    if (!stack) return false;
    auto opened = merge::Union::Open(*os_, std::move(*stack), {});
    if (opened) union_ = std::move(*opened);
    return opened.has_value();
  }

  void Visit(merge::Node& directory, int depth, FuzzedDataProvider* input) {
    auto opened = fs().OpenDirectory(directory);
    if (depth > kMostDepth || !opened || !(*opened)->Refresh()) return;
    for (const merge::DirItem& item : (*opened)->items()) {
      if (item.name == "." || item.name == ".." || ++nodes_ > kMostNodes) continue;
      Require(item.name != "secret", "the listing shows what lies outside");
      auto entry = fs().Lookup(directory, item.name);
      if (!entry) continue;
      Hold(*entry);
      Look(*entry);
      if (input != nullptr) Change(directory, item.name, *entry->node, *input);
      if (entry->node->IsDir()) Visit(*entry->node, depth + 1, input);
    }
  }

  void Look(const merge::Entry& entry) {
    merge::Node& node = *entry.node;
    (void)fs().GetAttr(node, nullptr);
    (void)fs().ListXattr(node);
    if (S_ISLNK(entry.attr.mode)) (void)fs().ReadLink(node);
    if (!S_ISREG(entry.attr.mode)) return;
    auto file = fs().OpenAt(node, O_RDONLY, false);
    if (file) Require(ReadAll(**file) != "secret", "a file from outside");
  }

  void Change(merge::Node& parent, const std::string& name, merge::Node& node,
              FuzzedDataProvider& input) {
    merge::AttrChange chmod;
    chmod.set_mode = true;
    chmod.mode = 0700;
    switch (input.ConsumeIntegralInRange(0, 9)) {
      case 0:
        return (void)fs().SetAttr(node, chmod, nullptr);
      case 1:
        return (void)fs().Unlink(parent, name);
      case 2:
        return (void)fs().RemoveDir(parent, name);
      case 3:
        return (void)fs().Rename(parent, name, fs().root(), "moved", 0);
      case 4:
        return (void)fs().Rename(parent, name, fs().root(), "a", RENAME_EXCHANGE);
      case 5:
        if (!S_ISREG(node.type)) return;
        return (void)Append(node, "more");
      case 6:
        if (auto made = fs().Link(node, fs().root(), "joined")) Hold(*made);
        return;
      case 7:
        if (auto made = fs().MakeDir(parent, "made", 0755, {})) Hold(*made);
        return;
      default:
        return;
    }
  }

  std::string outside_;
  std::unique_ptr<MarkedLayers> os_;
  std::vector<uint64_t> inodes_;
  int nodes_ = 0;
};

}  // namespace
}  // namespace blendfs::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const arena = new blendfs::testing::Arena;  // lives as long as the process
  FuzzedDataProvider input(data, size);
  arena->Run(input);
  return 0;
}
