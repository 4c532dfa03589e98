// fuzz_replay NAME FILE|DIRECTORY...: runs a target over committed inputs, with any compiler. Part of ctest.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

using logcask::fuzz::Target;

#define LOGCASK_FUZZ_ROW(name) Target{#name, logcask::fuzz::fuzz_##name},
constexpr Target kTargets[] = {LOGCASK_FUZZ_TARGETS(LOGCASK_FUZZ_ROW)};

const Target* find_target(const char* name) {
  for (const Target& target : kTargets)
    if (std::strcmp(target.name, name) == 0) return &target;
  return nullptr;
}

bool run_file(const Target& target, const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  if (!(content << in.rdbuf()) && in.peek() != std::ifstream::traits_type::eof()) {
    std::fprintf(stderr, "fuzz_replay: cannot read %s\n", path.c_str());
    return false;
  }
  const std::string bytes = content.str();
  // On the heap, exactly as long as it is: a read beyond the end is AddressSanitizer's to see.
  const std::unique_ptr<char[]> copy(new char[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  // Which input it was, should it not come back.
  std::fprintf(stderr, "%s\n", path.c_str());
  target.run(logcask::ByteView(copy.get(), bytes.size()));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const Target* target = argc > 2 ? find_target(argv[1]) : nullptr;
  if (!target) {
    std::fprintf(stderr, "usage: fuzz_replay NAME FILE|DIRECTORY...\nnames:");
    for (const Target& known : kTargets) std::fprintf(stderr, " %s", known.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  std::size_t ran = 0;
  for (int i = 2; i < argc; ++i) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
        if (entry.is_regular_file()) files.push_back(entry.path());
    } else {
      files.emplace_back(argv[i]);
    }
    for (const auto& file : files) {
      if (!run_file(*target, file)) return 1;
      ++ran;
    }
  }
  std::printf("%s: %zu inputs\n", target->name, ran);
  return ran > 0 ? 0 : 1;  // a corpus that has vanished is a failure
}
