// replay: a snapshot of a topic, a marker per partition, then the tail.
#include <map>
#include <memory>

#include "base/base64.h"
#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/progress.h"
#include "cli/record_printer.h"
#include "cli/verbs.h"
#include "logcask/replay.h"

namespace logcask::cli {
namespace {

constexpr std::int64_t kReplayPollMs = 200;

struct ReplayArgs {
  std::string broker;
  std::string format;
  std::string topic;
  bool live_only = false;
  bool keys_only = false;
  bool exit_at_end = false;
  std::optional<std::string> key_prefix;
  std::optional<std::string> from_token;
  std::string key_separator = "\\t";
};

class ReplayRun {
 public:
  ReplayRun(const ReplayArgs& args, client::Replay replay, std::string separator)
      : args_(args),
        replay_(std::move(replay)),
        printer_(args.format, args.topic, output_style(std::move(separator))),
        progress_("replayed", Progress::Output::of_records) {
    if (args.keys_only) printer_.keys_only();
  }

  int run() {
    while (!interrupted()) {
      auto event = replay_.poll(kReplayPollMs);
      if (!event.ok()) return out_.finish(fail(event.error()));
      if (event->kind == client::ReplayEvent::Kind::finished) break;
      if (event->kind == client::ReplayEvent::Kind::horizon_passed) return out_.finish(horizon_passed(*event));
      take(*event);
      if (!out_.flush()) return out_.finish();
    }
    print_token();
    return out_.finish();
  }

 private:
  void take(const client::ReplayEvent& event) {
    for (const auto& record : event.records) {
      printer_.append(out_.buffer(), record);
      ++records_;
      if (!out_.flush_if_large()) return;  // run() sees it at its own flush
    }
    if (event.kind == client::ReplayEvent::Kind::caught_up) append_marker(event);
    progress_.update(records_, 0);
  }

  // In JSON the marker is a line of its own; the other forms hold records only, so it goes to stderr.
  void append_marker(const client::ReplayEvent& event) {
    if (args_.format != "json")
      return print_error("caught up: partition " + std::to_string(event.partition.value()) + " at offset " +
                         std::to_string(event.caught_up_offset.value()));
    JsonWriter(out_.buffer())
        .begin()
        .field("caught_up", true)
        .field("topic", args_.topic)
        .field("partition", event.partition.value())
        .field("offset", event.caught_up_offset.value())
        .end();
    out_.buffer() += '\n';
  }

  int horizon_passed(const client::ReplayEvent& event) {
    const int code = fail(Error(event.error));
    print_error("what was built from earlier events may hold deleted keys: replay without --from-token and rebuild");
    return code;
  }

  void print_token() {
    if (replay_.resume_token().empty()) return;
    std::string token;
    append_base64(token, replay_.resume_token());
    print_error("resume with --from-token " + token);
  }

  const ReplayArgs& args_;
  client::Replay replay_;
  RecordPrinter printer_;
  Progress progress_;
  Output out_;
  std::uint64_t records_ = 0;
};

int replay(const ReplayArgs& args) {
  if (args.keys_only && args.format == "raw")
    return fail(
        Error{Errc::invalid_argument, "-o raw holds keys with their values; with --keys-only say text or json"});
  LOGCASK_CLI_ASSIGN(auto separator, parse_key_separator(args.key_separator));
  client::ReplayOptions options;
  options.live_only = args.live_only;
  options.keys_only = args.keys_only;
  options.key_prefix = args.key_prefix.value_or("");
  options.stop_at_caught_up = args.exit_at_end;
  if (args.from_token) {
    auto token = decode_base64(*args.from_token);
    if (!token || token->empty())
      return fail(Error{Errc::invalid_argument, "--from-token wants what an earlier replay printed on stderr"});
    options.resume_token = std::move(*token);
  }
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto replay, client::Replay::open(client, args.topic, options));
  return ReplayRun(args, std::move(replay), std::move(separator)).run();
}

}  // namespace

Verb replay_verb() {
  auto args = std::make_shared<ReplayArgs>();
  Verb verb;
  verb.path = "replay";
  verb.summary = "Prints a snapshot of a topic, a caught-up marker per partition, then the tail.";
  verb.details =
      "After a partition's marker everything committed when its snapshot ended has been printed. The marker is a JSON "
      "line "
      "with -o json, else a line on stderr. At the end a resume token goes to stderr. Partitions that a plain topic is "
      "given meanwhile are read, too, within half a minute, and have a marker.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag("--live-only", "", "only the latest record of each key (else every record from log start)",
            &args->live_only);
  verb.flag("--keys-only", "", "no values: a line is a key (text), deletes stay deletes", &args->keys_only);
  verb.flag("--key-prefix", "P", "only keys that start so; the broker reads the whole log all the same",
            &args->key_prefix);
  verb.flag("--from-token", "T", "go on where an earlier replay with the same flags stopped", &args->from_token);
  verb.flag("--exit-at-end", "", "stop after the last marker", &args->exit_at_end);
  verb.flag("--key-separator", "SEP", "between key and value in text (default \\t)", &args->key_separator);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format, {"text", "json", "raw"});
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask replay prices --live-only --exit-at-end", "the current state, whether compacted or not"},
                   {"logcask replay prices --live-only -o json", "the state, then every change"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return replay(*args); };
  return verb;
}

}  // namespace logcask::cli
