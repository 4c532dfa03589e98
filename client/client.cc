#include "logcask/client.h"

#include "client/core.h"

namespace logcask::client {

Result<Client> Client::connect(Options options) {
  if (options.connect_timeout_ms <= 0 || options.request_timeout_ms <= 0)
    return Error{Errc::invalid_argument, "connect_timeout_ms and request_timeout_ms must be above 0"};
  if (options.statistics_interval_ms < 0)
    return Error{Errc::invalid_argument, "statistics_interval_ms must not be negative"};
  LOGCASK_ASSIGN(auto core, Core::connect(options));
  return Client(std::move(core));
}

Result<Client> Client::connect(const std::string& brokers) {
  Options options;
  options.brokers = brokers;
  return connect(std::move(options));
}

BrokerInfo Client::broker() const { return core_->broker(); }
bool Client::connected() const { return core_->connected(); }
Contact Client::contact() const { return core_->contact(); }
Statistics Client::statistics() const { return core_->statistics(); }
void Client::close() { core_->close(); }

}  // namespace logcask::client
