// The oracle of AckedLoad.
#include <algorithm>

#include "base/errc.h"
#include "proto/record_batch.h"
#include "tests/e2e/acked_load.h"
#include "tests/e2e/acked_value.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

bool same_answer(const std::string& got, const std::optional<std::string>& value) {
  return value ? got == *value : got == "<deleted>" || got == "<absent>";
}

std::string text(const std::optional<std::string>& value) { return value ? value->substr(0, 20) : "<deleted>"; }

// Until every keydir is loaded; then no partition may have a problem.
void check_health(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  NativeAnswer answer = client.call(request);
  for (; answer.header.describe_broker().partitions_loading() > 0; answer = client.call(request))
    std::this_thread::yield();
  for (const auto& problem : answer.header.describe_broker().problems())
    FAIL(problem.topic() << "-" << problem.partition() << " is " << problem.state() << ": " << problem.reason());
}

}  // namespace

// Every record of the topic, through fetch.
AckedLoad::Log AckedLoad::read_all(NativeClient& client) {
  Log log;
  for (int partition = 0; partition < kPartitions; ++partition) {
    std::int64_t position = 0;
    while (true) {
      v1::RequestHeader request;
      auto& part = *request.mutable_fetch()->add_partitions();
      part.set_topic(kTopic);
      part.set_partition(static_cast<std::uint32_t>(partition));
      part.set_offset(position);
      const NativeAnswer answer = client.call(request);
      const auto& got = answer.header.fetch().partitions(0);
      INFO(got.error().message());
      REQUIRE(got.error().code() == 0);
      ByteView bytes = answer.attachment;
      while (!bytes.empty()) {
        const auto header = decode_batch_header(bytes);
        REQUIRE_OK(header);
        const ByteView batch = bytes.substr(0, header->total_bytes());
        REQUIRE(batch_crc_holds(batch));
        RecordCursor cursor(*header, batch.substr(kBatchHeaderBytes));
        RecordView record;
        while (*cursor.next(record)) {
          const Place place(partition, record.offset.value());
          const auto value = record.value ? std::optional<std::string>(*record.value) : std::nullopt;
          if (!log.emplace(place, Record(*record.key, value)).second)
            FAIL("partition " << partition << " has offset " << record.offset.value() << " twice");
        }
        bytes.remove_prefix(header->total_bytes());
      }
      if (got.next_fetch_offset() <= position) break;
      position = got.next_fetch_offset();
    }
  }
  return log;
}

void AckedLoad::check(NativeClient& client) {
  check_health(client);
  Log log = read_all(client);
  check_log(log);
  check_offsets();
  Newest newest;
  for (const auto& [place, record] : log) newest[record.first] = {place.second, record.second};
  check_shown(newest);
  for (int index = 0; index < shape_.writers; ++index) check_writer(client, index, log, newest);

  note_segments(client);
  remember(std::move(log));
  if (shape_.compacted && random_.below(8) == 0) compact_all(client);
  for (int partition = 0; partition < kPartitions; ++partition) put_one(client, partition);
  if (shape_.compacted) forget_superseded();
}

// What the last check() was shown is the same, or gone if that is allowed; the rest is above that, and somebody sent
// it.
void AckedLoad::check_log(const Log& log) {
  if (!shape_.compacted) {
    for (const auto& [place, record] : shown_)
      if (!log.contains(place)) FAIL("partition " << place.first << " has lost offset " << place.second);
  }
  for (const auto& [place, record] : log) {
    if (place.second > used_[static_cast<std::size_t>(place.first)]) {
      check_new(place, record);
      continue;
    }
    const auto before = shown_.find(place);
    if (before != shown_.end() && before->second == record) continue;
    FAIL("partition " << place.first << " offset " << place.second << " has key " << record.first << " with "
                      << text(record.second) << "; before it had "
                      << (before == shown_.end() ? "nothing"
                                                 : before->second.first + " with " + text(before->second.second)));
  }
}

// From now on a value that was shown counts like one that was acknowledged. (A delete does not tell its number.)
void AckedLoad::check_new(const Place& place, const Record& record) {
  const auto& [key, value] = record;
  INFO("partition " << place.first << " offset " << place.second << " key " << key << " " << text(value));
  const int index = key.size() > 1 ? key[1] - '0' : -1;
  if (index < 0 || index >= shape_.writers || index % kPartitions != place.first) FAIL("nobody sends that key there");
  Writer& writer = writers_[static_cast<std::size_t>(index)];
  const std::set<std::int64_t>& sent = writer.sent[key];
  if (!value) {
    if (std::none_of(sent.begin(), sent.end(), is_delete)) FAIL("nobody sent that delete");
    return;
  }
  const auto number = number_of(*value);
  if (!number || !sent.contains(*number)) FAIL("nobody sent that value");
  const auto [acked, first] = writer.acked[key].emplace(*number, place.second);
  if (acked->second != place.second) FAIL("it was acknowledged or shown at offset " << acked->second);
}

// Each is given once, none below those of before, and to one writer in the order in which it sent.
void AckedLoad::check_offsets() const {
  std::set<Place> places;
  for (int index = 0; index < shape_.writers; ++index) {
    std::map<std::int64_t, std::int64_t> numbers;  // by offset
    for (const auto& [key, acked] : writers_[static_cast<std::size_t>(index)].acked) {
      for (const auto& [number, offset] : acked) {
        if (!places.emplace(index % kPartitions, offset).second)
          FAIL("offset " << offset << " was given twice, the last time to number " << number << " of " << key);
        numbers[offset] = number;
      }
    }
    std::int64_t last = 0;
    for (const auto& [offset, number] : numbers) {
      if (number <= last)
        FAIL("writer " << index << ": number " << number << " at offset " << offset << " is behind " << last);
      last = number;
    }
  }
}

// What was the newest of its key has not gone behind an older one.
void AckedLoad::check_shown(const Newest& newest) const {
  Newest before;
  for (const auto& [place, record] : shown_) before[record.first] = {place.second, record.second};
  for (const auto& [key, shown] : before) {
    const auto now = newest.find(key);
    if (now != newest.end() && now->second.first < shown.first)
      FAIL("the newest of " << key << " was at offset " << shown.first << ", and now is at " << now->second.first);
  }
}

void AckedLoad::check_writer(NativeClient& client, int index, const Log& log, const Newest& newest) {
  const Writer& writer = writers_[static_cast<std::size_t>(index)];
  for (const auto& [key, numbers] : writer.acked) {
    INFO("key " << key);
    for (const auto& [number, offset] : numbers) {
      const auto found = log.find({index % kPartitions, offset});
      INFO("number " << number << " was acknowledged or shown at offset " << offset);
      if (found == log.end() && shape_.compacted) continue;
      REQUIRE(found != log.end());
      CHECK(found->second.first == key);
      CHECK(found->second.second == value_of(number));
    }
    // The latest value is the last acknowledged one or one that was sent after it.
    const std::int64_t last_acked = numbers.rbegin()->first;
    const std::string got = client.get(kTopic, key);
    bool explained = false;
    const std::set<std::int64_t>& sent = writer.sent.at(key);
    for (auto number = sent.lower_bound(last_acked); number != sent.end() && !explained; ++number)
      explained = same_answer(got, value_of(*number));
    INFO("got " << got.substr(0, 20) << ", last acknowledged " << last_acked);
    CHECK(explained);
    // A lookup and the log agree.
    const auto last = newest.find(key);
    CHECK(same_answer(got, last == newest.end() ? std::nullopt : last->second.second));
  }
}

void AckedLoad::remember(Log log) {
  shown_ = std::move(log);
  const auto use = [this](int partition, std::int64_t offset) {
    std::int64_t& used = used_[static_cast<std::size_t>(partition)];
    used = std::max(used, offset);
  };
  for (const auto& [place, record] : shown_) use(place.first, place.second);
  for (int index = 0; index < shape_.writers; ++index)
    for (const auto& [key, acked] : writers_[static_cast<std::size_t>(index)].acked)
      for (const auto& [number, offset] : acked) use(index % kPartitions, offset);
}

// One record that has to be taken.
void AckedLoad::put_one(NativeClient& client, int index) {
  Writer& writer = writers_[static_cast<std::size_t>(index)];
  const std::string key = random_key(random_, index);
  const std::int64_t number = writer.next_number++;
  v1::RequestHeader request;
  const std::string batch = make_request(index, key, number, request);
  writer.sent[key].insert(number);
  const NativeAnswer answer = client.call(request, batch);
  INFO("one more record into partition " << index % kPartitions << ": " << answer.header.error_message());
  REQUIRE(answer.header.error_code() == 0);
  const auto& result = answer.header.produce().results(0);
  INFO(result.error().message());
  REQUIRE(result.error().code() == 0);
  std::int64_t& used = used_[static_cast<std::size_t>(index % kPartitions)];
  REQUIRE(result.base_offset() > used);
  used = result.base_offset();
  writer.acked[key][number] = used;
  shown_[Place(index % kPartitions, used)] = Record(key, value_of(number));
}

void AckedLoad::forget_superseded() {
  for (Writer& writer : writers_) {
    for (auto& [key, numbers] : writer.acked) {
      numbers.erase(numbers.begin(), std::prev(numbers.end()));
      std::set<std::int64_t>& sent = writer.sent.at(key);
      sent.erase(sent.begin(), sent.lower_bound(numbers.begin()->first));
    }
  }
}

// Nothing else goes on, so it has to be done to the end.
void AckedLoad::compact_all(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_compact()->set_topic(kTopic);
  request.mutable_compact()->set_partition(-1);
  request.mutable_compact()->set_wait(true);
  const std::uint64_t id = client.send(request);
  int finished = 0;
  while (true) {
    const NativeAnswer answer = client.answer_to(id);
    const v1::CompactResponse& progress = answer.header.compact();
    INFO("compaction: " << answer.header.error_message() << progress.error().message());
    REQUIRE(answer.header.error_code() == 0);
    REQUIRE(progress.error().code() == 0);
    if (answer.header.end()) break;
    finished += progress.finished();
  }
  REQUIRE(finished == kPartitions);
}

void AckedLoad::note_segments(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_segments()->set_topic(kTopic);
  request.mutable_segments()->set_partition(-1);
  const NativeAnswer answer = client.call(request);
  for (const auto& segment : answer.header.segments().segments()) {
    const auto partition = static_cast<int>(segment.partition());
    if (segment.base_offset() > 0) rolled_[segment.partition()] = true;
    if (segment.generation() > 0)
      rewritten_.emplace(partition, segment.base_offset(), static_cast<int>(segment.generation()));
  }
}

void AckedLoad::check_worked(std::size_t rewrites) const {
  for (int partition = 0; partition < kPartitions; ++partition) {
    INFO("partition " << partition);
    CHECK(rolled_[static_cast<std::size_t>(partition)]);
    if (!shape_.compacted) continue;
    CHECK(std::count_if(rewritten_.begin(), rewritten_.end(), [&](const auto& name) {
            return std::get<0>(name) == partition;
          }) >= static_cast<std::ptrdiff_t>(rewrites));
  }
}

}  // namespace logcask::testing
