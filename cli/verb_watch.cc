// watch: the current value of keys, then every change.
#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/lookup_printer.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/watch_queue.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kMaxQueuedEvents = 4096;
constexpr std::int64_t kWaitMs = 200;

struct WatchArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::vector<std::string> keys;
};

int watch(const WatchArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto table, client::Table::open(client, args.topic));
  // Before the watch: no callback outlives that, and this outlives every callback.
  WatchQueue queue(kMaxQueuedEvents);
  LOGCASK_CLI_ASSIGN(auto watch, table.watch(
                                     args.keys, [&](const client::WatchEvent& e) { queue.push(e.key_index, e.lookup); },
                                     [&](const Error& error) { queue.end(error); }));
  Output out;
  while (!interrupted()) {
    for (const auto& event : queue.wait(kWaitMs)) {
      if (args.format == "json")
        append_json_lookup(out.buffer(), args.topic, args.keys[event.key_index], event.lookup);
      else
        append_text_lookup(out.buffer(), args.keys[event.key_index], event.lookup);
      if (!out.flush_if_large()) return out.finish();
    }
    if (!out.flush()) return out.finish();
    if (const auto ended = queue.ended()) return fail(*ended);
  }
  return out.finish();
}

}  // namespace

Verb watch_verb() {
  auto args = std::make_shared<WatchArgs>();
  Verb verb;
  verb.path = "watch";
  verb.summary = "Prints the current value of keys, then every change, without a gap.";
  verb.details =
      "One line an event: status (found, absent, deleted, expired), key, value, with tabs between; or one JSON object. "
      "A "
      "watcher that falls behind gets the newest state of each key. Ends with Ctrl-C (exit code 0). Prefixes are not "
      "watched: a hash has no order (replay --key-prefix reads the log for them).";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.positional("KEY", "the keys", &args->keys);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask watch flags checkout-v2 -o json", "follow a feature flag"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return watch(*args); };
  return verb;
}

}  // namespace logcask::cli
