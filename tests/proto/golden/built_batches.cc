// Writes ours-<codec>.bin into a folder, for other people's readers to check: built_batches DIR
#include <fstream>
#include <iostream>

#include "tests/proto/golden/golden_records.h"

using namespace logcask;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: built_batches DIR\n";
    return 2;
  }
  for (int codec = 0; codec <= 4; ++codec) {
    BatchBuilder::Options options;
    options.compression = static_cast<Compression>(codec);
    BatchBuilder builder(Offset(0), options);
    golden::add_all(builder);
    std::string batch;
    if (auto status = builder.finish(batch); !status.ok()) {
      std::cerr << status.error().to_string() << "\n";
      return 1;
    }
    const std::string path =
        std::string(argv[1]) + "/ours-" + std::string(compression_name(options.compression)) + ".bin";
    std::ofstream(path, std::ios::binary) << batch;
  }
  return 0;
}
