// SPDX-License-Identifier: MIT
#include "harness/host/template_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/base/files.h"
#include "harness/guest/process.h"
#include "harness/host/loop_mount.h"
#include "harness/spec/engine.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// No work of the kernel's is left for later, when somebody measures.
const std::vector<std::string> kMakeExt4 = {
    "mkfs.ext4", "-q", "-F",
    "-m",        "0",  "-i",
    "16384",     "-E", "lazy_itable_init=0,lazy_journal_init=0"};

Outcome<void> MakeFileSystem(const fs::path& image, Deadline deadline) {
  Result<void> made = WriteFileAtomic(image, "");
  if (!made) return Unexpected(made.error().message);
  std::error_code error;
  fs::resize_file(image, kTemplateBytes, error);
  if (error) return Unexpected("cannot size " + image.string() + ": " + error.message());
  std::vector<std::string> argv = kMakeExt4;
  argv.push_back(image.string());
  const Outcome<std::string> done = RunChecked(argv, deadline, nullptr);
  if (!done) return Unexpected(done.error());
  return {};
}

Outcome<void> Fill(const fs::path& blendload, const fs::path& folder,
                   const std::vector<std::string>& data, Deadline deadline) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Unexpected("cannot make " + folder.string() + ": " + error.message());
  if (data.empty()) return {};
  std::vector<std::string> argv{blendload.string(), "prepare", folder.string()};
  argv.insert(argv.end(), data.begin(), data.end());
  const Outcome<std::string> done = RunChecked(argv, deadline, nullptr);
  if (!done) return Unexpected(done.error());
  return {};
}

}  // namespace

fs::path LayerPath(const fs::path& root, int layer) {
  return root / "layers" / fmt::format("{:03}", layer);
}

fs::path MergedPath(const fs::path& root, int layers) {
  return root / fmt::format("merged-{}", layers);
}

Outcome<void> MakeTemplate(const TemplateOrder& order, Deadline deadline) {
  if (Outcome<void> made = MakeFileSystem(order.image, deadline); !made) return made;
  if (Outcome<void> mounted = MountImage(order.image, order.target, false); !mounted)
    return mounted;
  std::set<std::string> lower_data;
  std::set<int> counts;
  for (const HostCase& host_case : order.cases) {
    if (!host_case.lower_data.empty()) lower_data.insert(host_case.lower_data);
    if (host_case.group == "layers") counts.insert(host_case.layers);
  }
  Outcome<void> filled = Fill(order.blendload, order.target / "lower",
                              {lower_data.begin(), lower_data.end()}, deadline);
  for (int layer = 0; filled && !counts.empty() && layer < *counts.rbegin(); ++layer)
    filled = Fill(order.blendload, LayerPath(order.target, layer),
                  {"layer:" + std::to_string(layer)}, deadline);
  for (const int count : counts)
    if (filled)
      filled = Fill(order.blendload, MergedPath(order.target, count),
                    {"merged:" + std::to_string(count)}, deadline);
  if (!filled) return filled;
  return Unmount(order.target, deadline);
}

uint64_t ArmBytes(const std::vector<HostCase>& cases) {
  uint64_t mib = 400;  // file system, small trees
  for (const HostCase& host_case : cases) {
    if (host_case.lower_data == "big") mib = std::max<uint64_t>(mib, 1000);
  }
  for (const HostCase& host_case : cases) {
    if (host_case.lower_data == "big" && host_case.needs_trait == kTraitCopyUp) mib += 520;
    if (host_case.upper_data.rfind("file:", 0) == 0) mib += 130;
    if (host_case.id == "upper-create-seqwrite-512M") mib += 520;
    if (IsBootCase(host_case)) mib += 1500;
  }
  return mib << 20;
}

}  // namespace blendbench
