#pragma once
// The broker's own settings as values. config_sources.h reads them, broker_settings.h describes each.

#include <cstdint>
#include <string>

namespace logcask {

inline constexpr char kNoListener[] = "off";

// A value: read once at start.
struct BrokerConfig {
  std::string data_dir;
  std::string listen;
  std::string advertised_listener;  // empty = the address listened on
  std::string kafka_listen;         // "off": there is none
  bool kafka_listen_asked = false;  // by somebody; else one whose port is taken is left out
  std::string kafka_advertised_listener;
  std::int64_t kafka_node_id = 0;
  std::string http_listen;               // as kafka_listen
  bool http_listen_asked = false;        // as kafka_listen_asked
  std::string http_allowed_hosts;        // separated by commas
  std::string kafka_auto_create_topics;  // true | false
  std::int64_t kafka_num_partitions = 0;
  std::string kafka_cleanup_policy;
  std::int64_t fetch_sessions_max = 0;
  std::int64_t io_threads = 0;  // 0 = number of cores
  std::int64_t flush_threads = 0;
  std::int64_t background_threads = 0;
  std::int64_t default_partitions = 0;
  std::int64_t partitions_max = 0;

  std::int64_t keydir_total_max_bytes = 0;  // 0 in the table = a quarter of the memory; resolved by load
  std::int64_t tail_buffer_bytes = 0;
  std::int64_t pending_records_max = 0;
  std::int64_t lookup_cache_bytes = 0;  // -1 in the table = by the memory there is; resolved by load
  std::int64_t open_files_max = 0;
  std::int64_t disk_reserve_bytes = 0;  // -1 = by the size of the file system
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
  std::int64_t backup_lease_ms = 0;
  std::int64_t group_min_session_timeout_ms = 0;
  std::int64_t group_max_session_timeout_ms = 0;
  std::int64_t group_initial_rebalance_delay_ms = 0;
  std::int64_t group_max_size = 0;
  std::int64_t group_members_max_bytes = 0;
  std::int64_t group_consumer_session_timeout_ms = 0;
  std::int64_t group_consumer_heartbeat_interval_ms = 0;
  std::int64_t group_consumer_max_size = 0;
  std::int64_t offsets_retention_minutes = 0;
  std::int64_t offsets_retention_check_interval_ms = 0;
  std::int64_t shutdown_timeout_ms = 0;
  std::string log_level;

  bool has_kafka_listener() const { return kafka_listen != kNoListener; }
  bool has_http_listener() const { return http_listen != kNoListener; }
  // Largest record batch that fits a request frame.
  std::int64_t message_bytes_limit() const { return frame_max_bytes - 65536; }
};

}  // namespace logcask
