#include "broker/broker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <utility>
#include <vector>

#include "base/mutant.h"
#include "broker/data_directory.h"
#include "broker/http/http_factory.h"
#include "broker/kafka/kafka_factory.h"
#include "broker/log.h"
#include "broker/native/native_factory.h"
#include "broker/net/listener.h"
#include "broker/services/consumer_group_coordinator.h"
#include "broker/services/group_expiry.h"
#include "broker/services/group_names.h"
#include "broker/settings/config_reload.h"
#include "broker/settings/descriptor_budget.h"
#include "broker/settings/memory_limit.h"
#include "broker/threads/thread_executor.h"
#include "broker/topics/disk_partition_factory.h"
#include "broker/topics/local_metadata_store.h"
#include "broker/topics/metadata_partition.h"
#include "broker/topics/topic_name.h"
#include "broker/topics/topics.h"
#include "broker/upkeep/compaction_threads.h"
#include "broker/upkeep/disk_watch.h"
#include "broker/upkeep/upkeep.h"
#include "segment/posix_file.h"

namespace logcask {
namespace {

// Partitions recovered or closed at a time: mostly waiting for the disk.
constexpr std::size_t kOpenThreads = 4;
constexpr std::size_t kBlockingThreads = 4;

const Error kStopping{Errc::shutting_down, "the broker is stopping"};

std::string unreadable_groups(const Error& why) {
  return "consumer groups cannot be read, and nobody can join one: " + why.to_string() + "; tried again every second";
}

std::int64_t milliseconds_since(std::int64_t start_ns, const Clock& clock) {
  return (clock.monotonic_ns() - start_ns) / 1'000'000;
}

ConnectionLimits connection_limits(const BrokerConfig& config) {
  ConnectionLimits limits;
  limits.hello_frame_bytes = static_cast<std::size_t>(config.frame_hello_max_bytes);
  limits.frame_bytes = static_cast<std::size_t>(config.frame_max_bytes);
  limits.inflight_bytes = static_cast<std::size_t>(config.connection_inflight_max_bytes);
  limits.output_bytes = static_cast<std::size_t>(config.connection_output_max_bytes);
  limits.hello_timeout_ms = config.hello_timeout_ms;
  limits.frame_timeout_ms = config.frame_timeout_ms;
  limits.idle_timeout_ms = config.idle_timeout_ms;
  limits.write_timeout_ms = config.write_timeout_ms;
  return limits;
}

Seats::Limits seat_limits(const BrokerConfig& config, const DescriptorBudget& descriptors) {
  Seats::Limits limits;
  limits.connections_max = descriptors.connections;
  limits.connections_max_per_address = static_cast<std::size_t>(config.connections_max_per_address);
  return limits;
}

NativeLimits native_limits(const BrokerConfig& config) {
  NativeLimits limits;
  limits.streams = static_cast<std::size_t>(config.connection_streams_max);
  return limits;
}

GroupLimits group_limits(const BrokerConfig& config) {
  GroupLimits limits;
  limits.min_session_timeout_ms = config.group_min_session_timeout_ms;
  limits.max_session_timeout_ms = config.group_max_session_timeout_ms;
  limits.initial_rebalance_delay_ms = config.group_initial_rebalance_delay_ms;
  limits.max_size = static_cast<std::size_t>(config.group_max_size);
  limits.members_max_bytes = static_cast<std::size_t>(config.group_members_max_bytes);
  return limits;
}

ConsumerGroupLimits consumer_group_limits(const BrokerConfig& config) {
  ConsumerGroupLimits limits;
  limits.session_timeout_ms = config.group_consumer_session_timeout_ms;
  limits.heartbeat_interval_ms = config.group_consumer_heartbeat_interval_ms;
  limits.max_size = static_cast<std::size_t>(config.group_consumer_max_size);
  limits.members_max_bytes = static_cast<std::size_t>(config.group_members_max_bytes);
  return limits;
}

CompactionThreads::Options compaction_options(const BrokerConfig& config, const Clock& clock) {
  CompactionThreads::Options options;
  options.max_bytes_per_second = config.compaction_max_bytes_per_second;
  // What deletions need is held on the disk itself (segment/disk_reserve.h).
  options.compactor.disk_reserve_bytes = 0;
  options.jitter_seed = static_cast<std::uint64_t>(clock.monotonic_ns());
  return options;
}

// Nothing an I/O thread does takes nearly as long.
constexpr std::chrono::seconds kDrainTimeout(5);

// Few, so that large batches leave cores to everything else; each may hold one unpacked.
std::size_t unpack_threads(const BrokerConfig& config) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(config.io_threads) / 2);
}

}  // namespace

// In order of construction; destroyed the other way round.
struct Broker::Parts {
  Parts(const BrokerConfig& settings, std::unique_ptr<DataDirectory> directory)
      : config(settings),
        running(settings),
        descriptors(make_descriptor_budget(config, raise_open_files_limit())),
        data(std::move(directory)),
        hasher(data->secret()),
        compaction({clock, [this] { return compacted_partitions(); }, [](const std::string& text) { log_info(text); },
                    [](const std::string& text) { log_warn(text); }},
                   compaction_options(config, clock)),
        flush("flush", static_cast<std::size_t>(config.flush_threads), clock),
        background_executor("background", static_cast<std::size_t>(config.background_threads), clock),
        factory({*data, config, hasher, clock, flush, background_executor, descriptors.segment_files,
                 [](const std::string& text) { log_info(text); }, [](const std::string& text) { log_warn(text); },
                 [this] { compaction.wake(); }}),
        readers("reader", static_cast<std::size_t>(config.background_threads), clock),
        blocking("blocking", kBlockingThreads, clock),
        unpack("unpack", unpack_threads(config), clock),
        wire_memory(static_cast<std::size_t>(config.requests_inflight_max_bytes),
                    static_cast<std::size_t>(config.answers_waiting_max_bytes)),
        seats(seat_limits(config, descriptors)),
        turns(clock, static_cast<std::size_t>(config.io_threads)),
        net{connection_limits(config), wire_memory, seats, metrics, turns} {}

  CompactionThreads::Partitions compacted_partitions() const;
  Status open_metadata();
  Status open_topics();
  void report_orphans(const std::vector<DataDirectory::PartitionEntry>& entries, const std::vector<TopicId>& undeleted);
  void remove_marked(std::shared_ptr<const std::vector<std::string>> names, std::size_t next);
  void list_problems(std::vector<BrokerProblem>& problems);
  void list_notes(std::vector<BrokerProblem>& notes) const;
  void make_services(const std::string& version, std::int64_t started_ns);
  void start_threads();
  void load_groups();
  Status open_listeners();
  Status open_kafka();
  Status open_http();
  struct Optional;
  Status open_optional(const Optional& wanted, const ProtocolFactory& factory_of, std::unique_ptr<Listener>& opened,
                       std::optional<SocketAddress>& at, std::string& left_out);
  void reload(const BrokerConfig& fresh);
  bool stop();

  const Clock& clock = system_clock();
  const BrokerConfig config;  // of the start
  BrokerConfig running;       // with what was read again since; owner's thread only
  const DescriptorBudget descriptors;
  const std::unique_ptr<DataDirectory> data;
  const KeyHasher hasher;
  CompactionThreads compaction;
  ThreadExecutor flush;
  ThreadExecutor background_executor;
  DiskPartitionFactory factory;
  std::shared_ptr<PartitionRunner> metadata_partition;
  std::unique_ptr<LocalMetadataStore> metadata;
  std::unique_ptr<Topics> topics;

  AllowAll authorizer;
  Metrics metrics;
  ThreadExecutor readers;
  ThreadExecutor blocking;
  ThreadExecutor unpack;  // large batches
  BrokerFacts facts;
  std::unique_ptr<ServiceParts> service_parts;
  std::unique_ptr<ProduceService> produce;
  std::unique_ptr<FetchService> fetch;
  std::unique_ptr<OffsetsService> offsets;
  std::unique_ptr<LookupService> lookup;
  std::unique_ptr<WatchService> watch;
  std::unique_ptr<ReplayService> replay;
  std::unique_ptr<BackupService> backup;
  std::unique_ptr<OffsetsTopic> offsets_topic;
  GroupNames group_names;
  std::unique_ptr<GroupCoordinator> coordinator;
  std::unique_ptr<ConsumerGroupCoordinator> consumer_groups;
  std::unique_ptr<GroupsService> groups;
  std::unique_ptr<GroupAdmin> group_admin;
  std::unique_ptr<GroupExpiry> group_expiry;
  std::unique_ptr<ProducerIdService> producer_ids;
  std::unique_ptr<AdminService> admin;
  WireMemory wire_memory;
  std::atomic<bool> groups_loading{false};  // or loaded
  std::atomic<bool> groups_trouble{false};  // told
  Seats seats;
  BlockingTurns turns;
  const NetParts net;
  std::unique_ptr<NativeServices> native;
  std::unique_ptr<DiskWatch> disk_watch;
  std::unique_ptr<Upkeep> upkeep;

  Listener::Threads threads;
  std::vector<TopicView> topic_views;  // one for each of them
  std::unique_ptr<NativeFactory> native_factory;
  std::unique_ptr<Listener> listener;
  SocketAddress address;
  std::unique_ptr<FetchSessions> fetch_sessions;  // null, and so the next three: no listener for Kafka clients
  std::unique_ptr<KafkaServices> kafka;
  std::unique_ptr<KafkaFactory> kafka_factory;
  std::unique_ptr<Listener> kafka_listener;
  std::optional<SocketAddress> kafka_address;
  std::string kafka_left_out;             // why it was, though the default has one; set before anybody is served
  std::unique_ptr<KeyWriter> key_writer;  // null, and so the next three: no HTTP listener
  std::unique_ptr<HttpServices> http;
  std::unique_ptr<HttpFactory> http_factory;
  std::unique_ptr<Listener> http_listener;
  std::optional<SocketAddress> http_address;
  std::string http_left_out;
  bool stopped = false;
  bool clean = false;
};

CompactionThreads::Partitions Broker::Parts::compacted_partitions() const {
  CompactionThreads::Partitions partitions;
  for (const auto all = topics->snapshot(); const auto& [name, topic] : *all)
    if (topic->config.partition.compacted)
      partitions.insert(partitions.end(), topic->partitions.begin(), topic->partitions.end());
  return partitions;
}

Status Broker::Parts::open_metadata() {
  LOGCASK_ASSIGN(metadata_partition, open_metadata_partition(*data, factory));
  metadata = std::make_unique<LocalMetadataStore>(metadata_partition, hasher, clock);
  return {};
}

Status Broker::Parts::open_topics() {
  Topics::Limits limits;
  for (const std::string& warning : descriptors.warnings) log_warn(warning);
  limits.partitions_max = static_cast<std::int64_t>(descriptors.partitions);
  limits.partitions_limit = descriptors.partitions_limit;
  limits.default_partitions = config.default_partitions;
  limits.message_bytes_limit = config.message_bytes_limit();
  limits.decompressed_bytes_max = config.batch_decompressed_max_bytes;
  topics = std::make_unique<Topics>(*metadata, factory, clock, limits);
  LOGCASK_ASSIGN(const auto entries, data->list_partitions());
  std::vector<TopicId> marked;
  for (const auto& entry : entries)
    if (entry.deletion_marked) marked.push_back(entry.topic_id);
  LOGCASK_ASSIGN(const TopicsReport report, topics->load(metadata_partition, kOpenThreads, marked));
  log_info("opened " + std::to_string(report.topics) + " topics with " + std::to_string(report.partitions) +
           " partitions");
  for (const std::string& line : report.offline) log_error("offline: " + line);
  for (const MetadataProblem& problem : metadata->problems())
    log_error("metadata record '" + problem.key + "' cannot be used and is kept: " + problem.reason);
  // Loading has marked what a deletion had not come to.
  LOGCASK_ASSIGN(const auto left, marked.empty() ? Result<std::vector<DataDirectory::PartitionEntry>>(entries)
                                                 : data->list_partitions());
  report_orphans(left, report.undeleted);
  return report.offline.empty() && data->machine_reset() ? data->set_recovered() : Status();
}

void Broker::Parts::report_orphans(const std::vector<DataDirectory::PartitionEntry>& entries,
                                   const std::vector<TopicId>& undeleted) {
  std::vector<std::string> marked;
  constexpr std::int32_t kAny = INT32_MAX;
  std::map<TopicId, std::int32_t> known;  // and how many partitions
  for (const TopicId& id : undeleted) known.emplace(id, kAny);
  known.emplace(LocalMetadataStore::kTopicId, kAny);
  for (const auto all = topics->snapshot(); const auto& [name, topic] : *all)
    known.emplace(topic->record.id, static_cast<std::int32_t>(topic->record.partitions));
  std::map<TopicId, std::vector<std::string>> not_got;  // of partitions that their topics were to get
  for (const auto& entry : entries) {
    if (const auto topic = known.find(entry.topic_id); topic != known.end()) {
      if (entry.partition.value() >= topic->second) not_got[entry.topic_id].push_back(entry.directory_name);
      continue;
    }
    if (!entry.deletion_marked) {
      log_warn("directory '" + entry.directory_name + "' belongs to no known topic; it is kept");
      continue;
    }
    marked.push_back(entry.directory_name);
  }
  for (const auto& [topic, names] : not_got)
    log_warn("directories of partitions that their topic was to get and has not got: " + std::to_string(names.size()) +
             ", '" + *std::min_element(names.begin(), names.end()) +
             "' among them; they are kept until it gets them or is deleted");
  remove_marked(std::make_shared<const std::vector<std::string>>(std::move(marked)), 0);
}

// One after another, so that a stop comes in between; the next start goes on.
void Broker::Parts::remove_marked(std::shared_ptr<const std::vector<std::string>> names, std::size_t next) {
  if (next == names->size()) return;
  readers.post([this, names, next] {
    if (auto removed = data->remove_partition((*names)[next]); !removed.ok())
      log_warn("remove deleted partition " + (*names)[next] + ": " + removed.error().message);
    remove_marked(names, next + 1);
  });
}

void Broker::Parts::make_services(const std::string& version, std::int64_t started_ns) {
  facts.version = version;
  facts.cluster_id = data->cluster_id();
  facts.data_directory = data->root().path();
  facts.io_threads = static_cast<std::size_t>(config.io_threads);
  facts.keydir_budget_bytes = config.keydir_total_max_bytes;
  facts.started_ns = started_ns;
  facts.disk_space = [this] {
    const auto space = data->root().space();
    return space.ok() ? *space : DiskSpace();
  };
  facts.keydir_use = [this](const TopicId* topic) {
    return topic ? factory.budgets().use(*topic) : factory.budgets().use();
  };
  facts.list_problems = [this](std::vector<BrokerProblem>& problems) { list_problems(problems); };
  facts.list_notes = [this](std::vector<BrokerProblem>& notes) { list_notes(notes); };
  metrics.add_source([this](Metrics::Numbers& numbers) { factory.add_cache_numbers(numbers); });
  metrics.add_source([this](Metrics::Numbers& numbers) { factory.budgets().add_numbers(numbers); });
  service_parts = std::make_unique<ServiceParts>(ServiceParts{authorizer, metrics, clock, hasher, *topics, readers});
  produce = std::make_unique<ProduceService>(*service_parts, config.produce_timeout_ms, unpack);
  fetch = std::make_unique<FetchService>(*service_parts, static_cast<std::size_t>(config.fetch_max_bytes),
                                         config.fetch_wait_max_ms);
  offsets = std::make_unique<OffsetsService>(*service_parts);
  lookup = std::make_unique<LookupService>(*service_parts, config.lookup_timeout_ms);
  watch = std::make_unique<WatchService>(*service_parts);
  replay = std::make_unique<ReplayService>(*service_parts);
  backup = std::make_unique<BackupService>(*service_parts, config.backup_lease_ms);
  offsets_topic = std::make_unique<OffsetsTopic>(*service_parts);
  coordinator = std::make_unique<GroupCoordinator>(
      GroupCoordinator::Parts{authorizer, clock, *threads.front(), *offsets_topic, {}, &group_names},
      group_limits(config));
  metrics.add_source([this](Metrics::Numbers& numbers) { coordinator->add_numbers(numbers); });
  consumer_groups = std::make_unique<ConsumerGroupCoordinator>(
      ConsumerGroupCoordinator::Parts{authorizer,
                                      clock,
                                      *threads.front(),
                                      *offsets_topic,
                                      group_names,
                                      [this] { return topics->generation(); },
                                      [this] { return known_topics(*topics); },
                                      {}},
      consumer_group_limits(config));
  metrics.add_source([this](Metrics::Numbers& numbers) { consumer_groups->add_numbers(numbers); });
  groups = std::make_unique<GroupsService>(*service_parts, *offsets_topic, *coordinator, *consumer_groups);
  group_admin = std::make_unique<GroupAdmin>(*service_parts, *groups, *coordinator, *consumer_groups);
  group_expiry = std::make_unique<GroupExpiry>(
      *service_parts, *groups, *coordinator, *consumer_groups,
      GroupExpiry::Times{config.offsets_retention_minutes * 60'000, config.offsets_retention_check_interval_ms},
      [](const std::string& text) { log_info(text); });
  producer_ids = std::make_unique<ProducerIdService>(*service_parts, *metadata);
  admin = std::make_unique<AdminService>(*service_parts, *groups, facts, &compaction);
  native = std::make_unique<NativeServices>(
      NativeServices{*produce, *fetch, *offsets, *lookup, *watch, *replay, *backup, *groups, *group_admin, *coordinator,
                     *producer_ids, *admin, blocking, clock, wire_memory, net.limits, native_limits(config)});
  disk_watch = std::make_unique<DiskWatch>(*data, *topics, log_info, log_warn);
  upkeep = std::make_unique<Upkeep>(*topics, background_executor, clock, facts);
  upkeep->also([this] { disk_watch->round(); });
  upkeep->also([this] { load_groups(); });
  upkeep->also([this] { group_expiry->round(); });
  upkeep->also([this] { factory.budgets().round(log_info, log_warn); });
  upkeep->also([this] {
    if (facts.keydir_load_seconds > 0) factory.budgets().sample();
  });
}

void Broker::Parts::list_problems(std::vector<BrokerProblem>& problems) {
  std::vector<PartitionProblem> of_disk;
  disk_watch->list(of_disk);
  for (PartitionProblem& problem : of_disk)
    problems.push_back({"", PartitionId(0), std::move(problem.kind), std::move(problem.reason)});
  for (KeydirBudgets::Problem& problem : factory.budgets().problems())
    problems.push_back({std::move(problem.topic), PartitionId(0), kKeydirFull, std::move(problem.reason)});
  if (const auto failure = groups->load_failure())
    problems.push_back({std::string(kOffsetsTopic), PartitionId(0), kGroupsUnreadable, unreadable_groups(*failure)});
}

void Broker::Parts::list_notes(std::vector<BrokerProblem>& notes) const {
  if (!kafka_left_out.empty()) notes.push_back({"", PartitionId(0), kKafkaListenerLeftOut, kafka_left_out});
  if (!http_left_out.empty()) notes.push_back({"", PartitionId(0), kHttpListenerLeftOut, http_left_out});
}

// Before anything can fail: a stop posts to the loops and waits for them.
void Broker::Parts::start_threads() {
  for (std::int64_t i = 0; i < config.io_threads; ++i) {
    threads.push_back(std::make_unique<IoThread>(clock, "io-" + std::to_string(i)));
    topic_views.emplace_back(*topics);
  }
  for (const auto& thread : threads) thread->start();
}

Status Broker::Parts::open_listeners() {
  native_factory = std::make_unique<NativeFactory>(*native, topic_views);
  listener = std::make_unique<Listener>(threads, *native_factory, net);
  LOGCASK_ASSIGN(const SocketAddress wanted, parse_socket_address(config.listen, "listen"));
  LOGCASK_ASSIGN(address, listener->listen(wanted));
  SocketAddress advertised = address;
  if (!config.advertised_listener.empty()) {
    LOGCASK_ASSIGN(advertised, parse_socket_address(config.advertised_listener, "advertised.listener"));
  }
  facts.advertised_host = advertised.host;
  facts.advertised_port = advertised.port;
  if (config.has_kafka_listener()) LOGCASK_TRY(open_kafka());
  if (config.has_http_listener()) LOGCASK_TRY(open_http());
  listener->start();
  if (kafka_listener) kafka_listener->start();
  if (http_listener) http_listener->start();
  return {};
}

// Until it has come to an end, members are told to try again. Where reading fails it is tried in a later round.
void Broker::Parts::load_groups() {
  if (groups_loading.exchange(true)) return;
  blocking.post([this] {
    const Status loaded = groups->load();
    if (loaded.ok()) {
      if (groups_trouble) log_info("consumer groups can be read again");
      return;
    }
    if (!groups_trouble.exchange(true)) log_warn(unreadable_groups(loaded.error()));
    groups_loading = false;
  });
}

// A listener that the broker can do without.
struct Broker::Parts::Optional {
  const std::string& address;
  bool asked = false;  // by somebody
  const char* setting;
  const char* flag;
  const char* warning;
};

Status Broker::Parts::open_kafka() {
  KafkaSettings settings;
  if (!config.kafka_advertised_listener.empty()) {
    LOGCASK_ASSIGN(settings.advertised,
                   parse_socket_address(config.kafka_advertised_listener, "kafka.advertised.listener"));
  }
  settings.node_id = static_cast<std::int32_t>(config.kafka_node_id);
  settings.auto_create_topics = config.kafka_auto_create_topics == "true";
  settings.num_partitions = config.kafka_num_partitions;
  settings.cleanup_policy = config.kafka_cleanup_policy;
  FetchSessions::Limits session_limits;
  session_limits.sessions = static_cast<std::size_t>(config.fetch_sessions_max);
  fetch_sessions = std::make_unique<FetchSessions>(clock, session_limits);
  metrics.add_source([this](Metrics::Numbers& numbers) {
    numbers.emplace_back("kafka.fetch_sessions", static_cast<double>(fetch_sessions->sessions()));
    numbers.emplace_back("kafka.fetch_session_bytes", static_cast<double>(fetch_sessions->bytes()));
  });
  kafka = std::make_unique<KafkaServices>(KafkaServices{*produce, *fetch, *offsets, *producer_ids, *admin, *groups,
                                                        *coordinator, *consumer_groups, *group_admin, blocking,
                                                        wire_memory, *fetch_sessions, net.limits, std::move(settings)});
  kafka_factory = std::make_unique<KafkaFactory>(*kafka, topic_views);
  return open_optional({config.kafka_listen, config.kafka_listen_asked, "kafka.listen", "--kafka-listen",
                        "no listener for Kafka clients: "},
                       *kafka_factory, kafka_listener, kafka_address, kafka_left_out);
}

Status Broker::Parts::open_http() {
  key_writer = std::make_unique<KeyWriter>(*service_parts, *produce);
  http =
      std::make_unique<HttpServices>(HttpServices{*lookup, *watch, *replay, *key_writer, *admin, blocking, wire_memory,
                                                  net.limits, make_http_settings(config.http_allowed_hosts)});
  http_factory = std::make_unique<HttpFactory>(*http, topic_views);
  return open_optional(
      {config.http_listen, config.http_listen_asked, "http.listen", "--http-listen", "no listener for HTTP: "},
      *http_factory, http_listener, http_address, http_left_out);
}

Status Broker::Parts::open_optional(const Optional& wanted, const ProtocolFactory& factory_of,
                                    std::unique_ptr<Listener>& opened, std::optional<SocketAddress>& at,
                                    std::string& left_out) {
  LOGCASK_ASSIGN(const SocketAddress address_wanted, parse_socket_address(wanted.address, wanted.setting));
  auto listening = std::make_unique<Listener>(threads, factory_of, net);
  auto address_opened = listening->listen(address_wanted, wanted.flag);
  if (!address_opened.ok() && (!wanted.asked || mutant(Mutant::asked_listener_left_out))) {
    // Beside a Kafka, say. Nobody has asked for this listener, so nobody misses it who is not told.
    left_out = address_opened.error().message + ", or " + wanted.flag + " off";
    log_warn(wanted.warning + left_out);
    return {};
  }
  // Also where it is an error: what the loops still do for it goes on until they stop.
  opened = std::move(listening);
  LOGCASK_ASSIGN(at, std::move(address_opened));
  return {};
}

void Broker::Parts::reload(const BrokerConfig& fresh) {
  const ConfigReload reloaded = reload_config(running, fresh);
  running = reloaded.config;
  set_log_level(running.log_level);
  compaction.set_max_bytes_per_second(running.compaction_max_bytes_per_second);
  factory.budgets().set_total_max_bytes(running.keydir_total_max_bytes);
  facts.keydir_budget_bytes = running.keydir_total_max_bytes;
  const DescriptorBudget shared = make_descriptor_budget(running, raise_open_files_limit());
  topics->set_limits(static_cast<std::int64_t>(shared.partitions), running.default_partitions);
  for (const std::string& line : reloaded.taken) log_info("setting changed: " + line);
  if (reloaded.taken.empty()) log_info("settings read again: nothing that a running broker takes has changed");
  if (reloaded.needs_restart.empty()) return;
  std::string names;
  for (const std::string& name : reloaded.needs_restart) names += (names.empty() ? "" : ", ") + name;
  log_warn("settings that differ and wait for a restart: " + names);
}

bool Broker::Parts::stop() {
  if (std::exchange(stopped, true)) return clean;
  const std::int64_t start = clock.monotonic_ns();
  // First: sessions wait for the answers to what they were asked, a reopen's too.
  if (admin) admin->stop();
  if (coordinator) coordinator->stop();
  if (consumer_groups) consumer_groups->stop();
  if (listener) listener->stop(kStopping, config.shutdown_timeout_ms / 4);
  if (kafka_listener) kafka_listener->stop(kStopping, config.shutdown_timeout_ms / 4);
  if (http_listener) http_listener->stop(kStopping, config.shutdown_timeout_ms / 4);
  if (upkeep) upkeep->stop();
  compaction.stop();
  blocking.stop();
  readers.stop();
  if (produce) produce->stop();
  unpack.stop();
  if (topics) {
    topics->close(kStopping, kOpenThreads);
  } else if (metadata_partition) {
    metadata_partition->close(kStopping);
  }
  // The partitions' last answers are on their way to the loops: let them arrive.
  for (const auto& thread : threads) {
    const auto drained = std::make_shared<std::promise<void>>();  // that thread may outlive the wait
    thread->post([drained] { drained->set_value(); });
    if (drained->get_future().wait_for(kDrainTimeout) == std::future_status::ready) continue;
    log_error("an I/O thread has not answered for " + std::to_string(kDrainTimeout.count()) +
              " s: a bug; the stop ends here, and the next start recovers as after a kill");
    std::abort();
  }
  for (const auto& thread : threads) thread->stop();
  flush.stop();
  background_executor.stop();
  const Status marked = data->set_clean();
  if (!marked.ok()) log_error("the data directory could not be marked clean: " + marked.error().message);
  clean = marked.ok();
  log_info("stopped in " + std::to_string(milliseconds_since(start, clock)) + " ms");
  return clean;
}

Broker::Broker(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Broker::~Broker() { stop(); }

const SocketAddress& Broker::native_address() const { return parts_->address; }
std::optional<SocketAddress> Broker::kafka_address() const { return parts_->kafka_address; }
std::optional<SocketAddress> Broker::http_address() const { return parts_->http_address; }
bool Broker::stop() { return parts_->stop(); }
void Broker::reload(const BrokerConfig& fresh) { parts_->reload(fresh); }

Result<std::unique_ptr<Broker>> Broker::start(const BrokerConfig& config, const std::string& version) {
  LOGCASK_ASSIGN(std::shared_ptr<Directory> root, create_posix_directory(config.data_dir));
  return start(config, version, std::move(root));
}

Result<std::unique_ptr<Broker>> Broker::start(const BrokerConfig& config, const std::string& version,
                                              std::shared_ptr<Directory> root) {
  const Clock& clock = system_clock();
  const std::int64_t started_ns = clock.monotonic_ns();
  LOGCASK_ASSIGN(auto data, DataDirectory::open(std::move(root), machine_boot_id(), config.disk_reserve_bytes));
  const DataDirectory::StartFacts start_facts = data->start_facts();
  for (const std::string& note : data->notes()) log_warn(note);
  if (!start_facts.first_start && !start_facts.clean_stop)
    log_warn(std::string("the last run did not stop in order") +
             (start_facts.same_boot ? "" : ", and the machine was restarted since") + "; recovering");
  std::unique_ptr<Broker> broker(new Broker(std::make_unique<Parts>(config, std::move(data))));
  Parts& parts = *broker->parts_;
  LOGCASK_TRY(parts.open_metadata());
  LOGCASK_TRY(parts.open_topics());
  parts.start_threads();
  parts.make_services(version, started_ns);
  parts.disk_watch->start();
  parts.facts.recovery_seconds = static_cast<double>(clock.monotonic_ns() - started_ns) / 1e9;
  LOGCASK_TRY(parts.open_listeners());
  parts.load_groups();
  parts.upkeep->start();
  parts.compaction.start();
  log_info("ready: native listener on " + parts.address.to_string() +
           (parts.kafka_address ? ", Kafka listener on " + parts.kafka_address->to_string() : "") +
           (parts.http_address ? ", HTTP listener on " + parts.http_address->to_string() : "") + ", data in " +
           parts.facts.data_directory + ", recovered in " + std::to_string(milliseconds_since(started_ns, clock)) +
           " ms");
  return broker;
}

}  // namespace logcask
