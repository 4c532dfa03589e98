#pragma once
// What a request is answered with. A value.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace logcask {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// Status line and headers, with the empty line behind them.
void append_head(std::string& out, const HttpAnswer& answer, bool keep_alive);

// The same of an answer whose body follows in pieces.
void append_stream_head(std::string& out, const HttpAnswer& answer, bool chunked, bool keep_alive);

// The status for an error of a service (docs/HTTP.md).
int http_status(Errc code);
// {"error": {"code", "message", "retriable"}} with its status; one that may be tried again says when.
HttpAnswer error_answer(const Error& error);
HttpAnswer error_answer(int status, const Error& error);

}  // namespace logcask
