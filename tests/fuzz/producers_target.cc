// Snapshots of idempotent producers, and the rules at work on what a snapshot may bring.
#include <algorithm>

#include "base/crc32c.h"
#include "partition/producer_state.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {

// First byte: bit 0 the checksum is put right, bits 1-4 how many batches of 24 bytes follow the rest at the end.
void fuzz_producers(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  constexpr std::size_t kBatchBytes = 24;
  const ByteView all = input.rest();
  const std::size_t tail = std::min<std::size_t>((choice >> 1) % 16 * kBatchBytes, all.size());
  std::string file(all.substr(0, all.size() - tail));
  if ((choice & 1) != 0 && file.size() >= 4)
    store_be(file.data() + file.size() - 4, crc32c(ByteView(file).substr(0, file.size() - 4)));
  ProducerStateConfig config;
  config.max_producers = 8;
  auto snapshot = ProducerState::decode_snapshot(file, config);
  if (!snapshot.ok()) LOGCASK_CHECK(snapshot.code() == Errc::corrupt_file);
  ProducerState state = snapshot.ok() ? std::move(snapshot->state) : ProducerState(config);
  LOGCASK_CHECK(state.size() <= config.max_producers);
  const Offset covered = snapshot.ok() ? snapshot->covered : Offset(0);

  const std::string written = state.encode_snapshot(covered);
  const auto again = ProducerState::decode_snapshot(written, config);
  LOGCASK_CHECK(again.ok() && again->covered == covered && again->state.encode_snapshot(covered) == written);

  Input batches(all.substr(all.size() - tail));
  Offset next(1000);
  while (!batches.empty()) {
    const ProducerId producer(batches.number<std::int64_t>() & INT64_MAX);
    const auto epoch = static_cast<std::int16_t>(batches.word() & 0x7fff);
    const auto sequence = static_cast<std::int32_t>(batches.number<std::uint32_t>() & 0x7fffffff);
    const std::int32_t records = 1 + (batches.word() & 0x7fff);
    const TimestampMs now(batches.number<std::int64_t>() & (INT64_MAX >> 1));
    const Offset last = next + (records - 1);
    const auto verdict = state.check(producer, epoch, sequence, records, now);
    if (verdict.ok() && !verdict->has_value()) {
      state.record(producer, epoch, sequence, records, next, last, now);
      // Sent again it is known, and it is the same batch.
      const auto duplicate = state.check(producer, epoch, sequence, records, now);
      LOGCASK_CHECK(duplicate.ok() && duplicate->has_value() && (*duplicate)->first_offset == next);
      LOGCASK_CHECK((*duplicate)->last_offset == last && (*duplicate)->first_sequence == sequence);
      next = last + 1;
    }
    LOGCASK_CHECK(state.size() <= config.max_producers);
  }
  LOGCASK_CHECK(state.last_offsets().size() <= state.size());
  state.truncate_from(Offset(1001));
  for (const ProducerTail& tail_batch : state.last_offsets()) LOGCASK_CHECK(tail_batch.last_offset < Offset(1001));
  (void)state.expire(TimestampMs(INT64_MAX >> 1));
}

}  // namespace logcask::fuzz
