// POST /v1/topics/TOPIC/keys:batchGet: the latest records of many keys.
#include <boost/json.hpp>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/json_writer.h"
#include "broker/http/resources/lookup_json.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"

namespace logcask {
namespace {

constexpr std::size_t kKeysMax = 65536;

std::string_view status_name(LookupStatus status) {
  switch (status) {
    case LookupStatus::found:
      return "found";
    case LookupStatus::deleted:
      return "deleted";
    case LookupStatus::failed:
      return "failed";
    default:
      return "absent";
  }
}

// Refuses what becomes far more in memory than keys would.
class BoundedMemory final : public boost::json::memory_resource {
 public:
  explicit BoundedMemory(std::size_t bytes) : left_(bytes) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    return ::operator new(bytes);
  }
  void do_deallocate(void* at, std::size_t bytes, std::size_t) override {
    left_ += bytes;
    ::operator delete(at);
  }
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;
};

constexpr std::size_t kBodyMemoryBytes = 16u << 20;

Error bad_body(const std::string& what) {
  return {Errc::invalid_argument, "the body is {\"keys\": [\"text\" or {\"base64\": \"...\"}, ...]}: " + what};
}

Result<std::string> read_key(const boost::json::value& value) {
  if (value.is_string()) return std::string(value.get_string().data(), value.get_string().size());
  if (value.is_object() && value.get_object().size() == 1) {
    const boost::json::value* text = value.get_object().if_contains("base64");
    if (text && text->is_string()) {
      auto bytes = decode_base64(std::string_view(text->get_string().data(), text->get_string().size()));
      if (bytes) return std::move(*bytes);
    }
  }
  return bad_body("a key is neither");
}

Result<std::vector<std::string>> read_keys(const std::string& body) try {
  boost::json::error_code failed;
  BoundedMemory memory(kBodyMemoryBytes + 3 * body.size());
  const boost::json::value root =
      boost::json::parse(boost::json::string_view(body.data(), body.size()), failed, &memory);
  if (failed) return bad_body(failed.message());
  const boost::json::value* list = root.is_object() ? root.get_object().if_contains("keys") : nullptr;
  if (!list || !list->is_array() || root.get_object().size() != 1) return bad_body("it has not \"keys\" alone");
  if (list->get_array().size() > kKeysMax)
    return Error{Errc::invalid_argument, "at most " + std::to_string(kKeysMax) + " keys can be looked up at a time"};
  std::vector<std::string> keys;
  for (const boost::json::value& value : list->get_array()) {
    LOGCASK_ASSIGN(std::string key, read_key(value));
    keys.push_back(std::move(key));
  }
  return keys;
} catch (const std::bad_alloc&) {
  return bad_body("it holds far more than " + std::to_string(kKeysMax) + " keys");
}

class BatchLookup final : public LookupCall {
 public:
  BatchLookup(HttpCall call, std::shared_ptr<const std::vector<std::string>> keys, bool base64)
      : call_(std::move(call)), keys_(std::move(keys)), base64_(base64), json_(answer_.body) {
    json_.begin().name("results").begin_list();
  }

  void result(const LookupResult& result) override {
    if (too_large_) return;
    json_.begin();
    const std::string& key = (*keys_)[result.key_index];
    json_.field_bytes("key", key).field("status", status_name(result.status));
    if (result.status == LookupStatus::found) append_found(json_, result, base64_);
    if (result.status == LookupStatus::deleted)
      json_.field("partition", result.partition.value()).field("offset", result.offset.value());
    if (result.status == LookupStatus::failed) json_.field("error", errc_name(result.error));
    json_.end();
    too_large_ = keys_->size() > 1 && answer_.body.size() > call_.services().limits.output_bytes;
  }
  bool wants_more() const override { return !too_large_; }
  void completed(Status status) override {
    if (too_large_)
      status = Error{Errc::message_too_large, "the values are larger than " +
                                                  std::to_string(call_.services().limits.output_bytes) +
                                                  " bytes together; ask for fewer keys at a time"};
    if (!status.ok()) return call_.refuse(status.error());
    json_.end_list().end();
    answer_.body += '\n';
    call_.answer(std::move(answer_));
  }

 private:
  HttpCall call_;
  const std::shared_ptr<const std::vector<std::string>> keys_;
  const bool base64_;
  HttpAnswer answer_;
  JsonWriter json_;
  bool too_large_ = false;
};

}  // namespace

void handle_batch_get(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {"encoding"}); !known.ok()) return call.refuse(known.error());
  const auto base64 = read_base64(request);
  if (!base64.ok()) return call.refuse(base64.error());
  auto read = read_keys(request.body);
  if (!read.ok()) return call.refuse(read.error());
  const auto keys = std::make_shared<const std::vector<std::string>>(std::move(*read));
  const std::vector<ByteView> views(keys->begin(), keys->end());
  LookupService& lookup = call.services().lookup;
  const auto self = call.protocol().shared_from_this();
  if (auto open = lookup.get(self->context(), request.segments[2], views, {},
                             std::make_unique<BatchLookup>(std::move(call), keys, *base64)))
    self->opened(std::move(open));
}

}  // namespace logcask
