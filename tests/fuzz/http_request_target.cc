// HTTP requests: read out of a stream in one piece and in many, the requests and the end must be the same; so are what
// their headers say of tags and tokens.
//
// Input: the size of a piece u8, then the stream.
#include <vector>

#include "broker/http/entity_tag.h"
#include "broker/http/http_guard.h"
#include "broker/http/request_reader.h"
#include "broker/http/resources/watch_token.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

constexpr std::size_t kBodyBytesMax = 4096;

struct ReadRequests {
  std::vector<std::string> requests;
  Errc end = Errc::ok;  // ok: more bytes are needed
};

std::string http_request_text(const HttpRequest& request) {
  std::string text(http_method_name(request.method));
  for (const std::string& segment : request.segments) text += '/' + segment;
  for (const auto& [name, value] : request.query) text += '?' + name + '=' + value;
  for (const auto& [name, value] : request.headers) text += '\n' + name + ':' + value;
  return text + "\n\n" + request.body;
}

void look_at_http_request(const HttpRequest& request) {
  LOGCASK_CHECK(request.body.size() <= kBodyBytesMax && !request.segments.empty());
  (void)refused_by_guard(request, {"127.0.0.1", 7441}, make_http_settings("allowed.example"));
  for (const auto& [name, value] : request.headers) {
    if (const auto tags = parse_tag_list(value); tags.ok())
      for (const EntityTag& tag : tags->tags) LOGCASK_CHECK(parse_tag_list(tag.to_string())->tags.front() == tag);
    if (const auto token = decode_watch_token(value); token.ok())
      LOGCASK_CHECK(decode_watch_token(encode_watch_token(*token)).ok());
  }
}

// `piece` bytes arrive at a time.
ReadRequests read_http_requests(ByteView stream, std::size_t piece) {
  ReadRequests result;
  RequestReader reader(kBodyBytesMax);
  std::string buffer;
  while (!stream.empty()) {
    buffer += stream.substr(0, piece);
    stream.remove_prefix(std::min(piece, stream.size()));
    while (!buffer.empty()) {
      HttpRequest request;
      const auto used = reader.read(buffer, request);
      if (!used.ok()) {
        result.end = used.code();
        return result;
      }
      if (*used == 0) {
        LOGCASK_CHECK(reader.needed_bytes() > buffer.size());
        break;
      }
      LOGCASK_CHECK(*used <= buffer.size());
      look_at_http_request(request);
      result.requests.push_back(http_request_text(request));
      buffer.erase(0, *used);
    }
  }
  return result;
}

}  // namespace

void fuzz_http_request(ByteView bytes) {
  Input input(bytes);
  const std::size_t piece = input.byte() + std::size_t{1};
  const ByteView stream = input.rest();
  const ReadRequests whole_stream = read_http_requests(stream, std::max<std::size_t>(stream.size(), 1));
  const ReadRequests in_pieces = read_http_requests(stream, piece);
  LOGCASK_CHECK(whole_stream.requests == in_pieces.requests);
  LOGCASK_CHECK((whole_stream.end == Errc::ok) == (in_pieces.end == Errc::ok));
}

}  // namespace logcask::fuzz
