// consume: a topic's records, from a chosen place on.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/group_position.h"
#include "cli/interrupt.h"
#include "cli/last_records.h"
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
// Their offsets are held in memory.
constexpr std::int64_t kMaxLast = 100'000'000;

struct ConsumeArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::string> from;
  std::optional<std::string> key;
  std::optional<std::int64_t> partition;
  std::optional<std::string> group;
  std::string key_separator = "\\t";
  std::optional<std::int64_t> max_records;
  std::optional<std::int64_t> last;
  bool exit_at_end = false;
};

class ConsumeRun {
 public:
  ConsumeRun(const ConsumeArgs& args, client::Client client, client::Consumer consumer, RecordPrinter printer)
      : args_(args), client_(std::move(client)), consumer_(std::move(consumer)), printer_(std::move(printer)) {
    if (args_.group) group_.emplace(consumer_, *args_.group);
  }

  int run() {
    if (args_.exit_at_end) LOGCASK_CLI_TRY(find_ends());
    while (!interrupted() && !at_end() && !enough()) {
      auto polled = consumer_.poll(kConsumePollMs);
      if (!polled.ok()) {
        return out_.finish(fail(with_mend(polled.error())));
      }
      for (const PartitionId partition : polled->behind_tombstone_horizon) warn_horizon(partition);
      for (const auto& record : polled->records) {
        take(record);
        if (!out_.flush_if_large()) return out_.finish();
      }
      if (!out_.flush()) return out_.finish();
      if (args_.group) settle_positions();
      show_progress();
      if (group_) LOGCASK_CLI_TRY(group_->keep(read_to_));
    }
    if (group_) LOGCASK_CLI_TRY(group_->finish(read_to_));
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

  bool enough() const { return args_.max_records && printed_ >= static_cast<std::uint64_t>(*args_.max_records); }

  void take(const client::ReadRecord& record) {
    // A batch may reach beyond the end that was found, and a poll beyond the last record wanted.
    const auto end = ends_.find(record.partition);
    if (enough() || (end != ends_.end() && record.offset >= end->second)) {
      cut_.insert(record.partition);
      return;
    }
    if (args_.group) read_to_[record.partition] = Offset(record.offset.value() + 1);
    if (args_.key && record.key != ByteView(*args_.key)) return;
    printer_.append(out_.buffer(), record);
    ++printed_;
  }

  // Of a partition that was cut the consumer's own position is no place to go on from: nobody has printed what lies
  // before it.
  void settle_positions() {
    for (const PartitionId partition : consumer_.partitions())
      if (const Offset position = consumer_.position(partition); position != kNoOffset && !cut_.contains(partition))
        read_to_[partition] = position;
  }

  bool at_end() const {
    if (!args_.exit_at_end) return false;
    for (const auto& [partition, end] : ends_)
      if (consumer_.position(partition) < end) return false;
    return true;
  }

  static Error with_mend(Error error) {
    if (error.code == Errc::topic_changed) error.message += "; --from earliest begins at its first record";
    if (error.code == Errc::offset_out_of_range) error.message += "; --from earliest begins at the first one kept";
    return error;
  }

  void warn_horizon(PartitionId partition) {
    print_error(
        "tombstone_horizon_passed: partition " + std::to_string(partition.value()) +
        ": deletes have been cleaned away before they were read; state built from earlier reads may hold deleted "
        "keys (replay --live-only rebuilds it)");
  }

  const ConsumeArgs& args_;
  client::Client client_;
  client::Consumer consumer_;
  RecordPrinter printer_;
  Output out_;
  Progress progress_{"consumed", Progress::Output::of_records};
  std::map<PartitionId, Offset> ends_;
  std::uint64_t printed_ = 0;
  std::map<PartitionId, Offset> read_to_;  // with --group: up to where each partition has been printed
  std::set<PartitionId> cut_;              // partitions of which a poll gave more than was taken
  std::int64_t begin_ = 0;                 // where reading began, summed over the partitions of ends_
  std::optional<GroupPosition> group_;     // knows only what has been printed and flushed
};

Status start_at_last(const client::Client& client, client::Consumer& consumer, std::size_t count) {
  LOGCASK_ASSIGN(const auto begins, find_last_records(client, consumer.topic(), consumer.partitions(), count));
  for (const auto& [partition, offset] : begins) LOGCASK_TRY(consumer.seek(partition, offset));
  return {};
}

int consume(const ConsumeArgs& args) {
  if (args.last && (args.from || args.group || args.key))
    return fail(Error{Errc::invalid_argument,
                      "--last says where to begin and counts records of all keys; not with --from, --group or --key"});
  client::StartAt start = args.group ? client::StartAt::committed() : client::StartAt::earliest();
  if (args.from) {
    LOGCASK_CLI_ASSIGN(start, parse_start(*args.from));
  }
  client::ConsumerOptions options;
  options.group = args.group.value_or("");
  std::vector<PartitionId> partitions;
  if (args.partition) partitions.push_back(PartitionId(static_cast<std::int32_t>(*args.partition)));
  if (args.group && args.group->empty()) return fail(Error{Errc::invalid_argument, "--group wants a name"});
  LOGCASK_CLI_ASSIGN(auto separator, parse_key_separator(args.key_separator));
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto consumer, client::Consumer::open(client, args.topic, start, partitions, options));
  for (const PartitionId partition : consumer.commits_not_used())
    print_error(
        "topic_changed: partition " + std::to_string(partition.value()) +
        ": the group's offset is of another log of that name (made anew, or restored from an older copy) and is "
        "not used; reading begins at the first record");
  if (args.last) LOGCASK_CLI_TRY(start_at_last(client, consumer, static_cast<std::size_t>(*args.last)));
  RecordPrinter printer(args.format, args.topic, output_style(std::move(separator)));
  return ConsumeRun(args, client, std::move(consumer), std::move(printer)).run();
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
      "it was at the start. With --group it starts where the group stood, and commits what it has printed; the members "
      "of a group are not coordinated, each of them gets every record.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag(
      "--from", "WHERE",
      "earliest, latest, an offset, @UNIX_MS or a time like 2026-01-31T12:00:00Z (default: earliest, or the group's "
      "offset)",
      &args->from);
  verb.flag("--last", "N", "begin with the last N records of each partition, as they are now",
            Number{&args->last, 0, kMaxLast});
  verb.flag("--max-records", "N", "stop after so many records", Number{&args->max_records, 0});
  verb.flag("--key", "K", "only records of this key (reads all the same; get answers the latest at once)", &args->key);
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  verb.flag("--group", "G", "keep the position under this name", &args->group);
  verb.flag("--exit-at-end", "", "stop at the end of the log", &args->exit_at_end);
  verb.flag("--key-separator", "SEP", "between key and value in text (default \\t)", &args->key_separator);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format, {"text", "json", "raw"});
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask consume prices --exit-at-end", "everything there is"},
                   {"logcask consume prices --from latest -o json", "what comes in from now on"},
                   {"logcask consume prices --last 10", "the last ten records of each partition, then what comes in"},
                   {"logcask consume prices --group billing", "go on where 'billing' stopped"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return consume(*args); };
  return verb;
}

}  // namespace logcask::cli
