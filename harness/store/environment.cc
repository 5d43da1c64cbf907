// SPDX-License-Identifier: MIT
#include "harness/store/environment.h"

#include <stdexcept>

namespace blendbench {
namespace {

using nlohmann::json;

template <typename T>
void Take(const json& object, const char* name, T& value) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return;
  try {
    found->get_to(value);
  } catch (const json::exception&) {
    throw std::runtime_error(std::string("\"") + name + "\" has the wrong type");
  }
}

}  // namespace

json ToJson(const Environment& environment) {
  return {{"schema", 1},
          {"created", environment.created},
          {"finished", environment.finished},
          {"substrate", environment.substrate},
          {"substrate_reason", environment.substrate_reason},
          {"git_commit", environment.git_commit},
          {"git_dirty", environment.git_dirty},
          {"host", environment.host},
          {"images", environment.images},
          {"images_after", environment.images_after},
          {"images_dir", environment.images_dir}};
}

Environment EnvironmentFromJson(const json& object) {
  if (!object.is_object()) throw std::runtime_error("not a JSON object");
  Environment environment;
  Take(object, "created", environment.created);
  Take(object, "finished", environment.finished);
  Take(object, "substrate", environment.substrate);
  Take(object, "substrate_reason", environment.substrate_reason);
  Take(object, "git_commit", environment.git_commit);
  Take(object, "git_dirty", environment.git_dirty);
  Take(object, "host", environment.host);
  Take(object, "images", environment.images);
  Take(object, "images_after", environment.images_after);
  Take(object, "images_dir", environment.images_dir);
  if (!environment.host.is_object()) throw std::runtime_error("\"host\" is not an object");
  return environment;
}

}  // namespace blendbench
