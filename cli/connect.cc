#include "cli/connect.h"

namespace logcask::cli {

Result<client::Client> connect(const std::string& broker) {
  client::Options options;
  options.brokers = broker;
  options.client_name = "logcask-cli";
  auto client = client::Client::connect(std::move(options));
  if (!client.ok() && client.code() == Errc::connect_failed)
    return Error{Errc::connect_failed,
                 client.error().message +
                     "; is 'logcask serve' running there? (--broker HOST:PORT or LOGCASK_BROKER says where)"};
  return client;
}

}  // namespace logcask::cli
