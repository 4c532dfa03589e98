#include "sizing/keydir_cost.h"

namespace logcask::sizing {

const KeydirCost* cost_model(std::string_view name) {
  for (const KeydirCost* cost : {&kLogcask, &kBitcask, &kBareEntry})
    if (cost->name == name) return cost;
  return nullptr;
}

}  // namespace logcask::sizing
