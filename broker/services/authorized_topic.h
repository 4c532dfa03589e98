#pragma once
// The topic that a request names, once its caller may know of it.
//
// The authorizer is asked before the registry: whoever may not do the operation hears permission_denied, whether or not
// there is such a topic. No service looks a topic up in any other way.

#include <optional>
#include <string_view>

#include "broker/services/call_context.h"

namespace logcask {

// permission_denied, unknown_topic. On the call's loop.
Result<TopicPtr> authorized_topic(const ServiceParts& parts, const CallContext& context, Operation operation,
                                  std::string_view name);
// The same from any thread.
Result<TopicPtr> authorized_topic(const ServiceParts& parts, const Principal& principal, Operation operation,
                                  std::string_view name);

// topic_changed when offsets that a request names are of another topic of the name. Without an id nobody can tell.
Status check_same_topic(const Topic& topic, const std::optional<TopicId>& id);

// unsupported on topics without a keydir; `what` begins the sentence: "lookups need".
Status check_compacted(const Topic& topic, std::string_view what);

}  // namespace logcask
