#include "client/request_table.h"

#include <algorithm>

namespace logcask::client {

void RequestTable::add(std::uint64_t id, OpenRequest request) {
  earliest_deadline_ns_ = std::min(earliest_deadline_ns_, request.deadline_ns);
  open_.emplace(id, std::move(request));
}

void RequestTable::mark_sent(std::uint64_t id) {
  if (const auto found = open_.find(id); found != open_.end()) found->second.sent = true;
}

std::shared_ptr<ResponseHandler> RequestTable::match(std::uint64_t id, bool last) {
  const auto found = open_.find(id);
  if (found == open_.end()) return nullptr;
  if (found->second.stream && !last) return found->second.handler;
  auto handler = std::move(found->second.handler);
  open_.erase(found);
  return handler;
}

std::shared_ptr<ResponseHandler> RequestTable::remove(std::uint64_t id) { return match(id, true); }

RequestTable::Expired RequestTable::expire(std::int64_t now_ns) {
  Expired expired;
  earliest_deadline_ns_ = kNoDeadline;
  for (auto at = open_.begin(); at != open_.end();) {
    OpenRequest& request = at->second;
    if (request.deadline_ns > now_ns) {
      earliest_deadline_ns_ = std::min(earliest_deadline_ns_, request.deadline_ns);
      ++at;
      continue;
    }
    if (request.sent) expired.oldest_sent_ns = std::min(expired.oldest_sent_ns, request.submitted_ns);
    expired.handlers.push_back(std::move(request.handler));
    at = open_.erase(at);
  }
  return expired;
}

RequestTable::Lost RequestTable::connection_lost() {
  std::vector<std::uint64_t> ids;
  ids.reserve(open_.size());
  for (const auto& [id, request] : open_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());  // ids are given in order of submission
  Lost lost;
  for (const std::uint64_t id : ids) {
    OpenRequest& request = open_.at(id);
    const bool fails = request.on_lost == OnLost::fail || (request.on_lost == OnLost::fail_if_sent && request.sent);
    if (fails) {
      lost.failed.push_back(std::move(request.handler));
      open_.erase(id);
    } else {
      request.sent = false;
      lost.requeued.push_back(request.message);
    }
  }
  return lost;
}

RequestTable::Handlers RequestTable::fail_all() {
  std::map<std::uint64_t, std::shared_ptr<ResponseHandler>> in_order;
  for (auto& [id, request] : open_) in_order.emplace(id, std::move(request.handler));
  open_.clear();
  Handlers handlers;
  for (auto& [id, handler] : in_order) handlers.push_back(std::move(handler));
  return handlers;
}

}  // namespace logcask::client
