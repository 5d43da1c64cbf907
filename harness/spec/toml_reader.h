// SPDX-License-Identifier: MIT
// Reading a TOML table strictly: every key must be known, every value of its type and in its range.
// The first thing that is wrong is kept, as one line with file, line, value and remedy; later reads
// return defaults, so a caller reads a whole table and asks error() once. Thread-safety: one
// thread. Include it in .cc files only: toml++ is large.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace blendbench {

// The document, or one line with file and line of what is not TOML.
tl::expected<toml::table, std::string> ParseToml(const std::string& text,
                                                 const std::string& file_name);

// What a document's tables share: the file's name and the first error ("" when none).
struct TomlErrors {
  std::string file;
  std::string first;
  void Add(const toml::source_region& where, const std::string& what);
};

class TomlReader {
 public:
  // `what` names the table in messages ("arm", "guest", ...). `keys` are all it may hold; others
  // are errors now.
  TomlReader(const toml::table& table, std::string what, std::vector<std::string> keys,
             TomlErrors& errors);

  std::string Text(const std::string& key, const std::string& fallback);
  std::string RequiredText(const std::string& key);
  bool Flag(const std::string& key, bool fallback);
  int64_t Integer(const std::string& key, int64_t fallback, int64_t least, int64_t most);
  double Number(const std::string& key, double fallback, double least, double most);
  std::vector<std::string> Texts(const std::string& key);
  // One of `allowed`; otherwise an error that lists them.
  std::string Choice(const std::string& key, const std::string& fallback,
                     const std::vector<std::string>& allowed);

  // The tables of an array of tables ([[key]]), empty when absent.
  std::vector<const toml::table*> Tables(const std::string& key);
  const toml::table* Table(const std::string& key);  // null when absent

  void Error(const std::string& key, const std::string& what);  // at the key's line, or the table's

 private:
  const toml::node* Find(const std::string& key) const;
  void WrongType(const std::string& key, const toml::node& node, const char* wanted);

  const toml::table& table_;
  std::string what_;
  TomlErrors& errors_;
};

}  // namespace blendbench
