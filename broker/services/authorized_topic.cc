#include "broker/services/authorized_topic.h"

#include "base/mutant.h"

namespace logcask {
namespace {

// `find` looks the topic up.
template <class Find>
Result<TopicPtr> find_authorized(const Authorizer& authorizer, const Principal& principal, Operation operation,
                                 std::string_view name, const Find& find) {
  if (mutant(Mutant::looked_up_before_asked) && !find()) return unknown_topic(name);
  LOGCASK_TRY(authorizer.authorize(principal, operation, {ResourceKind::topic, name}));
  TopicPtr topic = find();
  if (!topic) return unknown_topic(name);
  return topic;
}

}  // namespace

Result<TopicPtr> authorized_topic(const ServiceParts& parts, const CallContext& context, Operation operation,
                                  std::string_view name) {
  return find_authorized(parts.authorizer, context.principal, operation, name,
                         [&]() -> TopicPtr { return context.topics.find(name); });
}

Result<TopicPtr> authorized_topic(const ServiceParts& parts, const Principal& principal, Operation operation,
                                  std::string_view name) {
  return find_authorized(parts.authorizer, principal, operation, name, [&] { return parts.topics.find(name); });
}

Status check_compacted(const Topic& topic, std::string_view what) {
  if (topic.config.partition.compacted) return {};
  return Error{Errc::unsupported, std::string(what) + " cleanup.policy compact; topic '" + topic.record.name +
                                      "' has no keydir ('topic alter --config cleanup.policy=compact' gives it one "
                                      "where each record has a key)"};
}

Status check_same_topic(const Topic& topic, const std::optional<TopicId>& id) {
  if (!id || *id == topic.record.id || mutant(Mutant::position_of_any_log)) return {};
  return Error{Errc::topic_changed, "the offsets are of another topic than '" + topic.record.name +
                                        "' as it is: it was made anew; look the keys up again"};
}

}  // namespace logcask
