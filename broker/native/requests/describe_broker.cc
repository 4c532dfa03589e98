// DescribeBroker: health, memory verdict, counters.
#include "broker/native/requests/keydir_sizing.h"
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "broker/settings/memory_limit.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

// What takes system calls or many locks, gathered where it may block.
struct Gathered {
  BrokerDescription description;
  std::uint64_t rss_bytes = 0, open_files = 0, disk_free_bytes = 0;
};

void encode_problem(const BrokerProblem& problem, v1::DescribeBrokerResponse::Problem& out) {
  out.set_topic(problem.topic);
  out.set_partition(problem.partition < PartitionId(0) ? 0 : static_cast<std::uint32_t>(problem.partition.value()));
  out.set_state(problem.state);
  out.set_reason(utf8_text(problem.reason));
}

void encode_broker(const AdminService& admin, const Gathered& gathered, v1::DescribeBrokerResponse& body) {
  const BrokerFacts& facts = admin.facts();
  const BrokerDescription& d = gathered.description;
  body.set_version(facts.version);
  body.set_cluster_id(facts.cluster_id);
  body.set_data_directory(utf8_text(facts.data_directory));
  body.set_uptime_ms(d.uptime_ms);
  body.set_io_threads(static_cast<std::uint32_t>(facts.io_threads));
  body.set_topics(static_cast<std::uint32_t>(d.topics));
  body.set_partitions(static_cast<std::uint32_t>(d.partitions));
  body.set_partitions_loading(static_cast<std::uint32_t>(d.partitions_loading));
  body.set_connections(admin.metrics().connections_open.value());
  body.set_rss_bytes(gathered.rss_bytes);
  body.set_keydir_entries(d.keydir_entries);
  body.set_keydir_bytes(d.keydir_bytes);
  body.set_keydir_budget_bytes(static_cast<std::uint64_t>(facts.keydir_budget_bytes));
  body.set_keydir_verdict(d.keydir_verdict);
  body.set_disk_free_bytes(gathered.disk_free_bytes);
  body.set_open_files(gathered.open_files);
  body.set_loading_progress(d.loading_progress);
  body.set_recovery_seconds(facts.recovery_seconds);
  body.set_keydir_load_seconds(facts.keydir_load_seconds.load());
  body.set_keydir_loaded_from_hints(facts.keydir_loaded_from_hints.load());
  body.set_keydir_loaded_from_scan(facts.keydir_loaded_from_scan.load());
  for (const auto& problem : d.problems) encode_problem(problem, *body.add_problems());
  for (const auto& note : d.notes) encode_problem(note, *body.add_notes());
  encode_keydir_use(d.keydir_use, *body.mutable_sizing());
  for (const auto& [name, value] : admin.metrics().list()) {
    v1::DescribeBrokerResponse::Counter& out = *body.add_counters();
    out.set_name(name);
    out.set_value(value);
  }
}

}  // namespace

void handle_describe_broker(const NativeRequest& request) {
  AdminService& admin = request.services().admin;
  in_background(
      request,
      [&admin, principal = request.protocol.principal()]() -> Result<Gathered> {
        LOGCASK_ASSIGN(BrokerDescription description, admin.describe_broker(principal));
        const DiskSpace disk = admin.facts().disk_space ? admin.facts().disk_space() : DiskSpace();
        return Gathered{std::move(description), resident_bytes(), open_files_now(), disk.free_bytes};
      },
      [&admin](NativeProtocol& protocol, std::uint64_t correlation_id, const Result<Gathered>& gathered) {
        if (!gathered.ok()) return protocol.send_error(correlation_id, gathered.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        encode_broker(admin, *gathered, *response.mutable_describe_broker());
        protocol.send(response);
      });
}

}  // namespace logcask
