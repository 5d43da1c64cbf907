// SPDX-License-Identifier: MIT
// A libFuzzer entry for everything that is decoded from a layer: redirects, origins, names of
// attributes and the marks of an object. -max_len=5000 reaches every limit of the format.
// What must hold for any input is checked here, not only that nothing crashes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "unionfs/layer/format.h"
#include "unionfs/tests/unit/faulty_calls.h"

namespace blendfs::layer {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void FuzzRedirect(std::string_view input) {
  const std::optional<std::string> redirect = ParseRedirect(input);
  if (!redirect) return;
  Require(*redirect == input && !redirect->empty() && redirect->size() <= 4096);
  Require(redirect->find('\0') == redirect->npos);
  // However it is split, no component leads up or nowhere.
  std::string_view rest = *redirect;
  if (rest.front() == '/') rest.remove_prefix(1);
  Require(redirect->front() == '/' || rest.find('/') == rest.npos);
  for (;;) {
    const size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    Require(!name.empty() && name.size() <= 255 && name != "." && name != "..");
    if (slash == rest.npos) return;
    rest.remove_prefix(slash + 1);
  }
}

void FuzzOrigin(std::string_view input) {
  const std::optional<Origin> origin = DecodeOrigin(input);
  if (!origin) return;
  Require(origin->uuid.size() == 16);
  Require(!origin->handle.bytes.empty() && origin->handle.bytes.size() <= 128);
  const std::string again = EncodeOrigin(*origin);
  Require(!again.empty());
  const std::optional<Origin> back = DecodeOrigin(again);
  Require(back && back->handle.bytes == origin->handle.bytes && back->uuid == origin->uuid &&
          back->handle.type == origin->handle.type);
  Require(IndexName(again).size() == again.size() * 2);
}

void FuzzKeys(std::string_view input) {
  for (const bool userxattr : {false, true}) {
    const Format format(userxattr);
    const std::string disk = format.ToDisk(input);
    Require(format.ToUser(disk) == input);
    // What users see can never be read as a mark of this union.
    if (const std::optional<std::string> user = format.ToUser(input)) {
      Require(format.ToDisk(*user) == input);
    }
  }
}

// An object whose attributes are the input: "suffix NUL value", the value being the rest.
class Hostile : public testing::FaultyCalls {
 public:
  explicit Hostile(std::string_view input) {
    const size_t end = input.find('\0');
    key_ = "trusted.overlay." + std::string(input.substr(0, end));
    if (end != input.npos) value_ = input.substr(end + 1);
  }
  Result<std::vector<std::string>> ListXattrFd(BorrowedFd) override {
    return std::vector<std::string>{key_};
  }
  Result<std::string> GetXattrFd(BorrowedFd, const char* key) override {
    Require(key == key_);
    return value_;
  }

 private:
  std::string key_, value_;
};

void FuzzMarks(std::string_view input) {
  Hostile os(input);
  const Result<Marks> marks = ReadMarksFd(os, Format(false), BorrowedFd(-1));
  Require(marks.has_value());
  Require(!(marks->opaque && marks->xattr_whiteouts));
  Require(!(marks->redirect && marks->bad_redirect));
}

}  // namespace
}  // namespace blendfs::layer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  blendfs::layer::FuzzRedirect(input);
  blendfs::layer::FuzzOrigin(input);
  blendfs::layer::FuzzKeys(input);
  blendfs::layer::FuzzMarks(input);
  return 0;
}
