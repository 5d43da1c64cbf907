// SPDX-License-Identifier: MIT
// A guest's root that is put together outside of it: overlayfs of this host merges its layers, virtiofs hands the
// merge in. The mounts and the daemon live in namespaces of their own (host/isolated.h), so that nothing of
// them outlives blendbench. The images are read past the loop devices' page cache, so that the host
// keeps their pages once; the guest's own cache lies above that.
// Thread-safety: one thread, as for host/isolated.h. Start it before the guest: it must not
// inherit the guest's sockets.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/fd.h"
#include "harness/host/virtiofsd.h"

namespace blendbench {

class IsolatedWork;

struct ExportOrder {
  std::vector<std::filesystem::path> lowers;  // image files, ext4 or erofs, top first
  std::filesystem::path user;       // a raw image of this guest alone, with upper/ and work/
  std::filesystem::path folder;     // private scratch of this arm
  std::filesystem::path virtiofsd;  // FindVirtiofsd()
  std::filesystem::path log;        // what the daemon says, appended
  ExportCache cache = ExportCache::kAuto;
};

class HostExport {
 public:
  // Mounts, starts the daemon and waits until its socket is there. An error is one line, with the
  // daemon's last words.
  static Outcome<std::unique_ptr<HostExport>> Start(const ExportOrder& order,
                                                    const Interrupt* interrupt, Deadline deadline);
  ~HostExport();  // kills what is left; the user's image is as after a power cut then
  HostExport(const HostExport&) = delete;
  HostExport& operator=(const HostExport&) = delete;

  // For a vhost-user-fs-pci device of one QEMU: the daemon serves a single connection and ends with
  // it. In a folder of this user's alone.
  const std::filesystem::path& socket() const { return socket_; }

  // After QEMU has ended: waits for the daemon, which ends by itself then, and unmounts, so that the
  // user's image is clean. A daemon that nobody connected to is ended. An error when it had to be
  // killed, failed, or something could not be unmounted. Idempotent.
  Outcome<void> Stop(Deadline deadline);

  // Writes out and forgets what the host has in its page cache, all of the machine's: the export's
  // counterpart of EvictFromHostCache.
  static Outcome<void> EvictFromHostCache();

 private:
  struct Inside;
  HostExport() = default;

  std::filesystem::path folder_;  // private: the socket, and where the mounts are
  std::filesystem::path socket_;
  Fd stop_;  // an eventfd that the inside looks at
  std::unique_ptr<IsolatedWork> work_;
};

}  // namespace blendbench
