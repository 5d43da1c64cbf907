// SPDX-License-Identifier: MIT
// An archive in cpio's "newc" format, as the kernel unpacks it into an initramfs; everything belongs to root.
// The format is described in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace blendbench {

class CpioArchive {
 public:
  // `name` has no slash at its beginning. The directories above it are added where they are not there yet.
  void Add(const std::string& name, std::string_view content, uint32_t permissions);
  // The whole archive; nothing can be added afterwards.
  std::string Finish();

 private:
  void AddEntry(const std::string& name, uint32_t mode, std::string_view content);
  void AddParents(const std::string& name);
  void Pad();

  std::string bytes_;
  std::set<std::string> directories_;
  uint32_t inode_ = 0;
};

}  // namespace blendbench
