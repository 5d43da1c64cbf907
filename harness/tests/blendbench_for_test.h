// SPDX-License-Identifier: MIT
// blendbench's command line, called in this process. Test code only.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "harness/cli/app.h"
#include "harness/cli/io.h"

namespace blendbench {

struct Called {
  int status = 0;
  std::string out;
  std::string err;
};

// `arguments` without the program's name; neither a terminal nor colours.
inline Called CallBlendbench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "blendbench");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  const int status =
      BlendbenchMain(static_cast<int>(argv.size()), argv.data(), Io{out, err, false, false});
  return {status, out.str(), err.str()};
}

}  // namespace blendbench
