// SPDX-License-Identifier: MIT
#include "unionfs/inspect/check.h"

#include <algorithm>

#include "unionfs/inspect/words.h"

namespace blendfs::inspect {

bool AnyHandles(const layer::Stack& stack) {
  const auto& layers = stack.layers();
  return std::any_of(layers.begin() + stack.first_lower(), layers.end(),
                     [](const layer::Layer& layer) { return layer.handles; });
}

Result<CheckReport> Check(merge::Union& fs, const Mending& mending) {
  CheckReport report;
  Checker checker(fs, mending, report);
  // The index first: an origin is not taken from a file as long as the index knows the file by it.
  BLENDFS_TRY(checker.CheckWork());
  BLENDFS_TRY(checker.CheckTree());
  if (!LayersFit(report)) {
    report.notes.emplace_back(
        "most origins do not lead into these lower directories: if the upper was made on others, "
        "give those; nothing is mended that depends on them");
  }
  return report;
}

std::string ToText(const CheckReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) {
    text += finding.kind + " " + Printable(finding.where) + ": " + Printable(finding.what);
    if (!finding.mended.empty()) text += " [" + Printable(finding.mended) + "]";
    text += "\n";
  }
  for (const std::string& note : report.notes) text += "note: " + Printable(note) + "\n";
  size_t mended = 0;
  for (const Finding& finding : report.findings) {
    if (!finding.mended.empty() && !finding.mended.starts_with("not mended")) ++mended;
  }
  text += std::to_string(report.objects) + " objects on the upper, " +
          std::to_string(report.findings.size()) + " findings";
  if (mended > 0) text += ", " + std::to_string(mended) + " mended";
  return text + "\n";
}

std::string ToJson(const CheckReport& report) {
  std::vector<std::string> findings, notes;
  for (const Finding& finding : report.findings) {
    JsonObject json;
    json.Text("kind", finding.kind).Text("where", finding.where).Text("what", finding.what);
    if (!finding.mended.empty()) json.Text("mended", finding.mended);
    findings.push_back(json.Close());
  }
  for (const std::string& note : report.notes) notes.push_back(JsonText(note));
  JsonObject json;
  json.Number("objects", report.objects)
      .Raw("findings", JsonArray(findings))
      .Raw("notes", JsonArray(notes));
  return json.Close();
}

}  // namespace blendfs::inspect
