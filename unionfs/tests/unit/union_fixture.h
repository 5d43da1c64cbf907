// SPDX-License-Identifier: MIT
// A union over real directories in a temporary folder, driven without FUSE. Needs root (whiteouts,
// trusted attributes); tests skip with that reason otherwise.
// Thread-safety: one thread.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "unionfs/merge/node.h"
#include "unionfs/merge/union.h"

namespace blendfs::testing {

// A walk that did not arrive.
struct NotThere : std::runtime_error {
  NotThere(const std::string& path, int error_in)
      : std::runtime_error("not there: " + path), error(error_in) {}
  int error;
};

class UnionFixture : public ::testing::Test {
 protected:
  // In memory, unless $TMPDIR says otherwise: the many small trees of these tests are no test of a disk.
  virtual std::filesystem::path Folder() const {
    const std::filesystem::path memory = "/dev/shm";
    const bool usable = std::getenv("TMPDIR") == nullptr && ::access(memory.c_str(), W_OK) == 0;
    return usable ? memory : std::filesystem::temp_directory_path();
  }

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: whiteouts and trusted attributes";
    sys::InitThread();
    ::umask(022);
    std::string pattern = (Folder() / "blendfs-union-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    for (const char* dir : {"upper", "work", "lower0", "lower1"}) MakeDir(dir);
  }
  void TearDown() override {
    Close();
    if (!base_.empty()) std::filesystem::remove_all(base_);
  }

  std::string Path(const std::string& relative) const { return base_ + "/" + relative; }
  void MakeDir(const std::string& relative) { std::filesystem::create_directories(Path(relative)); }
  void Write(const std::string& relative, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(Path(relative)).parent_path());
    std::ofstream(Path(relative)) << text;
  }
  bool OnDisk(const std::string& relative) const {
    struct stat st {};
    return ::lstat(Path(relative).c_str(), &st) == 0;
  }

  // Mounts (again). lower0 is above lower1.
  void Open(sys::Calls& os = sys::Real(), merge::Options options = {}) {
    Close();
    layer::StackConfig config;
    config.lowers = {Path("lower0"), Path("lower1")};
    config.upper = Path("upper");
    config.work = Path("work");
    config.userxattr = userxattr_;
    config.redirects = redirects_;
    std::string problem;
    auto stack = layer::Stack::Open(os, config, &problem);
    ASSERT_TRUE(stack) << problem;
    auto opened = merge::Union::Open(os, std::move(*stack), std::move(options));
    ASSERT_TRUE(opened) << opened.error().doing;
    union_ = std::move(*opened);
  }

  void Close() {
    held_.clear();
    union_.reset();
  }

  merge::Union& fs() { return *union_; }

  // Lookup counts, as the kernel would hold them: until ForgetAll or the end of the union.
  void Hold(const merge::Entry& entry) { held_.push_back(entry.node); }
  void ForgetAll() {
    for (merge::Node* node : held_) fs().Forget(*node, 1);
    held_.clear();
  }

  // Walks a path from the root and holds what it passes.
  Result<merge::Entry> Walk(const std::string& path) {
    merge::Entry entry;
    entry.node = &fs().root();
    if (auto attr = fs().GetAttr(fs().root(), nullptr)) entry.attr = *attr;
    for (const auto& part : std::filesystem::path(path)) {
      auto next = fs().Lookup(*entry.node, part.string());
      if (!next) return tl::unexpected(next.error());
      entry = *next;
      Hold(entry);
    }
    return entry;
  }
  merge::Node& At(const std::string& path) {
    auto entry = Walk(path);
    if (!entry) throw NotThere(path, entry.error().code);
    return *entry->node;
  }
  int ErrorOf(const std::string& path) {
    auto entry = Walk(path);
    return entry ? 0 : entry.error().code;
  }
  Result<merge::Attr> ChangeMode(merge::Node& node, mode_t mode) {
    merge::AttrChange change;
    change.set_mode = true;
    change.mode = mode;
    return fs().SetAttr(node, change, nullptr);
  }
  // The text of a file in the union, "<errno N>" if it cannot be read.
  std::string Read(const std::string& path) {
    auto entry = Walk(path);
    if (!entry) return "<errno " + std::to_string(entry.error().code) + ">";
    auto file = fs().OpenAt(*entry->node, O_RDONLY, false);
    if (!file) return "<errno " + std::to_string(file.error().code) + ">";
    return ReadAll(**file);
  }
  static std::string ReadAll(merge::OpenFile& file) {
    auto fd = file.data();
    if (!fd) return "<errno " + std::to_string(fd.error().code) + ">";
    std::string text(1 << 16, '\0');
    const ssize_t size = ::pread(fd->get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return text;
  }
  Status Append(merge::Node& node, const std::string& text) {
    BLENDFS_ASSIGN(auto file, fs().OpenAt(node, O_RDWR, false));
    BLENDFS_ASSIGN(const BorrowedFd fd, file->data());
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return FailErrno();
    const ssize_t written = ::pwrite(fd.get(), text.data(), text.size(), st.st_size);
    return written == static_cast<ssize_t>(text.size()) ? Status() : Status(FailErrno());
  }
  std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    auto dir = fs().OpenDirectory(At(path));
    if (!dir || !(*dir)->Refresh()) return {"<error>"};
    for (const merge::DirItem& item : (*dir)->items()) {
      if (item.name != "." && item.name != "..") names.push_back(item.name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string base_;
  bool userxattr_ = false;  // for the next Open
  std::optional<layer::Redirects> redirects_;
  std::unique_ptr<merge::Union> union_;
  std::vector<merge::Node*> held_;
};

}  // namespace blendfs::testing
