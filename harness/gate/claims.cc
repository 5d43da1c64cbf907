// SPDX-License-Identifier: MIT
#include "harness/gate/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/base/text.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {
namespace {

constexpr double kWidestMargin = 10;

std::string DigestOf(const Claim& claim) {
  const nlohmann::json decisive = {{"id", claim.id},         {"rule", RuleName(claim.rule)},
                                   {"arm", claim.arm},       {"reference", claim.reference},
                                   {"margin", claim.margin}, {"metrics", claim.metrics},
                                   {"checks", claim.checks}};
  return Sha256Hex(decisive.dump());
}

void ReadNonInferiority(TomlReader& reader, Claim& claim) {
  claim.reference = reader.RequiredText("reference");
  claim.margin = reader.Number("margin", kDefaultMargin, 1e-6, kWidestMargin);
  claim.metrics = reader.Texts("metrics");
  if (claim.metrics.empty())
    reader.Error("metrics", "needs \"metrics\", at least one id or pattern");
  if (!reader.Texts("checks").empty()) {
    reader.Error("checks", "\"checks\" belong to rule \"promises\"; remove them");
  }
}

void ReadPromises(TomlReader& reader, Claim& claim) {
  claim.checks = reader.Texts("checks");
  if (claim.checks.empty()) reader.Error("checks", "needs \"checks\", at least one");
  if (!reader.Texts("metrics").empty()) {
    reader.Error("metrics", "\"metrics\" belong to rule \"non-inferiority\"; remove them");
  }
}

Claim ReadClaim(const toml::table& table, TomlErrors& errors) {
  TomlReader reader(table, "claim",
                    {"id", "title", "statement", "source", "role", "rule", "arm", "reference",
                     "margin", "metrics", "checks"},
                    errors);
  Claim claim;
  claim.id = reader.RequiredText("id");
  claim.title = reader.RequiredText("title");
  claim.statement = reader.RequiredText("statement");
  claim.source = reader.Text("source", "");
  claim.role = reader.Choice("role", "comparison", {"paper", "comparison"});
  claim.arm = reader.RequiredText("arm");
  const std::string rule = reader.Choice("rule", "", {"promises", "non-inferiority"});
  claim.rule = rule == "promises" ? Rule::kPromises : Rule::kNonInferiority;
  claim.rule == Rule::kPromises ? ReadPromises(reader, claim) : ReadNonInferiority(reader, claim);
  claim.sha256 = DigestOf(claim);
  return claim;
}

}  // namespace

const char* RuleName(Rule rule) { return rule == Rule::kPromises ? "promises" : "non-inferiority"; }

tl::expected<std::vector<Claim>, std::string> ParseClaims(const std::string& toml_text,
                                                          const std::string& file_name) {
  auto parsed = ParseToml(toml_text, file_name);
  if (!parsed) return tl::unexpected(parsed.error());
  const toml::table& document = *parsed;
  TomlErrors errors{file_name, ""};
  TomlReader root(document, "the claims", {"schema", "claim"}, errors);
  if (root.Integer("schema", 1, 1, 1) == 1 && root.Tables("claim").empty()) {
    root.Error("claim", "no claims; add at least one [[claim]]");
  }
  std::vector<Claim> claims;
  std::set<std::string> ids;
  for (const toml::table* table : root.Tables("claim")) {
    claims.push_back(ReadClaim(*table, errors));
    if (!ids.insert(claims.back().id).second) {
      errors.Add(table->source(), fmt::format("claim id \"{}\" is used twice", claims.back().id));
    }
  }
  if (!errors.first.empty()) return tl::unexpected(errors.first);
  return claims;
}

std::vector<Metric> MetricsOfClaim(const Claim& claim, const std::vector<Metric>& all,
                                   std::vector<std::string>& unmatched) {
  std::set<std::string> covered;
  for (const std::string& pattern : claim.metrics) {
    bool matched = false;
    for (const Metric& metric : all) {
      if (!GlobMatch(pattern, metric.id)) continue;
      matched = true;
      covered.insert(metric.id);
    }
    if (!matched) unmatched.push_back(pattern);
  }
  std::vector<Metric> metrics;
  std::copy_if(all.begin(), all.end(), std::back_inserter(metrics),
               [&](const Metric& metric) { return covered.count(metric.id) != 0; });
  return metrics;
}

double MarginFor(const std::vector<Claim>& claims, const std::string& arm,
                 const std::string& metric) {
  double margin = 0;
  for (const Claim& claim : claims) {
    if (claim.rule != Rule::kNonInferiority || claim.arm != arm) continue;
    const bool covers = std::any_of(claim.metrics.begin(), claim.metrics.end(),
                                    [&](const std::string& p) { return GlobMatch(p, metric); });
    if (covers && (margin == 0 || claim.margin < margin)) margin = claim.margin;
  }
  return margin == 0 ? kDefaultMargin : margin;
}

}  // namespace blendbench
