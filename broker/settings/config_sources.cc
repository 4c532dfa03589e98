#include "broker/settings/config_sources.h"

#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "broker/settings/broker_settings.h"
#include "broker/settings/memory_limit.h"
#include "broker/settings/socket_address.h"
#include "broker/settings/topic_settings.h"

namespace logcask {
namespace {

Status apply_broker(const BrokerSettingRow& row, std::string_view text, BrokerConfig& config) {
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
constexpr std::string_view kDefaultOrigin = "default";
Found find_text(const SettingInfo& info, const ConfigSources& sources) {
  if (const auto flag = sources.flags.find(info.name); flag != sources.flags.end())
    return {flag->second, "command line"};
  const std::string variable = environment_name(info.name);
  if (const auto set = sources.environment.find(variable); set != sources.environment.end())
    return {set->second, "environment variable " + variable};
  if (const auto line = sources.file.find(info.name); line != sources.file.end())
    return {line->second, sources.file_name};
  return {info.default_text, std::string(kDefaultOrigin)};
}

bool known(std::string_view name) {
  return std::any_of(broker_setting_rows().begin(), broker_setting_rows().end(),
                     [name](const BrokerSettingRow& row) { return row.info.name == name; });
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
  for (const BrokerSettingRow& row : broker_setting_rows()) variables.push_back(environment_name(row.info.name));
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
  if (config.has_kafka_listener()) LOGCASK_TRY(parse_socket_address(config.kafka_listen, "kafka.listen"));
  if (config.has_http_listener()) LOGCASK_TRY(parse_socket_address(config.http_listen, "http.listen"));
  if (!config.kafka_advertised_listener.empty()) {
    LOGCASK_ASSIGN(const SocketAddress told,
                   parse_socket_address(config.kafka_advertised_listener, "kafka.advertised.listener"));
    if (told.port == 0 || told.host == "0.0.0.0" || told.host == "::")
      return Error{Errc::invalid_config, "kafka.advertised.listener = '" + config.kafka_advertised_listener +
                                             "' is no address that a client could connect to; name a host and its "
                                             "port, or leave it empty: each client is then told what it came to"};
  }
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

// Whoever lets the machine pick the native port runs several brokers side by side: the others then get in nobody's way.
Status settle_unasked_listeners(BrokerConfig& config) {
  LOGCASK_ASSIGN(const SocketAddress native, parse_socket_address(config.listen, "listen"));
  if (native.port != 0) return {};
  const auto free_port = [](std::string& listen, std::string_view setting) -> Status {
    LOGCASK_ASSIGN(SocketAddress address, parse_socket_address(listen, setting));
    address.port = 0;
    listen = address.to_string();
    return {};
  };
  if (!config.kafka_listen_asked) LOGCASK_TRY(free_port(config.kafka_listen, "kafka.listen"));
  if (!config.http_listen_asked) LOGCASK_TRY(free_port(config.http_listen, "http.listen"));
  return {};
}

constexpr std::uint64_t kLookupCacheDefaultMax = 256u << 20;

// An eighth of the memory within bounds.
std::int64_t memory_share(std::uint64_t memory_bytes, std::int64_t largest_item) {
  const auto eighth = static_cast<std::int64_t>(std::min<std::uint64_t>(memory_bytes / 8, 256u << 20));
  return std::max(eighth, 2 * largest_item);
}

void fill_from_machine(BrokerConfig& config) {
  const std::uint64_t memory_bytes = memory_limit_bytes();  // asked once: it reads a handful of files
  if (config.requests_inflight_max_bytes == 0)
    config.requests_inflight_max_bytes = memory_share(memory_bytes, config.frame_max_bytes);
  if (config.answers_waiting_max_bytes == 0)
    config.answers_waiting_max_bytes = memory_share(memory_bytes, config.fetch_max_bytes);
  if (config.batch_decompressed_max_bytes == 0)
    config.batch_decompressed_max_bytes =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(memory_bytes / 16), 1 << 20, 64LL << 20);
  if (config.io_threads == 0) config.io_threads = core_count();
  if (config.keydir_total_max_bytes == 0) config.keydir_total_max_bytes = static_cast<std::int64_t>(memory_bytes / 4);
  if (config.lookup_cache_bytes < 0)
    config.lookup_cache_bytes = static_cast<std::int64_t>(std::min(memory_bytes / 8, kLookupCacheDefaultMax));
}

}  // namespace

std::string environment_name(std::string_view setting) {
  std::string name = "LOGCASK_";
  for (const char c : setting) name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

bool set_by_platform(std::string_view name, std::string_view value) {
  // {SERVICE}_SERVICE_HOST, {SERVICE}_SERVICE_PORT and {SERVICE}_SERVICE_PORT_{NAME}.
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")) return true;
  if (name.find("_SERVICE_PORT_") != std::string_view::npos) return true;
  // {SERVICE}_PORT=tcp://1.2.3.4:7440, {SERVICE}_PORT_7440_TCP and {SERVICE}_PORT_7440_TCP_{ADDR,PORT,PROTO}.
  if (name.ends_with("_PORT") && value.find("://") != std::string_view::npos) return true;
  const std::size_t port = name.find("_PORT_");
  if (port == std::string_view::npos) return false;
  const std::string_view number_on = name.substr(port + 6);
  const std::size_t digits = std::min(number_on.find_first_not_of("0123456789"), number_on.size());
  const std::string_view protocol = number_on.substr(digits);
  return digits > 0 && (protocol.starts_with("_TCP") || protocol.starts_with("_UDP") || protocol.starts_with("_SCTP"));
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
    const std::string_view value = line.substr(equals + 1);
    if (!set_by_platform(name, value)) values.emplace(std::string(name), std::string(value));
  }
  return values;
}

Result<BrokerConfig> make_broker_config(const ConfigSources& sources) {
  LOGCASK_TRY(refuse_unknown_names(sources));
  BrokerConfig config;
  for (const BrokerSettingRow& row : broker_setting_rows()) {
    const Found found = find_text(row.info, sources);
    if (auto applied = apply_broker(row, found.text, config); !applied.ok())
      return std::move(applied).error().in(found.origin);
    if (row.info.name == "kafka.listen") config.kafka_listen_asked = found.origin != kDefaultOrigin;
    if (row.info.name == "http.listen") config.http_listen_asked = found.origin != kDefaultOrigin;
  }
  for (std::string* listen : {&config.kafka_listen, &config.http_listen})
    if (strcasecmp(listen->c_str(), kNoListener) == 0) *listen = kNoListener;
  LOGCASK_TRY(check_broker(config));
  LOGCASK_TRY(settle_unasked_listeners(config));
  fill_from_machine(config);
  return config;
}

}  // namespace logcask
