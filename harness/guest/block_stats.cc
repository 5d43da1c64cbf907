// SPDX-License-Identifier: MIT
#include "harness/guest/block_stats.h"

#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

// A device's path in QEMU's object tree: "/machine/peripheral/disk-system/virtio-backend".
std::string SerialFromPath(const std::string& path) {
  static const std::string kPrefix = "/machine/peripheral/disk-";
  if (path.rfind(kPrefix, 0) != 0) return "";
  return path.substr(kPrefix.size(), path.find('/', kPrefix.size()) - kPrefix.size());
}

}  // namespace

Outcome<BlockStats> ParseBlockStats(const nlohmann::json& reply) {
  if (!reply.is_array()) return Unexpected("QMP query-blockstats: no list in the reply");
  BlockStats all;
  for (const nlohmann::json& device : reply) {
    const std::string serial = SerialFromPath(StringMember(device, "qdev").value_or(""));
    if (serial.empty()) continue;
    const nlohmann::json& stats = Member(device, "stats");
    DiskStats& disk = all[serial];
    const std::pair<const char*, int64_t*> members[] = {
        {"rd_bytes", &disk.read_bytes},
        {"wr_bytes", &disk.written_bytes},
        {"rd_operations", &disk.read_operations},
        {"wr_operations", &disk.write_operations},
        {"flush_operations", &disk.flush_operations}};
    for (const auto& [name, target] : members) {
      const std::optional<int64_t> value = IntMember(stats, name);
      if (!value) return Unexpected("QMP query-blockstats: disk " + serial + " has no " + name);
      *target = *value;
    }
  }
  return all;
}

BlockStats Difference(const BlockStats& after, const BlockStats& before) {
  BlockStats result = after;
  for (auto& [serial, disk] : result) {
    const auto found = before.find(serial);
    if (found == before.end()) continue;
    disk.read_bytes -= found->second.read_bytes;
    disk.written_bytes -= found->second.written_bytes;
    disk.read_operations -= found->second.read_operations;
    disk.write_operations -= found->second.write_operations;
    disk.flush_operations -= found->second.flush_operations;
  }
  return result;
}

DiskStats Sum(const BlockStats& stats) {
  DiskStats sum;
  for (const auto& [serial, disk] : stats) {
    sum.read_bytes += disk.read_bytes;
    sum.written_bytes += disk.written_bytes;
    sum.read_operations += disk.read_operations;
    sum.write_operations += disk.write_operations;
    sum.flush_operations += disk.flush_operations;
  }
  return sum;
}

nlohmann::json ToJson(const BlockStats& stats) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [serial, disk] : stats)
    json[serial] = {{"read_bytes", disk.read_bytes},
                    {"written_bytes", disk.written_bytes},
                    {"read_operations", disk.read_operations},
                    {"write_operations", disk.write_operations},
                    {"flush_operations", disk.flush_operations}};
  return json;
}

}  // namespace blendbench
