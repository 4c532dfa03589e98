#include "broker/kafka/kafka_factory.h"

#include "broker/kafka/kafka_protocol.h"

namespace logcask {

std::shared_ptr<Protocol> KafkaFactory::make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                             ProtocolHost& host) const {
  return std::make_shared<KafkaProtocol>(services_, loop, views_[io_thread], peer_address, host);
}

}  // namespace logcask
