#pragma once
// Futures for those who want them: of any `_async` form, and of a record sent. A header of its own, since <future>
// costs as much to compile as the rest together.

#include <future>
#include <memory>
#include <utility>

#include <logcask/async.h>
#include <logcask/producer.h>

namespace logcask::client {

//   auto topic = to_future<TopicDescription>([&](auto done) { admin.describe_topic_async("t", {}, done); });
// Waiting for it in a callback would wait for ever.
template <class T, class Start>
[[nodiscard]] std::future<Result<T>> to_future(Start&& start) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  std::forward<Start>(start)(Callback<T>([promise](Result<T> result) { promise->set_value(std::move(result)); }));
  return future;
}

// The errors are those of Producer::send, at once, and of a Delivery.
[[nodiscard]] inline std::future<Delivery> send_future(Producer& producer, const OutRecord& record) {
  auto promise = std::make_shared<std::promise<Delivery>>();
  auto future = promise->get_future();
  Status status = producer.send(record, [promise](const Delivery& delivery) { promise->set_value(delivery); });
  if (!status.ok()) {
    Delivery refused;
    refused.status = std::move(status);
    promise->set_value(std::move(refused));
  }
  return future;
}

}  // namespace logcask::client
