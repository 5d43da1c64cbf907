// SPDX-License-Identifier: MIT
#include "harness/import/external_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "harness/base/text.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr size_t kMostText = 200;

std::string LineAndColumn(const std::string& bytes, size_t at) {
  at = std::min(at, bytes.size());
  const auto line =
      std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  const size_t newline = at == 0 ? std::string::npos : bytes.rfind('\n', at - 1);
  return fmt::format("{}:{}", line + 1, newline == std::string::npos ? at : at - newline - 1);
}

// fio writes its warnings before the document into the same file.
size_t StartOfDocument(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t text = bytes.find_first_not_of(" \t\r\n", at);
    if (text == std::string::npos) return 0;
    if (bytes[text] == '{') return text;
    const size_t newline = bytes.find('\n', text);
    if (newline == std::string::npos) return 0;
    at = newline + 1;
  }
  return 0;
}

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..." without the
// part that counts from the start of the document instead of the file.
std::string Problem(const std::string& what) {
  const size_t colon = what.find(": ");
  return CleanText(colon == std::string::npos ? what : what.substr(colon + 2));
}

json Parse(const ExternalText& text, size_t start) {
  const auto bounded = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMostImportDepth)
      throw std::runtime_error(
          fmt::format("{}: nested deeper than {} levels; this is no benchmark's output", text.name,
                      kMostImportDepth));
    return true;
  };
  try {
    return json::parse(text.bytes.begin() + static_cast<std::ptrdiff_t>(start), text.bytes.end(),
                       bounded);
  } catch (const json::parse_error& error) {
    throw std::runtime_error(fmt::format("{}:{}: not JSON: {}; is the file whole?", text.name,
                                         LineAndColumn(text.bytes, start + error.byte),
                                         Problem(error.what())));
  } catch (const json::out_of_range& error) {  // a number beyond double
    throw std::runtime_error(fmt::format("{}: {}", text.name, Problem(error.what())));
  }
}

void Check(const std::string& name, const ExternalResults& results) {
  const bool empty = std::all_of(results.blocks.begin(), results.blocks.end(), [](const auto& b) {
    return b.metrics.empty() && b.failures.empty();
  });
  if (empty) throw std::runtime_error(name + ": holds no result");
}

}  // namespace

Place Place::At(const char* name) const {
  if (!Has(name)) throw std::runtime_error(fmt::format("{}: lacks \"{}\"", path_, name));
  return {value_.at(name), path_ + (path_.ends_with(": ") ? "" : ".") + name};
}

std::vector<Place> Place::List() const {
  if (!value_.is_array()) Wrong("a list");
  std::vector<Place> list;
  for (size_t i = 0; i < value_.size(); ++i)
    list.emplace_back(value_[i], fmt::format("{}[{}]", path_, i));
  return list;
}

std::string Place::Text() const {
  if (!value_.is_string()) Wrong("a text");
  std::string text = CleanText(value_.get<std::string>());
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.empty() || text.size() > kMostText)
    Wrong(fmt::format("a text of 1 to {} bytes", kMostText));
  return text;
}

double Place::Number() const {
  if (!value_.is_number() || !std::isfinite(value_.get<double>())) Wrong("a number");
  return value_.get<double>();
}

void Place::Wrong(const std::string& what) const {
  const std::string found = value_.dump(-1, ' ', false, json::error_handler_t::replace);
  throw std::runtime_error(
      fmt::format("{} must be {}, not {}", path_, what, CleanText(found.substr(0, 40))));
}

void AddMetric(ExternalResults& results, Metric metric) {
  const bool known = std::any_of(results.metrics.begin(), results.metrics.end(),
                                 [&](const Metric& other) { return other.id == metric.id; });
  if (!known) results.metrics.push_back(std::move(metric));
}

Result<ExternalResults> ReadExternal(const ExternalText& text) {
  if (text.bytes.size() > kMostImportBytes)
    return Fail(ExitCode::kUsage, fmt::format("{}: {} MiB; results are at most {} MiB", text.name,
                                              text.bytes.size() >> 20, kMostImportBytes >> 20));
  try {
    const size_t start = StartOfDocument(text.bytes);
    const json document = Parse(text, start);
    ExternalResults results;
    if (start > text.bytes.find_first_not_of(" \t\r\n"))
      results.notes.push_back(fmt::format("what stands before the document was passed over: {}",
                                          CleanTail(text.bytes.substr(0, start), 1, 120)));
    const Place root(document, text.name + ": ");
    if (root.Has("jobs")) {
      ReadFio(root, results);
    } else if (root.Has("benchmarks")) {
      ReadGoogleBenchmark(root, results);
    } else {
      return Fail(ExitCode::kUsage,
                  text.name +
                      ": neither fio's JSON (\"jobs\") nor Google Benchmark's "
                      "(\"benchmarks\"); make it with fio --output-format=json or "
                      "--benchmark_out=FILE --benchmark_out_format=json");
    }
    Check(text.name, results);
    return results;
  } catch (const std::runtime_error& error) {
    return Fail(ExitCode::kUsage, error.what());
  }
}

}  // namespace blendbench
