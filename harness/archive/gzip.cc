// SPDX-License-Identifier: MIT
#include "harness/archive/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace blendbench {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB, with gzip's header
constexpr size_t kChunkBytes = size_t{1} << 18;

Bytef* Input(std::string_view bytes) {
  // zlib's type is not const, but it only reads.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

// Ends the stream on every way out.
struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipWindow) == Z_OK;
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

struct Deflater {
  z_stream stream{};
  bool ready = deflateInit2(&stream, 9, Z_DEFLATED, kGzipWindow, 9, Z_DEFAULT_STRATEGY) == Z_OK;
  Deflater() = default;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() {
    if (ready) deflateEnd(&stream);
  }
};

}  // namespace

std::string Gzip(std::string_view bytes) {
  Deflater deflater;
  if (!deflater.ready) throw std::runtime_error("zlib has no memory");
  z_stream& stream = deflater.stream;
  std::string packed;
  std::string chunk(kChunkBytes, '\0');
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    const size_t piece = std::min(bytes.size(), kChunkBytes);
    if (stream.avail_in == 0) {
      stream.next_in = Input(bytes);
      stream.avail_in = static_cast<uInt>(piece);
      bytes.remove_prefix(piece);
    }
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    if (result == Z_STREAM_ERROR) throw std::runtime_error("zlib refuses to pack");
    packed.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  return packed;
}

tl::expected<std::string, std::string> Gunzip(std::string_view bytes, size_t max_bytes) {
  Inflater inflater;
  if (!inflater.ready) return tl::unexpected(std::string("no memory to unpack it"));
  z_stream& stream = inflater.stream;
  std::string whole;
  std::string chunk(kChunkBytes, '\0');
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      if (bytes.empty()) return tl::unexpected(std::string("it ends in the middle: truncated"));
      const size_t piece = std::min(bytes.size(), kChunkBytes);
      stream.next_in = Input(bytes);
      stream.avail_in = static_cast<uInt>(piece);
      bytes.remove_prefix(piece);
    }
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END)
      return tl::unexpected(std::string("it is no gzip file, or a damaged one"));
    whole.append(chunk.data(), chunk.size() - stream.avail_out);
    if (whole.size() > max_bytes)
      return tl::unexpected(fmt::format("it unpacks to more than {} MiB", max_bytes >> 20));
  }
  if (stream.avail_in != 0 || !bytes.empty())
    return tl::unexpected(std::string("there is something behind its end"));
  return whole;
}

}  // namespace blendbench
