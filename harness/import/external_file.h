// SPDX-License-Identifier: MIT
// Another tool's JSON file, which is untrusted: bounded in size and depth, every error one line with
// the file and the place. Pure but for nothing: the caller reads the file. Thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/spec/external.h"

namespace blendbench {

inline constexpr size_t kMostImportBytes = size_t{256} << 20;
inline constexpr int kMostImportDepth = 64;

struct ExternalText {
  std::string name;  // as the user gave it
  std::string bytes;
};

// What one file yields. A file is one block, or several: Google Benchmark's repetitions.
struct ExternalBlock {
  std::map<std::string, double> metrics;
  std::vector<std::string> failures;  // one line each: what failed in it
  nlohmann::json raw;                 // what it was made of, whole
};
struct ExternalResults {
  std::string tool;  // "fio 3.33", "Google Benchmark"
  std::vector<Metric> metrics;
  std::vector<ExternalBlock> blocks;
  nlohmann::json host;             // facts of the machine, as far as told
  std::string started;             // UTC, ISO 8601; "" when not told
  std::vector<std::string> notes;  // what was not taken, and why; without the file's name
};

// fio's JSON (--output-format=json or json+) or Google Benchmark's, told apart by their members.
// kUsage names file, line and column, or the member.
Result<ExternalResults> ReadExternal(const ExternalText& text);

// --- for the readers of one format ------------------------------------------------------------

// A place in a document, for messages: "a.json: jobs[2].read.bw_bytes". Members of the wrong type
// throw std::runtime_error with it, which ReadExternal turns into an Error.
class Place {
 public:
  Place(const nlohmann::json& value, std::string path) : value_(value), path_(std::move(path)) {}
  const nlohmann::json& value() const { return value_; }
  bool Has(const char* name) const { return value_.is_object() && value_.contains(name); }
  Place At(const char* name) const;  // throws when missing
  std::vector<Place> List() const;   // throws when it is no list
  std::string Text() const;          // one line, cleaned, at most 200 bytes
  double Number() const;             // finite
  [[noreturn]] void Wrong(const std::string& what) const;

 private:
  const nlohmann::json& value_;
  std::string path_;
};

void AddMetric(ExternalResults& results, Metric metric);  // unless it is there already

void ReadFio(const Place& root, ExternalResults& results);
void ReadGoogleBenchmark(const Place& root, ExternalResults& results);

}  // namespace blendbench
