// Counts up a number under a key, safely beside other writers:  table BROKER TOPIC KEY
#include <charconv>
#include <iostream>
#include <string>

#include <logcask/table.h>

namespace lc = logcask::client;

int fail(const logcask::Error& error) {
  std::cerr << error.to_string() << "\n";
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: table BROKER TOPIC KEY\n";
    return 2;
  }
  auto client = lc::Client::connect(argv[1]);
  if (!client.ok()) return fail(client.error());
  auto table = lc::Table::open(*client, argv[2]);
  if (!table.ok()) return fail(table.error());

  while (true) {
    const auto current = table->get(argv[3]);
    if (!current.ok()) return fail(current.error());
    long long number = 0;
    const char* const end = current->value.data() + current->value.size();
    if (current->found() && std::from_chars(current->value.data(), end, number).ptr != end) {
      std::cerr << argv[3] << " holds no number: '" << current->value << "'\n";
      return 1;
    }
    const std::string next = std::to_string(number + 1);
    // Absent or deleted: create it. Else replace exactly the record that was read.
    const lc::Delivery written =
        current->found() ? table->update(argv[3], next, current->offset) : table->create(argv[3], next);
    if (written.ok()) {
      std::cout << argv[3] << " = " << next << " at offset " << written.offset.value() << "\n";
      return 0;
    }
    if (written.status.code() != logcask::Errc::condition_failed) return fail(written.status.error());
    // Somebody else was faster: read again.
  }
}
