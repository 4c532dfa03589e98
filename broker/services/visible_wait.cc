#include "broker/services/visible_wait.h"

#include <utility>

namespace logcask {

void VisibleWait::start(EventLoop& loop, std::shared_ptr<PartitionRunner> runner, Offset above,
                        std::function<void(Status)> ready) {
  stop();
  state_ = std::make_shared<State>();
  state_->ready = [this, ready = std::move(ready)](Status status) {
    state_.reset();
    runner_.reset();
    ready(std::move(status));
  };
  runner_ = std::move(runner);
  id_ = runner_->wait_visible_above(above, [&loop, state = state_](Status status) {
    loop.post([state, status = std::move(status)]() mutable {
      if (auto run = std::exchange(state->ready, nullptr)) run(std::move(status));
    });
  });
}

void VisibleWait::stop() {
  if (!state_) return;
  state_->ready = nullptr;
  state_.reset();
  std::exchange(runner_, nullptr)->cancel_wait(id_);
}

}  // namespace logcask
