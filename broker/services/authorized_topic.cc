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

}  // namespace logcask
