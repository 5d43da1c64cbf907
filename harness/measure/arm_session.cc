// SPDX-License-Identifier: MIT
#include "harness/measure/arm_session.h"

#include <signal.h>

#include <algorithm>

#include "harness/base/text.h"
#include "harness/measure/boot_phases.h"
#include "harness/measure/diagnosis.h"
#include "harness/measure/disk_check.h"
#include "harness/measure/guest_programs.h"
#include "harness/measure/guest_work.h"
#include "harness/measure/instructions.h"
#include "harness/measure/promise_checks.h"
#include "harness/spec/job_text.h"
#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

constexpr double kStartS = 30;
constexpr double kAgentS = 60;
constexpr double kPromisesS = 120;
constexpr double kCheckS = 300;

std::string UpgradeConsole(const std::string& console) {
  const size_t dot = console.rfind(".log");
  return console.substr(0, dot) + "-upgrade.log";
}

// What the guest wrote to its disks, where it has them, and what they take on the host's now.
nlohmann::json StorageJson(const BlockStats& stats, const Storage& on_disk) {
  nlohmann::json storage = {{"shared_bytes", on_disk.shared}, {"per_user_bytes", on_disk.per_user}};
  for (const auto& [serial, name] :
       {std::pair{"system", "system"}, {"app0", "app"}, {"user", "user"}}) {
    const auto found = stats.find(serial);
    if (found != stats.end())
      storage[std::string(name) + "_bytes_written"] = found->second.written_bytes;
  }
  return storage;
}

}  // namespace

bool ShowsUpgrade(const Arm& arm) { return HasSystemToExchange(arm) && !arm.control; }

Outcome<MachineSpec> MachineFor(const ArmSettings& settings, const Arm& arm,
                                const std::vector<Disk>& disks) {
  const GuestSettings& guest = settings.experiment.guest;
  MachineSpec spec;
  spec.qemu = settings.qemu;
  spec.substrate = settings.substrate;
  spec.memory_mib = arm.guest.memory_mib > 0 ? arm.guest.memory_mib : guest.memory_mib;
  spec.cpus = guest.cpus;
  spec.kernel = settings.images.at("kernel").path.string();
  const auto own = settings.engine_initramfs.find(arm.id);
  if (own != settings.engine_initramfs.end() && !own->second)
    return Unexpected(own->second.error().message);
  spec.initramfs = own == settings.engine_initramfs.end()
                       ? settings.images.at("initramfs").path.string()
                       : own->second->string();
  spec.disks = disks;
  spec.direct_io = settings.direct_io;
  spec.disk_mbps = arm.guest.disk_mbps;
  if (const double limit = arm.handicap.disk_mbps; limit > 0)
    spec.disk_mbps = spec.disk_mbps > 0 ? std::min(spec.disk_mbps, limit) : limit;
  spec.disk_iops = arm.guest.disk_iops;
  spec.command_line = KernelCommandLine(arm, guest);
  return spec;
}

ArmSession::ArmSession(const ArmSettings& settings, const Arm& arm, CloneSet& clones,
                       Progress& progress, const Interrupt* interrupt, Sample& sample)
    : settings_(settings),
      arm_(arm),
      clones_(clones),
      progress_(progress),
      interrupt_(interrupt),
      sample_(sample) {}

Outcome<void> ArmSession::Start(const std::string& console) {
  phase_ = "start";
  Outcome<MachineSpec> spec = MachineFor(settings_, arm_, clones_.disks());
  if (!spec) return Unexpected(spec.error());
  if (arm_.engine == kExportEngine) {
    if (Outcome<void> exported = StartExport(); !exported) return exported;
    spec->root_socket = export_->socket().string();
  }
  const GuestFiles files{.console_log = settings_.run_folder / console,
                         .qemu_log = settings_.scratch / "qemu.log"};
  Outcome<std::unique_ptr<Guest>> guest =
      Guest::Start(*spec, files, interrupt_, Deadline::After(kStartS));
  if (!guest) return Unexpected(guest.error());
  guest_ = std::move(*guest);
  const pid_t group = guest_->pid();
  pauser_ = std::make_unique<Pauser>(arm_.handicap.pause,
                                     [group](int signal) { ::kill(-group, signal); });
  return {};
}

// Before the guest, whose sockets its daemon must not inherit.
Outcome<void> ArmSession::StartExport() {
  ExportOrder order;
  order.virtiofsd = settings_.virtiofsd;
  if (order.virtiofsd.empty())
    return Unexpected(
        "not available here: virtiofsd is not installed (package virtiofsd, or run "
        "setup/install)");
  for (const Disk& disk : clones_.disks()) {
    if (disk.serial.starts_with("app")) order.lowers.push_back(disk.image);
    if (disk.serial == "user") order.user = disk.clone;
  }
  for (const Disk& disk : clones_.disks())
    if (disk.serial == "system") order.lowers.push_back(disk.image);
  order.folder = settings_.scratch;
  order.log = settings_.scratch / "virtiofsd.log";
  if (arm_.engine_options == kCacheAlways) order.cache = ExportCache::kAlways;
  Outcome<std::unique_ptr<HostExport>> started =
      HostExport::Start(order, interrupt_, Deadline::After(kStartS));
  if (!started) return Unexpected(started.error());
  export_ = std::move(*started);
  return {};
}

// After the guest: what it wrote is on its image once the host has unmounted it.
void ArmSession::EndExport() {
  if (!export_) return;
  const Outcome<void> stopped = export_->Stop(Deadline::After(kStartS));
  export_.reset();
  if (!stopped && sample_.status == SampleStatus::kOk)
    FailSample("poweroff", "the host's export: " + stopped.error(), "");
}

void ArmSession::ForgetDisks() {
  EvictFromHostCache(clones_.disks());
  if (arm_.engine == kExportEngine) (void)HostExport::EvictFromHostCache();
}

Outcome<void> ArmSession::Boot() {
  progress_.Phase("boot");
  phase_ = "boot";
  const double limit_s = settings_.experiment.guest.boot_timeout_s;
  if (Outcome<void> booted = guest_->Boot('R', Deadline::After(limit_s)); !booted)
    return Unexpected(booted.error());
  progress_.Phase("agent");
  phase_ = "agent";
  return guest_->agent().Connect(Deadline::After(kAgentS));
}

Outcome<void> ArmSession::Jobs() {
  const Experiment& experiment = settings_.experiment;
  for (const FioJob& job : experiment.jobs) {
    progress_.Phase("fio:" + job.id);
    phase_ = "fio:" + job.id;
    const uint32_t seed = JobSeed(experiment.seed, sample_.block);
    const auto text = RenderJob(settings_.job_texts.at(job.file), job, JobPlace{}, seed);
    if (!text) return Unexpected(text.error());
    const Deadline deadline = Deadline::After(experiment.guest.job_timeout_s);
    ForgetDisks();
    Outcome<JobOutcome> outcome = RunFioJob(*guest_, job.id, *text, deadline);
    if (!outcome) return Unexpected(outcome.error());
    sample_.metrics[JobMetricId(job)] = outcome->result.mbps;
    sample_.raw["fio"][job.id] = std::move(outcome->raw);
  }
  return {};
}

Outcome<void> ArmSession::RunPrograms() {
  const Experiment& experiment = settings_.experiment;
  for (const std::string& id : experiment.programs) {
    const Program* program = ProgramById(id);
    if (program == nullptr) continue;
    phase_ = "program:" + id;
    progress_.Phase(phase_);
    ForgetDisks();
    const Deadline deadline = Deadline::After(experiment.guest.job_timeout_s);
    Outcome<ProgramOutcome> outcome =
        RunProgram(*guest_, *program, settings_.program_texts.at(program->script), deadline);
    if (!outcome) return Unexpected(outcome.error());
    sample_.metrics[ProgramMetricId(*program)] = outcome->seconds;
    sample_.raw["programs"][id] = std::move(outcome->raw);
  }
  return {};
}

// In place of the jobs and of the phases, whose times mean nothing here.
Outcome<void> ArmSession::CountInstructions() {
  phase_ = "instructions";
  const double limit_s = settings_.experiment.guest.job_timeout_s;
  const Outcome<double> boot = InstructionsSoFar(*guest_, Deadline::After(limit_s));
  if (!boot) return Unexpected(boot.error());
  sample_.metrics["boot.total_minsn"] = *boot;
  for (const GuestLoad& load : GuestLoads()) {
    progress_.Phase("load:" + load.id);
    phase_ = "load:" + load.id;
    const Outcome<double> count = CountLoad(*guest_, load, Deadline::After(limit_s));
    if (!count) return Unexpected(count.error());
    sample_.metrics[LoadMetricId(load)] = *count;
  }
  return {};
}

Outcome<nlohmann::json> ArmSession::Diagnose(const std::string& console) {
  Outcome<void> going = Start(console);
  if (going) going = Boot();
  Outcome<nlohmann::json> told = going ? AskForUnits(*guest_, Deadline::After(kPromisesS))
                                       : Outcome<nlohmann::json>(Unexpected(going.error()));
  if (told) (*told)["markers"] = MarkersToJson(guest_->markers().all(), guest_->continued_ns());
  EndGuest();
  return told;
}

Outcome<void> ArmSession::Promises() {
  phase_ = "promises";
  if (settings_.experiment.promises) {
    progress_.Phase("promises");
    Outcome<std::vector<Promise>> promises = RunPromises(*guest_, Deadline::After(kPromisesS));
    if (!promises) return Unexpected(promises.error());
    sample_.promises = std::move(*promises);
  }
  if (settings_.experiment.upgrade && ShowsUpgrade(arm_))
    return MakeUserChanges(*guest_, Deadline::After(kPromisesS));
  return {};
}

Outcome<void> ArmSession::PowerOff() {
  progress_.Phase("poweroff");
  phase_ = "poweroff";
  Outcome<double> seconds =
      guest_->PowerOff(Deadline::After(settings_.experiment.guest.poweroff_timeout_s));
  if (!seconds) return Unexpected(seconds.error());
  if (settings_.substrate != Substrate::kIcount) sample_.metrics["shutdown_s"] = *seconds;
  Outcome<BlockStats> stats = guest_->QueryBlockStats(Deadline::After(kStartS));
  if (!stats) return Unexpected(stats.error());
  sample_.raw["disks"] = ToJson(*stats);
  sample_.raw["storage"] = StorageJson(*stats, clones_.OnDisk());
  return {};
}

void ArmSession::Run(const std::string& console) {
  const int64_t from_ns = MonotonicNs();
  const bool counts = settings_.substrate == Substrate::kIcount;
  Outcome<void> going = Start(console);
  if (going) {
    sample_.metrics["setup.qemu_s"] = SecondsBetween(from_ns, MonotonicNs());
    sample_.provenance["qemu_version"] = guest_->qemu_version();
    sample_.provenance["qemu_arguments"] = guest_->arguments();
    going = Boot();
  }
  if (going) {
    phase_ = "boot";
    auto phases = BootPhases(guest_->markers().all(), guest_->continued_ns());
    if (!phases)
      going = Unexpected(phases.error());
    else if (!counts)
      sample_.metrics.merge(*phases);
  }
  if (going) going = counts ? CountInstructions() : Jobs();
  if (going && !counts) going = RunPrograms();
  if (going) going = Promises();
  if (going) going = PowerOff();
  if (guest_)
    sample_.raw["markers"] = MarkersToJson(guest_->markers().all(), guest_->continued_ns());
  if (!going) FailSample(phase_, going.error(), console);
  EndGuest();
}

void ArmSession::EndGuest() {
  if (pauser_ && arm_.handicap.pause > 0)
    sample_.raw["handicap"] = {{"paused_s", pauser_->paused_s()},
                               {"running_s", pauser_->running_s()}};
  pauser_.reset();  // before QEMU goes, and its number with it
  if (!guest_) return EndExport();
  if (guest_->host_disk_full())
    host_error_ = Error{ExitCode::kEnvironment,
                        settings_.scratch.string() + ": no space left while " + arm_.id +
                            " ran; free some, then run it again with --resume"};
  guest_->Stop();
  guest_.reset();
  EndExport();
}

void ArmSession::FailSample(const std::string& phase, const std::string& reason,
                            const std::string& console) {
  sample_.status = SampleStatus::kFailed;
  Failure failure;
  failure.phase = phase;
  failure.reason = CleanTail(reason, 1, 1000);
  failure.console_tail = guest_ ? CleanTail(guest_->console_tail()) : "";
  failure.console = console;
  sample_.failure = std::move(failure);
}

Outcome<void> ArmSession::ExchangeSystem() {
  const int64_t from_ns = MonotonicNs();
  const uint64_t before = clones_.OnDisk().per_user;
  for (const DiskRole& role : DiskRoles(arm_, true)) {
    if (role.serial != "system") continue;
    if (Result<void> exchanged = clones_.Exchange(settings_.images, role, interrupt_); !exchanged) {
      host_error_ = exchanged.error();
      return Unexpected(exchanged.error().message);
    }
  }
  const uint64_t after = clones_.OnDisk().per_user;
  sample_.raw["upgrade"]["exchange_s"] = SecondsBetween(from_ns, MonotonicNs());
  // What a user's disks hold that they did not before; a clone made anew has lost what was in the old one.
  sample_.raw["upgrade"]["bytes_per_user"] = after > before ? after - before : 0;
  return {};
}

// Whatever became of the guest: is what the user wrote to still a file system?
void ArmSession::CheckUsersDisk() {
  const Disk* disk = UsersFileSystem(arm_, clones_.disks());
  if (disk == nullptr) return;
  Outcome<DiskState> state =
      CheckFileSystem(*disk, settings_.scratch, Deadline::After(kCheckS), interrupt_);
  if (!state) {
    sample_.raw["upgrade"]["check_failure"] = CleanTail(state.error(), 1, 1000);
    return;
  }
  sample_.promises.push_back({std::string(kAfterUpgrade) + "file-system", state->sound,
                              state->sound ? "nothing to mend" : state->said});
}

Outcome<void> ArmSession::UpgradeSteps(const std::string& console) {
  if (Outcome<void> exchanged = ExchangeSystem(); !exchanged) return exchanged;
  ForgetDisks();
  if (Outcome<void> started = Start(console); !started) return started;
  if (Outcome<void> booted = Boot(); !booted) return booted;
  progress_.Phase("upgrade");
  if (auto phases = BootPhases(guest_->markers().all(), guest_->continued_ns()))
    sample_.raw["upgrade"]["metrics"] = *phases;
  UpgradeFindings findings;
  findings.before = sample_.promises;
  Outcome<std::vector<Promise>> after = RunPromises(*guest_, Deadline::After(kPromisesS));
  if (!after) return Unexpected(after.error());
  Outcome<UserChanges> changes = FindUserChanges(*guest_, Deadline::After(kPromisesS));
  if (!changes) return Unexpected(changes.error());
  findings.after = *after;
  findings.etc_change_kept = changes->in_etc;
  findings.home_change_kept = changes->in_home;
  for (Promise& promise : *after) {
    promise.check = kAfterUpgrade + promise.check;
    sample_.promises.push_back(std::move(promise));
  }
  sample_.promises.push_back(JudgeUpgrade(findings));
  return {};
}

void ArmSession::Upgrade(const std::string& console) {
  progress_.Phase("upgrade");
  sample_.raw["upgrade"] = nlohmann::json::object();
  const Outcome<void> done = UpgradeSteps(UpgradeConsole(console));
  sample_.raw["upgrade"]["ok"] = done.has_value();
  if (!done) {
    const std::string reason = CleanTail(done.error(), 1, 1000);
    sample_.raw["upgrade"]["failure"] = reason;
    sample_.raw["upgrade"]["console"] = UpgradeConsole(console);
    sample_.promises.push_back(
        {"upgrade-keeps-changes", false, "the upgraded guest failed: " + reason});
  }
  EndGuest();
  if (!host_error_) CheckUsersDisk();
}

}  // namespace blendbench
