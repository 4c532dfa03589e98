// Prints a topic from the start, or from where the group left off, to its end:  consume BROKER TOPIC [GROUP]
#include <iostream>

#include <logcask/consumer.h>

namespace lc = logcask::client;

int fail(const logcask::Error& error) {
  std::cerr << error.to_string() << "\n";
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::cerr << "usage: consume BROKER TOPIC [GROUP]\n";
    return 2;
  }
  auto client = lc::Client::connect(argv[1]);
  if (!client.ok()) return fail(client.error());
  lc::ConsumerOptions options;
  if (argc == 4) options.group = argv[3];
  const auto start = argc == 4 ? lc::StartAt::committed() : lc::StartAt::earliest();
  auto consumer = lc::Consumer::open(*client, argv[2], start, {}, options);
  if (!consumer.ok()) return fail(consumer.error());

  while (!consumer->at_end()) {
    const auto polled = consumer->poll(100);
    if (!polled.ok()) return fail(polled.error());
    for (const lc::ReadRecord& record : polled->records)  // views, valid until the next poll
      std::cout << record.partition.value() << ":" << record.offset.value() << " " << record.key.value_or("")
                << (record.tombstone() ? " (deleted)" : " ") << record.value.value_or("") << "\n";
  }
  if (argc == 4) {
    const auto committed = consumer->commit();
    if (!committed.ok()) return fail(committed.error());
  }
  return 0;
}
