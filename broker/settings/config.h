#pragma once
// The broker's own settings, from flags over environment over file over defaults.
//
// Environment variables are LOGCASK_ and the name in upper case with dots as underscores. The file is
// TOML; tables and dotted keys mean the same. Nonsense is refused as invalid_config, naming the setting, where
// it came from and what it allows.

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "broker/settings/setting.h"

namespace logcask {

// A value: read once at start.
struct BrokerConfig {
  std::string data_dir;
  std::string listen;
  std::string advertised_listener;  // empty = the address listened on
  std::int64_t io_threads = 0;      // 0 = number of cores
  std::int64_t flush_threads = 0;
  std::int64_t background_threads = 0;
  std::int64_t default_partitions = 0;
  std::int64_t partitions_max = 0;

  std::int64_t keydir_total_max_bytes = 0;  // 0 in the table = a quarter of the memory; resolved by load
  std::int64_t tail_buffer_bytes = 0;
  std::int64_t pending_records_max = 0;
  std::int64_t lookup_cache_bytes = 0;  // -1 in the table = by the memory there is; resolved by load
  std::int64_t open_files_max = 0;
  std::int64_t compaction_max_bytes_per_second = 0;

  std::int64_t connections_max = 0;
  std::int64_t connections_max_per_address = 0;
  std::int64_t frame_hello_max_bytes = 0;
  std::int64_t frame_max_bytes = 0;
  std::int64_t fetch_max_bytes = 0;
  std::int64_t fetch_wait_max_ms = 0;
  std::int64_t requests_inflight_max_bytes = 0;   // 0 in the table = from the memory; resolved by load
  std::int64_t answers_waiting_max_bytes = 0;     // likewise
  std::int64_t batch_decompressed_max_bytes = 0;  // likewise
  std::int64_t connection_inflight_max_bytes = 0;
  std::int64_t connection_output_max_bytes = 0;
  std::int64_t connection_streams_max = 0;
  std::int64_t hello_timeout_ms = 0;
  std::int64_t frame_timeout_ms = 0;
  std::int64_t idle_timeout_ms = 0;
  std::int64_t write_timeout_ms = 0;

  std::int64_t produce_timeout_ms = 0;
  std::int64_t lookup_timeout_ms = 0;
  std::int64_t shutdown_timeout_ms = 0;
  std::string log_level;

  // Largest record batch that fits a request frame.
  std::int64_t message_bytes_limit() const { return frame_max_bytes - 65536; }
};

// Name to text, as given on the command line, in the environment or in the file.
using SettingValues = std::map<std::string, std::string, std::less<>>;

struct ConfigSources {
  SettingValues flags;        // by setting name
  SettingValues environment;  // by variable name; unknown LOGCASK_ names are refused unless `foreign` names them
  SettingValues file;         // by setting name
  std::string file_name;      // for messages
};

std::span<const SettingInfo* const> broker_settings();

// Merges, parses and checks. Fills what is left to the machine: threads and the shares of the memory.
Result<BrokerConfig> make_broker_config(const ConfigSources& sources);

// "LOGCASK_DATA_DIR" for "data.dir".
std::string environment_name(std::string_view setting);
// The variables of this process that begin with LOGCASK_, without those other programs of ours read (LOGCASK_BROKER).
SettingValues environment_settings();

// Every setting of broker and topics as Markdown: docs/CONFIG.md.
std::string config_reference_markdown();

}  // namespace logcask
