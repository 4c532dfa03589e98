#include "client/partition_count.h"

#include "client/ask.h"

namespace logcask::client {

void PartitionCount::watch() {
  if (every_ms_ <= 0) return;
  core_->after_ms(every_ms_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void PartitionCount::look() {
  if (core_->closed()) return;
  v1::RequestHeader request;
  request.mutable_metadata()->add_topics(topic_.name);
  CallSpec spec;
  spec.on_lost = OnLost::resend;
  core_->call(request, {}, spec, [weak = weak_from_this()](const Result<Response>& response) {
    const auto self = weak.lock();
    if (!self) return;
    self->looked(response);
    self->watch();
  });
}

void PartitionCount::looked(const Result<Response>& response) {
  if (!response.ok() || response->header.metadata().topics_size() != 1) return;
  const auto& topic = response->header.metadata().topics(0);
  if (topic.error().code() == 0 && topic_id_of(topic.topic_id()) == topic_.id) on_look_(topic.partitions());
}

}  // namespace logcask::client
