// SPDX-License-Identifier: MIT
#include "harness/host/fuse_probe.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>

#include "harness/guest/hostile.h"
#include "harness/host/isolated.h"

namespace blendbench {
namespace {

// The protocol's layout and numbers; headers of older distributions lack the newest of them.
constexpr uint32_t kInit = 26;
constexpr uint32_t kFlagsGoOn = 1U << 30;    // FUSE_INIT_EXT: flags2 is there
constexpr uint32_t kPassthrough2 = 1U << 5;  // FUSE_PASSTHROUGH, bit 37
constexpr size_t kHeaderBytes = 40;
constexpr size_t kBufferBytes = 1 << 17;  // the kernel refuses to read into less than 8 KiB
constexpr int kGreeting_ms = 3000;

uint32_t Word(const unsigned char* bytes, size_t at) {
  uint32_t word;
  std::memcpy(&word, bytes + at, sizeof word);
  return word;
}

Outcome<FuseOffer> Greet() {
  const Fd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) return Unexpected(ErrnoText("cannot open /dev/fuse"));
  char pattern[] = "/tmp/blendbench-fuse-XXXXXX";
  if (::mkdtemp(pattern) == nullptr) return Unexpected(ErrnoText("cannot make a mount point"));
  const std::string options =
      "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0";
  Outcome<FuseOffer> offer = Unexpected("the kernel sent no greeting");
  if (::mount("blendbench", pattern, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    offer = Unexpected(ErrnoText("cannot mount"));
  } else {
    static unsigned char buffer[kBufferBytes];
    pollfd ready{device.get(), POLLIN, 0};
    if (::poll(&ready, 1, kGreeting_ms) == 1) {
      const ssize_t got = ::read(device.get(), buffer, sizeof buffer);
      if (got > 0) offer = ParseGreeting(buffer, static_cast<size_t>(got));
    }
    ::umount2(pattern, MNT_DETACH);
  }
  ::rmdir(pattern);
  return offer;
}

}  // namespace

Outcome<FuseOffer> ParseGreeting(const unsigned char* bytes, size_t size) {
  // Header: length, opcode, ...; then major, minor, max_readahead, flags, flags2.
  if (size < kHeaderBytes + 16 || Word(bytes, 4) != kInit)
    return Unexpected("the kernel's first request is not FUSE_INIT");
  FuseOffer offer;
  offer.major = static_cast<int>(Word(bytes, kHeaderBytes));
  offer.minor = static_cast<int>(Word(bytes, kHeaderBytes + 4));
  const bool goes_on = (Word(bytes, kHeaderBytes + 12) & kFlagsGoOn) != 0;
  offer.passthrough =
      goes_on && size >= kHeaderBytes + 20 && (Word(bytes, kHeaderBytes + 16) & kPassthrough2) != 0;
  return offer;
}

Outcome<FuseOffer> AskFuse(const std::filesystem::path& log, Deadline deadline) {
  std::optional<FuseOffer> heard;
  const Outcome<void> done = RunIsolated(
      [](const Say& say) -> Outcome<void> {
        const Outcome<FuseOffer> offer = Greet();
        if (!offer) return Unexpected(offer.error());
        say({{"major", offer->major},
             {"minor", offer->minor},
             {"passthrough", offer->passthrough}});
        return {};
      },
      [&](const nlohmann::json& message) {
        heard = FuseOffer{static_cast<int>(IntMember(message, "major").value_or(0)),
                          static_cast<int>(IntMember(message, "minor").value_or(0)),
                          BoolMember(message, "passthrough").value_or(false)};
      },
      log, deadline, nullptr);
  if (!done) return Unexpected(done.error());
  if (!heard) return Unexpected("nothing was heard of the mount");
  return *heard;
}

}  // namespace blendbench
