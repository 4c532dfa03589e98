// put: one key's value, from the command line or a file.
#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/line_reader.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/produce_tally.h"
#include "cli/single_writes.h"
#include "cli/verbs.h"

namespace logcask::cli {
namespace {

struct PutArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::string key;
  std::optional<std::string> value;
  std::optional<std::string> file;
  std::optional<std::string> condition;
  std::int64_t timeout_ms = kWriteTimeoutMs;
};

// Everything there is, byte for byte.
Result<std::string> read_value(const std::string& path) {
  const bool standard_input = path == "-";
  const int descriptor = standard_input ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "open " + path);
  StreamReader stream(descriptor);
  auto bytes = stream.peek(StreamReader::kDefaultMaxRecordBytes + 1);
  if (!standard_input) ::close(descriptor);
  if (!bytes.ok()) return std::move(bytes).error().in(standard_input ? "standard input" : path);
  return std::string(*bytes);
}

int put(const PutArgs& args) {
  if (args.value.has_value() == args.file.has_value())
    return fail(Error{Errc::invalid_argument, args.file ? "give VALUE or --file, not both"
                                                        : "VALUE is missing; the form is: logcask put TOPIC KEY VALUE "
                                                          "(or --file F; 'logcask delete' deletes a key)"});
  client::Condition condition;
  if (args.condition) {
    LOGCASK_CLI_ASSIGN(condition, parse_condition(*args.condition));
  }
  std::string value = args.value.value_or("");
  if (args.file) {
    auto read = read_value(*args.file);
    if (!read.ok()) return fail_input(std::move(read).error());
    value = std::move(read).value();
  }
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto writes, SingleWrites::open(client, args.topic, "put could set", args.timeout_ms));
  const auto delivery = writes.write(args.key, ByteView(value), condition);
  if (!delivery.ok()) return fail_input(delivery_error(delivery));
  if (delivery.ambiguous)
    print_error("note: several partitions of '" + args.topic +
                "' hold the key; the newest is written over ('logcask delete' deletes all of them)");
  Output out;
  writes.append(out.buffer(), args.format, args.key, ByteView(value), delivery);
  return out.finish();
}

}  // namespace

Verb put_verb() {
  auto args = std::make_shared<PutArgs>();
  Verb verb;
  verb.path = "put";
  verb.summary = "Writes one key's value, on disk before it answers.";
  verb.details =
      "The value's bytes are taken as they stand; an empty VALUE is an empty value and no delete. Prints "
      "partition:offset of the record, as 'get --min-offset' takes it, or the record with -o json.";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.positional("KEY", "the key", &args->key);
  verb.positional("VALUE", "the value", &args->value).required = false;
  verb.flag("--file", "F", "the value is what this file holds; - is standard input", &args->file);
  verb.flag("--if", "CONDITION", "write only if the key is absent, exists, or its latest record is at offset:N",
            &args->condition);
  add_write_timeout_flag(verb, &args->timeout_ms);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitCondition, kExitTryAgain, kExitBadInput};
  verb.examples = {{"logcask put prices eur-usd 1.0842", "the price now"},
                   {"logcask put locks nightly host-7 --if absent", "take a lock, or exit 5"},
                   {"logcask put images logo --file logo.png", "exactly the bytes of a file"}};
  verb.run = [args] { return put(*args); };
  return verb;
}

}  // namespace logcask::cli
