// segments: the files of a topic and what the compactor thinks of them.
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"

namespace logcask::cli {
namespace {

struct SegmentsArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::int64_t> partition;
};

void append_segment_json(std::string& out, const std::string& topic, const client::SegmentInfo& s) {
  JsonWriter(out)
      .begin()
      .field("topic", topic)
      .field("partition", s.partition.value())
      .field("base_offset", s.base_offset.value())
      .field("generation", s.generation.value())
      .field("next_offset", s.next_offset.value())
      .field("state", s.state)
      .field("records", s.records)
      .field("live", s.live_values)
      .field("dead", s.records - std::min(s.records, s.live_values + s.live_tombstones))
      .field("live_tombstones", s.live_tombstones)
      .field("due_tombstones", s.due_tombstones)
      .field("bytes", s.size_bytes)
      .field("dead_bytes_estimate", s.dead_bytes_estimate)
      .field("hint", s.has_hint)
      .field("readers", s.readers)
      .field("compacted_through", s.compacted_through.value())
      .field("first_append", s.first_append.value())
      .field("last_append", s.last_append.value())
      .field("due", s.due)
      .field("why", s.why)
      .end();
  out += '\n';
}

int segments(const SegmentsArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  const PartitionId partition(static_cast<std::int32_t>(args.partition.value_or(-1)));
  LOGCASK_CLI_ASSIGN(const auto segments, client::Admin(client).segments(args.topic, partition));
  Output out;
  TextTable table({">PARTITION", ">BASE", ">GEN", "STATE", ">RECORDS", ">LIVE", ">TOMBSTONES", ">DEAD", ">SIZE",
                   ">DEAD BYTES ~", "HINT", ">READERS", "WHY"});
  for (const auto& s : segments) {
    if (args.format == "json") {
      append_segment_json(out.buffer(), args.topic, s);
      continue;
    }
    const std::uint64_t dead = s.records - std::min(s.records, s.live_values + s.live_tombstones);
    table.row({std::to_string(s.partition.value()), std::to_string(s.base_offset.value()),
               std::to_string(s.generation.value()), s.state, std::to_string(s.records), std::to_string(s.live_values),
               std::to_string(s.live_tombstones), std::to_string(dead), bytes_text(s.size_bytes),
               bytes_text(s.dead_bytes_estimate), s.has_hint ? "yes" : "no", std::to_string(s.readers), s.why});
  }
  if (args.format != "json") table.append_to(out.buffer());
  return out.finish();
}

}  // namespace

Verb segments_verb() {
  auto args = std::make_shared<SegmentsArgs>();
  Verb verb;
  verb.path = "segments";
  verb.summary =
      "Shows a topic's segments: state, records, live, dead, bytes, hint, readers, and why it is due or not.";
  verb.details =
      "Record counts are exact; dead bytes are estimated (size x dead / records). DEAD counts a delete of a key "
      "that had no value, too: it stays for delete.retention.ms like any other.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain};
  verb.examples = {{"logcask segments prices", "one line a segment, with the rule that makes it due or keeps it"}};
  verb.run = [args] { return segments(*args); };
  return verb;
}

}  // namespace logcask::cli
