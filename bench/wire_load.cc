#include "bench/wire_load.h"

namespace logcask::bench {

WireLoad read_wire_load(Flags& flags) {
  WireLoad load;
  load.mode = flags.text("mode", "produce");
  load.broker = flags.text("broker", "127.0.0.1:9092");
  load.topic = flags.text("topic", "bench");
  load.acks = flags.text("acks", "all");
  load.records = flags.number("records", 1'000'000);
  load.value_bytes = flags.number("value-bytes", 1024);
  load.batch_bytes = flags.number("batch-bytes", 131072);
  return load;
}

}  // namespace logcask::bench
