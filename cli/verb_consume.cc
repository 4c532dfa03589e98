// consume: a topic's records, from a chosen place on.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/progress.h"
#include "cli/record_printer.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "logcask/consumer.h"

namespace logcask::cli {
namespace {

// How long one poll may wait: so often an interrupt is looked at.
constexpr std::int64_t kConsumePollMs = 200;
constexpr auto kCommitEvery = std::chrono::seconds(1);

struct ConsumeArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::string> from;
  std::optional<std::string> key;
  std::optional<std::int64_t> partition;
  std::optional<std::string> group;
  bool exit_at_end = false;
};

class ConsumeRun {
 public:
  ConsumeRun(const ConsumeArgs& args, client::Client client, client::Consumer consumer)
      : args_(args), client_(std::move(client)), consumer_(std::move(consumer)), printer_(args.format, args.topic) {}

  int run() {
    if (args_.exit_at_end) LOGCASK_CLI_TRY(find_ends());
    while (!interrupted() && !at_end()) {
      auto polled = consumer_.poll(kConsumePollMs);
      if (!polled.ok()) {
        return out_.finish(fail(with_mend(polled.error())));
      }
      for (const PartitionId partition : polled->behind_tombstone_horizon) warn_horizon(partition);
      for (const auto& record : polled->records) {
        if (wanted(record)) printer_.append(out_.buffer(), record);
        if (!out_.flush_if_large()) return out_.finish();
      }
      if (!out_.flush()) return out_.finish();
      show_progress();
      LOGCASK_CLI_TRY(commit(false));
    }
    LOGCASK_CLI_TRY(commit(true));
    return out_.finish();
  }

 private:
  // The committed end of each partition as it is now: --exit-at-end stops there, however much comes in meanwhile.
  Status find_ends() {
    std::vector<client::OffsetQuery> queries;
    for (const PartitionId partition : consumer_.partitions())
      queries.push_back({partition, client::OffsetQuery::kLatest});
    LOGCASK_ASSIGN(const auto latest, client::Admin(client_).list_offsets(args_.topic, queries));
    for (const auto& end : latest) {
      if (end.error.code != Errc::ok) return Error(end.error).in("partition " + std::to_string(end.partition.value()));
      ends_[end.partition] = end.offset;
      begin_ += consumer_.position(end.partition).value();
    }
    return {};
  }

  void show_progress() {
    if (!args_.exit_at_end) return;
    std::int64_t at = 0, end = 0;
    for (const auto& [partition, partition_end] : ends_) {
      at += consumer_.position(partition).value();
      end += std::max(partition_end, consumer_.position(partition)).value();
    }
    progress_.update(static_cast<std::uint64_t>(at - begin_), static_cast<std::uint64_t>(end - begin_), "offsets");
  }

  bool at_end() const {
    if (!args_.exit_at_end) return false;
    for (const auto& [partition, end] : ends_)
      if (consumer_.position(partition) < end) return false;
    return true;
  }

  bool wanted(const client::ReadRecord& record) const {
    if (args_.key && record.key != ByteView(*args_.key)) return false;
    // A batch may reach beyond the end that was found.
    const auto end = ends_.find(record.partition);
    return end == ends_.end() || record.offset < end->second;
  }

  static Error with_mend(Error error) {
    if (error.code == Errc::offset_out_of_range) error.message += "; --from earliest begins at the first one kept";
    return error;
  }

  void warn_horizon(PartitionId partition) {
    print_error(
        "tombstone_horizon_passed: partition " + std::to_string(partition.value()) +
        ": deletes have been cleaned away before they were read; state built from earlier reads may hold deleted "
        "keys (replay --live-only rebuilds it)");
  }

  // Only what has been printed and flushed is committed.
  Status commit(bool now) {
    if (!args_.group) return {};
    const auto time = std::chrono::steady_clock::now();
    if (!now && time - committed_at_ < kCommitEvery) return {};
    committed_at_ = time;
    return consumer_.commit();
  }

  const ConsumeArgs& args_;
  client::Client client_;
  client::Consumer consumer_;
  RecordPrinter printer_;
  Output out_;
  Progress progress_{"consumed", Progress::Output::of_records};
  std::map<PartitionId, Offset> ends_;
  std::int64_t begin_ = 0;  // where reading began, summed over the partitions of ends_
  std::chrono::steady_clock::time_point committed_at_ = std::chrono::steady_clock::now();
};

int consume(const ConsumeArgs& args) {
  client::StartAt start = args.group ? client::StartAt::committed() : client::StartAt::earliest();
  if (args.from) {
    LOGCASK_CLI_ASSIGN(start, parse_start(*args.from));
  }
  client::ConsumerOptions options;
  options.group = args.group.value_or("");
  std::vector<PartitionId> partitions;
  if (args.partition) partitions.push_back(PartitionId(static_cast<std::int32_t>(*args.partition)));
  if (args.group && args.group->empty()) return fail(Error{Errc::invalid_argument, "--group wants a name"});
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto consumer, client::Consumer::open(client, args.topic, start, partitions, options));
  return ConsumeRun(args, client, std::move(consumer)).run();
}

}  // namespace

Verb consume_verb() {
  auto args = std::make_shared<ConsumeArgs>();
  Verb verb;
  verb.path = "consume";
  verb.summary = "Prints a topic's records in offset order per partition, and goes on as it grows.";
  verb.details =
      "Ends with Ctrl-C (exit code 0, everything printed so far is whole), or with --exit-at-end at the end of the log "
      "as "
      "it was at the start. With --group it starts where the group stood, and commits what it has printed.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag(
      "--from", "WHERE",
      "earliest, latest, an offset, @UNIX_MS or a time like 2026-01-31T12:00:00Z (default: earliest, or the group's "
      "offset)",
      &args->from);
  verb.flag("--key", "K", "only records of this key (reads all the same; get answers the latest at once)", &args->key);
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  verb.flag("--group", "G", "keep the position under this name", &args->group);
  verb.flag("--exit-at-end", "", "stop at the end of the log", &args->exit_at_end);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format, {"text", "json", "raw"});
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask consume prices --exit-at-end", "everything there is"},
                   {"logcask consume prices --from latest -o json", "what comes in from now on"},
                   {"logcask consume prices --group billing", "go on where 'billing' stopped"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return consume(*args); };
  return verb;
}

}  // namespace logcask::cli
