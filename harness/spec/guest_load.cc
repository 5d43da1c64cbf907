// SPDX-License-Identifier: MIT
#include "harness/spec/guest_load.h"

namespace blendbench {

const std::vector<GuestLoad>& GuestLoads() {
  static const std::vector<GuestLoad> kLoads = {
      {"walk", "names and attributes of /usr, warm, three times",
       "for i in 1 2 3; do ls -lR /usr >/dev/null; done"},
      {"read", "a file of the system image, warm, three times",
       "for i in 1 2 3; do cat /usr/share/blend/data.bin >/dev/null; done"},
      {"create", "300 files made, read and removed",
       "i=0; while [ $i -lt 300 ]; do echo $i >f$i; i=$((i+1)); done; cat f* >/dev/null; rm f*"},
      {"write", "32 MiB written in blocks of 16 KiB, and removed",
       "dd if=/dev/zero of=big bs=16k count=2048 2>/dev/null; rm big"},
      {"exec", "60 programs started", "i=0; while [ $i -lt 60 ]; do /bin/true; i=$((i+1)); done"},
  };
  return kLoads;
}

std::string LoadMetricId(const GuestLoad& load) { return "load." + load.id + "_minsn"; }

}  // namespace blendbench
