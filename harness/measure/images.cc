// SPDX-License-Identifier: MIT
#include "harness/measure/images.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <optional>
#include <set>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/hostile.h"
#include "harness/spec/disk_roles.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr std::array kNeeded = {"kernel", "initramfs"};

std::string Remedy(const fs::path& folder) {
  return fmt::format("; build the images with: vm-images/build --out {}", folder.string());
}

int64_t ModifiedNs(const struct stat& status) {
  return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// One member of "files". The manifest is a file like any other: names and sizes are doubted.
Result<Image> ReadEntry(const fs::path& folder, const std::string& name,
                        const nlohmann::json& entry) {
  const std::optional<std::string> file = StringMember(entry, "path");
  const std::optional<std::string> sha256 = StringMember(entry, "sha256");
  const std::optional<int64_t> bytes = IntMember(entry, "bytes");
  const int64_t slice_bytes = IntMember(entry, "slice_bytes").value_or(0);
  if (!file || !sha256 || !bytes || *bytes < 0 || slice_bytes < 0 || slice_bytes > *bytes)
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: no complete entry for \"{}\"{}",
                            (folder / "manifest.json").string(), CleanText(name), Remedy(folder)));
  Image image{.path = folder / *file, .sha256 = *sha256, .bytes = static_cast<uint64_t>(*bytes)};
  image.slice_bytes = static_cast<uint64_t>(slice_bytes);
  struct stat status {};
  if (::stat(image.path.c_str(), &status) != 0)
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: the image is missing{}", image.path.string(), Remedy(folder)));
  const auto actual = static_cast<uint64_t>(status.st_size);
  image.device = status.st_dev;
  image.inode = status.st_ino;
  image.modified_ns = ModifiedNs(status);
  if (actual != image.bytes)
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: {} bytes, the manifest says {}{}", image.path.string(), actual,
                            image.bytes, Remedy(folder)));
  return image;
}

}  // namespace

Result<ImageSet> LoadImages(const fs::path& folder) {
  const fs::path path = folder / "manifest.json";
  Result<std::string> text = ReadFile(path);
  if (!text)
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: no guest images here{}", path.string(), Remedy(folder)));
  std::optional<nlohmann::json> manifest = ParseHostileJson(*text);
  if (!manifest || IntMember(*manifest, "schema") != 1)
    return Fail(ExitCode::kEnvironment, fmt::format("{}: not an image manifest of schema 1{}",
                                                    path.string(), Remedy(folder)));
  ImageSet images;
  images.folder = fs::absolute(folder);
  images.kernel_version = StringMember(*manifest, "kernel_version").value_or("");
  const nlohmann::json& files = Member(*manifest, "files");
  for (const char* name : kNeeded)
    if (!files.is_object() || !files.contains(name))
      return Fail(ExitCode::kEnvironment, fmt::format("{}: no complete entry for \"{}\"{}",
                                                      path.string(), name, Remedy(folder)));
  for (const auto& [name, entry] : files.items()) {
    Result<Image> image = ReadEntry(images.folder, name, entry);
    if (!image) return tl::unexpected(image.error());
    images.files[name] = std::move(*image);
  }
  images.manifest = std::move(*manifest);
  return images;
}

void KeepImages(ImageSet& images, const std::set<std::string>& names) {
  std::erase_if(images.files, [&](const auto& file) { return !names.contains(file.first); });
}

Result<void> TakeImages(ImageSet& images, const Experiment& experiment) {
  const auto lacking = [&](const std::string& what) {
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: the images have no {}, which this experiment needs{}",
                            images.folder.string(), what, Remedy(images.folder)));
  };
  const std::set<std::string> names = ImagesOf(experiment);
  for (const std::string& name : names)
    if (!images.files.contains(name)) return lacking('"' + name + '"');
  for (const Arm& arm : experiment.arms)
    for (const DiskRole& role : DiskRoles(arm, false))
      if (role.slice >= 0 && role.slice >= images.at(role.image).slices())
        return lacking(fmt::format("part {} of \"{}\"", role.slice + 1, role.image));
  KeepImages(images, names);
  return {};
}

Result<std::map<std::string, std::string>> DigestImages(const ImageSet& images,
                                                        const std::function<bool()>& going_on) {
  std::map<std::string, std::string> digests;
  for (const auto& [name, image] : images.files) {
    if (!going_on()) return Fail(ExitCode::kInterrupted, "interrupted while reading the images");
    Result<std::string> digest = Sha256OfFile(image.path);
    if (!digest) return tl::unexpected(digest.error());
    digests[name] = std::move(*digest);
  }
  return digests;
}

Result<void> CheckUnchanged(const ImageSet& images) {
  for (const auto& [name, image] : images.files) {
    struct stat status {};
    if (::stat(image.path.c_str(), &status) != 0 || status.st_dev != image.device ||
        status.st_ino != image.inode || ModifiedNs(status) != image.modified_ns)
      return Fail(
          ExitCode::kEnvironment,
          fmt::format("{}: the image was exchanged while the run used it; build images into "
                      "a folder of their own, and give the run its own back",
                      image.path.string()));
  }
  return {};
}

Result<void> CheckDigests(const ImageSet& images,
                          const std::map<std::string, std::string>& digests) {
  for (const auto& [name, image] : images.files) {
    const auto found = digests.find(name);
    if (found == digests.end() || found->second != image.sha256)
      return Fail(ExitCode::kEnvironment,
                  fmt::format("{}: its content is not what the manifest says{}",
                              image.path.string(), Remedy(images.folder)));
  }
  return {};
}

}  // namespace blendbench
