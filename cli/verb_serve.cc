// serve: the broker itself.
#include <cstdlib>
#include <memory>

#include "broker/broker.h"
#include "broker/settings/config_file.h"
#include "broker/settings/config_reference.h"
#include "broker/settings/config_sources.h"
#include "cli/common.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace logcask::cli {
namespace {

struct ServeArgs {
  std::optional<std::string> data;
  std::optional<std::string> listen;
  std::optional<std::string> kafka_listen;
  std::optional<std::string> http_listen;
  std::optional<std::string> config;
  std::optional<std::int64_t> threads;
  std::vector<std::string> set;
  bool print_reference = false;
};

Result<BrokerConfig> load_config(const ServeArgs& args) {
  ConfigSources sources;
  for (const auto& setting : args.set) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      return Error{Errc::invalid_argument, "--set wants NAME=VALUE, not '" + setting + "'"};
    if (!sources.flags.emplace(setting.substr(0, equals), setting.substr(equals + 1)).second)
      return Error{Errc::invalid_argument, "--set " + setting.substr(0, equals) + " is given twice"};
  }
  // A flag of its own wins over --set.
  if (args.data) sources.flags["data.dir"] = *args.data;
  if (args.listen) sources.flags["listen"] = *args.listen;
  if (args.kafka_listen) sources.flags["kafka.listen"] = *args.kafka_listen;
  if (args.http_listen) sources.flags["http.listen"] = *args.http_listen;
  if (args.threads) sources.flags["io.threads"] = std::to_string(*args.threads);
  sources.environment = environment_settings();
  const char* named = std::getenv("LOGCASK_CONFIG");
  const std::string file = args.config ? *args.config : named != nullptr ? named : "";
  if (!file.empty()) {
    sources.file_name = file;
    LOGCASK_ASSIGN(sources.file, read_config_file(file));
  }
  return make_broker_config(sources);
}

int serve(const ServeArgs& args) {
  if (args.print_reference) {
    Output out;
    out.buffer() = config_reference_markdown();
    return out.finish();
  }
  auto config = load_config(args);
  if (!config.ok()) {
    fail(config.error());
    return kExitUsage;
  }
  return run_broker(*config, LOGCASK_VERSION, [&args] { return load_config(args); });
}

}  // namespace

Verb serve_verb() {
  auto args = std::make_shared<ServeArgs>();
  Verb verb;
  verb.path = "serve";
  verb.summary = "Runs the broker until SIGTERM or SIGINT.";
  verb.details =
      "Settings come from flags, else from the environment (LOGCASK_ and the name in upper case, dots as underscores), "
      "else "
      "from the file of --config (TOML), else from their defaults; docs/CONFIG.md lists them. When it is ready it "
      "prints one line for each listener on stdout, 'listening http HOST:PORT', 'listening kafka HOST:PORT' and, last, "
      "'listening native HOST:PORT'; its log goes to stderr. A second signal ends it without a clean stop: "
      "acknowledged records are safe, the next start recovers. SIGHUP reads the settings again; those that "
      "docs/CONFIG.md "
      "marks change at once, one warning names the others that differ. Started from a terminal, it stops when that "
      "closes.";
  verb.flag("--data", "DIR", "everything the broker keeps; made when missing (setting data.dir)", &args->data);
  verb.flag("--listen", "HOST:PORT", "native listener (setting listen, default 127.0.0.1:7440; port 0: a free one)",
            &args->listen);
  verb.flag("--kafka-listen", "HOST:PORT",
            "listener for Kafka clients, or off (setting kafka.listen, default 127.0.0.1:9092, left out where that is "
            "taken)",
            &args->kafka_listen);
  verb.flag("--http-listen", "HOST:PORT",
            "HTTP listener, or off (setting http.listen, default 127.0.0.1:7441, left out where that is taken)",
            &args->http_listen);
  verb.flag("--config", "FILE", "settings, as TOML (default: LOGCASK_CONFIG, if set)", &args->config);
  verb.flag("--threads", "N", "I/O threads (setting io.threads, default one per core)",
            Number{&args->threads, 1, 1024});
  verb.flag("--set", "NAME=VALUE", "any other setting", &args->set);
  verb.flag("--print-config-reference", "", "print docs/CONFIG.md and exit", &args->print_reference);
  verb.examples = {{"logcask serve --data /var/lib/logcask",
                    "on 127.0.0.1:7440, for Kafka clients on 127.0.0.1:9092, for HTTP on 127.0.0.1:7441"},
                   {"logcask serve --data data --listen 127.0.0.1:0 --set log.level=warn", "on free ports, quietly"},
                   {"LOGCASK_DATA_DIR=data logcask serve --config logcask.toml", "settings from three places"}};
  verb.run = [args] { return serve(*args); };
  return verb;
}

}  // namespace logcask::cli
