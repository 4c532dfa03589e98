// consume: a topic's records, from a chosen place on.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/clock.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/group_position.h"
#include "cli/group_wait.h"
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
  std::optional<std::string> instance_id;
  std::optional<std::int64_t> session_timeout_ms;
  std::string key_separator = "\\t";
  std::optional<std::int64_t> max_records;
  std::optional<std::int64_t> last;
  bool exit_at_end = false;

  // With a partition of its own choice a consumer keeps its position under the group's name, and is no member.
  bool member() const { return group && !partition; }
};

void tell_unused_commits(const client::Consumer& consumer) {
  for (const PartitionId partition : consumer.commits_not_used())
    print_error(
        "topic_changed: partition " + std::to_string(partition.value()) +
        ": the group's offset is of another log of that name (made anew, or restored from an older copy) and is "
        "not used; reading begins at the first record");
}

class ConsumeRun {
 public:
  ConsumeRun(const ConsumeArgs& args, client::Client client, client::Consumer consumer, RecordPrinter printer)
      : args_(args), client_(std::move(client)), consumer_(std::move(consumer)), printer_(std::move(printer)) {
    if (args_.group) group_.emplace(client_, consumer_, *args_.group, args_.member());
  }

  int run() {
    // Better told before a record is printed than by the first commit.
    if (args_.group && !args_.member()) LOGCASK_CLI_TRY(client::Admin(client_).commit_group(*args_.group, {}));
    if (args_.exit_at_end) LOGCASK_CLI_TRY(find_ends());
    begin_ = reached().first;
    while (!interrupted() && !at_end() && !enough()) {
      auto polled = consumer_.poll(kConsumePollMs);
      if (!polled.ok()) {
        return out_.finish(fail(with_mend(polled.error())));
      }
      for (const PartitionId partition : polled->behind_tombstone_horizon) warn_horizon(partition);
      if (args_.member()) LOGCASK_CLI_TRY(follow_group(*polled));
      for (const auto& record : polled->records) {
        take(record);
        if (!out_.flush_if_large()) return out_.finish();
      }
      if (!out_.flush()) return out_.finish();
      if (args_.group && polled->revoked.empty()) settle_positions();
      show_progress();
      if (group_) LOGCASK_CLI_TRY(group_->keep(read_to_));
    }
    if (group_) LOGCASK_CLI_TRY(group_->finish(read_to_));
    if (args_.member() && client_.connected()) LOGCASK_CLI_TRY(consumer_.close());
    return out_.finish();
  }

 private:
  // What has been printed of partitions that go to others is committed first, so that they go on behind it.
  Status follow_group(const client::PollResult& polled) {
    if (!polled.revoked.empty()) {
      if (const Status kept = group_->finish(read_to_); !kept.ok())
        print_error(
            "the group's position could not be kept before its partitions are shared out anew, and what was "
            "printed last may be read again: " +
            kept.error().to_string());
    }
    if (!polled.lost.empty())
      print_error("group '" + *args_.group + "' has given " + std::to_string(polled.lost.size()) +
                  " partitions to others, since it had not heard of this member for too long; what was printed last "
                  "may be read again");
    has_share_ = polled.assigned || (has_share_ && polled.revoked.empty() && polled.lost.empty());
    const std::int64_t now_ms = system_clock().monotonic_ns() / 1'000'000;
    if (const auto line = wait_.line_for(consumer_.contact(), has_share_, now_ms)) print_error(*line);
    if (polled.assigned) {
      tell_unused_commits(consumer_);
      begin_ = reached().first;
    }
    if (polled.assigned || !polled.revoked.empty() || !polled.lost.empty()) read_to_.clear();
    if (polled.assigned || !polled.lost.empty()) cut_.clear();
    return {};
  }

  // The committed end of each partition as it is now: --exit-at-end stops there, however much comes in meanwhile.
  Status find_ends() {
    std::vector<client::OffsetQuery> queries;
    client::Admin admin(client_);
    if (args_.member()) {
      LOGCASK_ASSIGN(const auto topic, admin.topic(args_.topic));
      for (std::uint32_t i = 0; i < topic.partitions; ++i)
        queries.push_back({PartitionId(static_cast<std::int32_t>(i)), client::OffsetQuery::kLatest});
    }
    for (const PartitionId partition : consumer_.partitions())
      queries.push_back({partition, client::OffsetQuery::kLatest});
    LOGCASK_ASSIGN(const auto latest, admin.list_offsets(args_.topic, queries));
    for (const auto& end : latest) {
      if (end.error.code != Errc::ok) return Error(end.error).in("partition " + std::to_string(end.partition.value()));
      ends_[end.partition] = end.offset;
    }
    return {};
  }

  // How far the partitions are that are read now, and where they are to end; both summed up.
  std::pair<std::int64_t, std::int64_t> reached() const {
    std::int64_t at = 0, end = 0;
    for (const PartitionId partition : consumer_.partitions()) {
      const auto found = ends_.find(partition);
      if (found == ends_.end()) continue;
      at += consumer_.position(partition).value();
      end += std::max(found->second, consumer_.position(partition)).value();
    }
    return {at, end};
  }

  void show_progress() {
    if (!args_.exit_at_end) return;
    const auto [at, end] = reached();
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
    if (args_.member() && !has_share_) return false;
    const auto& reads = consumer_.partitions();
    return std::all_of(reads.begin(), reads.end(), [&](PartitionId partition) {
      const auto end = ends_.find(partition);
      return end == ends_.end() || consumer_.position(partition) >= end->second;
    });
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
  std::int64_t begin_ = 0;                 // where reading began, summed over the partitions that are read
  bool has_share_ = false;                 // of a member: the group has said what it reads
  GroupWait wait_{args_.group.value_or("")};
  std::optional<GroupPosition> group_;  // knows only what has been printed and flushed
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
  // It ends where the topic ended when it began.
  if (args.exit_at_end && !args.member()) options.metadata_max_age_ms = 0;
  if ((args.instance_id || args.session_timeout_ms) && !args.member())
    return fail(Error{Errc::invalid_argument,
                      "--group-instance-id and --session-timeout-ms are of a group's member: with --group, without "
                      "--partition"});
  options.group_instance_id = args.instance_id.value_or("");
  if (args.session_timeout_ms) {
    options.session_timeout_ms = *args.session_timeout_ms;
    options.heartbeat_interval_ms = std::min(options.heartbeat_interval_ms, options.session_timeout_ms / 3);
  }
  std::vector<PartitionId> partitions;
  if (args.partition) partitions.push_back(PartitionId(static_cast<std::int32_t>(*args.partition)));
  if (args.group && args.group->empty()) return fail(Error{Errc::invalid_argument, "--group wants a name"});
  LOGCASK_CLI_ASSIGN(auto separator, parse_key_separator(args.key_separator));
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto consumer, args.member()
                                        ? client::Consumer::join(client, args.topic, start, options)
                                        : client::Consumer::open(client, args.topic, start, partitions, options));
  tell_unused_commits(consumer);
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
      "it was at the start. With --group it is a member of that group: the members share the partitions, Kafka clients "
      "among them; each partition is read by one of them, from where the group stood, and what was printed is "
      "committed about once a second. A member that ends leaves, and the others take its partitions over; one that is "
      "killed is missed after --session-timeout-ms. With --group and --partition it is no member, and only keeps its "
      "position under the group's name, which is refused while the group has members. Partitions that a plain topic "
      "is given meanwhile are read, too, within half a minute.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag(
      "--from", "WHERE",
      "earliest, latest, an offset, @UNIX_MS or a time like 2026-01-31T12:00:00Z (default: earliest, or the group's "
      "offset); of a member, where its first share begins",
      &args->from);
  verb.flag("--last", "N", "begin with the last N records of each partition, as they are now",
            Number{&args->last, 0, kMaxLast});
  verb.flag("--max-records", "N", "stop after so many records", Number{&args->max_records, 0});
  verb.flag("--key", "K", "only records of this key (reads all the same; get answers the latest at once)", &args->key);
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  verb.flag("--group", "G", "be a member of this group; with --partition, keep the position under this name",
            &args->group);
  verb.flag("--session-timeout-ms", "N", "of a member: after so long a silence the others take over (default 45000)",
            Number{&args->session_timeout_ms, 3, 2147483647});
  verb.flag("--group-instance-id", "ID",
            "of a member that finds its partitions again after a restart within the session timeout (a static member)",
            &args->instance_id);
  verb.flag("--exit-at-end", "", "stop at the end of the log", &args->exit_at_end);
  verb.flag("--key-separator", "SEP", "between key and value in text (default \\t)", &args->key_separator);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format, {"text", "json", "raw"});
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {
      {"logcask consume prices --exit-at-end", "everything there is"},
      {"logcask consume prices --from latest -o json", "what comes in from now on"},
      {"logcask consume prices --last 10", "the last ten records of each partition, then what comes in"},
      {"logcask consume prices --group billing", "go on where 'billing' stopped, and share with its members"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return consume(*args); };
  return verb;
}

}  // namespace logcask::cli
