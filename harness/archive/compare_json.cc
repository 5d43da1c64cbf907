// SPDX-License-Identifier: MIT
#include "harness/archive/compare_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/base/json_text.h"
#include "harness/base/text.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-9;
constexpr size_t kShownBytes = 80;

std::string Shown(const json& value) {
  std::string text = OneLine(DumpJson(value, -1));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.size() <= kShownBytes ? text : CleanText(text.substr(0, kShownBytes)) + "...";
}

bool SameNumber(const json& a, const json& b) {
  const auto x = a.get<double>(), y = b.get<double>();
  return x == y || std::abs(x - y) <= kTolerance * std::max(std::abs(x), std::abs(y));
}

class Walk {
 public:
  Walk(JsonComparison& result, size_t most) : result_(result), most_(most) {}

  void Compare(const json& archived, const json& derived, const std::string& place) {
    if (archived.is_number() && derived.is_number()) {
      ++result_.numbers;
      if (!SameNumber(archived, derived)) Differ(place, Shown(archived), Shown(derived));
    } else if (archived.is_object() && derived.is_object()) {
      std::set<std::string> names;
      // What was measured before what was made of it: a changed sample shows first, its many consequences later.
      const bool samples =
          place.empty() && archived.contains("samples") && derived.contains("samples");
      if (samples) Compare(archived["samples"], derived["samples"], "samples");
      for (const auto& [name, value] : archived.items()) names.insert(name);
      for (const auto& [name, value] : derived.items()) names.insert(name);
      for (const std::string& name : names)
        if (!samples || name != "samples") Member(archived, derived, name, place);
    } else if (archived.is_array() && derived.is_array()) {
      if (archived.size() != derived.size())
        Differ(place, std::to_string(archived.size()) + " elements",
               std::to_string(derived.size()) + " elements");
      for (size_t i = 0; i < std::min(archived.size(), derived.size()); ++i)
        Compare(archived[i], derived[i], Under(place, std::to_string(i)));
    } else if (archived != derived) {
      Differ(place, Shown(archived), Shown(derived));
    }
  }

 private:
  static std::string Under(const std::string& place, const std::string& name) {
    return place.empty() ? name : place + "/" + name;
  }
  void Member(const json& archived, const json& derived, const std::string& name,
              const std::string& place) {
    const auto a = archived.find(name), b = derived.find(name);
    const std::string here = Under(place, OneLine(name));
    if (a == archived.end()) return Differ(here, "nothing", Shown(*b));
    if (b == derived.end()) return Differ(here, Shown(*a), "nothing");
    Compare(*a, *b, here);
  }
  void Differ(const std::string& place, std::string archived, std::string derived) {
    if (++result_.differing <= most_)
      result_.differences.push_back({place, std::move(archived), std::move(derived)});
  }

  JsonComparison& result_;
  size_t most_;
};

}  // namespace

JsonComparison CompareJson(const json& archived, const json& derived, size_t most) {
  JsonComparison result;
  Walk(result, most).Compare(archived, derived, "");
  return result;
}

}  // namespace blendbench
