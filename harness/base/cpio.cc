// SPDX-License-Identifier: MIT
#include "harness/base/cpio.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace blendbench {
namespace {

constexpr size_t kAlignment = 4;
constexpr uint32_t kDirectoryPermissions = 0755;
constexpr const char* kLastName = "TRAILER!!!";

}  // namespace

void CpioArchive::Pad() {
  bytes_.append((kAlignment - bytes_.size() % kAlignment) % kAlignment, '\0');
}

void CpioArchive::AddEntry(const std::string& name, uint32_t mode, std::string_view content) {
  const uint32_t links = S_ISDIR(mode) ? 2 : 1;
  // Inode, mode, owner, group, links, time, size, two device numbers, two of what a device is, the name's size, a sum.
  bytes_ += "070701";
  for (const size_t field :
       {size_t{++inode_}, size_t{mode}, size_t{0}, size_t{0}, size_t{links}, size_t{0},
        content.size(), size_t{0}, size_t{0}, size_t{0}, size_t{0}, name.size() + 1, size_t{0}})
    bytes_ += fmt::format("{:08X}", field);
  bytes_.append(name).push_back('\0');
  Pad();
  bytes_ += content;
  Pad();
}

void CpioArchive::AddParents(const std::string& name) {
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
    if (directories_.insert(name.substr(0, slash)).second)
      AddEntry(name.substr(0, slash), S_IFDIR | kDirectoryPermissions, "");
}

void CpioArchive::Add(const std::string& name, std::string_view content, uint32_t permissions) {
  AddParents(name);
  AddEntry(name, S_IFREG | permissions, content);
}

std::string CpioArchive::Finish() {
  AddEntry(kLastName, 0, "");
  return std::move(bytes_);
}

}  // namespace blendbench
