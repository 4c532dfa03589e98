#include "proto/kafka/api.h"

#include <algorithm>
#include <array>

namespace logcask::kafka {
namespace {

constexpr std::array kApis = {
    // Produce below 3 carries message formats that the log does not hold. It is advertised all the same: librdkafka
    // before 2.11.1 compresses nothing for a broker whose oldest Produce is above 0 (KAFKA-18659).
    Api{ApiKey::produce, "Produce", 0, 11, 9, 3},
    // From 13 on topics have ids in place of names.
    Api{ApiKey::fetch, "Fetch", 4, 12, 12, 4},
    // Version 0 means something else: a list of offsets.
    Api{ApiKey::list_offsets, "ListOffsets", 1, 6, 6, 1},
    Api{ApiKey::metadata, "Metadata", 0, 12, 9, 0},
    Api{ApiKey::api_versions, "ApiVersions", 0, 4, 3, 0},
    Api{ApiKey::create_topics, "CreateTopics", 2, 7, 5, 2},
    Api{ApiKey::delete_topics, "DeleteTopics", 1, 6, 4, 1},
    Api{ApiKey::init_producer_id, "InitProducerId", 0, 4, 2, 0},
};

}  // namespace

std::span<const Api> apis() { return kApis; }

const Api* find_api(std::int16_t key) {
  const auto found = std::find_if(kApis.begin(), kApis.end(),
                                  [&](const Api& api) { return static_cast<std::int16_t>(api.key) == key; });
  return found == kApis.end() ? nullptr : &*found;
}

}  // namespace logcask::kafka
