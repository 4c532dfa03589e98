#pragma once
// IncrementalAlterConfigs: single settings of topics and of the broker are set, given back their default, or, where
// they are lists, lengthened or shortened (KIP-339). ResourceType is in describe_configs.h.

#include "proto/kafka/alter_configs.h"

namespace logcask::kafka {

enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

struct IncrementalAlterConfigsRequest {
  struct Config {
    std::string_view name;
    std::int8_t config_operation = 0;
    std::optional<std::string_view> value;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("ConfigOperation", self.config_operation);
      io("Value", self.value, always().nullable());
    }
  };
  struct Resource {
    std::int8_t resource_type = 0;
    std::string_view resource_name;
    std::vector<Config> configs;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ResourceType", self.resource_type);
      io("ResourceName", self.resource_name);
      io("Configs", self.configs);
    }
  };
  std::vector<Resource> resources;
  bool validate_only = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Resources", self.resources);
    io("ValidateOnly", self.validate_only);
  }
};

// The same fields.
using IncrementalAlterConfigsResponse = AlterConfigsResponse;

}  // namespace logcask::kafka
