// SPDX-License-Identifier: MIT
// Between the union's types and libfuse's.
// Thread-safety: pure functions.
#pragma once

#include <sys/stat.h>

#include "unionfs/fuse/libfuse.h"
#include "unionfs/merge/union.h"

namespace blendfs::fuse {

struct stat ToStat(const merge::Attr& attr);
struct statx ToStatx(const merge::Attr& attr);
merge::AttrChange ToChange(const struct stat& wanted, int to_set);
merge::Caller ToCaller(fuse_req_t request);

}  // namespace blendfs::fuse
