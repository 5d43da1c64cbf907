// SPDX-License-Identifier: MIT
#include "harness/measure/engine_initramfs.h"

#include <fmt/format.h>

#include <sstream>

#include "harness/base/cpio.h"
#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/process.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kLdd_s = 30;
constexpr uint32_t kProgram = 0755;
constexpr uint32_t kText = 0644;
constexpr const char* kImages = "/run/blend";
constexpr const char* kRoot = "/sysroot";

// ldd fails for a program that needs no libraries.
Outcome<std::vector<std::string>> LibrariesOfProgram(const std::string& program,
                                                     const Interrupt* interrupt) {
  const auto told = RunCommand({"ldd", program}, Deadline::After(kLdd_s), interrupt);
  if (!told) return Unexpected(told.error());
  if (told->status.ok()) return LibrariesOf(told->output);
  if (told->output.find("not a dynamic executable") != std::string::npos) return {};
  return Unexpected(fmt::format("ldd {}: {}", program, OneLine(told->output)));
}

// The loader has its path in the program; all else is found in one folder by LD_LIBRARY_PATH.
bool IsLoader(const std::string& path) {
  return path.find("/ld-linux") != std::string::npos || path.find("/ld-musl") != std::string::npos;
}

}  // namespace

MountOrder RootMountOrder(const Arm& arm) {
  MountOrder order;
  order.images = kImages;
  for (int app = 0; app + 1 < arm.guest.layers; ++app)
    order.lowers.push_back(order.images + "/app" + std::to_string(app));
  order.lowers.push_back(order.images + "/system");
  order.upper = order.images + "/user/upper";
  order.work = order.images + "/user/work";
  order.target = kRoot;
  order.options = arm.engine_options;
  return order;
}

Outcome<std::vector<std::string>> LibrariesOf(const std::string& ldd_output) {
  std::vector<std::string> paths;
  std::istringstream lines(ldd_output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("=> not found") != std::string::npos)
      return Unexpected("a shared library is missing: " + OneLine(line));
    // "libc.so.6 => /lib/libc.so.6 (0x7f..)", "/lib64/ld-linux-x86-64.so.2 (0x7f..)", "linux-vdso.so.1 (0x7f..)"
    const size_t arrow = line.find("=> ");
    const size_t from = arrow == std::string::npos ? line.find_first_not_of(" \t") : arrow + 3;
    if (from == std::string::npos || line[from] != '/') continue;
    paths.push_back(line.substr(from, line.find(" (", from) - from));
  }
  return paths;
}

Result<void> WriteEngineInitramfs(const EngineDescriptor& engine, const MountOrder& order,
                                  const fs::path& base, const fs::path& out,
                                  const Interrupt* interrupt) {
  const auto fail = [&](const std::string& why) {
    return Fail(ExitCode::kEnvironment,
                fmt::format("engine \"{}\" cannot be put into a guest: {}", engine.name, why));
  };
  const auto libraries = LibrariesOfProgram(engine.program, interrupt);
  if (!libraries) return fail(libraries.error());
  EngineDescriptor in_guest = engine;
  in_guest.program = "/engine/" + fs::path(engine.program).filename().string();
  const auto argv = RootMountCommand(in_guest, order);
  if (!argv) return fail(argv.error());

  CpioArchive archive;
  const auto add = [&](const std::string& from, const std::string& name) -> Result<void> {
    Result<std::string> content = ReadFile(from);
    if (!content) return tl::unexpected(content.error());
    archive.Add(name, *content, kProgram);
    return {};
  };
  archive.Add("engine/argv", Join(*argv, "\n") + "\n", kText);
  if (auto added = add(engine.program, in_guest.program.substr(1)); !added) return added;
  for (const std::string& library : *libraries) {
    const std::string name = IsLoader(library)
                                 ? library.substr(1)
                                 : "engine/lib/" + fs::path(library).filename().string();
    if (auto added = add(library, name); !added) return added;
  }
  Result<std::string> whole = ReadFile(base);
  if (!whole) return tl::unexpected(whole.error());
  return WriteFileAtomic(out, *whole + archive.Finish());
}

}  // namespace blendbench
