// SPDX-License-Identifier: MIT
#include "harness/measure/images.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <optional>
#include <vector>

#include "harness/base/files.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 7> kNeeded = {"system",     "system_next", "app",      "user",
                                                "monolithic", "kernel",      "initramfs"};
// Images from before there was one serve all the same.
constexpr std::array<const char*, 1> kOptional = {"workloads"};

std::string Remedy(const fs::path& folder) {
  return fmt::format("; build the images with: vm-images/build --out {}", folder.string());
}

int64_t ModifiedNs(const struct stat& status) {
  return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// The file of one entry of the manifest, looked at.
Result<Image> LookAt(const fs::path& folder, const nlohmann::json& manifest, const char* name) {
  const nlohmann::json& entry = Member(Member(manifest, "files"), name);
  const std::optional<std::string> file = StringMember(entry, "path");
  const std::optional<std::string> sha256 = StringMember(entry, "sha256");
  const std::optional<int64_t> bytes = IntMember(entry, "bytes");
  if (!file || !sha256 || !bytes || *bytes < 0)
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: no complete entry for \"{}\"{}",
                            (folder / "manifest.json").string(), name, Remedy(folder)));
  Image image{.path = fs::absolute(folder) / *file,
              .sha256 = *sha256,
              .bytes = static_cast<uint64_t>(*bytes)};
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
  std::vector<const char*> names(kNeeded.begin(), kNeeded.end());
  for (const char* name : kOptional)
    if (!Member(Member(*manifest, "files"), name).is_null()) names.push_back(name);
  for (const char* name : names) {
    Result<Image> image = LookAt(folder, *manifest, name);
    if (!image) return tl::unexpected(image.error());
    images.files[name] = std::move(*image);
  }
  images.manifest = std::move(*manifest);
  return images;
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
