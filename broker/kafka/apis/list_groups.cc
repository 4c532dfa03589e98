// ListGroups: all of them, or those in certain states.
#include "proto/kafka/list_groups.h"

#include <strings.h>

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

// The only type there is: members share out among themselves.
constexpr std::string_view kClassic = "classic";

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Words that name no state match nothing.
std::set<GroupState> to_states(const std::vector<std::string_view>& words) {
  using enum GroupState;
  std::set<GroupState> states;
  for (const GroupState state : {empty, preparing_rebalance, completing_rebalance, stable, dead})
    for (const std::string_view word : words)
      if (same_word(word, group_state_name(state))) states.insert(state);
  return states;
}

}  // namespace

void handle(KafkaCall call, const kafka::ListGroupsRequest& request) {
  const std::set<GroupState> states = to_states(request.states_filter);
  const bool no_state = !request.states_filter.empty() && states.empty();
  bool no_type = !request.types_filter.empty();
  for (const std::string_view type : request.types_filter) no_type = no_type && !same_word(type, kClassic);
  if (no_state || no_type) return call.answer(kafka::ListGroupsResponse());
  in_background(
      std::move(call),
      [&admin = call.services().group_admin, principal = call.protocol().principal(), states] {
        return admin.list(principal, states);
      },
      [](KafkaCall& owed, const Result<std::vector<GroupSummary>>& groups) {
        kafka::ListGroupsResponse response;
        if (!groups.ok()) {
          response.error_code = kafka_group_code(groups.error());
          return owed.answer(response);
        }
        for (const GroupSummary& group : *groups)
          response.groups.push_back(
              {group.name, group.protocol_type, std::string(group_state_name(group.state)), std::string(kClassic)});
        owed.answer(response);
      });
}

}  // namespace logcask
