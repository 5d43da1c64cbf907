// SPDX-License-Identifier: MIT
#include "harness/spec/toml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/base/text.h"

namespace blendbench {

tl::expected<toml::table, std::string> ParseToml(const std::string& text,
                                                 const std::string& file_name) {
  try {
    return toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    return tl::unexpected(fmt::format("{}:{}: not valid TOML: {}", file_name,
                                      error.source().begin.line, error.description()));
  }
}

void TomlErrors::Add(const toml::source_region& where, const std::string& what) {
  if (first.empty()) first = fmt::format("{}:{}: {}", file, where.begin.line, what);
}

TomlReader::TomlReader(const toml::table& table, std::string what, std::vector<std::string> keys,
                       TomlErrors& errors)
    : table_(table), what_(std::move(what)), errors_(errors) {
  // In the order of the file, so that the first mistake is the one reported.
  const toml::key* unknown = nullptr;
  for (const auto& [key, value] : table_) {
    const bool known = std::find(keys.begin(), keys.end(), key.str()) != keys.end();
    if (!known && (!unknown || key.source().begin.line < unknown->source().begin.line))
      unknown = &key;
  }
  if (!unknown) return;
  const std::string nearest = Nearest(unknown->str(), keys);
  const std::string remedy = nearest.empty() ? "known keys: " + Join(keys, ", ")
                                             : fmt::format("did you mean \"{}\"?", nearest);
  errors_.Add(unknown->source(),
              fmt::format("unknown key \"{}\" in {}; {}", unknown->str(), what_, remedy));
}

const toml::node* TomlReader::Find(const std::string& key) const { return table_.get(key); }

void TomlReader::Error(const std::string& key, const std::string& what) {
  const toml::node* node = Find(key);
  errors_.Add(node ? node->source() : table_.source(), fmt::format("{}: {}", what_, what));
}

void TomlReader::WrongType(const std::string& key, const toml::node& node, const char* wanted) {
  errors_.Add(node.source(), fmt::format("{}: \"{}\" must be {}", what_, key, wanted));
}

std::string TomlReader::Text(const std::string& key, const std::string& fallback) {
  const toml::node* node = Find(key);
  if (!node) return fallback;
  if (const auto value = node->value_exact<std::string>()) return *value;
  WrongType(key, *node, "a text in quotes");
  return fallback;
}

std::string TomlReader::RequiredText(const std::string& key) {
  std::string value = Text(key, "");
  if (value.empty()) Error(key, fmt::format("needs a \"{}\"", key));
  return value;
}

bool TomlReader::Flag(const std::string& key, bool fallback) {
  const toml::node* node = Find(key);
  if (!node) return fallback;
  if (const auto value = node->value_exact<bool>()) return *value;
  WrongType(key, *node, "true or false");
  return fallback;
}

int64_t TomlReader::Integer(const std::string& key, int64_t fallback, int64_t least, int64_t most) {
  const toml::node* node = Find(key);
  if (!node) return fallback;
  const auto value = node->value_exact<int64_t>();
  if (!value) {
    WrongType(key, *node, "a whole number");
    return fallback;
  }
  if (*value < least || *value > most) {
    Error(key, fmt::format("\"{}\" is {}; it must be {} to {}", key, *value, least, most));
    return fallback;
  }
  return *value;
}

double TomlReader::Number(const std::string& key, double fallback, double least, double most) {
  const toml::node* node = Find(key);
  if (!node) return fallback;
  if (!node->is_number()) {
    WrongType(key, *node, "a number");
    return fallback;
  }
  const double value = *node->value<double>();
  if (!(value >= least && value <= most)) {  // a NaN is in no range
    Error(key, fmt::format("\"{}\" is {}; it must be {} to {}", key, value, least, most));
    return fallback;
  }
  return value;
}

std::vector<std::string> TomlReader::Texts(const std::string& key) {
  const toml::node* node = Find(key);
  if (!node) return {};
  std::vector<std::string> texts;
  if (const toml::array* list = node->as_array()) {
    for (const toml::node& entry : *list) {
      const auto value = entry.value_exact<std::string>();
      if (!value) break;
      texts.push_back(*value);
    }
    if (texts.size() == list->size()) return texts;
  }
  WrongType(key, *node, "a list of texts");
  return {};
}

std::string TomlReader::Choice(const std::string& key, const std::string& fallback,
                               const std::vector<std::string>& allowed) {
  std::string value = Text(key, fallback);
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  Error(key,
        fmt::format("unknown {} \"{}\"; it must be one of: {}", key, value, Join(allowed, ", ")));
  return fallback;
}

std::vector<const toml::table*> TomlReader::Tables(const std::string& key) {
  const toml::node* node = Find(key);
  if (!node) return {};
  std::vector<const toml::table*> tables;
  if (const toml::array* list = node->as_array()) {
    for (const toml::node& entry : *list) {
      if (const toml::table* table = entry.as_table()) tables.push_back(table);
    }
    if (tables.size() == list->size()) return tables;
  }
  WrongType(key, *node, fmt::format("an array of tables, written [[{}]]", key).c_str());
  return {};
}

const toml::table* TomlReader::Table(const std::string& key) {
  const toml::node* node = Find(key);
  if (node && !node->is_table())
    WrongType(key, *node, fmt::format("a table, written [{}]", key).c_str());
  return node ? node->as_table() : nullptr;
}

}  // namespace blendbench
