#pragma once
// Writing one batch: producers, compaction and the broker's own markers use it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/batch_header.h"
#include "proto/record_cursor.h"

namespace logcask {

// Builds one batch: any number of add(), then finish() once. Belongs to one thread.
class BatchBuilder {
 public:
  struct Options {
    Compression compression = Compression::none;
    TimestampType timestamp_type = TimestampType::create_time;
    LeaderEpoch leader_epoch{0};
    ProducerId producer_id = kNoProducer;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    bool control = false;
    bool transactional = false;
  };
  explicit BatchBuilder(Offset base_offset) : BatchBuilder(base_offset, Options()) {}
  BatchBuilder(Offset base_offset, const Options& options);

  // Offsets must rise; the first may lie above base_offset (compaction keeps a batch's base).
  void add(Offset offset, TimestampMs timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
           const std::vector<RecordHeader>& headers = {});
  // Copies a decoded record with its headers as they are.
  void add(const RecordView& record);
  std::size_t record_count() const { return count_; }
  // Uncompressed bytes so far, header included.
  std::size_t size_bytes() const { return kBatchHeaderBytes + records_.size(); }
  bool empty() const { return count_ == 0; }

  // Appends the batch to `out`. `last_offset` may lie above the last record's (a hole the reader steps over), and a
  // batch without records is legal (Kafka's RETAIN_EMPTY). Without `last_offset`: the last record's offset.
  // Fails only when the codec does or the batch outgrows its 32-bit length (message_too_large); `out` is then as
  // before.
  Status finish(std::string& out, std::optional<Offset> last_offset = std::nullopt);

 private:
  void append(Offset offset, TimestampMs timestamp, const std::optional<ByteView>& key,
              const std::optional<ByteView>& value, std::int32_t header_count, ByteView headers);

  Offset base_offset_;
  Options options_;
  std::string records_;
  std::size_t count_ = 0;
  Offset last_record_offset_;
  TimestampMs base_timestamp_;
  TimestampMs max_timestamp_;
};

}  // namespace logcask
