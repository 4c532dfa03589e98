#include "broker/http/http_answer.h"

#include "base/json_writer.h"

namespace logcask {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
  }
}

void append_status(std::string& out, int status) {
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_phrase(status));
}

constexpr std::string_view kAlways = "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff";

}  // namespace

void append_stream_head(std::string& out, const HttpAnswer& answer, bool chunked, bool keep_alive) {
  append_status(out, answer.status);
  out.append("\r\nContent-Type: ").append(answer.content_type).append(kAlways);
  if (chunked) out.append("\r\nTransfer-Encoding: chunked");
  if (!keep_alive) out.append("\r\nConnection: close");
  out.append("\r\n\r\n");
}

void append_head(std::string& out, const HttpAnswer& answer, bool keep_alive) {
  append_status(out, answer.status);
  if (!answer.content_type.empty() && answer.status != 304)
    out.append("\r\nContent-Type: ").append(answer.content_type);
  if (answer.status != 304) out.append("\r\nContent-Length: ").append(std::to_string(answer.body.size()));
  for (const auto& [name, value] : answer.headers) out.append("\r\n").append(name).append(": ").append(value);
  out.append(kAlways);
  if (!keep_alive) out.append("\r\nConnection: close");
  out.append("\r\n\r\n");
}

int http_status(Errc code) {
  switch (code) {
    case Errc::ok:
      return 200;
    case Errc::unknown_topic:
    case Errc::unknown_partition:
    case Errc::unknown_group:
    case Errc::group_id_not_found:
    case Errc::not_found:
      return 404;
    case Errc::topic_exists:
    case Errc::already_exists:
    case Errc::conflict_pending:
    case Errc::wrong_partition:
    case Errc::offset_not_yet:
    case Errc::in_use:
    case Errc::non_empty_group:
    case Errc::group_subscribed_to_topic:
      return 409;
    case Errc::condition_failed:
    case Errc::topic_changed:
      return 412;
    case Errc::message_too_large:
    case Errc::frame_too_large:
      return 413;
    case Errc::permission_denied:
      return 403;
    case Errc::throttled:
      return 429;
    case Errc::unsupported:
    case Errc::unsupported_version:
      return 501;
    case Errc::loading:
    case Errc::shutting_down:
    case Errc::cancelled:
    case Errc::partition_offline:
    case Errc::not_leader:
    case Errc::limit_exceeded:
    case Errc::coordinator_loading:
    case Errc::coordinator_not_available:
      return 503;
    case Errc::timed_out:
      return 504;
    case Errc::keydir_budget_exceeded:
    case Errc::storage_full:
    case Errc::read_only:
      return 507;
    case Errc::io_error:
    case Errc::corrupt_range:
    case Errc::corrupt_file:
    case Errc::foreign_file:
    case Errc::internal:
      return 500;
    default:
      return 400;
  }
}

HttpAnswer error_answer(const Error& error) { return error_answer(http_status(error.code), error); }

HttpAnswer error_answer(int status, const Error& error) {
  HttpAnswer answer;
  answer.status = status;
  JsonWriter json(answer.body);
  json.begin().name("error").begin().field("code", errc_name(error.code)).field("message", error.message);
  json.field("retriable", errc_retriable(error.code)).end().end();
  answer.body += '\n';
  if (status == 503 || status == 429) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

}  // namespace logcask
