// SPDX-License-Identifier: MIT
#include "harness/spec/plan_host.h"

#include <stdexcept>

#include "harness/spec/host_case.h"

namespace blendbench {
namespace {

using nlohmann::json;

const char* KindName(MountKind kind) {
  if (kind == MountKind::kBind) return "bind";
  return kind == MountKind::kKernel ? "kernel" : "program";
}

MountKind KindFromName(const std::string& name) {
  for (const MountKind kind : {MountKind::kBind, MountKind::kKernel, MountKind::kProgram})
    if (name == KindName(kind)) return kind;
  throw std::runtime_error("unknown kind of engine \"" + name + "\"");
}

}  // namespace

json HostToJson(const HostSettings& host) {
  json engines = json::array();
  for (const EngineDescriptor& engine : host.engines) {
    engines.push_back({{"name", engine.name},
                       {"kind", KindName(engine.kind)},
                       {"program", engine.program},
                       {"package", engine.package},
                       {"mount", engine.mount},
                       {"cannot", engine.cannot}});
  }
  return {{"cases", host.cases},
          {"engines", engines},
          {"case_timeout_s", host.case_timeout_s},
          {"boots", host.boots}};
}

HostSettings HostFromJson(const json& object) {
  HostSettings host;
  host.cases = object.at("cases").get<std::vector<std::string>>();
  for (const std::string& id : host.cases)
    if (!FindHostCase(id)) throw std::runtime_error("unknown case \"" + id + "\"");
  host.case_timeout_s = object.at("case_timeout_s");
  host.boots = object.at("boots");
  for (const json& entry : object.at("engines")) {
    EngineDescriptor engine;
    engine.name = entry.at("name");
    engine.kind = KindFromName(entry.at("kind"));
    engine.program = entry.at("program");
    engine.package = entry.at("package");
    engine.mount = entry.at("mount").get<std::vector<std::string>>();
    engine.cannot = entry.at("cannot").get<std::map<std::string, std::string>>();
    host.engines.push_back(std::move(engine));
  }
  return host;
}

}  // namespace blendbench
