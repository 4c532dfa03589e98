// delete: tombstones for keys.
#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/record_text.h"
#include "cli/verbs.h"
#include "logcask/table.h"

namespace logcask::cli {
namespace {

struct DeleteArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::vector<std::string> keys;
};

int delete_keys(const DeleteArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto table, client::Table::open(client, args.topic));
  Output out;
  for (std::size_t i = 0; i < args.keys.size(); ++i) {
    const auto delivery = table.erase(args.keys[i]);
    if (!delivery.ok()) {
      const int code =
          fail(Error(delivery.status.error()).in("key " + std::to_string(i + 1) + " (those before it are deleted)"));
      return out.finish(code);
    }
    if (args.format == "json") {
      JsonWriter(out.buffer())
          .begin()
          .field("topic", args.topic)
          .field_bytes("key", args.keys[i])
          .field("partition", delivery.partition.value())
          .field("offset", delivery.offset.value())
          .end();
    } else {
      append_text_field(out.buffer(), args.keys[i]);
      out.buffer() +=
          "\tdeleted at " + std::to_string(delivery.partition.value()) + ":" + std::to_string(delivery.offset.value());
    }
    out.buffer() += '\n';
  }
  return out.finish();
}

}  // namespace

Verb delete_verb() {
  auto args = std::make_shared<DeleteArgs>();
  Verb verb;
  verb.path = "delete";
  verb.summary = "Deletes keys: writes a tombstone for each, on disk before it answers.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.positional("KEY", "the keys", &args->keys);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain};
  verb.examples = {{"logcask delete prices eur-usd", "prints partition:offset of the tombstone"}};
  verb.run = [args] { return delete_keys(*args); };
  return verb;
}

}  // namespace logcask::cli
