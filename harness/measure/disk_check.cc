// SPDX-License-Identifier: MIT
#include "harness/measure/disk_check.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"
#include "harness/guest/process.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// e2fsck(8): 0 clean, 1 mended (a journal replayed among it), 2 mended and reboot; what is above is not sound.
constexpr int kLastSound = 2;

json File(const std::string& path) { return {{"driver", "file"}, {"filename", path}}; }

// The disk as one chain, to be read by qemu-img.
json ChainOf(const Disk& disk) {
  json chain = {{"driver", "raw"}, {"file", File(disk.image)}};
  for (const std::string& path : {disk.overlay, disk.clone})
    if (!path.empty())
      chain = {{"driver", "qcow2"}, {"file", File(path)}, {"backing", std::move(chain)}};
  return chain;
}

class Copy {
 public:
  explicit Copy(fs::path path) : path_(std::move(path)) {}
  ~Copy() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

// The first line that is a complaint: e2fsck prefixes what it says by the name of the file.
std::string FirstComplaint(const std::string& output, const std::string& path) {
  std::istringstream lines(CleanText(output));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(path + ": ")) line.erase(0, path.size() + 2);
    if (!line.empty() && line.find("recovering journal") == std::string::npos &&
        !line.starts_with("e2fsck "))
      return Truncate(line, 200);
  }
  return "e2fsck gave no reason";
}

}  // namespace

const Disk* UsersFileSystem(const Arm& arm, const std::vector<Disk>& disks) {
  if (arm.layout == Layout::kBlock && arm.engine != kChainEngine) return nullptr;
  const Disk* found = nullptr;
  for (const Disk& disk : disks)  // the user's own rather than a private clone of the system
    if (!disk.read_only && (found == nullptr || disk.serial == "user")) found = &disk;
  return found;
}

Outcome<DiskState> CheckFileSystem(const Disk& disk, const fs::path& folder, Deadline deadline,
                                   const Interrupt* interrupt) {
  const Copy copy(folder / ("check-" + disk.serial + ".raw"));
  Outcome<std::string> copied =
      disk.exported
          ? RunChecked({"cp", "--sparse=always", disk.clone, copy.path()}, deadline, interrupt)
          : RunChecked(
                {"qemu-img", "convert", "-O", "raw", "json:" + ChainOf(disk).dump(), copy.path()},
                deadline, interrupt);
  if (!copied) return Unexpected("copying the disk to look at it: " + copied.error());
  Outcome<CommandResult> checked = RunCommand({"e2fsck", "-fp", copy.path()}, deadline, interrupt);
  if (!checked) return Unexpected(checked.error());
  if (checked->status.signal != 0) return Unexpected("e2fsck ended with " + checked->status.Text());
  DiskState state;
  state.sound = checked->status.code <= kLastSound;
  if (!state.sound) state.said = FirstComplaint(checked->output, copy.path());
  return state;
}

}  // namespace blendbench
