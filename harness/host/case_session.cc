// SPDX-License-Identifier: MIT
#include "harness/host/case_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/guest/process.h"
#include "harness/host/boot.h"
#include "harness/host/load.h"
#include "harness/host/loop_mount.h"
#include "harness/host/pauser.h"
#include "harness/host/program_case.h"
#include "harness/host/template_image.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kMountS = 30;
constexpr double kUnmountS = 60;

class Session {
 public:
  Session(const CaseOrder& order, const Say& say)
      : order_(order), say_(say), image_dir_(order.folder / "i"), root_(order.folder / "u") {}

  Outcome<void> Run() {
    std::error_code error;
    for (const fs::path& dir : {image_dir_, root_}) fs::create_directories(dir, error);
    if (error) return Unexpected("cannot make a mount point: " + error.message());
    if (Outcome<void> mounted = MountImage(order_.image, image_dir_, false); !mounted)
      return mounted;
    for (const HostCase& host_case : order_.cases) {
      if (const auto reason = WhySkipped(host_case)) {
        say_({{"case", host_case.id}, {"skipped", *reason}});
        continue;
      }
      say_({{"phase", host_case.id}});
      printf("== %s\n", host_case.id.c_str());
      fflush(stdout);
      Outcome<json> result = IsBootCase(host_case) ? Boot() : Load(host_case);
      if (result) {
        (*result)["case"] = host_case.id;
        say_(*result);
      } else {
        printf("failed: %s\n", result.error().c_str());
        fflush(stdout);
        say_({{"case", host_case.id}, {"failed", result.error()}});
      }
    }
    return {};
  }

 private:
  std::optional<std::string> WhySkipped(const HostCase& host_case) const {
    if (auto cannot = WhyNot(order_.engine, host_case.needs_trait)) return cannot;
    const auto known = order_.skips.find(host_case.id);
    if (known == order_.skips.end()) return std::nullopt;
    return known->second;
  }

  // Layers for the case, with an upper that nobody has used.
  Outcome<MountOrder> FreshLayers(const HostCase& host_case) {
    MountOrder order;
    order.options = order_.options;
    order.target = root_.string();
    const bool layered = host_case.group == "layers";
    std::vector<fs::path> lowers;
    if (!layered) {
      lowers = {image_dir_ / "lower"};
    } else if (order_.engine.kind == MountKind::kBind) {
      lowers = {MergedPath(image_dir_, host_case.layers)};
    } else {
      for (int layer = 0; layer < host_case.layers; ++layer)
        lowers.push_back(LayerPath(image_dir_, layer));
    }
    for (const fs::path& lower : lowers) order.lowers.push_back(lower.string());
    const fs::path fresh = image_dir_ / fmt::format("n{:03}", ++number_);
    order.upper = (fresh / "upper").string();
    order.work = (fresh / "work").string();
    std::error_code error;
    fs::create_directories(order.upper, error);
    if (!error) fs::create_directories(order.work, error);
    if (error) return Unexpected("cannot make an upper: " + error.message());
    return order;
  }

  // What the case wants to find, and the caches in the state it begins in.
  Outcome<void> Ready(const HostCase& host_case, const MountOrder& order, Deadline deadline) {
    const bool plain = order_.engine.kind == MountKind::kBind;
    if (!host_case.upper_data.empty()) {
      const std::string& into = plain ? order.lowers[0] : order.upper;
      const auto made =
          RunChecked({order_.blendload, "prepare", into, host_case.upper_data}, deadline, nullptr);
      if (!made) return Unexpected(made.error());
    }
    if (host_case.group == "layers")
      for (const std::string& lower : order.lowers)
        if (const auto walked = RunChecked({order_.blendload, "walk", lower}, deadline, nullptr);
            !walked)
          return Unexpected(walked.error());
    if (Outcome<void> synced = SyncFileSystem(image_dir_); !synced) return synced;
    if (!host_case.cold) return {};
    // Mounted anew, nothing of it is in a cache; the image file's own pages are dropped.
    Outcome<void> done = Unmount(image_dir_, Deadline::After(kUnmountS));
    if (done) done = DropCaches();
    if (done) done = MountImage(order_.image, image_dir_, false);
    return done;
  }

  Outcome<json> Load(const HostCase& host_case) {
    const Deadline deadline = Deadline::After(order_.case_timeout_s);
    const Outcome<MountOrder> order = FreshLayers(host_case);
    if (!order) return Unexpected(order.error());
    if (Outcome<void> ready = Ready(host_case, *order, deadline); !ready)
      return Unexpected(ready.error());
    const Outcome<EngineMount> mount = Mount(*order, image_dir_.string());
    if (!mount) return Unexpected(mount.error());
    Outcome<LoadResult> result = Unexpected("");
    // What the daemon read while it started.
    Outcome<void> cold = host_case.cold ? DropCaches() : Outcome<void>();
    const Pauser pauser(order_.handicap.pause, SignalAllInside);
    if (cold) {
      result = Work(host_case, *order, *mount, deadline);
    } else {
      result = Unexpected(cold.error());
    }
    const Outcome<void> unmounted = UnmountEngine(*mount, Deadline::After(kUnmountS));
    if (!result) return Unexpected(result.error());
    if (!unmounted) return Unexpected(unmounted.error());
    return json{{"seconds", result->seconds},
                {"cpu_s", result->cpu_s},
                {"bytes", result->bytes},
                {"raw", WithPauses(result->raw, pauser)}};
  }

  Outcome<LoadResult> Work(const HostCase& host_case, const MountOrder& order,
                           const EngineMount& mount, Deadline deadline) {
    const Program* program = IsProgramCase(host_case) ? ProgramById(host_case.id) : nullptr;
    if (program == nullptr)
      return RunLoad(order_.blendload, host_case.id, order.target, mount.daemons, host_case.rate,
                     deadline);
    const ProgramPlace place{.script = order_.workloads / program->script,
                             .root = order.target,
                             .data = order_.workloads,
                             .backing = image_dir_};
    return RunProgramCase(*program, place, mount.daemons, deadline);
  }

  // What a handicap came to, as it was measured.
  json WithPauses(json raw, const Pauser& pauser) const {
    if (order_.handicap.pause > 0)
      raw["handicap"] = {{"paused_s", pauser.paused_s()}, {"running_s", pauser.running_s()}};
    return raw;
  }

  Outcome<EngineMount> Mount(const MountOrder& order, const std::string& base) {
    Outcome<EngineMount> mount = MountEngine(order_.engine, order, base, Deadline::After(kMountS));
    if (mount && !said_type_) say_({{"type", mount->type}});
    said_type_ = said_type_ || mount.has_value();
    return mount;
  }

  // The guest's images: shared ones read-only as they are, the writable one as a copy.
  Outcome<MountOrder> GuestLayers(const fs::path& base, Deadline deadline) {
    MountOrder order;
    order.options = order_.options;
    order.target = root_.string();
    const bool plain = order_.engine.kind == MountKind::kBind;
    const std::string writable = plain ? "monolithic" : "user";
    std::error_code error;
    for (const char* name : {"app", "system", "user", "monolithic"})
      fs::create_directories(base / name, error);
    if (error) return Unexpected("cannot make a mount point: " + error.message());
    const fs::path clone = base / (writable + ".ext4");
    Outcome<void> done = CloneImage(order_.guest_images.at(writable), clone, deadline, nullptr);
    if (done) done = MountImage(clone, base / writable, false);
    for (const char* name : {"app", "system"})
      if (done && !plain) done = MountImage(order_.guest_images.at(name), base / name, true);
    if (!done) return Unexpected(done.error());
    if (plain) {
      order.lowers = {(base / "monolithic").string()};
    } else {
      order.lowers = {(base / "app").string(), (base / "system").string()};
      order.upper = (base / "user/upper").string();
      order.work = (base / "user/work").string();
    }
    return order;
  }

  Outcome<json> Boot() {
    const Deadline deadline = Deadline::After(order_.case_timeout_s);
    const fs::path base = order_.folder / "g";
    const Outcome<MountOrder> order = GuestLayers(base, deadline);
    if (!order) return Unexpected(order.error());
    const Outcome<EngineMount> mount = Mount(*order, base.string());
    if (!mount) return Unexpected(mount.error());
    Outcome<json> result = Boots(*mount, deadline);
    const Outcome<void> unmounted = UnmountEngine(*mount, Deadline::After(kUnmountS));
    if (!result) return result;
    if (!unmounted) return Unexpected(unmounted.error());
    return result;
  }

  // One boot warms the caches, the others count; the median of their times is the arm's.
  Outcome<json> Boots(const EngineMount& mount, Deadline deadline) {
    const std::string socket = (order_.folder / "n").string();
    std::vector<double> ready_s;
    double cpu_s = 0;
    json raw = json::array();
    for (int boot = 0; boot <= order_.boots; ++boot) {
      const double daemons_from_s = CpuSeconds(mount.daemons);
      const Pauser pauser(order_.handicap.pause, SignalAllInside);
      const Outcome<BootTimes> times =
          BootContainer(order_.nspawn.string(), mount.target, socket, order_.handicap, deadline);
      if (!times) return Unexpected(times.error());
      const double daemons_s = CpuSeconds(mount.daemons) - daemons_from_s;
      raw.push_back(WithPauses({{"ready_s", times->ready_s},
                                {"poweroff_s", times->poweroff_s},
                                {"caller_cpu_s", times->caller_cpu_s},
                                {"daemon_cpu_s", daemons_s},
                                {"warm_up", boot == 0}},
                               pauser));
      if (boot == 0) continue;
      ready_s.push_back(times->ready_s);
      cpu_s += (times->caller_cpu_s + daemons_s) / order_.boots;
    }
    if (Outcome<void> right = CheckMergedTree(mount.target); !right)
      return Unexpected(right.error());
    std::sort(ready_s.begin(), ready_s.end());
    const size_t middle = ready_s.size() / 2;
    const double median =
        ready_s.size() % 2 == 1 ? ready_s[middle] : (ready_s[middle - 1] + ready_s[middle]) / 2;
    return json{{"seconds", median}, {"cpu_s", cpu_s}, {"bytes", 0}, {"raw", {{"boots", raw}}}};
  }

  const CaseOrder& order_;
  const Say& say_;
  fs::path image_dir_;
  fs::path root_;
  int number_ = 0;
  bool said_type_ = false;
};

}  // namespace

Outcome<void> RunCases(const CaseOrder& order, const Say& say) { return Session(order, say).Run(); }

}  // namespace blendbench
