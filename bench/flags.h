#pragma once
// "--name value" pairs of a load program. Unknown names end it with the list of those it knows.

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace logcask::bench {

class Flags {
 public:
  Flags(int argc, char** argv);

  std::string text(const std::string& name, const std::string& otherwise);
  std::uint64_t number(const std::string& name, std::uint64_t otherwise);
  // After the last flag was asked for.
  void done() const;

 private:
  std::map<std::string, std::string> given_;
  std::set<std::string> known_;
};

}  // namespace logcask::bench
