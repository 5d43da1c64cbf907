// SPDX-License-Identifier: MIT
#include "unionfs/tools/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "unionfs/base/log.h"

namespace blendfs::tools {
namespace {

constexpr std::array kNeeded = {
    CAP_CHOWN,            // owners of copies
    CAP_DAC_OVERRIDE,     // the kernel has checked permissions by the union's attributes
    CAP_DAC_READ_SEARCH,  // and open_by_handle_at
    CAP_FOWNER,           // modes, times, O_NOATIME, ACLs of others' files
    CAP_FSETID,           // suid and sgid of copies
    CAP_SETUID,           // new files are made as who asks for them
    CAP_SETGID,           // likewise
    CAP_LINUX_IMMUTABLE,  // chattr +i, +a
    CAP_IPC_LOCK,         // a root's memory stays locked
    CAP_SYS_ADMIN,        // mounts, trusted.* attributes, passthrough
    CAP_SYS_RESOURCE,     // blocks that ext4 keeps for root, more descriptors
    CAP_MKNOD,            // devices, and whiteouts
    CAP_SETFCAP,          // capabilities of files
    CAP_MAC_ADMIN,        // labels of Smack
};

constexpr uint64_t Bit(int capability) { return uint64_t{1} << capability; }

// The last one that this kernel knows.
int LastCapability() {
  int capability = 0;
  while (prctl(PR_CAPBSET_READ, capability + 1, 0, 0, 0) >= 0) ++capability;
  return capability;
}

// Permitted ones, in two halves as the kernel has them.
bool KeepOnly(uint64_t kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (size_t half = 0; half < sets.size(); ++half) {
    const auto mask = static_cast<uint32_t>(kept >> (32 * half));
    sets[half].permitted &= mask;
    sets[half].effective &= mask;
    sets[half].inheritable = 0;
  }
  return syscall(SYS_capset, &header, sets.data()) == 0;
}

}  // namespace

uint64_t NeededCapabilities() {
  uint64_t needed = 0;
  for (const int capability : kNeeded) needed |= Bit(capability);
  return needed;
}

void DropPrivileges() {
  if (geteuid() != 0) return;  // fusermount3, which is to gain some, does the rest for others
  const uint64_t needed = NeededCapabilities();
  bool dropped = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int capability = LastCapability(); capability >= 0; --capability) {
    // Without CAP_SETPCAP the bounding set stays, which matters only to programs that are started.
    if ((needed & Bit(capability)) == 0) (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  dropped = KeepOnly(needed) && dropped;
  if (!dropped) LogWarning(std::string("cannot give up privileges: ") + strerror(errno));
}

}  // namespace blendfs::tools
