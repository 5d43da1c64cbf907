// SPDX-License-Identifier: MIT
#include "harness/measure/arm_session.h"

#include <signal.h>

#include "harness/base/text.h"
#include "harness/measure/boot_phases.h"
#include "harness/measure/diagnosis.h"
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

std::string UpgradeConsole(const std::string& console) {
  const size_t dot = console.rfind(".log");
  return console.substr(0, dot) + "-upgrade.log";
}

int64_t WrittenBytes(const BlockStats& stats, const std::string& serial) {
  const auto found = stats.find(serial);
  return found == stats.end() ? 0 : found->second.written_bytes;
}

}  // namespace

bool ShowsUpgrade(const Arm& arm) { return arm.layout != Layout::kMonolithic && !arm.control; }

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
  MachineSpec spec;
  spec.qemu = settings_.qemu;
  spec.substrate = settings_.substrate;
  spec.memory_mib = settings_.experiment.guest.memory_mib;
  spec.cpus = settings_.experiment.guest.cpus;
  spec.kernel = settings_.images.at("kernel").path.string();
  const auto own = settings_.engine_initramfs.find(arm_.id);
  if (own != settings_.engine_initramfs.end() && !own->second)
    return Unexpected(own->second.error().message);
  spec.initramfs = own == settings_.engine_initramfs.end()
                       ? settings_.images.at("initramfs").path.string()
                       : own->second->string();
  spec.disks = clones_.disks();
  spec.direct_io = settings_.direct_io;
  spec.disk_mbps = arm_.handicap.disk_mbps;
  const int apps = arm_.layout == Layout::kMonolithic ? 0 : 1;
  spec.command_line = KernelCommandLine(arm_, apps, settings_.experiment.guest);
  const GuestFiles files{.console_log = settings_.run_folder / console,
                         .qemu_log = settings_.scratch / "qemu.log"};
  Outcome<std::unique_ptr<Guest>> guest =
      Guest::Start(spec, files, interrupt_, Deadline::After(kStartS));
  if (!guest) return Unexpected(guest.error());
  guest_ = std::move(*guest);
  const pid_t group = guest_->pid();
  pauser_ = std::make_unique<Pauser>(arm_.handicap.pause,
                                     [group](int signal) { ::kill(-group, signal); });
  return {};
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
    EvictFromHostCache(clones_.disks());
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
    EvictFromHostCache(clones_.disks());
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
  sample_.raw["storage"] = {{"system_bytes_written", WrittenBytes(*stats, "system")},
                            {"app_bytes_written", WrittenBytes(*stats, "app0")},
                            {"user_bytes_written", WrittenBytes(*stats, "user")}};
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
  if (!guest_) return;
  if (guest_->host_disk_full())
    host_error_ = Error{ExitCode::kEnvironment,
                        settings_.scratch.string() + ": no space left while " + arm_.id +
                            " ran; free some, then run it again with --resume"};
  guest_->Stop();
  guest_.reset();
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

Outcome<void> ArmSession::UpgradeSteps(const std::string& console) {
  for (const DiskRole& role : DiskRoles(arm_.layout, true)) {
    if (role.serial != "system") continue;
    if (Result<void> exchanged = clones_.Exchange(settings_.images, role, interrupt_); !exchanged) {
      host_error_ = exchanged.error();
      return Unexpected(exchanged.error().message);
    }
  }
  EvictFromHostCache(clones_.disks());
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
    promise.check = "upgrade." + promise.check;
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
}

}  // namespace blendbench
