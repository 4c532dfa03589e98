// Rebuilds the state of a topic from its live records, prints it, then follows the changes:  replay BROKER TOPIC [once]
#include <iostream>
#include <map>
#include <string>

#include <logcask/replay.h>

namespace lc = logcask::client;
using Kind = lc::ReplayEvent::Kind;

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::cerr << "usage: replay BROKER TOPIC [once]\n";
    return 2;
  }
  auto client = lc::Client::connect(argv[1]);
  if (!client.ok()) {
    std::cerr << client.error().to_string() << "\n";
    return 1;
  }
  lc::ReplayOptions options;
  options.stop_at_caught_up = argc == 4;
  auto replay = lc::Replay::open(*client, argv[2], options);
  std::map<std::string, std::string> state;
  while (replay.ok()) {
    const auto event = replay->poll(1000);
    if (!event.ok()) {
      std::cerr << event.error().to_string() << "\n";
      return 1;
    }
    for (const lc::ReadRecord& record : event->records) {
      const std::string key(record.key.value_or(""));
      if (record.tombstone())
        state.erase(key);
      else
        state[key] = *record.value;
      if (replay->caught_up()) std::cout << "changed: " << key << " = " << record.value.value_or("(deleted)") << "\n";
    }
    if (event->kind == Kind::caught_up && replay->caught_up())
      for (const auto& [key, value] : state) std::cout << key << " = " << value << "\n";
    std::cout.flush();                          // somebody may be waiting for it at the other end of a pipe
    if (event->kind == Kind::horizon_passed) {  // deletes were missed: begin again
      state.clear();
      replay->restart();
    }
    if (event->kind == Kind::finished) return 0;
  }
  std::cerr << replay.error().to_string() << "\n";
  return 1;
}
