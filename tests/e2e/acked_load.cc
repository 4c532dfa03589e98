// The threads of AckedLoad.
#include "tests/e2e/acked_load.h"

#include "base/errc.h"
#include "tests/e2e/acked_value.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr std::size_t kInFlight = 32;

}  // namespace

void AckedLoad::start(std::uint16_t port) {
  fate_ = Fate::lives;
  acks_ = 0;
  const auto connected = [port] { return std::make_unique<NativeClient>(port); };
  for (int i = 0; i < shape_.writers; ++i)
    threads_.emplace_back(&AckedLoad::write, this, connected(), i, random_.next());
  if (shape_.compacted) threads_.emplace_back(&AckedLoad::compact, this, connected(), random_.next());
}

void AckedLoad::join_threads() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void AckedLoad::join() {
  join_threads();
  const std::lock_guard lock(mutex_);
  for (const std::string& what : wrong_) UNSCOPED_INFO(what);
  REQUIRE(wrong_.empty());
}

void AckedLoad::wait_for_acks(int enough) const {
  const auto waiting = [&] {
    const std::lock_guard lock(mutex_);
    return wrong_.empty() && acks_ < enough;
  };
  while (waiting()) std::this_thread::yield();
}

void AckedLoad::wrong(const std::string& what) {
  const std::lock_guard lock(mutex_);
  wrong_.push_back(what);
}

void AckedLoad::lost(const std::string& who) {
  if (fate_ == Fate::lives) wrong(who + " lost its connection, or waits in vain");
}

void AckedLoad::refused(const std::string& who, int code, const std::string& message) {
  if (fate_ != Fate::power_lost)
    wrong(who + " was refused: " + std::string(errc_name(errc_from_wire(code))) + ", " + message);
}

std::string AckedLoad::random_key(Random& random, int index) const {
  return "w" + std::to_string(index) + "-" +
         std::to_string(random.below(static_cast<std::uint64_t>(shape_.keys_per_writer)));
}

std::string AckedLoad::make_request(int index, const std::string& key, std::int64_t number,
                                    v1::RequestHeader& request) const {
  std::string batch = one_record_batch(key, value_of(number));
  const bool acks_all = shape_.acks_all || index % 2 == 0;
  request.mutable_produce()->set_acks(acks_all ? v1::ProduceRequest::ACKS_ALL : v1::ProduceRequest::ACKS_ONE);
  auto& entry = *request.mutable_produce()->add_entries();
  entry.set_topic(kTopic);
  entry.set_partition(static_cast<std::uint32_t>(index % kPartitions));
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  return batch;
}

void AckedLoad::write(std::unique_ptr<NativeClient> client, int index, std::uint64_t seed) {
  const std::string name = "writer " + std::to_string(index);
  Random random(seed);
  Writer& writer = writers_[static_cast<std::size_t>(index)];
  struct Open {
    std::string key;
    std::int64_t number;
  };
  std::map<std::uint64_t, Open> open;
  while (true) {
    while (open.size() < kInFlight) {
      const std::string key = random_key(random, index);
      const std::int64_t number = writer.next_number++;
      v1::RequestHeader request;
      const std::string batch = make_request(index, key, number, request);
      writer.sent[key].insert(number);
      open[client->send(request, batch)] = {key, number};
    }
    const auto answer = client->receive();
    if (!answer) return lost(name);
    const auto found = open.find(answer->header.correlation_id());
    if (found == open.end() || answer->header.error_code() != 0)
      return refused(name, answer->header.error_code(), answer->header.error_message());
    const auto& result = answer->header.produce().results(0);
    if (result.error().code() != 0) return refused(name, result.error().code(), result.error().message());
    const std::int64_t offset = result.base_offset();
    if (offset <= used_[static_cast<std::size_t>(index % kPartitions)])
      wrong(name + " was given offset " + std::to_string(offset) + ", which was used before");
    writer.acked[found->second.key][found->second.number] = offset;
    ++acks_;
    open.erase(found);
  }
}

// One that waits begins when all that was rolled is listed, which under load is late; so most do not.
void AckedLoad::compact(std::unique_ptr<NativeClient> client, std::uint64_t seed) {
  Random random(seed);
  while (true) {
    v1::RequestHeader request;
    request.mutable_compact()->set_topic(kTopic);
    request.mutable_compact()->set_partition(static_cast<int>(random.below(kPartitions)));
    request.mutable_compact()->set_wait(random.below(4) == 0);
    const std::uint64_t id = client->send(request);
    while (true) {
      const auto answer = client->receive();
      if (!answer) return lost("compaction");
      if (answer->header.correlation_id() != id || answer->header.error_code() != 0)
        return refused("compaction", answer->header.error_code(), answer->header.error_message());
      const auto& error = answer->header.compact().error();
      if (error.code() != 0) return refused("compaction", error.code(), error.message());
      if (answer->header.end()) break;
    }
  }
}

}  // namespace logcask::testing
