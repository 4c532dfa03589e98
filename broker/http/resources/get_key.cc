// GET /v1/topics/TOPIC/keys/KEY: the latest record of a key.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "broker/http/entity_tag.h"
#include "broker/http/resources/key_address.h"
#include "broker/http/resources/lookup_json.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"

namespace logcask {
namespace {

// What a GET asks for beside the key.
struct Wanted {
  KeyAddress address;
  TopicId topic_id;
  char form = EntityTag::kJson;
  std::optional<TagList> if_match, if_none_match;
};

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

Status read_min_offset(const Topic& topic, const std::string& text, LookupOptions& options) {
  const std::size_t colon = text.find(':');
  const auto partition = colon == std::string::npos ? std::optional<std::int32_t>(0)
                                                    : to_number<std::int32_t>(std::string_view(text).substr(0, colon));
  const auto offset =
      to_number<std::int64_t>(std::string_view(text).substr(colon == std::string::npos ? 0 : colon + 1));
  if (!partition || !offset || (colon == std::string::npos && topic.partitions.size() > 1))
    return Error{Errc::invalid_argument, "min_offset is PARTITION:OFFSET, or OFFSET where the topic has one partition"};
  options.min_offsets.emplace_back(PartitionId(*partition), Offset(*offset));
  return {};
}

Result<std::optional<TagList>> read_tags(const HttpRequest& request, std::string_view name, bool strong) {
  const std::string* text = request.header(name);
  if (!text) return std::optional<TagList>();
  if (request.header_count(name) > 1) return Error{Errc::invalid_argument, "a precondition is given twice"};
  LOGCASK_ASSIGN(TagList tags, parse_tag_list(*text, strong));
  return std::optional<TagList>(std::move(tags));
}

bool accepts(const std::string& accept, std::string_view type) { return accept.find(type) != std::string::npos; }

Result<char> read_form(const HttpRequest& request) {
  LOGCASK_ASSIGN(const bool base64, read_base64(request));
  const std::string* accept = request.header("accept");
  if (accept && accepts(*accept, "application/octet-stream")) return EntityTag::kOctets;
  return base64 ? EntityTag::kBase64 : EntityTag::kJson;
}

class KeyLookup final : public LookupCall {
 public:
  KeyLookup(HttpCall call, Wanted wanted) : call_(std::move(call)), wanted_(std::move(wanted)) {}

  void result(const LookupResult& result) override { answer_ = make_answer(result); }
  void completed(Status status) override {
    if (!status.ok()) return call_.refuse(status.error());
    call_.answer(std::move(answer_));
  }

 private:
  HttpAnswer make_answer(const LookupResult& result) const;
  HttpAnswer missing(const LookupResult& result) const;
  HttpAnswer found(const LookupResult& result, const EntityTag& tag) const;

  HttpCall call_;
  const Wanted wanted_;
  HttpAnswer answer_;
};

HttpAnswer KeyLookup::make_answer(const LookupResult& result) const {
  if (result.status == LookupStatus::failed)
    return error_answer(Error{result.error, "the lookup failed: " + std::string(errc_meaning(result.error))});
  if (result.status != LookupStatus::found) {
    if (wanted_.if_match) return error_answer(412, Error{Errc::condition_failed, "the key has no value"});
    return missing(result);
  }
  const EntityTag tag{wanted_.topic_id, result.partition, result.offset, wanted_.form};
  if (const auto& match = wanted_.if_match;
      match && !match->any && std::none_of(match->tags.begin(), match->tags.end(), [&](const EntityTag& given) {
        return given.same_record(tag);
      })) {
    HttpAnswer answer = error_answer(412, Error{Errc::condition_failed, "the key has another record"});
    answer.headers.emplace_back("ETag", tag.to_string());
    return answer;
  }
  if (const auto& none = wanted_.if_none_match;
      none && (none->any || std::find(none->tags.begin(), none->tags.end(), tag) != none->tags.end())) {
    HttpAnswer answer;
    answer.status = 304;
    answer.headers.emplace_back("ETag", tag.to_string());
    return answer;
  }
  return found(result, tag);
}

HttpAnswer KeyLookup::missing(const LookupResult& result) const {
  const bool deleted = result.status == LookupStatus::deleted;
  HttpAnswer answer;
  answer.status = 404;
  JsonWriter json(answer.body);
  json.begin().name("error").begin().field("code", errc_name(Errc::not_found));
  json.field("message", deleted ? "the key has been deleted" : "there is no such key").field("retriable", false).end();
  json.field("topic", wanted_.address.topic).field("state", deleted ? "deleted" : "absent");
  if (deleted) json.field("partition", result.partition.value()).field("offset", result.offset.value());
  json.end();
  answer.body += '\n';
  return answer;
}

HttpAnswer KeyLookup::found(const LookupResult& result, const EntityTag& tag) const {
  HttpAnswer answer;
  answer.headers.emplace_back("ETag", tag.to_string());
  answer.headers.emplace_back("Vary", "Accept");
  if (tag.form == EntityTag::kOctets) {
    answer.content_type = "application/octet-stream";
    answer.headers.emplace_back("Logcask-Partition", std::to_string(result.partition.value()));
    answer.headers.emplace_back("Logcask-Offset", std::to_string(result.offset.value()));
    answer.headers.emplace_back("Logcask-Timestamp", std::to_string(result.timestamp.value()));
    answer.body = std::string(result.value);
    return answer;
  }
  JsonWriter json(answer.body);
  json.begin().field("topic", wanted_.address.topic).field_bytes("key", wanted_.address.key);
  append_found(json, result, tag.form == EntityTag::kBase64);
  json.end();
  answer.body += '\n';
  return answer;
}

Status read_wanted(const HttpRequest& request, Wanted& wanted) {
  LOGCASK_TRY(check_parameters(request, {"key_encoding", "encoding", "min_offset"}));
  for (const std::string_view name : {"if-modified-since", "if-unmodified-since", "if-range", "range"})
    if (request.header(name))
      return Error{Errc::unsupported, std::string(name) + " is not served; If-Match and If-None-Match are"};
  LOGCASK_ASSIGN(wanted.form, read_form(request));
  LOGCASK_ASSIGN(wanted.if_match, read_tags(request, "if-match", true));
  LOGCASK_ASSIGN(wanted.if_none_match, read_tags(request, "if-none-match", false));
  if (wanted.if_match && wanted.if_none_match) return Error{Errc::invalid_argument, "a request takes one precondition"};
  return {};
}

}  // namespace

void handle_get_key(HttpCall call, HttpRequest request) {
  Wanted wanted;
  auto address = read_key_address(request);
  if (!address.ok()) return call.answer(key_address_refused(address.error()));
  wanted.address = std::move(*address);
  if (auto read = read_wanted(request, wanted); !read.ok()) return call.answer(error_answer(400, read.error()));
  HttpProtocol& protocol = call.protocol();
  const auto topic = call.services().admin.describe_topic(protocol.context().principal, wanted.address.topic);
  if (!topic.ok()) return call.refuse(topic.error());
  wanted.topic_id = (*topic)->record.id;
  LookupOptions options;
  options.topic_id = wanted.topic_id;
  if (const std::string* min_offset = request.parameter("min_offset"))
    if (auto read = read_min_offset(**topic, *min_offset, options); !read.ok()) return call.refuse(read.error());
  const std::string key = wanted.address.key;
  const ByteView view = key;
  const std::string name = wanted.address.topic;
  LookupService& lookup = call.services().lookup;
  const auto self = protocol.shared_from_this();
  if (auto open = lookup.get(protocol.context(), name, std::span(&view, 1), std::move(options),
                             std::make_unique<KeyLookup>(std::move(call), std::move(wanted))))
    self->opened(std::move(open));
}

}  // namespace logcask
