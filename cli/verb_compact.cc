// compact: start compaction of a topic now, and wait for it if told to.
#include <map>
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

using client::CompactionProgress;

// A compaction may take hours; the broker's progress reports keep the connection alive.
constexpr std::int64_t kNoDeadline = 0;

struct CompactArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::int64_t> partition;
  bool wait = false;
};

void append_progress_json(std::string& out, const std::string& topic, const CompactionProgress& p) {
  JsonWriter json(out);
  json.begin().field("topic", topic).field("partition", p.partition.value()).field("finished", p.finished);
  if (p.error.code != Errc::ok) json.field("error", p.error.to_string());
  json.field("bytes_before", p.bytes_before)
      .field("bytes_after", p.bytes_after)
      .field("bytes_read", p.bytes_read)
      .field("bytes_written", p.bytes_written)
      .field("records_kept", p.records_kept)
      .field("records_dropped", p.records_dropped)
      .field("tombstones_dropped", p.tombstones_dropped)
      .field("rewrites", p.rewrites)
      .field("seconds", p.seconds)
      .end();
  out += '\n';
}

std::string won_text(std::uint64_t before, std::uint64_t after) {
  return after <= before ? bytes_text(before - after) : "-" + bytes_text(after - before);
}

void append_progress_text(std::string& out, const std::vector<CompactionProgress>& partitions) {
  TextTable table(
      {">PARTITION", ">BEFORE", ">AFTER", ">WON", ">RECORDS DROPPED", ">TOMBSTONES DROPPED", ">REWRITES", ">TIME"});
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (const auto& p : partitions) {
    before += p.bytes_before;
    after += p.bytes_after;
    table.row({std::to_string(p.partition.value()), bytes_text(p.bytes_before), bytes_text(p.bytes_after),
               won_text(p.bytes_before, p.bytes_after), std::to_string(p.records_dropped),
               std::to_string(p.tombstones_dropped), std::to_string(p.rewrites), sizing::about_seconds(p.seconds)});
  }
  table.append_to(out);
  out += "won " + won_text(before, after) + " of " + bytes_text(before) + "\n";
}

int compact(const CompactArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  const PartitionId partition(static_cast<std::int32_t>(args.partition.value_or(-1)));
  Result<std::vector<CompactionProgress>> done = std::vector<CompactionProgress>();
  {
    Progress progress("compacting, read");
    std::map<PartitionId, std::uint64_t> read;
    const auto on_progress = [&](const CompactionProgress& report) {
      read[report.partition] = report.bytes_read;
      std::uint64_t sum = 0;
      for (const auto& entry : read) sum += entry.second;
      progress.update(sum, 0, "bytes");
    };
    done = client::Admin(client).compact(args.topic, partition, args.wait, on_progress, {kNoDeadline});
  }
  LOGCASK_CLI_ASSIGN(const auto partitions, std::move(done));
  int code = kExitOk;
  for (const auto& p : partitions)
    if (p.error.code != Errc::ok) code = fail(Error(p.error).in("partition " + std::to_string(p.partition.value())));
  Output out;
  if (args.format == "json")
    for (const auto& p : partitions) append_progress_json(out.buffer(), args.topic, p);
  else if (args.wait)
    append_progress_text(out.buffer(), partitions);
  else
    out.buffer() += "asked for: the active segments are closed and what is due is compacted; 'logcask segments " +
                    args.topic + "' shows it, --wait waits for it\n";
  return out.finish(code);
}

}  // namespace

Verb compact_verb() {
  auto args = std::make_shared<CompactArgs>();
  Verb verb;
  verb.path = "compact";
  verb.summary = "Compacts a topic now instead of when its settings say.";
  verb.details =
      "Closes the active segment first, since only closed ones are compacted. With --wait it returns when nothing is "
      "due, "
      "with the bytes won, else at once. Reads and writes go on meanwhile.";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  verb.flag("--wait", "", "return when it is done", &args->wait);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask compact prices --wait", "prints what was won, per partition"}};
  verb.run = [args] { return compact(*args); };
  return verb;
}

}  // namespace logcask::cli
