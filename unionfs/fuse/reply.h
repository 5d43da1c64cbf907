// SPDX-License-Identifier: MIT
// The answer to one request. Exactly one reply is sent: by one of the methods, or, when a handler forgot
// or threw, EIO by the destructor.
//
// Lookup counts: Entry and Created pass the entry's count on to the kernel; when the kernel has given the
// request up in the meantime, the count is handed back to the union here.
// Thread-safety: one thread at a time, as the request itself.
// Errors: a failed write to /dev/fuse means the kernel no longer waits; only Opened and Created report it,
// because then no release will follow.
#pragma once

#include <string_view>
#include <utility>

#include "unionfs/base/log.h"
#include "unionfs/fuse/front.h"
#include "unionfs/fuse/libfuse.h"
#include "unionfs/merge/held_fd.h"
#include "unionfs/merge/union.h"

namespace blendfs::fuse {

class Reply {
 public:
  explicit Reply(fuse_req_t request) : request_(request) {}
  Reply(Reply&& other) noexcept : request_(std::exchange(other.request_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (request_ != nullptr) Fail(EIO);
  }

  fuse_req_t request() const { return request_; }

  void Fail(int code);
  void Fail(const Error& error) { Fail(error.code); }
  void Done(const Status& status) { Fail(status ? 0 : status.error().code); }
  void Done() { Fail(0); }
  void None();  // forget has no answer

  void Entry(Front& front, const merge::Entry& entry);
  void NoEntry();  // "not there", remembered by the kernel
  void Attributes(Front& front, const merge::Node& node, const merge::Attr& attr);
  void ExtendedAttributes(Front& front, const merge::Node& node, const merge::Attr& attr);  // statx
  void Target(const std::string& target);    // readlink
  bool Data(const void* data, size_t size);  // false: the kernel did not take it
  void Written(size_t size);
  void Offset(uint64_t offset);
  void FileSystem(const struct statvfs& statistics);
  void XattrSize(size_t size);
  void Ioctl(const void* data, size_t size);

  // False: the kernel does not know of the open; what it stands for must be undone.
  [[nodiscard]] bool Opened(const fuse_file_info& file);
  [[nodiscard]] bool Created(Front& front, const merge::Entry& entry, const fuse_file_info& file);

 private:
  fuse_req_t Take() { return std::exchange(request_, nullptr); }

  fuse_req_t request_;
};

// Says in the log who asks for what.
void LogRequest(fuse_req_t request, Kind kind);

// Runs a handler: counts the request, readies the thread, and is the one place where an exception
// becomes an error number.
template <typename Body>
void Serve(fuse_req_t request, Kind kind, Body&& body) noexcept {
  Front& front = *static_cast<Front*>(fuse_req_userdata(request));
  front.statistics.Count(kind);
  if (IsLogged(LogLevel::kDebug)) LogRequest(request, kind);
  Reply reply(request);
  try {
    ReadyThread();
    {
      const auto use = front.fs.descriptors().Begin();
      body(front, reply);
    }
    front.fs.descriptors().Trim();
  } catch (const std::bad_alloc&) {
    reply.Fail(ENOMEM);
  } catch (...) {
    reply.Fail(EIO);
  }
}

}  // namespace blendfs::fuse
