// SPDX-License-Identifier: MIT
// Load from many threads at once on a mounted union; the mount tests run it. Four kinds:
//   race coherence DIR FILE_COUNT   readers, mappers and direct readers while lower files are copied up and written
//   race storm DIR SECONDS SEED     random namespace operations in one small directory
//   race identity DIR SECONDS       names change hands while they are opened
//   race contend DIR                all threads want the same lower file copied up in different ways
// Exit status: 0 what had to hold held, 1 it did not (one line a finding), 2 wrong use.
#include "unionfs/tests/mount/race.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace race {
namespace {
std::atomic<int> findings{0};
}

void Find(const std::string& text) {
  if (findings.fetch_add(1) < 10) fprintf(stdout, "%s\n", text.c_str());
}

void Check(bool good, const std::string& what) {
  if (!good) Find(what + ": " + strerror(errno));
}

}  // namespace race

int main(int argc, char** argv) {
  using namespace race;
  const std::string kind = argc > 2 ? argv[1] : "";
  if (kind == "coherence" && argc == 4) {
    Coherence(argv[2], atoi(argv[3]));
  } else if (kind == "storm" && argc == 5) {
    Storm(argv[2], atof(argv[3]), static_cast<unsigned>(atoi(argv[4])));
  } else if (kind == "identity" && argc == 4) {
    Identity(argv[2], atof(argv[3]));
  } else if (kind == "contend" && argc == 3) {
    Contend(argv[2]);
  } else {
    fprintf(stderr,
            "usage: race coherence DIR FILE_COUNT | storm DIR SECONDS SEED | identity DIR SECONDS "
            "| contend DIR\n");
    return 2;
  }
  return findings == 0 ? 0 : 1;
}
