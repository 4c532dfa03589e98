#pragma once
// What a request does where it may block, and its answer on the connection's loop.

#include <memory>
#include <optional>
#include <utility>

#include "broker/threads/event_loop.h"
#include "broker/threads/executor.h"

namespace logcask {

// Runs `work()` on `blocking`, then `answer(owed, result)` on the loop, where all of it ends. `owed` is what the
// request is owed an answer by; it keeps the loop's connection.
template <class Owed, class Work, class Answer>
void run_in_background(Executor& blocking, EventLoop& loop, Owed owed, Work work, Answer answer) {
  using Result = decltype(work());
  struct Job {
    Owed owed;
    Work work;
    Answer answer;
    std::optional<Result> result;
  };
  auto job = std::shared_ptr<Job>(new Job{std::move(owed), std::move(work), std::move(answer), std::nullopt});
  blocking.post([job = std::move(job), &loop]() mutable {
    job->result.emplace(job->work());
    // Moved, so that the job ends on the loop.
    loop.post([job = std::move(job)] { job->answer(job->owed, std::move(*job->result)); });
  });
}

}  // namespace logcask
