#pragma once
// What a Kafka listener speaks.

#include <memory>
#include <string>
#include <vector>

#include "broker/kafka/kafka_services.h"
#include "broker/net/protocol.h"

namespace logcask {

class KafkaFactory final : public ProtocolFactory {
 public:
  // `views` has one for each I/O thread. Both outlive it and every connection.
  KafkaFactory(const KafkaServices& services, std::vector<TopicView>& views) : services_(services), views_(views) {}
  std::shared_ptr<Protocol> make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                 ProtocolHost& host) const override;
  // Kafka has no words for it.
  std::string farewell(const Error&) const override { return {}; }

 private:
  const KafkaServices& services_;
  std::vector<TopicView>& views_;
};

}  // namespace logcask
