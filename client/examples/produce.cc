// Writes "key value" lines from standard input to a topic, and says where each went:  produce BROKER TOPIC
#include <atomic>
#include <iostream>
#include <string>

#include <logcask/producer.h>

namespace lc = logcask::client;

int fail(const logcask::Error& error) {
  std::cerr << error.to_string() << "\n";
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: produce BROKER TOPIC\n";
    return 2;
  }
  auto client = lc::Client::connect(argv[1]);
  if (!client.ok()) return fail(client.error());
  std::atomic<int> failures{0};  // outlives the producer, whose end may still call back
  auto producer = lc::Producer::open(*client, argv[2]);
  if (!producer.ok()) return fail(producer.error());

  for (std::string line; std::getline(std::cin, line);) {
    const auto space = line.find(' ');
    const std::string key = line.substr(0, space);
    const std::string value = space == std::string::npos ? std::string() : line.substr(space + 1);
    lc::OutRecord record;
    record.key = key;
    if (space != std::string::npos) record.value = value;  // a key alone is a tombstone
    // The bytes are copied before send() returns; the callback runs once the record is on disk.
    const auto sent = producer->send(record, [key, &failures](const lc::Delivery& delivery) {
      if (delivery.ok()) {
        std::cout << key << " -> " << delivery.partition.value() << ":" << delivery.offset.value() << "\n";
      } else {
        std::cerr << key << ": " << delivery.status.error().to_string() << "\n";
        ++failures;
      }
    });
    if (!sent.ok()) return fail(sent.error());
  }
  const auto flushed = producer->flush();  // the callbacks have run when it returns ok
  if (!flushed.ok()) return fail(flushed.error());
  return failures == 0 ? 0 : 1;
}
