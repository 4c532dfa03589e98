#pragma once
// From a connection's bytes to its requests: finds where the request at the front ends, and reads it with Boost.Beast.
//
// A part of its connection's protocol, on its loop. The bytes of one request are given from its first one again until
// it is whole; what is known of its head is kept in between.

#include <cstddef>
#include <memory>

#include "base/result.h"
#include "base/types.h"
#include "broker/http/http_request.h"

namespace logcask {

class RequestReader {
 public:
  // A request line and its headers.
  static constexpr std::size_t kHeadBytesMax = 64u << 10;

  explicit RequestReader(std::size_t body_bytes_max);
  ~RequestReader();

  // The bytes that the request at the front takes, once it is whole; 0 until then. malformed_frame when it is none,
  // frame_too_large, limit_exceeded for its head; what follows cannot be understood after an error.
  Result<std::size_t> read(ByteView bytes, HttpRequest& request);
  // The head of a request has come, and its body has not.
  bool within_request() const { return head_ != nullptr; }
  // What the buffer must reach at least; after a read() that returned 0.
  std::size_t needed_bytes() const { return needed_bytes_; }
  // The client waits with the body until it is told to go on. True once per request.
  bool take_expectation();

 private:
  struct Head;
  Status read_head(ByteView bytes);
  Result<std::size_t> end_of_body(ByteView bytes);
  Result<std::size_t> end_of_chunks(ByteView bytes);

  const std::size_t body_bytes_max_;
  std::size_t needed_bytes_ = 1;
  std::size_t scanned_ = 0;  // no head's end lies before it
  std::unique_ptr<Head> head_;
};

}  // namespace logcask
