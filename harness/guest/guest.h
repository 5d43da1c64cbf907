// SPDX-License-Identifier: MIT
// One running guest: QEMU, its control socket, the agent, markers and console under one loop.
// Whatever ends it (power-off, panic, reset, a crash of QEMU) is noticed by every wait and told in
// words. Thread-safety: one thread. Destruction kills QEMU at once.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/guest/agent.h"
#include "harness/guest/block_stats.h"
#include "harness/guest/console.h"
#include "harness/guest/machine.h"
#include "harness/guest/markers.h"
#include "harness/guest/process.h"
#include "harness/guest/qmp.h"

namespace blendbench {

struct GuestFiles {
  std::filesystem::path console_log;  // what the guest writes, bounded
  std::filesystem::path qemu_log;     // QEMU's own stderr
};

class Guest {
 public:
  // Starts QEMU with the machine stopped and waits for its control socket. An error quotes QEMU.
  // `interrupt` may be null and outlives the guest.
  static Outcome<std::unique_ptr<Guest>> Start(const MachineSpec& spec, const GuestFiles& files,
                                               const Interrupt* interrupt, Deadline deadline);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // Lets the machine run and waits for marker `until`. Time zero of the boot is when the command to
  // run is sent. An error says how the boot ended instead.
  Outcome<void> Boot(char until, Deadline deadline);

  // Waits until marker `name` has come `count` times since the machine was let run.
  Outcome<void> AwaitMarker(char name, size_t count, Deadline deadline);

  // Asks the guest to power off and waits until it has; the seconds that took.
  Outcome<double> PowerOff(Deadline deadline);

  Outcome<BlockStats> QueryBlockStats(Deadline deadline);

  // Ends QEMU, politely first, so that it closes its disks. Idempotent.
  void Stop();

  Agent& agent() { return *agent_; }
  const Markers& markers() const { return *markers_; }
  int64_t continued_ns() const { return continued_ns_; }  // 0 before Boot
  const std::vector<std::string>& arguments() const { return arguments_; }
  const std::string& qemu_version() const { return qmp_->qemu_version(); }
  const std::string& console_tail() const { return console_->tail(); }
  pid_t pid() const { return process_->pid(); }

  // A write of the guest failed because the host's file system is full; the machine is paused then.
  bool host_disk_full() const { return host_disk_full_; }
  // Why the guest no longer runs, in words; nothing while it does.
  std::optional<std::string> EndReason();
  // Serves the sockets for a moment, so that the last words of a dying guest are kept.
  void Drain(double seconds);

 private:
  explicit Guest(const Interrupt* interrupt) : loop_(interrupt) {}
  void OnEvent(const QmpEvent& event);
  std::string WhyNot(const std::string& doing, Wait wait);

  EventLoop loop_;
  std::vector<std::string> arguments_;
  std::filesystem::path qemu_log_;
  int64_t continued_ns_ = 0;
  bool panicked_ = false;
  bool host_disk_full_ = false;
  std::optional<std::string> shutdown_reason_;  // as QEMU names it: "guest-shutdown", "guest-reset"
  int64_t shutdown_ns_ = 0;
  bool powering_off_ = false;
  // In this order: the sockets' owners leave the loop before it goes, QEMU goes first of all.
  std::unique_ptr<Markers> markers_;
  std::unique_ptr<Console> console_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<Qmp> qmp_;
  std::optional<Process> process_;
};

}  // namespace blendbench
