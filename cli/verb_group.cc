// group list | describe | reset
#include <algorithm>
#include <memory>
#include <set>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"

namespace logcask::cli {
namespace {

using client::Admin;
using client::GroupDescription;
using client::GroupMemberInfo;
using client::GroupOffset;

// The kind whose members have epochs (KIP-848).
constexpr std::string_view kSharedByBroker = "consumer";

struct GroupArgs {
  std::string broker;
  std::string format;
  std::string group;
  std::string topic;
  std::string to;
  std::optional<std::int64_t> partition;
};

int list_groups(const GroupArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto groups, Admin(client).list_groups());
  Output out;
  TextTable table({"GROUP", "KIND", "STATE", ">PARTITIONS"});
  for (const auto& group : groups) {
    if (args.format == "json") {
      JsonWriter(out.buffer())
          .begin()
          .field("group", group.name)
          .field("kind", group.kind)
          .field("state", group.state)
          .field("protocol_type", group.protocol_type)
          .field("partitions", group.partitions)
          .end();
      out.buffer() += '\n';
    } else {
      table.row({group.name, group.kind, group.state, std::to_string(group.partitions)});
    }
  }
  if (args.format != "json") table.append_to(out.buffer());
  return out.finish();
}

// Whose partition it is; null: nobody's.
const GroupMemberInfo* holder_of(const GroupDescription& group, const GroupOffset& entry) {
  for (const auto& member : group.members)
    if (const auto found = member.assigned.find(entry.topic); found != member.assigned.end())
      if (std::find(found->second.begin(), found->second.end(), entry.partition) != found->second.end()) return &member;
  return nullptr;
}

void add_member(JsonWriter& json, const GroupMemberInfo* member) {
  const auto text_or_null = [&](const char* name, const std::string GroupMemberInfo::*field) {
    json.name(name);
    member ? json.value(member->*field) : json.null();
  };
  text_or_null("member_id", &GroupMemberInfo::member_id);
  text_or_null("instance_id", &GroupMemberInfo::instance_id);
  text_or_null("client_id", &GroupMemberInfo::client_id);
  text_or_null("host", &GroupMemberInfo::client_host);
  if (member && member->epoch != 0) json.field("member_epoch", member->epoch);
}

// Of a partition, or of what has none: a member that waits for a share, a group that has nothing.
void append_json_row(std::string& out, const GroupDescription& group, const GroupOffset* entry,
                     const GroupMemberInfo* member) {
  JsonWriter json(out);
  json.begin().field("group", group.name).field("state", group.state).field("protocol_type", group.protocol_type);
  json.field("protocol", group.protocol).field("kind", group.kind);
  if (group.kind == kSharedByBroker) json.field("epoch", group.epoch).field("target_epoch", group.target_epoch);
  if (entry) {
    json.field("topic", entry->topic).field("partition", entry->partition.value());
    json.field("offset", entry->offset.value()).field("committed_end", entry->committed_end.value()).name("lag");
    const auto lag = entry->lag();
    lag ? json.value(*lag) : json.null();
    json.field("committed_at", entry->committed_at.value()).field("metadata", entry->metadata);
  } else {
    json.name("topic").null().name("partition").null();
  }
  add_member(json, member);
  if (entry && entry->error.code != Errc::ok) json.field("not_used", entry->error.message);
  json.end();
  out += '\n';
}

void append_json_group(std::string& out, const GroupDescription& group) {
  std::set<const GroupMemberInfo*> shown;
  for (const auto& entry : group.offsets) {
    const auto* member = holder_of(group, entry);
    shown.insert(member);
    append_json_row(out, group, &entry, member);
  }
  for (const auto& member : group.members)
    if (!shown.contains(&member)) append_json_row(out, group, nullptr, &member);
  if (group.offsets.empty() && group.members.empty()) append_json_row(out, group, nullptr, nullptr);
}

// "t:0,1 u:3", or "-".
std::string assignment_text(const GroupMemberInfo& member) {
  std::string text;
  for (const auto& [topic, partitions] : member.assigned) {
    text += text.empty() ? "" : " ";
    for (std::size_t i = 0; i < partitions.size(); ++i)
      text += (i == 0 ? topic + ":" : ",") + std::to_string(partitions[i].value());
  }
  return text.empty() ? "-" : text;
}

std::string number_or_dash(std::optional<std::int64_t> number) {
  return number && *number >= 0 ? std::to_string(*number) : "-";
}

void append_text_group(std::string& out, const GroupDescription& group) {
  out += "group " + group.name;
  if (!group.state.empty()) out += "  " + group.state;
  if (!group.protocol.empty()) out += ", protocol " + group.protocol;
  const bool has_epochs = group.kind == kSharedByBroker;
  if (has_epochs) {
    out += ", epoch " + std::to_string(group.epoch);
    if (group.target_epoch != group.epoch) out += " (shares of epoch " + std::to_string(group.target_epoch) + ")";
  }
  out += "\n";
  TextTable offsets({"TOPIC", ">PARTITION", ">OFFSET", ">END", ">LAG", "COMMITTED AT", "MEMBER"});
  for (const auto& entry : group.offsets) {
    const auto* member = holder_of(group, entry);
    offsets.row({entry.topic, std::to_string(entry.partition.value()), number_or_dash(entry.offset.value()),
                 number_or_dash(entry.committed_end.value()), number_or_dash(entry.lag()),
                 timestamp_text(entry.committed_at), member ? member->member_id : "-"});
  }
  TextTable members({"MEMBER", "CLIENT", "HOST", "ASSIGNED"});
  for (const auto& member : group.members)
    members.row({member.member_id + (member.instance_id.empty() ? "" : " (instance " + member.instance_id + ")"),
                 member.client_id, member.client_host,
                 assignment_text(member) + (has_epochs ? " at epoch " + std::to_string(member.epoch) : "")});
  for (const TextTable* table : {&offsets, &members}) {
    if (table->empty()) continue;
    out += "\n";
    table->append_to(out);
  }
}

int describe_group(const GroupArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto group, Admin(client).describe_group(args.group));
  Output out;
  if (args.format == "json") {
    append_json_group(out.buffer(), group);
    return out.finish();
  }
  append_text_group(out.buffer(), group);
  for (const auto& entry : group.offsets)
    if (entry.error.code != Errc::ok)
      print_error(entry.topic + "-" + std::to_string(entry.partition.value()) + ": " + entry.error.message);
  return out.finish();
}

std::int64_t time_of(const client::StartAt& start) {
  switch (start.kind) {
    case client::StartAt::Kind::earliest:
      return client::OffsetQuery::kEarliest;
    case client::StartAt::Kind::timestamp:
      return start.at_timestamp.value();
    default:
      return client::OffsetQuery::kLatest;
  }
}

// Where each partition of the topic is to stand.
Result<std::vector<GroupOffset>> targets(const Admin& admin_in, const GroupArgs& args) {
  Admin admin = admin_in;
  std::optional<client::StartAt> start;
  if (args.to != "none") {
    LOGCASK_ASSIGN(start, parse_start(args.to));
  }
  LOGCASK_ASSIGN(const auto topic, admin.topic(args.topic));
  std::vector<client::OffsetQuery> queries;
  for (std::int32_t p = 0; p < static_cast<std::int32_t>(topic.partitions); ++p)
    if (!args.partition || *args.partition == p)
      queries.push_back({PartitionId(p), start ? time_of(*start) : client::OffsetQuery::kLatest});
  if (queries.empty())
    return Error{Errc::unknown_partition,
                 "topic '" + args.topic + "' has partitions 0 to " + std::to_string(topic.partitions - 1)};
  LOGCASK_ASSIGN(const auto listed, admin.list_offsets(args.topic, queries));
  std::vector<GroupOffset> out;
  for (const auto& entry : listed) {
    if (entry.error.code != Errc::ok)
      return Error(entry.error).in("partition " + std::to_string(entry.partition.value()));
    Offset offset = entry.offset;
    if (start && start->kind == client::StartAt::Kind::offset) {
      // `entry` is the end here. A consumer of the group would be refused beyond it.
      if (start->at_offset > entry.offset)
        return Error{Errc::offset_out_of_range, "partition " + std::to_string(entry.partition.value()) + " ends at " +
                                                    std::to_string(entry.offset.value()) + ", before offset " +
                                                    args.to + "; --to latest is the end"};
      offset = start->at_offset;
    }
    if (!start) offset = kNoOffset;
    if (start && offset == kNoOffset) {  // no record at or after the time: the end
      LOGCASK_ASSIGN(const auto end, admin.list_offsets(args.topic, {{entry.partition, client::OffsetQuery::kLatest}}));
      if (end.at(0).error.code != Errc::ok) return end[0].error;
      offset = end[0].offset;
    }
    GroupOffset target;
    target.topic = args.topic;
    target.partition = entry.partition;
    target.offset = offset;
    out.push_back(target);
  }
  return out;
}

int reset(const GroupArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  Admin admin(client);
  LOGCASK_CLI_ASSIGN(const auto offsets, targets(admin, args));
  LOGCASK_CLI_TRY(admin.commit_group(args.group, offsets));
  Output out;
  for (const auto& entry : offsets) {
    if (args.format == "json") {
      JsonWriter(out.buffer())
          .begin()
          .field("group", args.group)
          .field("topic", entry.topic)
          .field("partition", entry.partition.value())
          .field("offset", entry.offset.value())
          .end();
      out.buffer() += '\n';
    } else {
      out.buffer() += entry.topic + " partition " + std::to_string(entry.partition.value()) + ": " +
                      (entry.offset == kNoOffset ? "no commit" : "offset " + std::to_string(entry.offset.value())) +
                      "\n";
    }
  }
  return out.finish();
}

Verb group_verb(const std::string& path, const std::string& summary, const std::shared_ptr<GroupArgs>& args,
                int (*run)(const GroupArgs&)) {
  Verb verb;
  verb.path = path;
  verb.summary = summary;
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain};
  verb.run = [args, run] { return run(*args); };
  return verb;
}

}  // namespace

Verb group_list_verb() {
  auto args = std::make_shared<GroupArgs>();
  Verb verb = group_verb("group list", "Lists the groups that have members or committed offsets.", args, list_groups);
  verb.examples = {{"logcask group list", "names and how many partitions each has a position in"}};
  return verb;
}

Verb group_describe_verb() {
  auto args = std::make_shared<GroupArgs>();
  Verb verb = group_verb("group describe", "Shows who is in a group, where it stands and how far behind it is.", args,
                         describe_group);
  verb.details =
      "Every partition of the topics that the group has committed for or that its members have partitions of. Lag "
      "counts offsets, from log start where nothing is committed; compaction may have removed some of the records "
      "between. Of a group whose partitions the broker shares out (KIP-848) epochs are shown, of the group and of each "
      "member. JSON has an object a partition, with the member that it belongs to; a member without a partition, and "
      "a group without either, is an object whose topic and partition are null.";
  verb.positional("GROUP", "the group", &args->group);
  verb.examples = {{"logcask group describe billing", "members, and a line a partition"},
                   {"logcask group describe billing -o json", "one object a partition"}};
  return verb;
}

Verb group_reset_verb() {
  auto args = std::make_shared<GroupArgs>();
  Verb verb = group_verb("group reset", "Moves a group's position in a topic.", args, reset);
  verb.positional("GROUP", "the group", &args->group);
  verb.flag("--topic", "TOPIC", "the topic", &args->topic).required = true;
  verb.flag("--to", "WHERE", "earliest, latest, an offset, @UNIX_MS, a time, or none to forget the position", &args->to)
      .required = true;
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  verb.examples = {{"logcask group reset billing --topic prices --to earliest", "read all of it again"}};
  return verb;
}

}  // namespace logcask::cli
