#include "broker/settings/config.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "broker/settings/memory_limit.h"
#include "broker/settings/socket_address.h"
#include "broker/settings/topic_config.h"

extern char** environ;

namespace logcask {
namespace {

using BrokerTarget = std::variant<std::int64_t BrokerConfig::*, std::string BrokerConfig::*>;
struct BrokerRow {
  SettingInfo info;
  BrokerTarget target;
};

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kDay = 24LL * 3600 * 1000;
// What segments unpack when they are read (segment/segment.h): a batch beyond it could be written, but never read.
constexpr std::int64_t kReadableBatchBytes = 256 * kMiB;

const std::vector<BrokerRow>& broker_rows() {
  using enum SettingType;
  using C = BrokerConfig;
  static const std::vector<BrokerRow> table = {
      {{"data.dir",
        text,
        "",
        0,
        0,
        {},
        "Directory that holds everything the broker keeps. Required; one process at a time.",
        {},
        {}},
       &C::data_dir},
      {{"listen",
        text,
        "127.0.0.1:7440",
        0,
        0,
        {},
        "Address and port of the native listener; port 0 picks a free one.",
        {},
        {}},
       &C::listen},
      {{"advertised.listener",
        text,
        "",
        0,
        0,
        {},
        "Address and port that clients are told to use; empty = the address listened on.",
        {},
        {}},
       &C::advertised_listener},
      {{"io.threads", integer, "0", 1, 1024, {}, "Threads that serve connections.", 0, "one per core"}, &C::io_threads},
      {{"flush.threads",
        integer,
        "4",
        1,
        256,
        {},
        "Threads that write and sync; syncs of different partitions overlap.",
        {},
        {}},
       &C::flush_threads},
      {{"background.threads", integer, "2", 1, 256, {}, "Threads for cold reads, replay and administration.", {}, {}},
       &C::background_threads},
      {{"num.partitions",
        integer,
        "1",
        1,
        10'000,
        {},
        "Partitions of a topic that is created without a number.",
        {},
        {}},
       &C::default_partitions},
      {{"partitions.max", integer, "10000", 1, 1'000'000, {}, "Partitions of all topics together.", {}, {}},
       &C::partitions_max},
      {{"keydir.total.max.bytes",
        bytes,
        "0",
        65536,
        INT64_MAX,
        {},
        "RAM that all keydirs together may take. At the limit new keys are refused; overwrites and deletes pass.",
        0,
        "a quarter of the memory or of the control group's limit"},
       &C::keydir_total_max_bytes},
      {{"tail.buffer.bytes",
        bytes,
        "33554432",
        kMiB,
        1LL << 32,
        {},
        "Per partition: bytes not yet written or written recently that are kept in memory.",
        {},
        {}},
       &C::tail_buffer_bytes},
      {{"pending.records.max",
        integer,
        "4194304",
        1024,
        1LL << 32,
        {},
        "Per partition: records that may wait for the disk; producers wait beyond.",
        {},
        {}},
       &C::pending_records_max},
      {{"lookup.cache.bytes",
        bytes,
        "-1",
        0,
        1LL << 40,
        {},
        "RAM for records that lookups read: whole batches decompressed, else blocks of about 4 KiB. Grows with use.",
        -1,
        "an eighth of the memory or of the control group's limit, at most 256 MiB"},
       &C::lookup_cache_bytes},
      {{"open.files.max", integer, "0", 64, 1LL << 30, {}, "Segment files held open.", 0, "half of the process limit"},
       &C::open_files_max},
      {{"compaction.max.bytes.per.second",
        bytes,
        "0",
        kMiB,
        INT64_MAX,
        {},
        "Speed limit of compaction, reads and writes.",
        0,
        "unlimited"},
       &C::compaction_max_bytes_per_second},
      {{"connections.max",
        integer,
        "10000",
        1,
        1'000'000,
        {},
        "Connections at a time; further ones are refused. Never more than the limit on open files leaves.",
        {},
        {}},
       &C::connections_max},
      {{"connections.max.per.address",
        integer,
        "2000",
        1,
        1'000'000,
        {},
        "Connections at a time from one address.",
        {},
        {}},
       &C::connections_max_per_address},
      {{"frame.hello.max.bytes", bytes, "65536", 256, kMiB, {}, "Largest frame before Hello.", {}, {}},
       &C::frame_hello_max_bytes},
      {{"frame.max.bytes", bytes, "8388608", 2 * 65536, 1 << 30, {}, "Largest request frame after Hello.", {}, {}},
       &C::frame_max_bytes},
      {{"fetch.max.bytes",
        bytes,
        "8388608",
        1024,
        1 << 30,
        {},
        "Most record bytes of one answer; a first batch larger than this is sent whole.",
        {},
        {}},
       &C::fetch_max_bytes},
      {{"fetch.wait.max.ms",
        milliseconds,
        "300000",
        10,
        kDay,
        {},
        "Longest wait of a fetch. One that asks for more is answered after this time with what there is.",
        {},
        {}},
       &C::fetch_wait_max_ms},
      {{"requests.inflight.max.bytes",
        bytes,
        "0",
        kMiB,
        1LL << 40,
        {},
        "Request bytes of all connections: half for large frames being received, the rest for small ones, buffers "
        "and calls that stay open. Frames wait for it.",
        0,
        "an eighth of the memory, at most 256 MiB, at least two largest frames"},
       &C::requests_inflight_max_bytes},
      {{"answers.waiting.max.bytes",
        bytes,
        "0",
        kMiB,
        1LL << 40,
        {},
        "Answer bytes waiting for all connections. From half of it on, large requests are put off and connections "
        "that take nothing are closed early.",
        0,
        "an eighth of the memory, at most 256 MiB, at least two largest fetches"},
       &C::answers_waiting_max_bytes},
      {{"batch.decompressed.max.bytes",
        bytes,
        "0",
        kMiB,
        kReadableBatchBytes,
        {},
        "Largest produced batch after decompression; it may hold one record per 64 bytes of this. Large batches are "
        "unpacked on threads of their own, half as many as I/O threads.",
        0,
        "a sixteenth of the memory, 1 MiB to 64 MiB"},
       &C::batch_decompressed_max_bytes},
      {{"connection.inflight.max.bytes",
        bytes,
        "67108864",
        65536,
        1LL << 40,
        {},
        "Request bytes of one connection being worked on; beyond, nothing more is read from it.",
        {},
        {}},
       &C::connection_inflight_max_bytes},
      {{"connection.output.max.bytes",
        bytes,
        "33554432",
        65536,
        1LL << 40,
        {},
        "Answer bytes waiting for one connection; beyond, nothing more is read from it.",
        {},
        {}},
       &C::connection_output_max_bytes},
      {{"connection.streams.max",
        integer,
        "64",
        1,
        65536,
        {},
        "Open Watch, Replay and follow streams of one connection.",
        {},
        {}},
       &C::connection_streams_max},
      {{"hello.timeout.ms",
        milliseconds,
        "10000",
        10,
        kDay,
        {},
        "A connection must say Hello within this time.",
        {},
        {}},
       &C::hello_timeout_ms},
      {{"frame.timeout.ms",
        milliseconds,
        "30000",
        10,
        kDay,
        {},
        "A frame that has begun must be complete within this time.",
        {},
        {}},
       &C::frame_timeout_ms},
      {{"idle.timeout.ms",
        milliseconds,
        "600000",
        100,
        kDay,
        {},
        "A connection without requests and streams is closed after this time.",
        {},
        {}},
       &C::idle_timeout_ms},
      {{"write.timeout.ms",
        milliseconds,
        "30000",
        10,
        kDay,
        {},
        "A connection that takes none of the bytes waiting for it is closed after this time.",
        {},
        {}},
       &C::write_timeout_ms},
      {{"produce.timeout.ms",
        milliseconds,
        "30000",
        1,
        kDay,
        {},
        "Deadline of a produce request that names none.",
        {},
        {}},
       &C::produce_timeout_ms},
      {{"lookup.timeout.ms",
        milliseconds,
        "5000",
        1,
        kDay,
        {},
        "Deadline of a lookup with min_offset that names none.",
        {},
        {}},
       &C::lookup_timeout_ms},
      {{"shutdown.timeout.ms",
        milliseconds,
        "30000",
        100,
        kDay,
        {},
        "Time for a clean stop; then the process ends as it is.",
        {},
        {}},
       &C::shutdown_timeout_ms},
      {{"log.level", choice, "info", 0, 0, "trace|debug|info|warn|error", "How much the broker logs.", {}, {}},
       &C::log_level},
  };
  return table;
}

Status apply_broker(const BrokerRow& row, std::string_view text, BrokerConfig& config) {
  if (const auto* number = std::get_if<std::int64_t BrokerConfig::*>(&row.target)) {
    LOGCASK_ASSIGN(config.**number, parse_number(row.info, text));
  } else if (const auto* word = std::get_if<std::string BrokerConfig::*>(&row.target)) {
    if (row.info.type == SettingType::choice) {
      LOGCASK_ASSIGN(config.**word, parse_choice(row.info, text));
    } else {
      config.** word = std::string(text);
    }
  }
  return {};
}

// Where a setting's text comes from, best first.
struct Found {
  std::string_view text;
  std::string origin;
};
Found find_text(const SettingInfo& info, const ConfigSources& sources) {
  if (const auto flag = sources.flags.find(info.name); flag != sources.flags.end())
    return {flag->second, "command line"};
  const std::string variable = environment_name(info.name);
  if (const auto set = sources.environment.find(variable); set != sources.environment.end())
    return {set->second, "environment variable " + variable};
  if (const auto line = sources.file.find(info.name); line != sources.file.end())
    return {line->second, sources.file_name};
  return {info.default_text, "default"};
}

bool known(std::string_view name) {
  return std::any_of(broker_rows().begin(), broker_rows().end(),
                     [name](const BrokerRow& row) { return row.info.name == name; });
}

Error unknown_broker_setting(std::string_view name) {
  for (const SettingInfo* info : topic_settings())
    if (info->name == name)
      return Error{Errc::invalid_config, "'" + std::string(name) +
                                             "' is a setting of a topic, not of the broker; 'logcask topic create NAME "
                                             "--config " +
                                             std::string(name) + "=VALUE' takes it"};
  return unknown_setting(name, broker_settings());
}

Status refuse_unknown_names(const ConfigSources& sources) {
  for (const auto& [name, text] : sources.flags)
    if (!known(name)) return unknown_broker_setting(name).in("command line");
  for (const auto& [name, text] : sources.file)
    if (!known(name)) return unknown_broker_setting(name).in(sources.file_name);
  std::vector<std::string> variables;
  for (const BrokerRow& row : broker_rows()) variables.push_back(environment_name(row.info.name));
  const std::vector<std::string_view> names(variables.begin(), variables.end());
  for (const auto& [variable, text] : sources.environment) {
    if (std::find(names.begin(), names.end(), variable) != names.end()) continue;
    std::string message = "environment: " + variable + " is not a setting";
    if (const auto near = nearest_name(variable, names)) message += "; did you mean " + std::string(*near) + "?";
    return Error{Errc::invalid_config, message};
  }
  return {};
}

Status check_broker(const BrokerConfig& config) {
  if (config.data_dir.empty())
    return Error{Errc::invalid_config, "data.dir is not set; give --data DIR or LOGCASK_DATA_DIR"};
  LOGCASK_TRY(parse_socket_address(config.listen, "listen"));
  if (!config.advertised_listener.empty())
    LOGCASK_TRY(parse_socket_address(config.advertised_listener, "advertised.listener"));
  if (config.frame_hello_max_bytes > config.frame_max_bytes)
    return Error{Errc::invalid_config, "frame.hello.max.bytes is above frame.max.bytes"};
  if (config.connection_inflight_max_bytes < config.frame_max_bytes)
    return Error{Errc::invalid_config, "connection.inflight.max.bytes (" +
                                           std::to_string(config.connection_inflight_max_bytes) +
                                           ") is below frame.max.bytes (" + std::to_string(config.frame_max_bytes) +
                                           "): the largest request could never be read"};
  if (config.requests_inflight_max_bytes > 0 && config.requests_inflight_max_bytes / 2 < config.frame_max_bytes)
    return Error{Errc::invalid_config, "requests.inflight.max.bytes (" +
                                           std::to_string(config.requests_inflight_max_bytes) +
                                           ") is below twice frame.max.bytes (" +
                                           std::to_string(config.frame_max_bytes) + "); raise one or lower the other"};
  if (config.answers_waiting_max_bytes > 0 && config.answers_waiting_max_bytes / 2 < config.fetch_max_bytes)
    return Error{Errc::invalid_config, "answers.waiting.max.bytes (" +
                                           std::to_string(config.answers_waiting_max_bytes) +
                                           ") is below twice fetch.max.bytes (" +
                                           std::to_string(config.fetch_max_bytes) + "); raise one or lower the other"};
  return {};
}

constexpr std::uint64_t kLookupCacheDefaultMax = 256u << 20;

// An eighth of the memory within bounds.
std::int64_t memory_share(std::int64_t largest_item) {
  const auto eighth = static_cast<std::int64_t>(std::min<std::uint64_t>(memory_limit_bytes() / 8, 256u << 20));
  return std::max(eighth, 2 * largest_item);
}

void fill_from_machine(BrokerConfig& config) {
  if (config.requests_inflight_max_bytes == 0)
    config.requests_inflight_max_bytes = memory_share(config.frame_max_bytes);
  if (config.answers_waiting_max_bytes == 0) config.answers_waiting_max_bytes = memory_share(config.fetch_max_bytes);
  if (config.batch_decompressed_max_bytes == 0)
    config.batch_decompressed_max_bytes =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(memory_limit_bytes() / 16), kMiB, 64 * kMiB);
  if (config.io_threads == 0) config.io_threads = core_count();
  if (config.keydir_total_max_bytes == 0)
    config.keydir_total_max_bytes = static_cast<std::int64_t>(memory_limit_bytes() / 4);
  if (config.lookup_cache_bytes < 0)
    config.lookup_cache_bytes = static_cast<std::int64_t>(std::min(memory_limit_bytes() / 8, kLookupCacheDefaultMax));
}

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void append_table(std::string& out, std::span<const SettingInfo* const> settings, bool with_environment) {
  out += with_environment ? "| setting | environment | default | takes | meaning |\n|---|---|---|---|---|\n"
                          : "| setting | default | takes | meaning |\n|---|---|---|---|\n";
  for (const SettingInfo* info : settings) {
    out += "| `" + std::string(info->name) + "` | ";
    if (with_environment) out += "`" + environment_name(info->name) + "` | ";
    out += (info->default_text.empty() ? "" : "`" + std::string(info->default_text) + "`") + " | " +
           cell(setting_range(*info)) + " | " + cell(info->description) + " |\n";
  }
}

}  // namespace

std::span<const SettingInfo* const> broker_settings() {
  static const std::vector<const SettingInfo*> infos = [] {
    std::vector<const SettingInfo*> result;
    for (const BrokerRow& row : broker_rows()) result.push_back(&row.info);
    return result;
  }();
  return infos;
}

std::string environment_name(std::string_view setting) {
  std::string name = "LOGCASK_";
  for (const char c : setting) name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

SettingValues environment_settings() {
  // Read by the command line, not by the broker.
  static constexpr std::string_view kForeign[] = {"LOGCASK_BROKER", "LOGCASK_CONFIG"};
  SettingValues values;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view line(*entry);
    const std::size_t equals = line.find('=');
    if (!line.starts_with("LOGCASK_") || equals == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, equals);
    if (name.starts_with("LOGCASK_TEST_") || name.starts_with("LOGCASK_BENCH_")) continue;
    if (std::find(std::begin(kForeign), std::end(kForeign), name) != std::end(kForeign)) continue;
    values.emplace(std::string(name), std::string(line.substr(equals + 1)));
  }
  return values;
}

Result<BrokerConfig> make_broker_config(const ConfigSources& sources) {
  LOGCASK_TRY(refuse_unknown_names(sources));
  BrokerConfig config;
  for (const BrokerRow& row : broker_rows()) {
    const Found found = find_text(row.info, sources);
    if (auto applied = apply_broker(row, found.text, config); !applied.ok())
      return std::move(applied).error().in(found.origin);
  }
  LOGCASK_TRY(check_broker(config));
  fill_from_machine(config);
  return config;
}

// Constants where they are used; what has a setting of its own is not repeated here.
constexpr std::string_view kFixedLimits = R"(
## Fixed limits

| what | limit | beyond it |
|---|---|---|
| name of a topic | 200 bytes | `invalid_topic_name` |
| name of a group | 255 bytes | `invalid_argument` |
| metadata of a committed offset | 4,096 bytes | `invalid_argument` for the entry |
| header of a frame, without its attachment | 1 MiB | `frame_too_large`, closed |
| requests of a connection that are being worked on | 10,000 | nothing more is read from it until some are answered |
| keys of one Get | 65,536 | `invalid_argument` |
| keys of one Watch | 10,000 | `invalid_argument` |
| changes queued for a Watch, per partition | 4,096 | only the newest version of each key that changed is sent |
| appends waiting for room in a partition | 4,096, or 32 MiB together | `throttled` |
| idempotent producers remembered per partition | 100,000 | the longest idle one is forgotten if it was idle for 10 minutes; else `limit_exceeded` |
| stored batch that is unpacked for a Watch or for the broker's own records | 64 MiB | a Watch sends the key's newest version instead |
| stored batch that is unpacked for anything else | 256 MiB | `batch.decompressed.max.bytes` allows no more |
| free disk space that compaction leaves alone | 64 MiB | compaction waits |
| free disk space below which `compaction.window` is ignored | 1 GiB, or twice what the rewrite needs | |
)";

std::string config_reference_markdown() {
  std::string out =
      "# Settings\n\nPrinted from the tables in `broker/settings/config.cc` and `broker/settings/topic_config.cc`; do "
      "not edit by "
      "hand.\n\n"
      "## Broker\n\nA flag wins over the environment, the environment over the file (`--config FILE`, TOML), the file "
      "over\n"
      "the default. Sizes take the suffixes KiB, MiB, GiB and TiB, times take ms, s, min, h and d.\n\n";
  append_table(out, broker_settings(), true);
  out +=
      "\n## Topics\n\nSet with `logcask topic create NAME --config name=value` and changed with `logcask topic alter`. "
      "Names and\n"
      "defaults are Kafka's where Kafka has the setting; the one difference is `cleanup.policy`.\n\n";
  append_table(out, topic_settings(), false);
  out += kFixedLimits;
  return out;
}

}  // namespace logcask
