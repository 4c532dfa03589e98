#pragma once
// DescribeConfigs: the settings of topics and of the broker, where each comes from, and what stands behind it.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

// What the settings of a request belong to.
enum class ResourceType : std::int8_t {
  unknown = 0,
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32
};

// Where a setting comes from, the strongest first but for `default_config`, which is the weakest.
enum class ConfigSource : std::int8_t {
  unknown = 0,
  dynamic_topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_config = 5,
};

// What values a setting takes.
enum class ConfigType : std::int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  float64 = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

struct DescribeConfigsRequest {
  struct Resource {
    std::int8_t resource_type = 0;
    std::string_view resource_name;
    std::optional<std::vector<std::string_view>> configuration_keys;  // nothing: all

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ResourceType", self.resource_type);
      io("ResourceName", self.resource_name);
      io("ConfigurationKeys", self.configuration_keys, always().nullable());
    }
  };
  std::vector<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Resources", self.resources);
    io("IncludeSynonyms", self.include_synonyms, since(1));
    io("IncludeDocumentation", self.include_documentation, since(3));
  }
};

struct DescribeConfigsResponse {
  struct Synonym {
    std::string name;
    std::optional<std::string> value;
    std::int8_t source = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Value", self.value, always().nullable());
      io("Source", self.source);
    }
  };
  struct Config {
    std::string name;
    std::optional<std::string> value;
    bool read_only = false;
    std::int8_t config_source = -1;
    bool is_sensitive = false;
    std::vector<Synonym> synonyms;
    std::int8_t config_type = 0;
    std::optional<std::string> documentation;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Value", self.value, always().nullable());
      io("ReadOnly", self.read_only);
      io("ConfigSource", self.config_source, since(1));
      io("IsSensitive", self.is_sensitive);
      io("Synonyms", self.synonyms, since(1));
      io("ConfigType", self.config_type, since(3));
      io("Documentation", self.documentation, since(3).nullable(3));
    }
  };
  struct Resource {
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;
    std::int8_t resource_type = 0;
    std::string resource_name;
    std::vector<Config> configs;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
      io("ResourceType", self.resource_type);
      io("ResourceName", self.resource_name);
      io("Configs", self.configs);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Resource> results;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Results", self.results);
  }
};

}  // namespace logcask::kafka
