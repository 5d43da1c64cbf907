// SPDX-License-Identifier: MIT
#include "harness/host/programs.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/process.h"
#include "harness/host/virtiofsd.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kVersion_s = 10;

bool IsExecutable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

bool KernelHasOverlay() {
  std::ifstream file("/proc/filesystems");
  for (std::string line; std::getline(file, line);)
    if (line == "nodev\toverlay") return true;
  return false;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

fs::path FindProgram(const std::string& name) {
  if (name.empty()) return "";
  if (name.find('/') != std::string::npos)
    return IsExecutable(name) ? fs::absolute(name) : fs::path();
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (IsExecutable(fs::path(folder) / name)) return fs::path(folder) / name;
  return "";
}

fs::path CacheFolder() {
  const auto named = [](const char* variable) -> fs::path {
    const char* value = std::getenv(variable);
    return value == nullptr ? "" : value;
  };
  if (fs::path cache = named("BLEND_CACHE"); !cache.empty()) return cache;
  if (fs::path caches = named("XDG_CACHE_HOME"); !caches.empty()) return caches / "blendfs";
  const fs::path home = named("HOME");
  return (home.empty() ? fs::path("/root") : home) / ".cache" / "blendfs";
}

EngineHere LookForEngine(EngineDescriptor descriptor, const Interrupt* interrupt) {
  EngineHere here;
  if (descriptor.kind == MountKind::kKernel) {
    // A kernel that has it as a module loads it at the first mount, or for modprobe.
    if (!KernelHasOverlay())
      static_cast<void>(
          RunCommand({"modprobe", "overlay"}, Deadline::After(kVersion_s), interrupt));
    if (!KernelHasOverlay()) here.missing = "not available here: this kernel has no overlayfs";
  } else if (descriptor.kind == MountKind::kProgram || descriptor.kind == MountKind::kExport) {
    const fs::path program =
        descriptor.kind == MountKind::kExport ? FindVirtiofsd() : FindProgram(descriptor.program);
    if (program.empty()) {
      here.missing = "not available here: there is no program " + descriptor.program;
      if (!descriptor.package.empty())
        here.missing += ", install the package " + descriptor.package;
    } else {
      descriptor.program = program.string();
      if (const auto told =
              RunCommand({descriptor.program, "--version"}, Deadline::After(kVersion_s), interrupt))
        here.version = told->status.ok() ? CleanText(FirstLine(told->output)) : "";
      if (Result<std::string> digest = Sha256OfFile(program)) here.sha256 = *digest;
    }
  }
  here.descriptor = std::move(descriptor);
  return here;
}

std::string EngineState(const EngineHere& engine) {
  if (!engine.missing.empty()) return engine.missing;
  return engine.version.empty() ? "there" : engine.version;
}

}  // namespace blendbench
