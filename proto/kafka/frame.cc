#include "proto/kafka/frame.h"

#include "base/mutant.h"

namespace logcask::kafka {
namespace {

struct NoFields {
  template <class Io, class Self>
  static void describe(Io&, Self&) {}
};

}  // namespace

Result<RequestHead> read_request_head(ByteView frame) {
  ByteReader in(frame);
  RequestHead head;
  head.api_key = in.fixed<std::int16_t>();
  head.api_version = in.fixed<std::int16_t>();
  head.correlation_id = in.fixed<std::int32_t>();
  if (!in.ok()) return Error{Errc::malformed_frame, "the frame ends within the request header"};
  const Api* api = find_api(head.api_key);
  if (!api || !api->serves(head.api_version)) return head;
  head.api = api;
  const bool compact = mutant(Mutant::compact_client_id) && api->layout(head.api_version).flexible;
  const auto size = compact ? static_cast<std::int16_t>(in.fixed<std::uint8_t>() - 1) : in.fixed<std::int16_t>();
  if (size >= 0) head.client_id = in.bytes(static_cast<std::size_t>(size));
  if (!in.ok() || size < -1) return Error{Errc::malformed_frame, "the client id does not fit the frame"};
  head.message = frame.substr(in.position());
  if (const Layout layout = api->layout(head.api_version); layout.flexible) {
    Reader tags(head.message, layout);
    NoFields none;
    LOGCASK_TRY(tags.read(none));
    head.message = tags.rest();
  }
  return head;
}

std::string Written::joined() const {
  std::string all;
  all.reserve(total_bytes());
  std::size_t from = 0;
  for (const Splice& splice : splices) {
    all.append(bytes, from, splice.at - from);
    from = splice.at;
    for (const Piece& piece : splice.pieces) all.append(piece.bytes);
  }
  return all.append(bytes, from);
}

}  // namespace logcask::kafka
