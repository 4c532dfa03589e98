// RFC 8878. Frames that follow each other are one stream. The declared content size is only a hint;
// the declared window is refused above 2^27 bytes, the most a producer's level 22 asks for.
#include <zstd.h>
#include <zstd_errors.h>

#include <memory>

#include "proto/codecs.h"

namespace logcask::codec {
namespace {

constexpr int kLevel = 3;
constexpr int kMaxWindowLog = 27;
// A context that grew beyond this for one batch is given back.
constexpr std::size_t kKeptContextBytes = 4u << 20;
// A content size is believed, and decoded into in one go, while it is this plausible.
constexpr std::size_t kPlausibleRatio = 32;

struct FreeEncoder {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeZstdDecoder {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using Encoder = std::unique_ptr<ZSTD_CCtx, FreeEncoder>;
using ZstdDecoder = std::unique_ptr<ZSTD_DCtx, FreeZstdDecoder>;

Encoder& encoder() {
  thread_local Encoder context;
  if (!context) context.reset(ZSTD_createCCtx());
  LOGCASK_CHECK(context != nullptr);
  return context;
}

ZstdDecoder& decoder() {
  thread_local ZstdDecoder context;
  if (!context) {
    context.reset(ZSTD_createDCtx());
    LOGCASK_CHECK(context != nullptr);
    LOGCASK_CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxWindowLog)));
  }
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  return context;
}

// True when the whole input was one frame whose declared size was the truth; needs no window buffer.
bool decompress_at_once(ZSTD_DCtx* context, ByteView input, BoundedOutput& out) {
  const unsigned long long declared = ZSTD_getFrameContentSize(input.data(), input.size());
  if (declared == ZSTD_CONTENTSIZE_UNKNOWN || declared == ZSTD_CONTENTSIZE_ERROR) return false;
  if (declared > out.limit() || declared / kPlausibleRatio > input.size()) return false;
  out.make_room(declared);
  const std::size_t produced = ZSTD_decompressDCtx(context, out.room(), declared, input.data(), input.size());
  if (ZSTD_isError(produced)) return false;
  out.commit(produced);
  return true;
}

Status decompress_stream(ZSTD_DCtx* context, ByteView input, BoundedOutput& out) {
  out.hint(std::min<std::size_t>(input.size(), 1u << 20) * 4);
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  while (true) {
    out.make_room();
    ZSTD_outBuffer piece{out.room(), out.room_bytes(), 0};
    const std::size_t before = in.pos;
    const std::size_t code = ZSTD_decompressStream(context, &piece, &in);
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) return no_memory("zstd");
    if (ZSTD_isError(code)) return corrupt("zstd", ZSTD_getErrorName(code));
    out.commit(piece.pos);
    if (out.over()) return too_large("zstd", out.limit());
    if (code == 0 && in.pos == in.size) return {};  // a frame ended with the input
    if (in.pos == before && piece.pos == 0) return corrupt("zstd", "it ends early");
  }
}

}  // namespace

Status compress_zstd(ByteView input, std::string& out) {
  Encoder& context = encoder();
  const std::size_t before = out.size();
  const std::size_t bound = ZSTD_compressBound(input.size());
  out.resize(before + bound);
  const std::size_t written =
      ZSTD_compressCCtx(context.get(), out.data() + before, bound, input.data(), input.size(), kLevel);
  if (ZSTD_isError(written)) {
    out.resize(before);
    return Error{Errc::internal, std::string("zstd did not compress: ") + ZSTD_getErrorName(written)};
  }
  out.resize(before + written);
  if (ZSTD_sizeof_CCtx(context.get()) > kKeptContextBytes) context.reset();
  return {};
}

Status decompress_zstd(ByteView input, BoundedOutput& out) {
  if (input.empty()) return corrupt("zstd", "it is empty");
  ZstdDecoder& context = decoder();
  if (decompress_at_once(context.get(), input, out)) return {};
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  const Status status = decompress_stream(context.get(), input, out);
  if (ZSTD_sizeof_DCtx(context.get()) > kKeptContextBytes) context.reset();
  return status;
}

}  // namespace logcask::codec
