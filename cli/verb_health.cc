// health: is the broker well, and if not, why.
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/keydir_sizing_text.h"
#include "cli/output.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

struct HealthArgs {
  std::string broker;
  std::string format;
};

std::string percent_text(double share) { return std::to_string(static_cast<int>(share * 100)) + "%"; }

std::string state_of(const client::BrokerDescription& broker) {
  if (!broker.problems.empty()) return "unhealthy";
  return broker.partitions_loading > 0 ? "loading" : "healthy";
}

void append_health_json(std::string& out, const client::BrokerDescription& b) {
  JsonWriter json(out);
  json.begin()
      .field("state", state_of(b))
      .field("version", b.version)
      .field("cluster_id", b.cluster_id)
      .field("data_directory", b.data_directory)
      .field("uptime_ms", b.uptime_ms)
      .field("io_threads", b.io_threads)
      .field("topics", b.topics)
      .field("partitions", b.partitions)
      .field("partitions_loading", b.partitions_loading)
      .field("loading_progress", b.loading_progress)
      .field("connections", b.connections)
      .field("rss_bytes", b.rss_bytes)
      .field("keydir_entries", b.keydir_entries)
      .field("keydir_bytes", b.keydir_bytes)
      .field("keydir_budget_bytes", b.keydir_budget_bytes)
      .field("keydir_verdict", b.keydir_verdict)
      .field("disk_free_bytes", b.disk_free_bytes)
      .field("open_files", b.open_files)
      .field("recovery_seconds", b.recovery_seconds)
      .field("keydir_load_seconds", b.keydir_load_seconds)
      .field("keydir_loaded_from_hints", b.keydir_loaded_from_hints)
      .field("keydir_loaded_from_scan", b.keydir_loaded_from_scan);
  json.name("problems").begin_list();
  for (const auto& p : b.problems)
    json.begin()
        .field("topic", p.topic)
        .field("partition", p.partition.value())
        .field("state", p.state)
        .field("reason", p.reason)
        .end();
  json.end_list().name("notes").begin_list();
  for (const auto& n : b.notes)
    json.begin().field("topic", n.topic).field("state", n.state).field("reason", n.reason).end();
  json.end_list();
  append_sizing_json(json, b.sizing);
  json.name("counters").begin();
  for (const auto& [name, value] : b.counters) json.field(name, value);
  json.end().end();
  out += '\n';
}

// A keydir's budget is a topic's or the broker's, and the disk is the broker's.
std::string place_of(const client::BrokerProblem& problem) {
  if (problem.topic.empty()) return "";
  if (problem.state == "keydir_full") return problem.topic + " ";
  return problem.topic + " partition " + std::to_string(problem.partition.value()) + " ";
}

void append_health_text(std::string& out, const client::BrokerDescription& b) {
  out += state_of(b) + "\n";
  for (const auto& p : b.problems) out += "  " + place_of(p) + p.state + ": " + p.reason + "\n";
  for (const auto& n : b.notes)
    out += "  note: " + (n.topic.empty() ? "" : n.topic + " ") + n.state + ": " + n.reason + "\n";
  if (b.partitions_loading > 0)
    out += "  " + std::to_string(b.partitions_loading) + " partitions loading, " + percent_text(b.loading_progress) +
           " done\n";
  const double uptime = static_cast<double>(b.uptime_ms) / 1000;
  out += "version    " + b.version + ", up " + sizing::about_seconds(uptime) + ", data in " + b.data_directory + "\n";
  out += "topics     " + std::to_string(b.topics) + " with " + std::to_string(b.partitions) + " partitions, " +
         std::to_string(b.connections) + " connections\n";
  const std::uint64_t counted = b.sizing.limit.empty() ? b.keydir_bytes : b.sizing.limit_used_bytes;
  const auto beside_budget = [&](std::uint64_t bytes) {
    return sizing::bytes_beside(static_cast<double>(bytes), b.keydir_budget_bytes, 2);
  };
  out += "keydir     " + std::to_string(b.keydir_entries) + " keys, " + beside_budget(counted) + " of " +
         sizing::short_bytes(b.keydir_budget_bytes) + ": " + b.keydir_verdict + " (" + beside_budget(b.keydir_bytes) +
         " of memory)\n";
  out += "growth     " + growth_text(b.sizing) + "\n";
  out += "memory     " + bytes_text(b.rss_bytes) + " resident\n";
  out += "disk       " + bytes_text(b.disk_free_bytes) + " free, " + std::to_string(b.open_files) + " open files\n";
  out += "last start listener after " + sizing::about_seconds(b.recovery_seconds) + ", keydirs after " +
         sizing::about_seconds(b.keydir_load_seconds) + ": " + std::to_string(b.keydir_loaded_from_hints) +
         " entries from hints, " + std::to_string(b.keydir_loaded_from_scan) + " records from logs\n";
}

int health(const HealthArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(const auto broker, client::Admin(client).describe_broker());
  Output out;
  if (args.format == "json")
    append_health_json(out.buffer(), broker);
  else
    append_health_text(out.buffer(), broker);
  if (!broker.problems.empty()) return out.finish(kExitFailed);
  return out.finish(broker.partitions_loading > 0 ? kExitTryAgain : kExitOk);
}

}  // namespace

Verb health_verb() {
  auto args = std::make_shared<HealthArgs>();
  Verb verb;
  verb.path = "health";
  verb.summary =
      "Says whether the broker is well, and why not: partitions in trouble, keydir budget, disk, last start.";
  verb.details =
      "Exit codes: 0 healthy, 1 a partition, the disk or a budget is in trouble (the output names it), 4 no broker "
      "answers, 6 still loading.";
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain};
  verb.examples = {{"logcask health -o json", "everything, counters included"}};
  verb.run = [args] { return health(*args); };
  return verb;
}

}  // namespace logcask::cli
