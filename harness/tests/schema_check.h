// SPDX-License-Identifier: MIT
// The part of JSON Schema that results/schema uses: enough to hold documents against it in tests. A keyword it does
// not know is an error of the schema, so none is passed over in silence. Test code only.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace blendbench {

inline bool HasType(const nlohmann::json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

class SchemaCheck {
 public:
  // Every problem, one line each, with the place in the document. `root` is where a "$ref" leads to.
  std::vector<std::string> operator()(const nlohmann::json& value, const nlohmann::json& schema,
                                      const nlohmann::json& root = {}) {
    problems_.clear();
    root_ = root;
    Check(value, schema, "");
    return problems_;
  }

 private:
  using json = nlohmann::json;

  void Complain(const std::string& place, const std::string& what) {
    problems_.push_back(place + ": " + what);
  }

  void Check(const json& value, const json& schema, const std::string& place) {
    static const std::set<std::string> kKnown = {"$schema",     "title",
                                                 "description", "type",
                                                 "properties",  "required",
                                                 "items",       "minItems",
                                                 "maxItems",    "minLength",
                                                 "enum",        "const",
                                                 "minimum",     "additionalProperties"};
    if (schema.contains("$ref")) {
      const std::string pointer = schema["$ref"].get<std::string>().substr(1);
      return Check(value, root_.at(json::json_pointer(pointer)), place);
    }
    for (const auto& [keyword, ignored] : schema.items()) {
      if (kKnown.count(keyword) == 0) Complain(place, "the schema uses unknown keyword " + keyword);
    }
    CheckType(value, schema, place);
    if (schema.contains("const") && value != schema["const"])
      Complain(place, "is not the constant");
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
      Complain(place, value.dump() + " is none of " + schema["enum"].dump());
    }
    if (schema.contains("minimum") && value.is_number() && value < schema["minimum"]) {
      Complain(place, value.dump() + " is below the minimum");
    }
    if (value.is_string() &&
        value.get<std::string>().size() < schema.value("minLength", size_t{0})) {
      Complain(place, "is too short");
    }
    if (value.is_object()) CheckObject(value, schema, place);
    if (value.is_array()) CheckArray(value, schema, place);
  }

  void CheckType(const json& value, const json& schema, const std::string& place) {
    if (!schema.contains("type")) return;
    const json types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
    for (const json& type : types) {
      if (HasType(value, type)) return;
    }
    Complain(place, value.dump().substr(0, 60) + " is not of type " + types.dump());
  }

  void CheckObject(const json& value, const json& schema, const std::string& place) {
    for (const json& name : schema.value("required", json::array())) {
      if (!value.contains(name)) Complain(place, "lacks " + name.dump());
    }
    const json properties = schema.value("properties", json::object());
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name)) {
        Check(member, properties[name], place + "/" + name);
      } else if (schema.contains("additionalProperties")) {
        Check(member, schema["additionalProperties"], place + "/" + name);
      } else if (!properties.empty()) {
        Complain(place, "has \"" + name + "\", which the schema does not describe");
      }
    }
  }

  void CheckArray(const json& value, const json& schema, const std::string& place) {
    if (value.size() < schema.value("minItems", size_t{0})) Complain(place, "has too few items");
    if (value.size() > schema.value("maxItems", value.size()))
      Complain(place, "has too many items");
    if (!schema.contains("items")) return;
    for (size_t i = 0; i < value.size(); ++i) {
      Check(value[i], schema["items"], place + "/" + std::to_string(i));
    }
  }

  nlohmann::json root_;
  std::vector<std::string> problems_;
};

}  // namespace blendbench
