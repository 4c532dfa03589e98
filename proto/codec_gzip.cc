// RFC 1952 through zlib. Members that follow each other are one stream, as in gzip(1) and in Java.
#include <zlib.h>

#include <memory>

#include "proto/codecs.h"

namespace logcask::codec {
namespace {

// Window of 32 KiB; +16 means the gzip wrapper and nothing else.
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kMemLevel = 8;

struct Deflater {
  z_stream stream{};
  Deflater() {
    LOGCASK_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemLevel,
                               Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflater() { deflateEnd(&stream); }
};

struct Inflater {
  z_stream stream{};
  Inflater() { LOGCASK_CHECK(inflateInit2(&stream, kGzipWindowBits) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
};

Bytef* zlib_bytes(const char* at) { return reinterpret_cast<Bytef*>(const_cast<char*>(at)); }

}  // namespace

Status compress_gzip(ByteView input, std::string& out) {
  thread_local Deflater deflater;
  z_stream& stream = deflater.stream;
  LOGCASK_CHECK(deflateReset(&stream) == Z_OK);
  const std::size_t before = out.size();
  const std::size_t bound = deflateBound(&stream, input.size());
  out.resize(before + bound);
  stream.next_in = zlib_bytes(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = zlib_bytes(out.data() + before);
  stream.avail_out = static_cast<uInt>(bound);
  const int code = deflate(&stream, Z_FINISH);
  const std::size_t written = bound - stream.avail_out;
  out.resize(code == Z_STREAM_END ? before + written : before);
  if (code != Z_STREAM_END)
    return Error{Errc::internal, "zlib did not finish the stream (code " + std::to_string(code) + ")"};
  return {};
}

Status decompress_gzip(ByteView input, BoundedOutput& out) {
  thread_local Inflater inflater;
  z_stream& stream = inflater.stream;
  LOGCASK_CHECK(inflateReset(&stream) == Z_OK);
  out.hint(std::min<std::size_t>(input.size(), 1u << 20) * 4);
  stream.next_in = zlib_bytes(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  while (true) {
    out.make_room();
    const auto room = static_cast<uInt>(out.room_bytes());
    stream.next_out = zlib_bytes(out.room());
    stream.avail_out = room;
    const int code = inflate(&stream, Z_NO_FLUSH);
    out.commit(room - stream.avail_out);
    if (out.over()) return too_large("gzip", out.limit());
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return {};
      LOGCASK_CHECK(inflateReset(&stream) == Z_OK);  // the next member; garbage fails its header check
      continue;
    }
    if (code == Z_MEM_ERROR) return no_memory("gzip");
    if (code != Z_OK && code != Z_BUF_ERROR) return corrupt("gzip", stream.msg ? stream.msg : "not a gzip stream");
    // Room was left, so zlib wanted more input and there is none.
    if (stream.avail_out > 0 && stream.avail_in == 0) return corrupt("gzip", "it ends early");
  }
}

}  // namespace logcask::codec
