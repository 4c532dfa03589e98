// Frames: cut out of a stream in one piece and in many, the frames and the end must be the same.
#include <google/protobuf/stubs/logging.h>

#include <vector>

#include "logcask/v1/native.pb.h"
#include "proto/frame.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

struct Cut {
  std::vector<std::string> frames;  // header and attachment
  Errc end = Errc::ok;              // ok: more bytes are needed
};

std::string whole(const FrameView& frame) {
  return std::to_string(frame.header.size()) + ":" + std::string(frame.header) + std::string(frame.attachment);
}

// `piece` bytes arrive at a time.
Cut cut(ByteView stream, const FrameLimits& limits, std::size_t piece) {
  Cut result;
  std::string buffer;
  while (!stream.empty()) {
    buffer += stream.substr(0, piece);
    stream.remove_prefix(std::min(piece, stream.size()));
    while (true) {
      std::size_t needed = 0;
      const auto frame = next_frame(buffer, limits, &needed);
      if (!frame.ok()) {
        result.end = frame.code();
        return result;
      }
      if (!*frame) {
        LOGCASK_CHECK(needed > buffer.size() && needed <= std::max(limits.max_frame_bytes, kFramePrefixBytes));
        break;
      }
      LOGCASK_CHECK((*frame)->total_bytes <= limits.max_frame_bytes);
      LOGCASK_CHECK((*frame)->header.size() <= limits.max_header_bytes);
      LOGCASK_CHECK(kFramePrefixBytes + (*frame)->header.size() + (*frame)->attachment.size() == (*frame)->total_bytes);
      result.frames.push_back(whole(**frame));
      buffer.erase(0, (*frame)->total_bytes);
    }
  }
  return result;
}

// What a header is parsed to is put together again as a frame that is cut out as it was.
void put_together(ByteView bytes, std::size_t attachment_bytes) {
  v1::ResponseHeader header;
  if (!header.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  std::string out = "before";
  append_frame_head(out, header, attachment_bytes);
  out.append(attachment_bytes, 'a');
  const auto frame = next_frame(ByteView(out).substr(6), {.max_frame_bytes = out.size()});
  LOGCASK_CHECK(frame.ok() && frame->has_value() && (*frame)->total_bytes == out.size() - 6);
  LOGCASK_CHECK((*frame)->attachment.size() == attachment_bytes);
  LOGCASK_CHECK((*frame)->header == header.SerializeAsString());
}

}  // namespace

void fuzz_frame(ByteView bytes) {
  google::protobuf::SetLogHandler(nullptr);  // as the listener has it: text that is not UTF-8 is no event
  Input input(bytes);
  FrameLimits limits;
  limits.max_frame_bytes = input.word();
  limits.max_header_bytes = std::size_t{4} * input.byte();
  const std::size_t piece = std::size_t{1} + input.byte() % 64;
  const ByteView stream = input.rest();
  const Cut at_once = cut(stream, limits, std::max<std::size_t>(stream.size(), 1));
  const Cut in_pieces = cut(stream, limits, piece);
  LOGCASK_CHECK(at_once.frames == in_pieces.frames && at_once.end == in_pieces.end);
  put_together(stream, piece);
}

}  // namespace logcask::fuzz
