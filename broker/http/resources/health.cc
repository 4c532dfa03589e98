// GET /healthz and /readyz: whether it lives, and whether it has all its keys.
#include <memory>
#include <utility>

#include "base/json_writer.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"
#include "broker/net/in_background.h"

namespace logcask {
namespace {

HttpAnswer readiness(const BrokerDescription& broker) {
  HttpAnswer answer;
  const bool ready = broker.partitions_loading == 0;
  if (!ready) answer.status = 503;
  JsonWriter json(answer.body);
  json.begin().field("ready", ready).name("reasons").begin_list();
  if (!ready)
    json.begin()
        .field("reason", "loading")
        .field("message", "the keys of " + std::to_string(broker.partitions_loading) + " partitions are being loaded")
        .field("progress", broker.loading_progress)
        .end();
  json.end_list().name("problems").begin_list();
  for (const BrokerProblem& problem : broker.problems)
    json.begin()
        .field("topic", problem.topic)
        .field("partition", problem.partition.value())
        .field("state", problem.state)
        .field("reason", problem.reason)
        .end();
  json.end_list().end();
  answer.body += '\n';
  return answer;
}

}  // namespace

void handle_health(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {}); !known.ok()) return call.refuse(known.error());
  HttpAnswer answer;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "ok\n";
  call.answer(std::move(answer));
}

void handle_ready(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {}); !known.ok()) return call.refuse(known.error());
  AdminService& admin = call.services().admin;
  Executor& blocking = call.services().blocking;
  EventLoop& loop = call.protocol().loop();
  const Principal principal = call.protocol().context().principal;
  run_in_background(
      blocking, loop, std::make_shared<HttpCall>(std::move(call)),
      [&admin, principal] { return admin.describe_broker(principal); },
      [](const std::shared_ptr<HttpCall>& owed, const Result<BrokerDescription>& broker) {
        if (!broker.ok()) return owed->refuse(broker.error());
        owed->answer(readiness(*broker));
      });
}

}  // namespace logcask
