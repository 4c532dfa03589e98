#include "tests/e2e/acked_load.h"

#include "base/errc.h"
#include "proto/record_batch.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr std::size_t kInFlight = 32;

bool is_delete(std::int64_t number) { return number % 7 == 0; }

std::optional<std::string> value_of(std::int64_t number) {
  if (is_delete(number)) return std::nullopt;
  return std::to_string(number) + std::string(static_cast<std::size_t>(number % 300), 'x');
}

bool same_answer(const std::string& got, const std::optional<std::string>& value) {
  return value ? got == *value : got == "<deleted>" || got == "<absent>";
}

void wait_until_loaded(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  while (client.call(request).header.describe_broker().partitions_loading() > 0) std::this_thread::yield();
}

}  // namespace

void AckedLoad::start(std::uint16_t port) {
  stopping_ = false;
  acks_ = 0;
  refusals_ = 0;
  const auto connected = [port] { return std::make_unique<NativeClient>(port); };
  for (int i = 0; i < shape_.writers; ++i)
    threads_.emplace_back(&AckedLoad::write, this, connected(), i, random_.next());
  if (shape_.compacted) threads_.emplace_back(&AckedLoad::compact, this, connected());
}

void AckedLoad::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void AckedLoad::write(std::unique_ptr<NativeClient> client, int index, std::uint64_t seed) {
  Random random(seed);
  Writer& writer = writers_[static_cast<std::size_t>(index)];
  struct Open {
    std::string key;
    std::int64_t number;
  };
  std::map<std::uint64_t, Open> open;
  while (!stopping_ || !open.empty()) {
    while (open.size() < kInFlight && !stopping_) {
      const std::string key = "w" + std::to_string(index) + "-" +
                              std::to_string(random.below(static_cast<std::uint64_t>(shape_.keys_per_writer)));
      const std::int64_t number = writer.next_number++;
      const std::string batch = one_record_batch(key, value_of(number));
      v1::RequestHeader request;
      request.mutable_produce()->set_acks(shape_.acks_all || index % 2 == 0 ? v1::ProduceRequest::ACKS_ALL
                                                                            : v1::ProduceRequest::ACKS_ONE);
      auto& entry = *request.mutable_produce()->add_entries();
      entry.set_topic(kTopic);
      entry.set_partition(static_cast<std::uint32_t>(index % kPartitions));
      entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
      writer.sent[key].insert(number);
      open[client->send(request, batch)] = {key, number};
    }
    if (open.empty()) return;
    const auto answer = client->receive();
    if (!answer || answer->header.correlation_id() == 0) return;
    const auto found = open.find(answer->header.correlation_id());
    if (found == open.end() || answer->header.error_code() != 0) return;
    const auto& result = answer->header.produce().results(0);
    const auto& [key, number] = found->second;
    if (result.error().code() == 0) {
      writer.acked[key][number] = result.base_offset();
      ++acks_;
    } else if (result.error().code() == static_cast<int>(Errc::storage_full)) {
      writer.sent[key].erase(number);  // certainly not written
      ++refusals_;
    } else {
      return;
    }
    open.erase(found);
  }
}

void AckedLoad::compact(std::unique_ptr<NativeClient> client) {
  while (!stopping_) {
    v1::RequestHeader request;
    request.mutable_compact()->set_topic(kTopic);
    request.mutable_compact()->set_partition(-1);
    request.mutable_compact()->set_wait(true);
    client->send(request);
    while (true) {
      const auto answer = client->receive();
      if (!answer || answer->header.correlation_id() == 0) return;
      if (answer->header.end() || answer->header.error_code() != 0) break;
    }
  }
}

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
          const auto place = std::pair(partition, record.offset.value());
          REQUIRE(!log.contains(place));
          log[place] = {std::string(*record.key),
                        record.value ? std::optional<std::string>(*record.value) : std::nullopt};
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
  wait_until_loaded(client);
  const Log log = read_all(client);
  std::map<std::string, Record> newest;
  for (const auto& [place, record] : log) {
    newest[record.first] = record;
    const auto writer = static_cast<std::size_t>(record.first[1] - '0');
    INFO("partition " << place.first << " offset " << place.second << " key " << record.first);
    REQUIRE(writer < writers_.size());
    REQUIRE(writers_[writer].sent.contains(record.first));  // nothing that was never sent
  }
  for (int index = 0; index < shape_.writers; ++index) check_writer(client, index, log, newest);
  if (shape_.compacted) forget_superseded();
}

void AckedLoad::check_writer(NativeClient& client, int index, const Log& log,
                             const std::map<std::string, Record>& newest) {
  const Writer& writer = writers_[static_cast<std::size_t>(index)];
  for (const auto& [key, numbers] : writer.acked) {
    INFO("key " << key);
    for (const auto& [number, offset] : numbers) {
      const auto found = log.find({index % kPartitions, offset});
      INFO("number " << number << " was acknowledged at offset " << offset);
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

void AckedLoad::forget_superseded() {
  for (Writer& writer : writers_) {
    for (auto& [key, numbers] : writer.acked) {
      numbers.erase(numbers.begin(), std::prev(numbers.end()));
      std::set<std::int64_t>& sent = writer.sent.at(key);
      sent.erase(sent.begin(), sent.lower_bound(numbers.begin()->first));
    }
  }
}

}  // namespace logcask::testing
