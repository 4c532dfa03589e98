#include "broker/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <charconv>
#include <string>
#include <utility>

namespace logcask {

namespace http = boost::beast::http;

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kChunkLineBytesMax = 1024;

HttpMethod to_method(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::get;
    case http::verb::head:
      return HttpMethod::head;
    case http::verb::post:
      return HttpMethod::post;
    case http::verb::put:
      return HttpMethod::put;
    case http::verb::delete_:
      return HttpMethod::remove;
    default:
      return HttpMethod::other;
  }
}

Error malformed(const std::string& what) { return {Errc::malformed_frame, "this is not an HTTP/1.1 request: " + what}; }

}  // namespace

struct RequestReader::Head {
  http::request_parser<http::string_body> parser;
  // Those of the head: a trailer is none.
  std::vector<std::pair<std::string, std::string>> headers;
  std::size_t bytes = 0;
  std::size_t chunks_end = 0;  // as far as the chunks are known
  bool expects = false;
};

RequestReader::RequestReader(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}
RequestReader::~RequestReader() = default;

bool RequestReader::take_expectation() { return head_ && std::exchange(head_->expects, false); }

Result<std::size_t> RequestReader::read(ByteView bytes, HttpRequest& request) {
  if (!head_) LOGCASK_TRY(read_head(bytes));
  if (!head_) return 0;
  LOGCASK_ASSIGN(const std::size_t end, end_of_body(bytes));
  if (end == 0) return 0;
  const auto head = std::exchange(head_, nullptr);
  scanned_ = 0;
  needed_bytes_ = 1;
  boost::system::error_code failed;
  if (end > head->bytes) {
    head->parser.eager(true);
    const std::size_t used =
        head->parser.put(boost::asio::buffer(bytes.data() + head->bytes, end - head->bytes), failed);
    if (failed) return malformed(failed.message());
    if (used != end - head->bytes) return malformed("its body does not end where its length says");
  }
  if (!head->parser.is_done()) return malformed("its body is not whole");
  auto message = head->parser.release();
  request.method = to_method(message.method());
  request.http_1_0 = message.version() < 11;
  request.keep_alive = message.keep_alive() && !request.http_1_0;
  request.headers = std::move(head->headers);
  LOGCASK_TRY(split_target(std::string_view(message.target().data(), message.target().size()), request));
  request.body = std::move(message.body());
  return end;
}

// Leaves head_ empty while more is needed.
Status RequestReader::read_head(ByteView bytes) {
  const std::size_t found = bytes.find(kHeadEnd, scanned_);
  if (std::min(found, bytes.size()) > kHeadBytesMax)
    return Error{Errc::limit_exceeded, "the request's head is longer than " + std::to_string(kHeadBytesMax) + " bytes"};
  if (found == ByteView::npos) {
    scanned_ = bytes.size() < kHeadEnd.size() ? 0 : bytes.size() - (kHeadEnd.size() - 1);
    needed_bytes_ = bytes.size() + 1;
    // What is no request at all is not waited for.
    if (bytes.size() > 8 && bytes.find("\r\n") == ByteView::npos && !std::isalpha(static_cast<unsigned char>(bytes[0])))
      return malformed("its first line is none");
    return {};
  }
  auto head = std::make_unique<Head>();
  head->parser.eager(false);
  head->parser.body_limit(body_bytes_max_);
  head->parser.header_limit(static_cast<std::uint32_t>(kHeadBytesMax + kHeadEnd.size()));
  head->bytes = found + kHeadEnd.size();
  boost::system::error_code failed;
  head->parser.put(boost::asio::buffer(bytes.data(), head->bytes), failed);
  if (failed == http::error::body_limit)
    return Error{Errc::frame_too_large,
                 "the body is larger than " + std::to_string(body_bytes_max_) + " bytes, what frame.max.bytes allows"};
  if (failed) return malformed(failed.message());
  if (!head->parser.is_header_done()) return malformed("its head does not end");
  const auto& message = head->parser.get();
  for (const auto& field : message)
    head->headers.emplace_back(lower_case(field.name_string()), std::string(field.value()));
  // With any other coding nobody could tell where the body ends.
  for (const auto& [name, value] : head->headers)
    if (name == "transfer-encoding" && (lower_case(value) != "chunked" || message.version() < 11))
      return malformed("its Transfer-Encoding is not chunked");
  if (const auto expect = message[http::field::expect]; !expect.empty() && message.version() >= 11) {
    if (!boost::beast::iequals(expect, "100-continue")) return malformed("Expect is something else than 100-continue");
    head->expects = true;
  }
  head->chunks_end = head->bytes;
  head_ = std::move(head);
  return {};
}

Result<std::size_t> RequestReader::end_of_body(ByteView bytes) {
  if (head_->parser.chunked()) return end_of_chunks(bytes);
  const auto length = head_->parser.content_length();
  const std::size_t end = head_->bytes + static_cast<std::size_t>(length.value_or(0));
  if (bytes.size() >= end) return end;
  needed_bytes_ = end;
  return 0;
}

// Walks over the chunks that are there. Beast reads them afterwards, and must come to the same end.
Result<std::size_t> RequestReader::end_of_chunks(ByteView bytes) {
  while (true) {
    if (head_->chunks_end - head_->bytes > body_bytes_max_)
      return Error{Errc::frame_too_large, "the body is larger than " + std::to_string(body_bytes_max_) +
                                              " bytes, what frame.max.bytes allows"};
    const ByteView rest = bytes.substr(std::min(bytes.size(), head_->chunks_end));
    const std::size_t line_end = rest.find("\r\n");
    needed_bytes_ = bytes.size() + 1;
    if (std::min(line_end, rest.size()) > kChunkLineBytesMax) return malformed("the line before a chunk is too long");
    if (line_end == ByteView::npos) return 0;
    std::uint32_t size = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + line_end, size, 16);
    if (error != std::errc() || (*stop != '\r' && *stop != ';' && *stop != ' '))
      return malformed("a chunk has no size");
    if (size > body_bytes_max_)
      return Error{Errc::frame_too_large, "the body is larger than " + std::to_string(body_bytes_max_) +
                                              " bytes, what frame.max.bytes allows"};
    if (size > 0) {
      const std::size_t next = head_->chunks_end + line_end + 2 + size + 2;
      if (next > bytes.size()) {
        needed_bytes_ = next;
        return 0;
      }
      head_->chunks_end = next;
      continue;
    }
    // The last chunk: an empty line, or trailers and an empty line.
    if (rest.substr(line_end + 2).starts_with("\r\n")) return head_->chunks_end + line_end + 4;
    const std::size_t end = rest.find(kHeadEnd, line_end);
    if (std::min(end, rest.size()) - line_end > kHeadBytesMax)
      return Error{Errc::limit_exceeded, "the request's trailers are too long"};
    return end == ByteView::npos ? 0 : head_->chunks_end + end + kHeadEnd.size();
  }
}

}  // namespace logcask
