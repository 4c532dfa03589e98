#include "cli/exit_code.h"

namespace logcask::cli {
namespace {

constexpr ExitNote kNotes[] = {
    {kExitOk, "done"},
    {kExitFailed, "refused or failed; the line on stderr says why"},
    {kExitUsage, "the command line is wrong; nothing was done"},
    {kExitAbsent, "a key asked for is absent or deleted"},
    {kExitUnreachable, "no broker answered, or the connection was lost"},
    {kExitCondition,
     "the condition of --if does not hold: that record is not written, nor any after it; those before it are"},
    {kExitTryAgain, "not now: loading, throttled, disk full or out of time; the same command may succeed later"},
    {kExitBadInput, "an input record is malformed or too large; the line on stderr names it"},
    {kExitDamaged, "a file is damaged; the output names file and position"},
    {kExitTight, "plan: the verdict is TIGHT, or with --strict there is a warning"},
    {kExitNoFit, "plan: the verdict is OOM, or a check rejects the workload"},
    {kExitInterrupted, "interrupted before it was done"},
};

}  // namespace

std::span<const ExitNote> exit_notes() { return kNotes; }

std::string_view exit_meaning(int code) {
  for (const auto& note : kNotes)
    if (note.code == code) return note.meaning;
  return "";
}

int exit_code_for(Errc code) {
  switch (code) {
    case Errc::ok:
      return kExitOk;
    case Errc::invalid_argument:
      return kExitUsage;
    case Errc::connect_failed:
    case Errc::connection_lost:
    case Errc::shutting_down:
      return kExitUnreachable;
    case Errc::condition_failed:
      return kExitCondition;
    case Errc::corrupt_range:
    case Errc::corrupt_file:
      return kExitDamaged;
    default:
      return errc_retriable(code) ? kExitTryAgain : kExitFailed;
  }
}

int exit_code_for_input(Errc code) {
  switch (code) {
    case Errc::invalid_record:
    case Errc::message_too_large:
    case Errc::frame_too_large:
      return kExitBadInput;
    default:
      return exit_code_for(code);
  }
}

}  // namespace logcask::cli
