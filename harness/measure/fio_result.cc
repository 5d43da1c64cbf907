// SPDX-License-Identifier: MIT
#include "harness/measure/fio_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

// No disk or memory of today moves more in one guest: a larger figure is a broken clock.
constexpr double kMaxMbps = 1e6;
constexpr double kRateTolerance = 0.1;

struct Direction {
  int64_t bytes = 0;
  double runtime_s = 0;
};

// Adds up one direction over all jobs of the document.
Outcome<Direction> Collect(const nlohmann::json& jobs, const char* name) {
  Direction sum;
  for (const nlohmann::json& job : jobs) {
    const nlohmann::json& side = Member(job, name);
    const std::optional<int64_t> bytes = IntMember(side, "io_bytes");
    const std::optional<double> runtime_ms = NumberMember(side, "runtime");
    const std::optional<double> rate = NumberMember(side, "bw_bytes");
    if (!bytes || !runtime_ms || !rate || *bytes < 0 || *runtime_ms < 0)
      return Unexpected(fmt::format("fio: its {} part lacks io_bytes, runtime or bw_bytes", name));
    if (*bytes == 0) continue;
    if (*runtime_ms <= 0) return Unexpected(fmt::format("fio: {} bytes in no time", *bytes));
    const double own_rate = static_cast<double>(*bytes) / (*runtime_ms / 1e3);
    // fio rounds runtime to milliseconds: a job of a few of them may be off by that much.
    const double tolerance = kRateTolerance + 2.0 / *runtime_ms;
    if (std::abs(own_rate - *rate) > tolerance * own_rate)
      return Unexpected(fmt::format("fio: {} bytes in {} ms do not make the {} bytes/s it says",
                                    *bytes, *runtime_ms, *rate));
    sum.bytes += *bytes;
    sum.runtime_s = std::max(sum.runtime_s, *runtime_ms / 1e3);
  }
  return sum;
}

}  // namespace

Outcome<FioResult> ParseFio(std::string_view output) {
  const size_t begin = output.find('{');
  if (begin == std::string_view::npos) return Unexpected("fio: no JSON in its output");
  std::optional<nlohmann::json> document = ParseHostileJson(output.substr(begin));
  if (!document) return Unexpected("fio: its JSON output is damaged");
  const nlohmann::json& jobs = Member(*document, "jobs");
  if (!jobs.is_array() || jobs.empty()) return Unexpected("fio: no job in its output");
  for (const nlohmann::json& job : jobs)
    if (const std::optional<int64_t> error = IntMember(job, "error"); error != 0)
      return Unexpected(error ? fmt::format("fio: the job ended with error {}", *error)
                              : std::string("fio: a job without an error number"));
  Outcome<Direction> read = Collect(jobs, "read");
  if (!read) return Unexpected(read.error());
  Outcome<Direction> write = Collect(jobs, "write");
  if (!write) return Unexpected(write.error());

  FioResult result;
  result.bytes = read->bytes + write->bytes;
  if (result.bytes == 0) return Unexpected("fio: it moved no bytes");
  result.direction = write->bytes == 0 ? "read" : read->bytes == 0 ? "write" : "mixed";
  result.runtime_s = std::max(read->runtime_s, write->runtime_s);
  result.mbps = static_cast<double>(result.bytes) / 1e6 / result.runtime_s;
  if (result.mbps > kMaxMbps)
    return Unexpected(fmt::format("fio: {:.0f} MB/s cannot be", result.mbps));
  result.raw = std::move(*document);
  return result;
}

std::string ServedFrom(const FioResult& result, const BlockStats& during) {
  const DiskStats disks = Sum(during);
  const int64_t moved = result.direction == "read"    ? disks.read_bytes
                        : result.direction == "write" ? disks.written_bytes
                                                      : disks.read_bytes + disks.written_bytes;
  const double share = static_cast<double>(moved) / static_cast<double>(result.bytes);
  return share >= 0.9 ? "device" : share < 0.1 ? "cache" : "partly";
}

}  // namespace blendbench
