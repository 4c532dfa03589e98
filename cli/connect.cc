#include "cli/connect.h"

#include <memory>

#include "cli/outage.h"
#include "cli/output.h"

namespace logcask::cli {

Result<client::Client> connect(const std::string& broker) {
  client::Options options;
  options.brokers = broker;
  options.client_name = "logcask-cli";
  options.statistics_interval_ms = 1000;
  options.on_statistics = [outage = std::make_shared<Outage>()](const client::Statistics& statistics) {
    if (const auto line = outage->line_for(statistics.contact)) print_error(*line);
  };
  auto client = client::Client::connect(std::move(options));
  if (!client.ok() && client.code() == Errc::connect_failed)
    return Error{Errc::connect_failed,
                 client.error().message +
                     "; is 'logcask serve' running there? (--broker HOST:PORT or LOGCASK_BROKER says where)"};
  return client;
}

}  // namespace logcask::cli
