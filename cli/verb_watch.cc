// watch: the current value of keys, then every change.
#include <atomic>
#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/lookup_printer.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/record_printer.h"
#include "cli/verbs.h"
#include "cli/watch_queue.h"
#include "logcask/replay.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kMaxQueuedEvents = 4096;
constexpr std::int64_t kWaitMs = 200;

struct WatchArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::vector<std::string> keys;
  std::optional<std::string> prefix;
};

class EventPrinter {
 public:
  explicit EventPrinter(const WatchArgs& args) : args_(args), style_(output_style()) {}

  void append(std::string& out, ByteView key, const client::Lookup& lookup) const {
    if (args_.format == "json") return append_json_lookup(out, args_.topic, key, lookup);
    append_text_lookup(out, key, lookup, style_);
    if (const std::string remark = lookup_remark(key, lookup); !remark.empty()) print_error(remark);
  }

 private:
  const WatchArgs& args_;
  TextStyle style_;
};

int watch_keys(const WatchArgs& args, const client::Client& client) {
  const std::vector<std::string> keys = each_once(args.keys);
  LOGCASK_CLI_ASSIGN(auto table, client::Table::open(client, args.topic));
  // Before the watch: no callback outlives that, and this outlives every callback.
  WatchQueue queue(kMaxQueuedEvents);
  std::atomic<bool> topic_changed = false;
  LOGCASK_CLI_ASSIGN(auto watch, table.watch(
                                     keys,
                                     [&](const client::WatchEvent& e) {
                                       if (e.topic_changed && !topic_changed.exchange(true))
                                         print_error("topic_changed: '" + args.topic +
                                                     "' was made anew or restored from an older copy; its keys follow "
                                                     "as they are now");
                                       queue.push(e.key_index, e.lookup);
                                     },
                                     [&](const Error& error) { queue.end(error); }));
  const EventPrinter printer(args);
  Output out;
  while (!interrupted()) {
    for (const auto& event : queue.wait(kWaitMs)) {
      printer.append(out.buffer(), keys[event.key_index], event.lookup);
      if (!out.flush_if_large()) return out.finish();
    }
    if (!out.flush()) return out.finish();
    if (const auto ended = queue.ended()) return fail(*ended);
  }
  return out.finish();
}

client::Lookup lookup_of(const client::ReadRecord& record) {
  client::Lookup lookup;
  lookup.status = record.tombstone() ? client::Lookup::Status::deleted : client::Lookup::Status::found;
  if (record.value) lookup.value = *record.value;
  for (const auto& header : record.headers())
    lookup.headers.push_back(
        {std::string(header.name), header.value ? std::optional(std::string(*header.value)) : std::nullopt});
  lookup.timestamp = record.timestamp;
  lookup.offset = record.offset;
  lookup.partition = record.partition;
  return lookup;
}

// Of keys that nobody can name: the broker filters the live records, then the tail.
int watch_by_filter(const WatchArgs& args, const client::Client& client) {
  client::ReplayOptions options;
  options.live_only = true;
  options.key_prefix = args.prefix.value_or("");
  LOGCASK_CLI_ASSIGN(auto replay, client::Replay::open(client, args.topic, options));
  const EventPrinter printer(args);
  Output out;
  while (!interrupted()) {
    auto event = replay.poll(kWaitMs);
    if (!event.ok()) return out.finish(fail(event.error()));
    if (event->kind == client::ReplayEvent::Kind::horizon_passed) {
      const int code = fail(event->error);
      print_error("deletes were missed while this watch was away: start it again and forget what it said");
      return out.finish(code);
    }
    for (const auto& record : event->records) {
      printer.append(out.buffer(), record.key.value_or(ByteView()), lookup_of(record));
      if (!out.flush_if_large()) return out.finish();
    }
    if (!out.flush()) return out.finish();
  }
  return out.finish();
}

int watch(const WatchArgs& args) {
  if (args.prefix && !args.keys.empty()) return fail(Error{Errc::invalid_argument, "give keys or --prefix, not both"});
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  return args.keys.empty() ? watch_by_filter(args, client) : watch_keys(args, client);
}

}  // namespace

Verb watch_verb() {
  auto args = std::make_shared<WatchArgs>();
  Verb verb;
  verb.path = "watch";
  verb.summary = "Prints the current value of keys, then every change, without a gap.";
  verb.details =
      "One line an event, as consume prints records: a delete is a null value, and so is a value that retention took "
      "(expired); that a key is absent is said on stderr. Or one JSON object with the status. A watcher that falls "
      "behind gets the newest state of each key; a key that is named twice is watched once. Ends with Ctrl-C (exit "
      "code 0). Without keys, or with --prefix, the "
      "broker reads the whole log for the present state and then filters the tail: more work than naming keys, and "
      "each "
      "is one of the connection's streams (connection.streams.max).";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.positional("KEY", "the keys (default: all)", &args->keys).required = false;
  verb.flag("--prefix", "P", "all keys that start so", &args->prefix);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask watch flags checkout-v2 -o json", "follow a feature flag"},
                   {"logcask watch flags --prefix checkout-", "follow all flags of a team"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return watch(*args); };
  return verb;
}

}  // namespace logcask::cli
