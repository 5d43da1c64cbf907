// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include "harness/cli/app.h"

namespace {

// Where the caller has closed a standard stream, the next file to be opened would get its number, and what is
// printed would land in it.
void OpenStandardStreams() {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = dup(fd)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardStreams();
  return blendbench::BlendbenchMain(argc, argv, blendbench::SystemIo());
}
