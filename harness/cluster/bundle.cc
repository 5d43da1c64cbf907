// SPDX-License-Identifier: MIT
#include "harness/cluster/bundle.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/cluster/batch_script.h"
#include "harness/cluster/libraries.h"
#include "harness/cluster/words.h"
#include "harness/guest/hostile.h"
#include "harness/host/programs.h"
#include "harness/measure/images.h"
#include "harness/run/provenance.h"
#include "harness/spec/disk_roles.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifest = "BUNDLE.json";
constexpr size_t kDigitsInName = 16;

std::string NameFor(const std::string& manifest_text) {
  return "bundle-" + Sha256Hex(manifest_text).substr(0, kDigitsInName);
}

Error Damaged(const fs::path& path, const std::string& what) {
  return {ExitCode::kEnvironment,
          fmt::format("{}: {}; the bundle is damaged or was not copied whole: remove it, and it is "
                      "made or sent again",
                      path.string(), what)};
}

// Fills a folder and remembers the digests.
class Packing {
 public:
  explicit Packing(fs::path folder) : folder_(std::move(folder)) {}

  Result<void> Text(const std::string& path, const std::string& text, bool program = false) {
    if (Result<void> room = MakeRoom(path); !room) return room;
    if (Result<void> written = WriteFileAtomic(folder_ / path, text); !written) return written;
    files_[path] = Sha256Hex(text);
    return program ? SetProgram(path) : Result<void>();
  }

  Result<void> Copy(const fs::path& from, const std::string& path, bool program) {
    if (Result<void> room = MakeRoom(path); !room) return room;
    std::error_code error;
    fs::copy_file(from, folder_ / path, fs::copy_options::overwrite_existing, error);
    if (error) return tl::unexpected(FileError("copy", from, error.value()));
    Result<std::string> digest = Sha256OfFile(folder_ / path);
    if (!digest) return tl::unexpected(digest.error());
    files_[path] = std::move(*digest);
    return program ? SetProgram(path) : Result<void>();
  }

  // An image, whose digest its manifest has: by a second name where that can be, for it may be gigabytes.
  Result<void> Image(const fs::path& from, const std::string& path) {
    if (Result<void> room = MakeRoom(path); !room) return room;
    std::error_code error;
    fs::create_hard_link(from, folder_ / path, error);
    if (!error) return {};
    fs::copy_file(from, folder_ / path, error);
    if (error) return tl::unexpected(FileError("copy", from, error.value()));
    return {};
  }

  // Every regular file of `from` with a plain name.
  Result<void> Folder(const fs::path& from, const std::string& path) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
      std::error_code ignored;
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file(ignored) || !IsPlainPath(name)) continue;
      if (Result<void> copied = Copy(entry.path(), path + "/" + name, false); !copied)
        return copied;
    }
    if (error) return tl::unexpected(FileError("read", from, error.value()));
    return {};
  }

  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  Result<void> MakeRoom(const std::string& path) {
    if (!IsPlainPath(path))
      return Fail(ExitCode::kEnvironment,
                  fmt::format("{}: no name for a file of a bundle; rename it", OneLine(path)));
    std::error_code error;
    fs::create_directories((folder_ / path).parent_path(), error);
    if (error)
      return tl::unexpected(FileError("make", (folder_ / path).parent_path(), error.value()));
    return {};
  }
  Result<void> SetProgram(const std::string& path) {
    std::error_code error;
    fs::permissions(folder_ / path, fs::perms(0755), error);
    if (error) return tl::unexpected(FileError("set the mode of", folder_ / path, error.value()));
    return {};
  }

  fs::path folder_;
  std::map<std::string, std::string> files_;
};

Result<void> PackPrograms(const BundleOrder& order, Packing& packing) {
  if (auto copied = packing.Copy(order.blendbench, "bin/blendbench", true); !copied) return copied;
  const fs::path blendload = FindProgram(order.config.blendload.string());
  if (blendload.empty())
    return Fail(ExitCode::kEnvironment,
                order.config.blendload.string() +
                    ": there is no such program; build the target blendload, or name it with "
                    "--blendload");
  if (auto copied = packing.Copy(blendload, "bin/blendload", true); !copied) return copied;
  // Without it the engine is reported as missing, as on a machine of one's own.
  const fs::path blendfs = FindProgram(order.config.blendfs.string());
  if (!blendfs.empty())
    if (auto copied = packing.Copy(blendfs, "bin/blendfs", true); !copied) return copied;
  if (order.blendbench == "/proc/self/exe")
    for (const fs::path& library : LibrariesOfThisProgram())
      if (auto copied = packing.Copy(library, "lib/" + library.filename().string(), false); !copied)
        return copied;
  return packing.Text("block.sh", kBatchScript, true);
}

struct PackedImages {
  std::map<std::string, std::string> digests;
  std::string folder;  // "images" when they travel
};

// The images themselves, and a manifest that names no other.
Result<void> PackImageFiles(const ImageSet& images, Packing& packing) {
  json manifest = images.manifest;
  json& entries = manifest["files"];
  const json all = std::exchange(entries, json::object());
  for (const auto& [name, image] : images.files) {
    entries[name] = all[name];
    const std::string file = StringMember(all[name], "path").value_or(name);
    if (auto linked = packing.Image(image.path, "images/" + file); !linked) return linked;
  }
  return packing.Text("images/manifest.json", manifest.dump(2) + "\n");
}

// What the experiment needs of the images; nothing on the host, unless somebody named them.
Result<PackedImages> PackImages(const RunFolder& run, const BundleOrder& order, Packing& packing) {
  PackedImages packed;
  const Experiment& experiment = run.plan().experiment;
  if (OnHost(experiment) && !order.config.images_named) return packed;
  Result<ImageSet> images = LoadImages(order.config.images);
  if (!images) return tl::unexpected(images.error());
  if (OnHost(experiment)) {  // there a case without its images is skipped
    KeepImages(*images, ImagesOf(experiment));
  } else if (Result<void> taken = TakeImages(*images, experiment); !taken) {
    return tl::unexpected(taken.error());
  }
  packed.folder = order.images_inside ? "images" : images->folder.string();
  if (order.images_inside)
    if (Result<void> inside = PackImageFiles(*images, packing); !inside)
      return tl::unexpected(inside.error());
  for (const auto& [name, image] : images->files) packed.digests[name] = image.sha256;
  return packed;
}

Result<void> PackRunFiles(const RunFolder& run, Packing& packing) {
  for (const char* name : {"plan.json", "spec.toml", "claims.toml"})
    if (auto copied = packing.Copy(run.dir() / name, name, false); !copied) return copied;
  return {};
}

Result<std::string> Pack(const RunFolder& run, const BundleOrder& order, const fs::path& folder,
                         const Interrupt& interrupt) {
  Packing packing(folder);
  if (auto packed = PackRunFiles(run, packing); !packed) return tl::unexpected(packed.error());
  if (auto packed = PackPrograms(order, packing); !packed) return tl::unexpected(packed.error());
  for (const auto& [from, to] :
       {std::pair<fs::path, const char*>{order.config.jobs, "workloads/fio"},
        {order.config.programs, "workloads/programs"}})
    if (auto packed = packing.Folder(from, to); !packed) return tl::unexpected(packed.error());
  Result<PackedImages> images = PackImages(run, order, packing);
  if (!images) return tl::unexpected(images.error());
  const SourceState source = ReadSourceState(order.config.sources, &interrupt);
  const std::string text = DumpJson({{"schema", 1},
                                     {"plan_sha256", run.plan_sha256()},
                                     {"git_commit", source.commit},
                                     {"git_dirty", source.dirty},
                                     {"images_folder", images->folder},
                                     {"images", images->digests},
                                     {"files", packing.files()}});
  if (auto written = WriteFileAtomic(folder / kManifest, text); !written)
    return tl::unexpected(written.error());
  return NameFor(text);
}

Result<Bundle> ReadManifest(const fs::path& folder) {
  const fs::path path = folder / kManifest;
  Result<std::string> text = ReadFile(path);
  if (!text)
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: no bundle of blendbench here", folder.string()));
  if (NameFor(*text) != folder.filename().string())
    return tl::unexpected(Damaged(path, "is not the one the folder is named by"));
  const auto manifest = ParseJson(*text);
  if (!manifest || !manifest->is_object() || manifest->value("schema", json()) != 1)
    return tl::unexpected(Damaged(path, "is of another version"));
  Bundle bundle;
  bundle.folder = folder;
  try {
    bundle.plan_sha256 = manifest->at("plan_sha256");
    bundle.git_commit = manifest->at("git_commit");
    bundle.git_dirty = manifest->at("git_dirty");
    manifest->at("files").get_to(bundle.files);
    manifest->at("images").get_to(bundle.images);
    const std::string images = manifest->at("images_folder");
    if (!images.empty()) bundle.images_folder = folder / images;  // an absolute one stays as it is
  } catch (const std::exception& error) {
    return tl::unexpected(Damaged(path, error.what()));
  }
  return bundle;
}

}  // namespace

std::string Bundle::DigestOf(const std::string& path) const {
  const auto found = files.find(path);
  return found == files.end() ? "" : found->second;
}

Result<Bundle> MakeBundle(const RunFolder& run, const BundleOrder& order, const fs::path& parent,
                          const Interrupt& interrupt) {
  const fs::path making = fs::absolute(parent) / "bundle.new";
  std::error_code error;
  fs::remove_all(making, error);
  if (!error) fs::create_directories(making, error);
  if (error) return tl::unexpected(FileError("make", making, error.value()));
  Result<std::string> name = Pack(run, order, making, interrupt);
  if (!name) {
    fs::remove_all(making, error);
    return tl::unexpected(name.error());
  }
  const fs::path folder = fs::absolute(parent) / *name;
  fs::remove_all(folder, error);
  fs::rename(making, folder, error);
  if (error) return tl::unexpected(FileError("rename", making, error.value()));
  return OpenBundle(folder);
}

Result<Bundle> OpenBundle(const fs::path& given) {
  const fs::path folder =
      fs::absolute(given.has_filename() ? given : given.parent_path()).lexically_normal();
  Result<Bundle> bundle = ReadManifest(folder);
  if (!bundle) return bundle;
  for (const auto& [path, wanted] : bundle->files) {
    if (!IsPlainPath(path))
      return tl::unexpected(Damaged(folder / kManifest, "names a file outside of the bundle"));
    Result<std::string> digest = Sha256OfFile(folder / path);
    if (!digest) return tl::unexpected(Damaged(folder / path, "cannot be read"));
    if (*digest != wanted)
      return tl::unexpected(Damaged(folder / path, "its digest is not the bundle's"));
  }
  if (bundle->plan_sha256 != bundle->DigestOf("plan.json"))
    return tl::unexpected(Damaged(folder / "plan.json", "is not the plan of the bundle"));
  return bundle;
}

}  // namespace blendbench
