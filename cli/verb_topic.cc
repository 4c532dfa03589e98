// topic create | list | describe | alter | delete
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/keydir_sizing_text.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"

namespace logcask::cli {
namespace {

using client::Admin;

struct TopicArgs {
  std::string broker;
  std::string format;
  std::string name;
  std::optional<std::int64_t> partitions;
  std::vector<std::string> config;
  std::vector<std::string> unset;
  bool if_not_exists = false;
  bool internal = false;
};

// A topic whose name differs only in case is in the way of --if-not-exists, too.
Error creation_error(const client::Client& client, const std::string& name, Error error) {
  if (error.code == Errc::topic_exists && Admin(client).topic(name).ok())
    error.message += "; with --if-not-exists that is fine";
  return error;
}

int create(const TopicArgs& args) {
  client::NewTopic topic{args.name, static_cast<std::uint32_t>(args.partitions.value_or(0)), {}, args.if_not_exists};
  LOGCASK_CLI_ASSIGN(topic.config, parse_settings(args.config));
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  auto created = Admin(client).create_topic(topic);
  if (!created.ok()) return fail(creation_error(client, args.name, std::move(created).error()));
  const auto& made = *created;
  Output out;
  if (args.format == "json") {
    JsonWriter(out.buffer())
        .begin()
        .field("topic", args.name)
        .field("id", made.id.to_hex())
        .field("partitions", made.partitions)
        .field("existed", made.existed)
        .end();
    out.buffer() += '\n';
  } else {
    out.buffer() += (made.existed ? "exists already: " : "created: ") + args.name + ", " +
                    std::to_string(made.partitions) + (made.partitions == 1 ? " partition\n" : " partitions\n");
  }
  return out.finish();
}

int list_topics(const TopicArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto topics, Admin(client).list_topics(args.internal));
  Output out;
  TextTable table({"TOPIC", ">PARTITIONS", "COMPACTED", "PARTITIONER"});
  for (const auto& topic : topics) {
    if (args.format == "json") {
      JsonWriter(out.buffer())
          .begin()
          .field("topic", topic.name)
          .field("id", topic.id.to_hex())
          .field("partitions", topic.partitions)
          .field("compacted", topic.compacted)
          .field("partitioner", topic.partitioner)
          .field("internal", topic.internal)
          .end();
      out.buffer() += '\n';
    } else {
      table.row({topic.name, std::to_string(topic.partitions), topic.compacted ? "yes" : "no", topic.partitioner});
    }
  }
  if (args.format != "json") table.append_to(out.buffer());
  return out.finish();
}

void describe_json(std::string& out, const client::TopicDescription& topic) {
  JsonWriter json(out);
  json.begin().field("topic", topic.name).field("id", topic.id.to_hex()).field("internal", topic.internal);
  json.name("config").begin();
  for (const auto& setting : topic.settings) json.field(setting.name, setting.value);
  json.end().name("config_set").begin_list();
  for (const auto& setting : topic.settings)
    if (!setting.is_default) json.value(setting.name);
  json.end_list().name("partitions").begin_list();
  for (const auto& p : topic.partitions) {
    json.begin()
        .field("partition", p.partition.value())
        .field("state", p.state)
        .field("reason", p.reason)
        .field("log_start", p.log_start.value())
        .field("committed_end", p.committed_end.value())
        .field("durable_end", p.durable_end.value())
        .field("written_end", p.written_end.value())
        .field("next_offset", p.next_offset.value())
        .field("tombstone_horizon", p.tombstone_horizon.value())
        .field("leader_epoch", p.leader_epoch)
        .field("live_keys", p.live_keys)
        .field("deleted_keys", p.deleted_keys)
        .field("keydir_bytes", p.keydir_bytes)
        .field("size_bytes", p.size_bytes)
        .field("segments", p.segments)
        .field("pending_records", p.pending_records)
        .field("collisions", p.collisions)
        .field("loading_progress", p.loading_progress)
        .field("compaction_quarantined", p.compaction_quarantined)
        .field("quarantine_reason", p.quarantine_reason)
        .end();
  }
  json.end_list();
  append_sizing_json(json, topic.sizing);
  json.end();
  out += '\n';
}

void describe_text(std::string& out, const client::TopicDescription& topic) {
  out += "topic " + topic.name + "  id " + topic.id.to_hex() + (topic.internal ? "  internal\n\n" : "\n\n");
  TextTable partitions(
      {">PARTITION", "STATE", ">LOG START", ">END", ">LIVE KEYS", ">DELETED", ">KEYDIR", ">SIZE", ">SEGMENTS"});
  std::string notes;
  for (const auto& p : topic.partitions) {
    partitions.row({std::to_string(p.partition.value()), p.state, std::to_string(p.log_start.value()),
                    std::to_string(p.committed_end.value()), std::to_string(p.live_keys),
                    std::to_string(p.deleted_keys), keydir_bytes_text(topic.sizing, p.keydir_bytes),
                    bytes_text(p.size_bytes), std::to_string(p.segments)});
    const std::string where = "partition " + std::to_string(p.partition.value()) + ": ";
    if (!p.reason.empty()) notes += where + p.reason + "\n";
    if (p.compaction_quarantined) notes += where + "compaction is quarantined: " + p.quarantine_reason + "\n";
  }
  partitions.append_to(out);
  if (!notes.empty()) out += "\n" + notes;
  if (!topic.sizing.limit.empty()) {
    out += "\nkeydir  " + sizing_text(topic.sizing) + "\ngrowth  " + growth_text(topic.sizing) + "\n";
    if (!topic.sizing.note.empty()) out += "note    " + topic.sizing.note + "\n";
  }
  out += "\n";
  TextTable settings({"SETTING", "VALUE", ""});
  for (const auto& setting : topic.settings)
    settings.row({setting.name, setting.value, setting.is_default ? "default" : "set"});
  settings.append_to(out);
}

int describe_topic(const TopicArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto topic, Admin(client).describe_topic(args.name));
  Output out;
  if (args.format == "json")
    describe_json(out.buffer(), topic);
  else
    describe_text(out.buffer(), topic);
  return out.finish();
}

Status grow(const client::Client& client, const TopicArgs& args, Output& out) {
  const auto partitions = static_cast<std::uint32_t>(*args.partitions);
  LOGCASK_TRY(Admin(client).create_partitions(args.name, partitions));
  out.buffer() += args.name + " has " + std::to_string(partitions) + " partitions now\n";
  return {};
}

// What has been done stays, and is told.
int half_done(const Status& failed, Output& out) {
  (void)out.finish();
  return fail(failed.error());
}

int alter(const TopicArgs& args) {
  const bool settings = !args.config.empty() || !args.unset.empty();
  if (!settings && !args.partitions)
    return fail(
        Error{Errc::invalid_argument, "nothing to change: give --config NAME=VALUE, --unset NAME or --partitions N"});
  LOGCASK_CLI_ASSIGN(const auto set, parse_settings(args.config));
  for (const auto& name : args.unset)
    if (set.contains(name))
      return fail(Error{Errc::invalid_argument, "--config and --unset both name " + name + "; give one of them"});
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  // Only of these is anything to be told: what they do takes a while, and there is no way back.
  bool plain = false;
  if (set.contains("cleanup.policy")) {
    LOGCASK_CLI_ASSIGN(const auto before, Admin(client).topic(args.name));
    plain = !before.compacted;
  }
  const bool becomes_compacted = plain && set.at("cleanup.policy").find("compact") != std::string::npos;
  Output out;
  // A compacted topic grows no more. All else may be what lets it grow.
  if (becomes_compacted && args.partitions) LOGCASK_CLI_TRY(grow(client, args, out));
  if (settings) {
    const Status altered = Admin(client).alter_topic(args.name, set, args.unset);
    if (!altered.ok()) return half_done(altered, out);
  }
  if (becomes_compacted)
    out.buffer() += args.name +
                    " is a compacted topic now: each of its records has a key, and lookups answer once its keydir is "
                    "loaded\n";
  // A budget below what is in use refuses new keys from now on.
  if (set.contains("keydir.max.bytes"))
    if (const auto broker = Admin(client).describe_broker(); broker.ok())
      for (const auto& problem : broker->problems)
        if (problem.topic == args.name && problem.state == "keydir_full") print_error(problem.reason);
  if (!becomes_compacted && args.partitions) {
    const Status grown = grow(client, args, out);
    if (!grown.ok() && settings) out.buffer() += args.name + " has its new settings\n";
    if (!grown.ok()) return half_done(grown, out);
  }
  return out.finish();
}

int delete_topic(const TopicArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_TRY(Admin(client).delete_topic(args.name));
  return 0;
}

// A topic verb with its broker flag, running `run` on its arguments.
Verb topic_verb(const std::string& path, const std::string& summary, const std::shared_ptr<TopicArgs>& args,
                int (*run)(const TopicArgs&)) {
  Verb verb;
  verb.path = path;
  verb.summary = summary;
  add_broker_flag(verb, &args->broker);
  verb.exits = {4, 6};
  verb.run = [args, run] { return run(*args); };
  return verb;
}

}  // namespace

Verb topic_create_verb() {
  auto args = std::make_shared<TopicArgs>();
  Verb verb = topic_verb("topic create", "Makes a topic, compacted unless told otherwise.", args, create);
  verb.details =
      "The number of partitions of a compacted topic is for ever: adding some would move keys. Settings have Kafka's "
      "names; "
      "docs/CONFIG.md lists them.";
  verb.positional("NAME", "1 to 200 of A-Z a-z 0-9 . _ -", &args->name);
  verb.flag("--partitions", "N", "number of partitions (default: the broker's)", Number{&args->partitions, 1, 100000});
  verb.flag("--config", "NAME=VALUE", "a setting of the topic", &args->config);
  verb.flag("--if-not-exists", "", "an existing topic of that name is fine", &args->if_not_exists);
  add_output_flag(verb, &args->format);
  verb.examples = {{"logcask topic create prices --partitions 4", "a changelog of four partitions"},
                   {"logcask topic create clicks --config cleanup.policy=delete --config retention.ms=86400000",
                    "a plain log that keeps a day"}};
  return verb;
}

Verb topic_list_verb() {
  auto args = std::make_shared<TopicArgs>();
  Verb verb = topic_verb("topic list", "Lists the topics.", args, list_topics);
  verb.flag("--internal", "", "also the broker's own", &args->internal);
  add_output_flag(verb, &args->format);
  verb.examples = {{"logcask topic list -o json", "one object a topic"}};
  return verb;
}

Verb topic_describe_verb() {
  auto args = std::make_shared<TopicArgs>();
  Verb verb = topic_verb("topic describe", "Shows a topic's settings and its partitions' state.", args, describe_topic);
  verb.positional("NAME", "the topic", &args->name);
  add_output_flag(verb, &args->format);
  verb.examples = {{"logcask topic describe prices", "offsets, keys, memory, disk"}};
  return verb;
}

Verb topic_alter_verb() {
  auto args = std::make_shared<TopicArgs>();
  Verb verb =
      topic_verb("topic alter", "Changes settings of a topic, or gives a plain one more partitions.", args, alter);
  verb.details =
      "Only a topic of cleanup.policy=delete and partitioner=any takes more partitions: keys of another would belong "
      "to "
      "other partitions than their records lie in. Settings are changed first.";
  verb.positional("NAME", "the topic", &args->name);
  verb.flag("--config", "NAME=VALUE", "a setting and its new value", &args->config);
  verb.flag("--unset", "NAME", "a setting to be its default again", &args->unset);
  verb.flag("--partitions", "N", "how many partitions it is to have, more than now",
            Number{&args->partitions, 1, 100000});
  verb.examples = {{"logcask topic alter prices --config min.cleanable.dirty.ratio=0.3", "compact sooner"},
                   {"logcask topic alter clicks --partitions 8", "a plain topic grows"}};
  return verb;
}

Verb topic_delete_verb() {
  auto args = std::make_shared<TopicArgs>();
  Verb verb =
      topic_verb("topic delete",
                 "Deletes a topic, its data and the offsets that groups have committed for it, at once and for good.",
                 args, delete_topic);
  verb.positional("NAME", "the topic", &args->name);
  verb.examples = {{"logcask topic delete prices", "no question is asked"}};
  return verb;
}

}  // namespace logcask::cli
