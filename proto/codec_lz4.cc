// The LZ4 frame format. Blocks are independent and 64 KiB, which every client reads.
#include <lz4frame.h>

#include <memory>

#include "base/coding.h"
#include "proto/codecs.h"

namespace logcask::codec {
namespace {

constexpr ByteView kFrameMagic("\x04\x22\x4d\x18", 4);

struct FreeLz4Decoder {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

using Lz4Decoder = std::unique_ptr<LZ4F_dctx, FreeLz4Decoder>;

// The one that the thread has used before, if that went well to the end. liblz4's own reset forgets how much content a
// broken frame still owed, and the next frame would be refused for it.
Lz4Decoder& kept_decoder() {
  thread_local Lz4Decoder kept;
  return kept;
}

Lz4Decoder take_decoder() {
  if (kept_decoder()) return std::move(kept_decoder());
  LZ4F_dctx* created = nullptr;
  LOGCASK_CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&created, LZ4F_VERSION)));
  return Lz4Decoder(created);
}

}  // namespace

Status compress_lz4(ByteView input, std::string& out) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  const std::size_t before = out.size();
  const std::size_t bound = LZ4F_compressFrameBound(input.size(), &preferences);
  out.resize(before + bound);
  const std::size_t written = LZ4F_compressFrame(out.data() + before, bound, input.data(), input.size(), &preferences);
  if (LZ4F_isError(written)) {
    out.resize(before);
    return Error{Errc::internal, std::string("lz4 did not compress: ") + LZ4F_getErrorName(written)};
  }
  out.resize(before + written);
  return {};
}

Status decompress_lz4(ByteView input, BoundedOutput& out) {
  if (!input.starts_with(kFrameMagic)) return corrupt("lz4", "it does not start with the frame magic");
  Lz4Decoder context = take_decoder();
  out.hint(std::min<std::size_t>(input.size(), 1u << 20) * 4);
  std::size_t position = 0;
  while (true) {
    out.make_room();
    std::size_t produced = out.room_bytes();
    std::size_t consumed = input.size() - position;
    const std::size_t code =
        LZ4F_decompress(context.get(), out.room(), &produced, input.data() + position, &consumed, nullptr);
    // The library's list of codes is for those who link it statically; the names are for everybody.
    if (LZ4F_getErrorName(code) == std::string_view("ERROR_allocation_failed")) return no_memory("lz4");
    if (LZ4F_isError(code)) return corrupt("lz4", LZ4F_getErrorName(code));
    position += consumed;
    out.commit(produced);
    if (out.over()) return too_large("lz4", out.limit());
    if (code == 0) break;  // end of the frame
    if (consumed == 0 && produced == 0) return corrupt("lz4", "it ends early");
  }
  kept_decoder() = std::move(context);
  return position == input.size() ? Status() : corrupt("lz4", "bytes follow the end of the frame");
}

}  // namespace logcask::codec
