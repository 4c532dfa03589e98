#include "bench/flags.h"

#include <charconv>

#include "bench/figures.h"

namespace logcask::bench {

Flags::Flags(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0 || i + 1 == argc) die("flags are pairs of --name value, '" + name + "' is none");
    given_[name.substr(2)] = argv[i + 1];
  }
}

std::string Flags::text(const std::string& name, const std::string& otherwise) {
  known_.insert(name);
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : found->second;
}

std::uint64_t Flags::number(const std::string& name, std::uint64_t otherwise) {
  const std::string given = text(name, std::to_string(otherwise));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc{} || end != given.data() + given.size()) die("--" + name + " wants a number, not " + given);
  return value;
}

void Flags::done() const {
  std::string names;
  for (const auto& name : known_) names += " --" + name;
  for (const auto& [name, value] : given_)
    if (!known_.contains(name)) die("no flag --" + name + "; there are" + names);
}

}  // namespace logcask::bench
