// delete: tombstones for keys.
#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/produce_tally.h"
#include "cli/single_writes.h"
#include "cli/verbs.h"

namespace logcask::cli {
namespace {

struct DeleteArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::vector<std::string> keys;
  std::optional<std::string> condition;
  std::int64_t timeout_ms = kWriteTimeoutMs;
};

int delete_keys(const DeleteArgs& args) {
  client::Condition condition;
  if (args.condition) {
    LOGCASK_CLI_ASSIGN(condition, parse_condition(*args.condition));
    if (condition.kind == client::Condition::Kind::absent)
      return fail(Error{Errc::invalid_argument, "--if absent deletes nothing; say exists or offset:N"});
    if (condition.kind == client::Condition::Kind::offset && args.keys.size() > 1)
      return fail(Error{Errc::invalid_argument, "--if offset:N is the place of one record; give one key"});
  }
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto writes, SingleWrites::open(client, args.topic, "delete could remove", args.timeout_ms));
  Output out;
  for (std::size_t i = 0; i < args.keys.size(); ++i) {
    const auto delivery = writes.write(args.keys[i], std::nullopt, condition);
    if (!delivery.ok()) {
      Error error = delivery_error(delivery);
      if (args.keys.size() > 1)
        error = std::move(error).in("key " + std::to_string(i + 1) +
                                    (i == 0 ? " (none is deleted)" : " (those before it are deleted)"));
      return out.finish(fail_input(error));
    }
    writes.append(out.buffer(), args.format, args.keys[i], std::nullopt, delivery);
    if (!out.flush()) break;
  }
  return out.finish();
}

}  // namespace

Verb delete_verb() {
  auto args = std::make_shared<DeleteArgs>();
  Verb verb;
  verb.path = "delete";
  verb.summary = "Deletes keys: writes a tombstone for each, on disk before it answers.";
  verb.details =
      "With a condition a key whose condition does not hold ends the verb with exit code 5; the keys before it are "
      "deleted. Topics with cleanup.policy=delete have no keys to delete: retention or 'records delete' removes their "
      "records.";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.positional("KEY", "the keys", &args->keys);
  verb.flag("--if", "CONDITION", "delete only if the key exists, or its latest record is at offset:N",
            &args->condition);
  add_write_timeout_flag(verb, &args->timeout_ms);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitCondition, kExitTryAgain, kExitBadInput};
  verb.examples = {{"logcask delete prices eur-usd", "prints partition:offset of the tombstone"},
                   {"logcask delete locks nightly --if offset:17", "release a lock that is still the one taken"}};
  verb.run = [args] { return delete_keys(*args); };
  return verb;
}

}  // namespace logcask::cli
