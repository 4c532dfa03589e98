#pragma once
// A fake broker with one topic "t" kept in ModelPartitions: enough for producers, consumers and tables to be tested
// over a real socket. Troubles are switched on by the test.

#include <memory>

#include "logcask/producer.h"
#include "tests/client/fake_broker.h"
#include "tests/client/model_partition.h"

namespace logcask::client {

class MemoryBroker {
 public:
  explicit MemoryBroker(int partitions);

  std::string address() const { return server_->address(); }
  FakeBroker& server() { return *server_; }
  // Closes every connection; the port answers again at once.
  void hang_up_all() { server_->hang_up_all(); }
  // Every n-th produce request is handled, then the connection is cut instead of the answer. 0 = never.
  void cut_every(int n) { cut_every_ = n; }

  template <class Use>
  auto with(int partition, Use use) {
    const std::lock_guard lock(mutex_);
    return use(partitions_[static_cast<std::size_t>(partition)]);
  }
  int produce_requests() const { return produce_requests_; }
  std::int64_t producer_ids_given() const { return next_producer_id_ - 1; }

 private:
  void handle(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const std::string& attachment);
  void metadata(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request);
  void produce(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const std::string& attachment);
  void fetch(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request);
  void list_offsets(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request);
  void get(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const std::string& attachment);
  void commit(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request);
  void fetch_offsets(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request);

  std::mutex mutex_;
  std::vector<ModelPartition> partitions_;
  std::map<std::pair<std::string, std::uint32_t>, std::int64_t> commits_;
  std::atomic<std::int64_t> next_producer_id_{1};
  std::atomic<int> cut_every_{0};
  std::atomic<int> produce_requests_{0};
  std::unique_ptr<FakeBroker> server_;
};

// What the tests of producers, consumers and tables begin with: nothing waits for long.
Client connect(const std::string& address);
ProducerOptions quick();
// Views: key and value must outlive the record.
OutRecord record_of(ByteView key, ByteView value);

}  // namespace logcask::client
