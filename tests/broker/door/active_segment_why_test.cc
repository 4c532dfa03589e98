#include "broker/door/active_segment_why.h"

#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("the active segment says when it closes and what closes it now") {
  PartitionConfig config;
  config.segment_bytes = 1000;
  config.segment_ms = 7LL * 24 * 3600 * 1000;
  CHECK(why_active(config, 300, TimestampMs(5000), TimestampMs(5000), TimestampMs(5000 + 3'600'000)) ==
        "takes appends until it has segment.bytes (300 of 1000) or segment.ms passes (in 6 d 23 h), then it is "
        "compacted; "
        "'logcask compact' closes it now");
  config.max_compaction_lag_ms = 90'500;
  CHECK(why_active(config, 300, TimestampMs(5000), TimestampMs(5000), TimestampMs(6000))
            .find("max.compaction.lag.ms passes (in 1 min 29 s)") != std::string::npos);
  CHECK(why_active(config, 300, TimestampMs(5000), TimestampMs(5000), TimestampMs(200'000)).find("passes (now)") !=
        std::string::npos);
  CHECK(why_active(config, 300, TimestampMs(5000), TimestampMs(5000), TimestampMs(4000)).find("(in 1 min 30 s)") !=
        std::string::npos);
  CHECK(why_active(config, 0, TimestampMs(-1), TimestampMs(-1), TimestampMs(4000)) == "empty");
  config.compacted = false;
  CHECK(why_active(config, 300, TimestampMs(5000), TimestampMs(5000), TimestampMs(6000))
            .ends_with("then retention may remove it"));
  config.deletes = true;
  config.retention_ms = 60'000;
  const std::string why = why_active(config, 300, TimestampMs(5000), TimestampMs(9000), TimestampMs(19'000));
  CHECK(why.ends_with("or retention.ms passes (in 50 s), then it goes"));
}
