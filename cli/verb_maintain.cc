// records delete and reopen: acts of an operator that answer per partition.
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "logcask/admin.h"

namespace logcask::cli {
namespace {

struct MaintainArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::int64_t> partition;
  std::int64_t before = 0;

  PartitionId chosen() const { return PartitionId(static_cast<std::int32_t>(partition.value_or(-1))); }
};

// One partition's answer: an object, or a line of text.
void append_answer(Output& out, const MaintainArgs& args, PartitionId partition, const Error& error,
                   const std::string& name, const std::string& text) {
  if (args.format == "json") {
    JsonWriter json(out.buffer());
    json.begin().field("topic", args.topic).field("partition", partition.value());
    if (error.code == Errc::ok)
      json.field(name, text);
    else
      json.field("error", error.to_string());
    json.end();
    out.buffer() += '\n';
  } else if (error.code == Errc::ok) {
    out.buffer() += "partition " + std::to_string(partition.value()) + ": " + text + "\n";
  }
}

int fail_partition(PartitionId partition, const Error& error) {
  return fail(Error(error).in("partition " + std::to_string(partition.value())));
}

int delete_records(const MaintainArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto answers,
                     client::Admin(client).delete_records(args.topic, args.chosen(), Offset(args.before)));
  Output out;
  int code = kExitOk;
  for (const auto& answer : answers) {
    if (answer.error.code != Errc::ok) code = fail_partition(answer.partition, answer.error);
    if (args.format == "json" && answer.error.code == Errc::ok) {
      JsonWriter(out.buffer())
          .begin()
          .field("topic", args.topic)
          .field("partition", answer.partition.value())
          .field("log_start", answer.log_start.value())
          .end();
      out.buffer() += '\n';
    } else {
      append_answer(out, args, answer.partition, answer.error, "log_start",
                    "log starts at " + std::to_string(answer.log_start.value()));
    }
  }
  return out.finish(code);
}

int reopen(const MaintainArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto answers, client::Admin(client).reopen(args.topic, args.chosen()));
  Output out;
  int code = kExitOk;
  for (const auto& answer : answers) {
    if (answer.error.code != Errc::ok) code = fail_partition(answer.partition, answer.error);
    append_answer(out, args, answer.partition, answer.error, "report", answer.report);
  }
  if (answers.empty() && args.format != "json") out.buffer() += "nothing to do: every partition is sound\n";
  return out.finish(code);
}

}  // namespace

Verb records_delete_verb() {
  auto args = std::make_shared<MaintainArgs>();
  Verb verb;
  verb.path = "records delete";
  verb.summary = "Moves a topic's log start up: what lies below is gone for good.";
  verb.details =
      "The disk gets whole segments back: those that end at or below OFFSET, and the one that is written to only when "
      "OFFSET is the end of the log. What else lies below is hidden and goes with its segment.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag("--before", "OFFSET", "the new log start; not above the end of the log", Number{&args->before, 0})
      .required = true;
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain};
  verb.examples = {{"logcask records delete clicks --before 100000 --partition 0", "forget what is older"}};
  verb.run = [args] { return delete_records(*args); };
  return verb;
}

Verb reopen_verb() {
  auto args = std::make_shared<MaintainArgs>();
  Verb verb;
  verb.path = "reopen";
  verb.summary = "Checks and reopens partitions that stopped after a disk error.";
  verb.details =
      "A failed sync leaves a partition read-only on purpose: nobody can say which bytes reached the disk. Reopening "
      "reads the "
      "log again, rewrites what is above the last certain sync, and serves.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag("--partition", "N", "only this partition", Number{&args->partition, 0, 2147483647});
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask reopen prices", "after the disk was mended"}};
  verb.run = [args] { return reopen(*args); };
  return verb;
}

}  // namespace logcask::cli
