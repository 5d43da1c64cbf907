// SPDX-License-Identifier: MIT
// Explanations as text and as JSON.
#include <sys/stat.h>

#include "unionfs/inspect/explain.h"
#include "unionfs/inspect/words.h"

namespace blendfs::inspect {
namespace {

std::vector<std::string> MarkWords(const Holding& holding) {
  const layer::Marks& marks = holding.marks;
  std::vector<std::string> words;
  if (marks.opaque) words.emplace_back("opaque");
  if (marks.redirect) words.push_back("redirect to " + *marks.redirect);
  if (marks.bad_redirect) words.emplace_back("redirect that breaks the grammar");
  if (marks.metacopy) words.emplace_back("metadata-only copy");
  if (marks.shown_whiteout) words.emplace_back("shown as a device 0:0");
  if (marks.origin) words.emplace_back("has an origin");
  if (marks.impure) words.emplace_back("impure");
  return words;
}

std::string Place(const layer::Stack& stack, const Holding& holding) {
  return holding.index ? "index entry" : LayerName(stack, holding.layer);
}

const char* Kind(const Holding& holding) {
  return holding.role == "whiteout" ? "whiteout" : TypeWord(holding.mode);
}

std::string HoldingJson(const layer::Stack& stack, const Holding& holding) {
  JsonObject json;
  json.Number("layer", holding.layer)
      .Text("directory", stack.layer(holding.layer).path)
      .Flag("upper", stack.layer(holding.layer).writable)
      .Flag("index_entry", holding.index)
      .Text("path", holding.path)
      .Text("type", Kind(holding))
      .Text("role", holding.role)
      .Flag("opaque", holding.marks.opaque)
      .Flag("metacopy", holding.marks.metacopy)
      .Flag("impure", holding.marks.impure)
      .Flag("has_origin", holding.marks.origin.has_value());
  if (holding.marks.redirect) json.Text("redirect", *holding.marks.redirect);
  if (holding.marks.bad_redirect) json.Flag("bad_redirect", true);
  return json.Close();
}

}  // namespace

std::string ToText(const layer::Stack& stack, const Explanation& explanation) {
  std::string text = Printable(explanation.path) + ": ";
  if (explanation.error != 0) {
    text += "not shown: " + Printable(explanation.why) + "\n";
  } else {
    text += std::string(TypeWord(explanation.mode)) + ", inode " + std::to_string(explanation.ino);
    if (!S_ISDIR(explanation.mode)) text += ", links " + std::to_string(explanation.links);
    if (explanation.indexed) text += ", names kept together by the index";
    if (explanation.metacopy) text += ", data in a lower layer";
    text += "\n";
  }
  for (const Holding& holding : explanation.holdings) {
    text += "  " + Printable(Place(stack, holding)) + " " + Printable(holding.path) + ": ";
    text += Kind(holding);
    if (holding.role != "whiteout") text += ", " + holding.role;
    for (const std::string& word : MarkWords(holding)) text += "; " + Printable(word);
    text += "\n";
  }
  if (!explanation.origin.empty()) {
    text += "  origin: " + Printable(explanation.origin);
    if (explanation.origin_ino != 0) text += ", inode " + std::to_string(explanation.origin_ino);
    text += "\n";
  }
  return text;
}

std::string ToJson(const layer::Stack& stack, const Explanation& explanation) {
  JsonObject json;
  json.Text("path", explanation.path).Flag("shown", explanation.error == 0);
  if (explanation.error != 0) {
    json.Text("why", explanation.why);
  } else {
    json.Text("type", TypeWord(explanation.mode))
        .Number("ino", explanation.ino)
        .Number("links", explanation.links)
        .Flag("indexed", explanation.indexed)
        .Flag("metacopy", explanation.metacopy);
  }
  if (!explanation.origin.empty()) {
    JsonObject origin;
    origin.Text("leads_to", explanation.origin);
    if (explanation.origin_ino != 0) origin.Number("ino", explanation.origin_ino);
    json.Raw("origin", origin.Close());
  }
  std::vector<std::string> holdings;
  for (const Holding& holding : explanation.holdings) {
    holdings.push_back(HoldingJson(stack, holding));
  }
  return json.Raw("layers", JsonArray(holdings)).Close();
}

}  // namespace blendfs::inspect
