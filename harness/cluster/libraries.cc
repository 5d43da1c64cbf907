// SPDX-License-Identifier: MIT
#include "harness/cluster/libraries.h"

#include <link.h>

#include <algorithm>
#include <string>

namespace blendbench {
namespace {

namespace fs = std::filesystem;

bool IsTheCLibrarys(const std::string& name) {
  static const char* const kBeginnings[] = {"ld-linux",   "libc.so",        "libm.so",
                                            "libdl.so",   "libpthread.so",  "librt.so",
                                            "libutil.so", "libresolv.so",   "libanl.so",
                                            "libnss_",    "libmvec.so",     "libBrokenLocale.so",
                                            "linux-vdso", "libthread_db.so"};
  return std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                     [&](const char* beginning) { return name.rfind(beginning, 0) == 0; });
}

int Collect(dl_phdr_info* info, size_t, void* found) {
  const fs::path path = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  std::error_code ignored;
  if (path.is_absolute() && !IsTheCLibrarys(path.filename().string()) &&
      fs::is_regular_file(path, ignored))
    static_cast<std::vector<fs::path>*>(found)->push_back(path);
  return 0;
}

}  // namespace

std::vector<fs::path> LibrariesOfThisProgram() {
  std::vector<fs::path> found;
  dl_iterate_phdr(Collect, &found);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace blendbench
