// SPDX-License-Identifier: MIT
// libfuse's own messages, brought into blendfs's log.
// Thread-safety: to be called once, before threads start.
#pragma once

namespace blendfs::fuse {

// Debug messages (every request) go to standard error as they are, the others to the log.
void TakeOverLibfuseLog(bool debug);

}  // namespace blendfs::fuse
