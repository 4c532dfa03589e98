#include "broker/services/watch_service.h"

#include <string>
#include <utility>

#include "broker/services/authorized_topic.h"
#include "broker/services/key_watch.h"
#include "broker/services/lookup_service.h"

namespace logcask {
namespace {

// What a registration takes here and at its partition, about.
constexpr std::size_t kRegistrationBytes = 128;

}  // namespace

Result<TopicPtr> WatchService::check(const CallContext& context, std::string_view topic_name, std::size_t keys,
                                     const WatchOptions& options) const {
  LOGCASK_ASSIGN(TopicPtr topic, authorized_topic(parts_, context, Operation::read, topic_name));
  LOGCASK_TRY(check_compacted(*topic, "Watch needs"));
  if (keys == 0) return prefix_lookup_unsupported();
  if (options.partition.value() != -1 && !topic->partition(options.partition))
    return unknown_partition(*topic, options.partition);
  if (!options.last_seen.empty() && options.last_seen.size() != keys)
    return Error{Errc::invalid_argument, "last seen offsets: one per key, or none"};
  for (const SeenPosition& seen : options.positions) {
    const PartitionRunner* runner = topic->partition(seen.partition);
    if (!runner) return unknown_partition(*topic, seen.partition);
    LOGCASK_TRY(runner->check_position(seen.run, seen.offset));
  }
  const std::size_t registrations = KeyWatch::registrations(*topic, options.partition, keys);
  const std::string many = std::to_string(keys) + " keys in each of " + std::to_string(topic->partitions.size()) +
                           " partitions are " + std::to_string(registrations) + " registrations";
  const std::string mend = "; watch fewer keys, name the partition, or give the topic a partitioner";
  if (registrations > kRegistrationsMax)
    return Error{Errc::invalid_argument, many + ", a Watch takes at most " + std::to_string(kRegistrationsMax) + mend};
  if (registrations > keys && !context.hold_memory((registrations - keys) * kRegistrationBytes))
    return Error{Errc::limit_exceeded, many + ", more than requests.inflight.max.bytes leaves open calls now" + mend};
  return topic;
}

Result<std::shared_ptr<OpenCall>> WatchService::watch(const CallContext& context, std::string_view topic_name,
                                                      std::span<const ByteView> keys, WatchOptions options,
                                                      std::unique_ptr<WatchSink> sink) {
  const auto open = [&]() -> Result<std::shared_ptr<OpenCall>> {
    LOGCASK_ASSIGN(TopicPtr topic, check(context, topic_name, keys.size(), options));
    auto watch = std::make_shared<KeyWatch>(parts_, queues_, context.loop, std::move(topic), keys, std::move(options),
                                            std::move(sink));
    LOGCASK_TRY(watch->start());
    return std::shared_ptr<OpenCall>(std::move(watch));
  };
  auto opened = open();
  parts_.metrics.service(ServiceName::watch).requests.add();
  if (!opened.ok()) parts_.metrics.service(ServiceName::watch).errors.add();
  return opened;
}

}  // namespace logcask
