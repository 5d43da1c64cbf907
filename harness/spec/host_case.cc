// SPDX-License-Identifier: MIT
#include "harness/spec/host_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "harness/spec/engine.h"
#include "harness/spec/program.h"

namespace blendbench {
namespace {

HostCase Metadata(const char* id, const char* label, double estimate_s) {
  HostCase made;
  made.id = id;
  made.label = label;
  made.group = "metadata";
  made.estimate_s = estimate_s;
  return made;
}

HostCase Small(const char* id, const char* label, bool cold, double estimate_s) {
  HostCase made = Metadata(id, label, estimate_s);
  made.cold = cold;
  made.lower_data = "small";
  return made;
}

HostCase Names(const char* id, const char* label, double estimate_s) {
  HostCase made = Metadata(id, label, estimate_s);
  made.upper_data = std::string("names:") + id;
  return made;
}

HostCase Rate(const char* id, const char* label, const std::string& lower_data,
              const std::string& upper_data, double estimate_s) {
  HostCase made;
  made.id = id;
  made.label = label;
  made.group = "data";
  made.rate = true;
  made.lower_data = lower_data;
  made.upper_data = upper_data;
  made.estimate_s = estimate_s;
  return made;
}

HostCase Change(const char* id, const char* label, const char* lower_data, double estimate_s) {
  HostCase made;
  made.id = id;
  made.label = label;
  made.group = "copy-up";
  made.lower_data = lower_data;
  made.needs_trait = kTraitCopyUp;
  made.estimate_s = estimate_s;
  return made;
}

HostCase Running(const Program& program) {
  HostCase made;
  made.id = program.id;
  made.label = program.label;
  made.group = "program";
  made.cold = program.cold;
  made.estimate_s = program.estimate_s;
  return made;
}

std::vector<HostCase> FixedCases() {
  HostCase cold_read =
      Rate("cold-seqread", "sequential read of a lower file, 512 MiB, cold", "big", "", 1.5);
  cold_read.rate = false;
  cold_read.cold = true;
  HostCase create_large = Rate("upper-create-seqwrite-512M",
                               "a new file written sequentially, 512 MiB, fsync", "", "", 4);
  create_large.rate = false;
  HostCase boot;
  boot.id = "boot-userspace";
  boot.label = "userspace boot of the guest's tree, natively";
  boot.group = "boot";
  boot.needs_trait = kTraitWhiteouts;
  boot.estimate_s = 8;
  std::vector<HostCase> cases = {
      Small("cold-find", "find over 10,000 lower files, cold", true, 1),
      Small("warm-find", "find over 10,000 lower files, warm", false, 1),
      Small("cold-cat-10k", "open, read, close 10,000 lower files, cold", true, 3),
      Small("warm-cat-10k", "open, read, close 10,000 lower files, warm", false, 3),
      cold_read,
      Rate("lower-read-4k-warm", "sequential read of a lower file, 4k, warm", "big", "", 1.5),
      Rate("lower-randread-4k-warm", "random read of a lower file, 4k, warm", "big", "", 2),
      Rate("lower-read-1M-warm", "sequential read of a lower file, 1M, warm", "big", "", 1.5),
      Change("first-write-512M", "first write to a lower file of 512 MiB, fsync", "big", 4),
      Change("chmod-512M-lower", "chmod of a lower file of 512 MiB", "big", 3),
      create_large,
      Rate("upper-write-4k", "sequential overwrite of an upper file, 4k", "", "file:upper-write-4k",
           2),
      Rate("upper-randwrite-4k", "random overwrite of an upper file, 4k", "",
           "file:upper-randwrite-4k", 3),
      Rate("upper-write-1M", "sequential overwrite of an upper file, 1M", "", "file:upper-write-1M",
           1),
      Rate("upper-read-4k-warm", "sequential read of an upper file, 4k, warm", "",
           "file:upper-read-4k-warm", 1),
      Metadata("create-10k", "create 10,000 small files", 4),
      Names("stat-10k-warm", "stat of 10,000 upper files, warm", 1),
      Names("readdir-10k", "list a directory of 10,000 upper files, warm", 1),
      Names("rename-10k", "rename 10,000 upper files", 2),
      Small("negative-lookup-50k", "50,000 lookups of 1,000 names that are not there", false, 1.5),
      Names("rm-10k", "remove 10,000 upper files", 2),
      Metadata("untar", "unpack a tree of 1,500 files", 1.5),
      Change("copyup-2k-small", "append a byte to each of 2,000 lower files", "copyup", 1.5),
      Change("chmod-2k-lower", "chmod of each of 2,000 lower files", "chmod", 1.5),
      Change("rm-lower-5k", "remove 5,000 lower files and their directories", "remove", 1.5),
      boot,
  };
  for (const Program& program : HostPrograms()) cases.push_back(Running(program));
  return cases;
}

// "layers33-find"
std::optional<HostCase> LayeredCase(const std::string& id) {
  static const std::string kWord = "layers";
  if (id.rfind(kWord, 0) != 0) return std::nullopt;
  char* end = nullptr;
  const long layers = std::strtol(id.c_str() + kWord.size(), &end, 10);
  const std::string kind = end;
  // No sign, no leading zero: each case has one name.
  if (layers < 1 || layers > kMostLayers || id != fmt::format("{}{}{}", kWord, layers, kind))
    return std::nullopt;
  HostCase made;
  made.id = id;
  made.group = "layers";
  made.layers = static_cast<int>(layers);
  if (kind == "-find") {
    made.label = fmt::format("find over everything in {} layers", layers);
  } else if (kind == "-tree") {
    made.label = fmt::format("list a tree that all of {} layers have", layers);
  } else if (kind == "-negative") {
    made.label = fmt::format("20,000 different names that none of {} layers has", layers);
  } else {
    return std::nullopt;
  }
  return made;
}

}  // namespace

std::optional<HostCase> FindHostCase(const std::string& id) {
  static const std::vector<HostCase> fixed = FixedCases();
  const auto found = std::find_if(fixed.begin(), fixed.end(),
                                  [&](const HostCase& other) { return other.id == id; });
  return found != fixed.end() ? std::optional(*found) : LayeredCase(id);
}

std::vector<std::string> HostCaseIds() {
  std::vector<std::string> ids;
  for (const HostCase& host_case : FixedCases()) ids.push_back(host_case.id);
  for (const char* kind : {"find", "tree", "negative"})
    ids.push_back(std::string("layers33-") + kind);
  return ids;
}

std::string HostMetricId(const HostCase& host_case) {
  return host_case.id + (host_case.rate ? ".rate_mbps" : ".wall_s");
}

std::string HostCpuMetricId(const HostCase& host_case) { return host_case.id + ".cpu_s"; }

}  // namespace blendbench
