// SPDX-License-Identifier: MIT
#include "harness/guest/guest.h"

#include <fcntl.h>

#include <fstream>
#include <iterator>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr uint64_t kMaxConsoleBytes = 8 << 20;
constexpr double kDrainS = 0.3;
constexpr double kQuitS = 20;  // closing the disks of a paused machine: a flush of what is dirty

Outcome<Fd> CreateFile(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0644));
  if (!fd) return Unexpected(ErrnoText("cannot write " + path.string()));
  return fd;
}

std::string LastWords(const std::filesystem::path& qemu_log) {
  std::ifstream file(qemu_log, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return Truncate(LastLine(CleanText(text)), 500);
}

// The initramfs begins the line that says why it gave up with its name; the kernel speaks after it.
std::string InitramfsReason(const std::string& console) {
  static const std::string kName = "blend: ";
  const std::string text = CleanText(console);
  const size_t at = text.rfind(kName);
  if (at == std::string::npos) return Truncate(LastLine(text), 300);
  const size_t begin = at + kName.size();
  return Truncate(text.substr(begin, text.find('\n', begin) - begin), 300);
}

}  // namespace

Outcome<std::unique_ptr<Guest>> Guest::Start(const MachineSpec& spec, const GuestFiles& files,
                                             const Interrupt* interrupt, Deadline deadline) {
  std::unique_ptr<Guest> guest(new Guest(interrupt));
  guest->qemu_log_ = files.qemu_log;
  Outcome<Fd> console_file = CreateFile(files.console_log);
  if (!console_file) return Unexpected(console_file.error());
  Outcome<Fd> log_file = CreateFile(files.qemu_log);
  if (!log_file) return Unexpected(log_file.error());
  SocketPair pairs[4];
  for (SocketPair& pair : pairs) {
    Outcome<SocketPair> made = MakeSocketPair();
    if (!made) return Unexpected(made.error());
    pair = std::move(*made);
  }
  auto& [qmp, agent, markers, console] = pairs;
  const MachineFds fds{.qmp = qmp.theirs.get(),
                       .agent = agent.theirs.get(),
                       .markers = markers.theirs.get(),
                       .console = console.theirs.get()};
  guest->arguments_ = MachineArguments(spec, fds);
  SpawnOptions options;
  options.stdout_fd = options.stderr_fd = log_file->get();
  options.keep_fds = {fds.qmp, fds.agent, fds.markers, fds.console};
  Outcome<Process> process = Process::Spawn(guest->arguments_, options);
  if (!process) return Unexpected(process.error());
  for (SocketPair& pair : pairs) pair.theirs.reset();  // so that QEMU's end closing is seen

  EventLoop& loop = guest->loop_;
  Guest* self = guest.get();
  guest->markers_ = std::make_unique<Markers>(loop, std::move(markers.ours));
  guest->console_ = std::make_unique<Console>(loop, std::move(console.ours),
                                              std::move(*console_file), kMaxConsoleBytes);
  guest->agent_ = std::make_unique<Agent>(loop, std::move(agent.ours));
  guest->qmp_ = std::make_unique<Qmp>(loop, std::move(qmp.ours),
                                      [self](const QmpEvent& event) { self->OnEvent(event); });
  guest->process_.emplace(std::move(*process));
  loop.Watch(guest->process_->pidfd(), POLLIN, [self](short) {
    // Readable for ever once QEMU has ended: reap it and look no more.
    if (self->process_->TryWait()) self->loop_.Forget(self->process_->pidfd());
  });
  loop.set_abort([self] { return self->EndReason().has_value() && !self->powering_off_; });

  if (Outcome<void> ready = guest->qmp_->Negotiate(deadline); !ready) {
    guest->Drain(kDrainS);
    const std::string said = LastWords(files.qemu_log);
    return Unexpected("QEMU did not start: " + (said.empty() ? ready.error() : said));
  }
  return guest;
}

Guest::~Guest() {
  if (process_) {
    loop_.Forget(process_->pidfd());
    process_->Kill();
  }
}

void Guest::OnEvent(const QmpEvent& event) {
  if (event.name == "GUEST_PANICKED") panicked_ = true;
  if (event.name == "BLOCK_IO_ERROR" && BoolMember(event.data, "nospace").value_or(false))
    host_disk_full_ = true;
  if (event.name == "SHUTDOWN" && !shutdown_reason_) {
    shutdown_ns_ = MonotonicNs();
    shutdown_reason_ =
        Truncate(CleanText(StringMember(event.data, "reason").value_or("unknown")), 64);
  }
}

std::optional<std::string> Guest::EndReason() {
  if (panicked_) return "kernel panic";
  if (host_disk_full_) return "the host has no space left for the guest's disks";
  if (process_)
    if (const std::optional<ExitStatus> status = process_->TryWait(); status && !shutdown_reason_) {
      const std::string said = LastWords(qemu_log_);
      return "QEMU ended with " + status->Text() + (said.empty() ? "" : ": " + said);
    }
  if (!shutdown_reason_) return std::nullopt;
  // A panic without a panic device's driver reboots at once (panic=-1): the console tells.
  if (console_->tail().find("Kernel panic") != std::string::npos) return "kernel panic";
  if (*shutdown_reason_ == "guest-shutdown") return "the guest powered itself off";
  if (*shutdown_reason_ == "host-signal") return "somebody on the host ended QEMU with a signal";
  if (*shutdown_reason_ == "guest-reset") return "the guest reset itself";
  return "the machine stopped (" + *shutdown_reason_ + ")";
}

std::string Guest::WhyNot(const std::string& doing, Wait wait) {
  if (wait == Wait::kAborted) {
    Drain(kDrainS);
    return doing + ": " + EndReason().value_or("the guest has gone");
  }
  return doing + ": " + WaitText(wait);
}

Outcome<void> Guest::Boot(char until, Deadline deadline) {
  const int64_t sent_ns = MonotonicNs();
  if (Outcome<nlohmann::json> reply = qmp_->Execute("cont", {}, deadline); !reply)
    return Unexpected(reply.error());
  continued_ns_ = sent_ns;
  auto arrived = [this, until] { return markers_->First(until) || markers_->First('E'); };
  const Wait wait = loop_.RunUntil(arrived, deadline);
  if (markers_->First(until)) return {};
  if (markers_->First('E')) {
    Drain(kDrainS);
    const std::string said = InitramfsReason(console_->tail());
    return Unexpected("the initramfs gave up" + (said.empty() ? "" : ": " + said));
  }
  std::string reached;
  for (const Marker& marker : markers_->all())
    if (marker.name > ' ' && marker.name < 127 && reached.size() < 16) reached += marker.name;
  return Unexpected(WhyNot("boot", wait) +
                    " (markers so far: " + (reached.empty() ? "none" : reached) + ")");
}

Outcome<void> Guest::AwaitMarker(char name, size_t count, Deadline deadline) {
  const Wait wait = loop_.RunUntil([&] { return markers_->Count(name) >= count; }, deadline);
  if (wait == Wait::kDone) return {};
  return Unexpected(WhyNot(std::string("waiting for marker ") + name, wait));
}

Outcome<double> Guest::PowerOff(Deadline deadline) {
  powering_off_ = true;  // from here on its end is what we wait for
  const int64_t asked_ns = MonotonicNs();
  agent_->RequestPowerOff();
  const Wait wait =
      loop_.RunUntil([this] { return EndReason().has_value() || qmp_->closed(); }, deadline);
  if (wait != Wait::kDone) return Unexpected(WhyNot("power-off", wait));
  if (!panicked_ && shutdown_reason_ == "guest-shutdown")
    return SecondsBetween(asked_ns, shutdown_ns_);
  Drain(kDrainS);
  return Unexpected("power-off: " + EndReason().value_or("QEMU closed its control socket"));
}

Outcome<BlockStats> Guest::QueryBlockStats(Deadline deadline) {
  Outcome<nlohmann::json> reply = qmp_->Execute("query-blockstats", {}, deadline);
  if (!reply) return Unexpected(reply.error());
  return ParseBlockStats(*reply);
}

void Guest::Drain(double seconds) {
  loop_.set_abort(nullptr);
  loop_.RunUntil([] { return false; }, Deadline::After(seconds));
}

void Guest::Stop() {
  if (!process_) return;
  loop_.set_abort(nullptr);
  if (!process_->TryWait() && !qmp_->closed()) {
    // Its reply may get lost as QEMU closes the socket: the end of the process is what counts.
    (void)qmp_->Execute("quit", {}, Deadline::After(kQuitS));
    loop_.RunUntil([this] { return process_->TryWait().has_value(); }, Deadline::After(kQuitS));
  }
  loop_.Forget(process_->pidfd());
  process_->Kill();
  process_.reset();
}

}  // namespace blendbench
