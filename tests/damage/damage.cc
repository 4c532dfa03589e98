#include "tests/damage/damage.h"

#include <algorithm>

namespace logcask::testing {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kSparse = 61;  // runs through all places of a slot

class DamageMaker {
 public:
  DamageMaker(const DamageSource& source, const std::function<void(const Damage&)>& take)
      : source_(source), content_(*source.content), take_(take) {}

  void run() {
    each_position([this](std::size_t at) {
      std::string flipped = content_;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      give("flip", at, std::move(flipped), at);
      std::string inverted = content_;
      inverted[at] = static_cast<char>(~inverted[at]);
      give("invert", at, std::move(inverted), at);
      give("truncate", at, content_.substr(0, at), at);
    });
    take_({"delete", 0, std::nullopt, 0});
    for (std::size_t i = 0; i < source_.older.size(); ++i) give("older", i, source_.older[i], 0);
    for (std::size_t i = 0; i < source_.other.size(); ++i) give("another's", i, source_.other[i], 0);
    blocks();
    append();
  }

 private:
  void each_position(const std::function<void(std::size_t)>& at) {
    const std::size_t dense = std::min(content_.size(), source_.dense_bytes);
    for (std::size_t i = 0; i < dense; ++i) at(i);
    for (std::size_t i = dense; i < content_.size(); i += kSparse) at(i);
  }

  void blocks() {
    const std::size_t dense = std::min(content_.size(), source_.dense_bytes);
    for (std::size_t at = 0; at < dense; at += kBlock) {
      const std::size_t size = std::min(kBlock, content_.size() - at);
      std::string zeroed = content_;
      std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), size, '\0');
      give("zeroed", at / kBlock, std::move(zeroed), at);
      if (at + 2 * kBlock > content_.size()) continue;
      const std::string swapped = content_.substr(0, at) + content_.substr(at + kBlock, kBlock) +
                                  content_.substr(at, kBlock) + content_.substr(at + 2 * kBlock);
      give("swapped", at / kBlock, swapped, at);
    }
  }

  void append() {
    const std::string end = content_.substr(content_.size() - std::min<std::size_t>(content_.size(), 300));
    std::size_t i = 0;
    for (const std::string& more :
         {std::string(1, '\0'), std::string(61, '\0'), std::string(4096, '\0'), std::string(100, '\xa5'), end})
      give("appended", i++, content_ + more, content_.size());
  }

  void give(const char* kind, std::size_t index, std::string content, std::size_t at) {
    if (content != content_) take_({kind, index, std::move(content), at});
  }

  const DamageSource& source_;
  const std::string& content_;
  const std::function<void(const Damage&)>& take_;
};

}  // namespace

void for_each_damage(const DamageSource& source, const std::function<void(const Damage&)>& take) {
  DamageMaker(source, take).run();
}

}  // namespace logcask::testing
