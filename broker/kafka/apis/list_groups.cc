// ListGroups: all of them, or those in certain states.
#include "proto/kafka/list_groups.h"

#include <strings.h>

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Words that name no state match nothing.
std::set<GroupState> to_states(const std::vector<std::string_view>& words) {
  using enum GroupState;
  std::set<GroupState> states;
  for (const GroupState state :
       {empty, preparing_rebalance, completing_rebalance, stable, dead, assigning, reconciling})
    for (const std::string_view word : words)
      if (same_word(word, group_state_name(state))) states.insert(state);
  return states;
}

// Words that name no kind match nothing.
std::set<GroupKind> to_kinds(const std::vector<std::string_view>& words) {
  std::set<GroupKind> kinds;
  for (const GroupKind kind : {GroupKind::classic, GroupKind::consumer})
    for (const std::string_view word : words)
      if (same_word(word, group_kind_name(kind))) kinds.insert(kind);
  return kinds;
}

}  // namespace

void handle(KafkaCall call, const kafka::ListGroupsRequest& request) {
  const std::set<GroupState> states = to_states(request.states_filter);
  const bool no_state = !request.states_filter.empty() && states.empty();
  const std::set<GroupKind> kinds = to_kinds(request.types_filter);
  const bool any_kind = request.types_filter.empty();
  if (no_state || (!any_kind && kinds.empty())) return call.answer(kafka::ListGroupsResponse());
  in_background(
      std::move(call),
      [&admin = call.services().group_admin, principal = call.protocol().principal(), states] {
        return admin.list(principal, states);
      },
      [kinds, any_kind](KafkaCall& owed, const Result<std::vector<GroupSummary>>& groups) {
        kafka::ListGroupsResponse response;
        if (!groups.ok()) {
          response.error_code = kafka_group_code(groups.error());
          return owed.answer(response);
        }
        for (const GroupSummary& group : *groups)
          if (any_kind || kinds.count(group.kind) > 0)
            response.groups.push_back({group.name, group.protocol_type, std::string(group_state_name(group.state)),
                                       std::string(group_kind_name(group.kind))});
        owed.answer(response);
      });
}

}  // namespace logcask
