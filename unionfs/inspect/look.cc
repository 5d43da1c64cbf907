// SPDX-License-Identifier: MIT
#include "unionfs/inspect/look.h"

#include <algorithm>
#include <system_error>

#include "unionfs/sys/filesystem.h"

namespace blendfs::inspect {

Result<std::unique_ptr<merge::Union>> OpenLook(sys::Calls& os, layer::StackConfig config,
                                               std::string* problem) {
  config.access = layer::Access::kLook;
  BLENDFS_ASSIGN(layer::Stack stack, layer::Stack::Open(os, config, problem));
  auto fs = merge::Union::Open(os, std::move(stack), {});
  if (!fs) *problem = "cannot merge the layers: " + Reason(fs.error());
  return fs;
}

std::string LayerName(const layer::Stack& stack, layer::LayerIndex index) {
  const layer::Layer& layer = stack.layer(index);
  return std::string(layer.writable ? "upperdir" : "lowerdir") + " '" + layer.path + "'";
}

std::string PathInLayer(const layer::Stack& stack, layer::LayerIndex index, BorrowedFd fd) {
  const std::string path = sys::PathOf(fd);
  std::string root = sys::PathOf(stack.layer(index).root.borrow());
  if (root == "/") root.clear();
  if (path == root) return "/";
  return path.starts_with(root + "/") ? path.substr(root.size()) : "?";
}

std::string Join(const std::string& folder, const std::string& name) {
  return folder == "/" ? "/" + name : folder + "/" + name;
}

bool SplitPath(std::string_view path, std::vector<std::string>* names) {
  names->clear();
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    if (name == "..") return false;
    if (!name.empty() && name != ".") names->emplace_back(name);
    begin = end + 1;
  }
  return true;
}

Result<std::vector<std::string>> NamesIn(merge::Union& fs, merge::Node& directory) {
  BLENDFS_ASSIGN(const auto listing, fs.OpenDirectory(directory));
  BLENDFS_TRY(listing->Refresh());
  std::vector<std::string> names;
  for (const merge::DirItem& item : listing->items()) {
    if (item.name != "." && item.name != "..") names.push_back(item.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Reason(const Error& error) {
  const std::string what = std::generic_category().message(error.code);
  return *error.doing == '\0' ? what : std::string(error.doing) + ": " + what;
}

}  // namespace blendfs::inspect
