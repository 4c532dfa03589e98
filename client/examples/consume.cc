// Prints a topic from the start to its end, or as a member of a group its share of it, from where the group left off:
// consume BROKER TOPIC [GROUP]
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
  auto consumer = argc == 4 ? lc::Consumer::join(*client, argv[2], lc::StartAt::committed(), options)
                            : lc::Consumer::open(*client, argv[2], lc::StartAt::earliest(), {}, options);
  if (!consumer.ok()) return fail(consumer.error());

  while (!consumer->at_end()) {
    const auto polled = consumer->poll(100);
    if (!polled.ok()) return fail(polled.error());
    // Others have come or gone: what was printed of our share is committed before it is given up.
    if (!polled->revoked.empty())
      if (const auto committed = consumer->commit(); !committed.ok()) return fail(committed.error());
    for (const lc::ReadRecord& record : polled->records)  // views, valid until the next poll
      std::cout << record.partition.value() << ":" << record.offset.value() << " " << record.key.value_or("")
                << (record.tombstone() ? " (deleted)" : " ") << record.value.value_or("") << "\n";
  }
  if (argc == 4) {
    const auto committed = consumer->commit();
    if (!committed.ok()) return fail(committed.error());
    // Leaves the group, so that the others need not wait for it.
    if (const auto left = consumer->close(); !left.ok()) return fail(left.error());
  }
  return 0;
}
