// SPDX-License-Identifier: MIT
#include "harness/run/setup.h"

#include <fmt/format.h>

#include <chrono>

#include "harness/base/text.h"
#include "harness/measure/host_facts.h"
#include "harness/run/provenance.h"

namespace blendbench {

Result<std::map<std::string, std::string>> CheckedDigests(const ImageSet& images,
                                                          const Environment& known,
                                                          const Interrupt& interrupt) {
  auto digests = DigestImages(images, [&] { return !interrupt.raised(); });
  if (!digests) return digests;
  if (Result<void> good = CheckDigests(images, *digests); !good)
    return tl::unexpected(good.error());
  // A run has one set of images: samples of two sets must not be compared.
  for (const auto& [name, digest] : known.images)
    if (const auto found = digests->find(name); found != digests->end() && found->second != digest)
      return Fail(
          ExitCode::kEnvironment,
          fmt::format("{}: the image differs from the one this run began with; give it back, "
                      "or start a new run",
                      images.at(name).path.string()));
  return digests;
}

Environment BeginEnvironment(const RunFolder& folder, const RunConfig& config,
                             const Interrupt& interrupt) {
  Environment environment = folder.environment();
  if (environment.created.empty()) environment.created = UtcText(std::chrono::system_clock::now());
  if (!config.sources.empty()) {  // without a checkout, what the folder says stays
    const SourceState source = ReadSourceState(config.sources, &interrupt);
    environment.git_commit = source.commit;
    environment.git_dirty = source.dirty;
  }
  environment.host.update(HostFacts());
  environment.host["machine"] = MachineFingerprint();
  if (!config.node.empty()) environment.host["node"] = config.node;
  return environment;
}

nlohmann::json RunProvenance(const RunFolder& folder, const Environment& environment) {
  return {{"spec_sha256", folder.plan().experiment.spec_sha256},
          {"plan_sha256", folder.plan_sha256()},
          {"seed", folder.plan().experiment.seed},
          {"substrate", environment.substrate},
          {"substrate_reason", environment.substrate_reason},
          {"git_commit", environment.git_commit},
          {"git_dirty", environment.git_dirty},
          {"blendbench_sha256", OwnDigest()},
          {"images", environment.images},
          {"host", environment.host}};
}

}  // namespace blendbench
