#pragma once
// ApiVersions: which requests the broker knows. Its answer has the plain header in every version, for whoever asks does
// not know yet what the broker speaks (KIP-511).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct ApiVersionsRequest {
  std::string_view client_software_name;
  std::string_view client_software_version;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ClientSoftwareName", self.client_software_name, since(3));
    io("ClientSoftwareVersion", self.client_software_version, since(3));
  }
};

struct ApiVersionsResponse {
  struct Range {
    std::int16_t api_key = 0;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ApiKey", self.api_key);
      io("MinVersion", self.min_version);
      io("MaxVersion", self.max_version);
    }
  };
  std::int16_t error_code = 0;
  std::vector<Range> api_keys;
  std::int32_t throttle_time_ms = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ErrorCode", self.error_code);
    io("ApiKeys", self.api_keys);
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
  }
};

}  // namespace logcask::kafka
