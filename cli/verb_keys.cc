// keys: which keys have a value, or how many.
#include <algorithm>
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/pace.h"
#include "cli/progress.h"
#include "cli/record_printer.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "logcask/replay.h"

namespace logcask::cli {
namespace {

constexpr std::int64_t kKeysPollMs = 200;
// Of a log so large that reading it takes long enough to ask why.
constexpr std::uint64_t kLargeLogBytes = 256u << 20;
// With --rate little is read ahead of what is printed.
constexpr std::uint32_t kSmallCreditBytes = 256u << 10;

struct KeysArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::string> prefix;
  std::optional<std::int64_t> rate;
  bool count = false;
};

bool spread_over_partitions(const client::TopicDescription& topic) {
  const auto partitioner = std::find_if(topic.settings.begin(), topic.settings.end(),
                                        [](const auto& setting) { return setting.name == "partitioner"; });
  return topic.partitions.size() > 1 && partitioner != topic.settings.end() && partitioner->value == "any";
}

void append_counts_json(std::string& out, const client::TopicDescription& topic, std::uint64_t sum, bool spread) {
  JsonWriter json(out);
  json.begin().field("topic", topic.name);
  if (!spread) json.field("live_keys", sum);
  json.name("partitions").begin_list();
  for (const auto& p : topic.partitions)
    json.begin().field("partition", p.partition.value()).field("live_keys", p.live_keys).end();
  json.end_list().end();
  out += '\n';
}

int count_keys(const KeysArgs& args, const client::TopicDescription& topic) {
  std::uint64_t sum = 0;
  for (const auto& p : topic.partitions) {
    if (p.state == "loading" || p.state == "offline")
      return fail(Error{p.state == "loading" ? Errc::loading : Errc::partition_offline,
                        "partition " + std::to_string(p.partition.value()) + " is " + p.state +
                            (p.reason.empty() ? "" : ": " + p.reason) + "; its keys are not counted yet"});
    sum += p.live_keys;
  }
  const bool spread = spread_over_partitions(topic);
  Output out;
  if (args.format == "json") {
    append_counts_json(out.buffer(), topic, sum, spread);
  } else if (!spread) {
    out.buffer() += std::to_string(sum) + "\n";
  } else {
    TextTable table({">PARTITION", ">LIVE KEYS"});
    for (const auto& p : topic.partitions)
      table.row({std::to_string(p.partition.value()), std::to_string(p.live_keys)});
    table.append_to(out.buffer());
    print_error("partitioner is any, so a key may lie in several partitions and the numbers may not be added up");
  }
  return out.finish();
}

class KeyListing {
 public:
  KeyListing(const KeysArgs& args, client::Replay replay)
      : replay_(std::move(replay)), printer_(args.format, args.topic), pace_(args.rate, Pace::Clock::now()) {
    printer_.keys_only();
  }

  int run() {
    Progress progress("listed", Progress::Output::of_records);
    while (!interrupted()) {
      auto event = replay_.poll(kKeysPollMs);
      if (!event.ok()) return out_.finish(fail(event.error()));
      if (event->kind == client::ReplayEvent::Kind::finished) return out_.finish();
      for (const auto& record : event->records) {
        if (record.tombstone() || interrupted()) continue;
        printer_.append(out_.buffer(), record);
        ++keys_;
        if (!hold()) return out_.finish();
      }
      if (!out_.flush()) return out_.finish();
      progress.update(keys_, 0, "keys");
    }
    return out_.finish(kExitInterrupted);
  }

 private:
  // What is due is written before the wait.
  bool hold() {
    if (pace_.wait_after(keys_, Pace::Clock::now()) == Pace::Clock::duration::zero()) return out_.flush_if_large();
    if (!out_.flush()) return false;
    pace_.hold(keys_);
    return true;
  }

  client::Replay replay_;
  RecordPrinter printer_;
  Pace pace_;
  Output out_;
  std::uint64_t keys_ = 0;
};

int keys(const KeysArgs& args) {
  if (args.count && (args.prefix || args.rate))
    return fail(Error{Errc::invalid_argument,
                      "--count answers from the counters, which know no prefixes; 'logcask keys TOPIC --prefix P | wc "
                      "-l' reads the log for them"});
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto info, client::Admin(client).topic(args.topic));
  if (!info.compacted)
    return fail(Error{Errc::unsupported, "'" + args.topic +
                                             "' has cleanup.policy=delete and no key directory; consume "
                                             "prints its records"});
  LOGCASK_CLI_ASSIGN(const auto topic, client::Admin(client).describe_topic(args.topic));
  if (args.count) return count_keys(args, topic);
  std::uint64_t bytes = 0;
  for (const auto& p : topic.partitions) bytes += p.size_bytes;
  if (bytes >= kLargeLogBytes)
    print_error("reads the whole log of '" + args.topic + "', " + bytes_text(bytes) +
                ": the key directory holds hashes, not keys (--count is answered at once, --rate goes easy)");
  client::ReplayOptions options;
  options.live_only = true;
  options.keys_only = true;
  options.key_prefix = args.prefix.value_or("");
  options.stop_at_caught_up = true;
  if (args.rate) options.credit_bytes = kSmallCreditBytes;
  LOGCASK_CLI_ASSIGN(auto replay, client::Replay::open(client, args.topic, options));
  return KeyListing(args, std::move(replay)).run();
}

}  // namespace

Verb keys_verb() {
  auto args = std::make_shared<KeysArgs>();
  Verb verb;
  verb.path = "keys";
  verb.summary = "Lists the keys that have a value, or counts them.";
  verb.details =
      "Listing reads the whole log, since the key directory holds hashes and not keys: its time grows with the log's "
      "size, with a prefix, too. Keys come as they are found, one a line, in no order; a key that is written meanwhile "
      "may come twice ('sort -u'). A key that a line cannot hold is escaped behind \\: as in consume. --count is "
      "answered from counters at once; where partitioner is any it counts per partition, since a key may lie in "
      "several.";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.flag("--prefix", "P", "only keys that start so", &args->prefix);
  verb.flag("--count", "", "how many there are, and no list", &args->count);
  verb.flag("--rate", "N", "at most so many keys a second", Number{&args->rate, 1});
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged, kExitInterrupted};
  verb.examples = {{"logcask keys prices --prefix eur-", "every pair of the euro"},
                   {"logcask keys prices --count", "how many, at once"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return keys(*args); };
  return verb;
}

}  // namespace logcask::cli
