// SPDX-License-Identifier: MIT
#include "harness/cli/app.h"

int main(int argc, char** argv) {
  return blendbench::BlendbenchMain(argc, argv, blendbench::SystemIo());
}
