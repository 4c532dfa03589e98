#include "base/mutant.h"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace logcask {

#ifdef LOGCASK_MUTANTS
namespace {

std::optional<Mutant> active_mutant() {
  const char* wanted = std::getenv("LOGCASK_MUTANT");
  if (!wanted || !*wanted) return std::nullopt;
#define LOGCASK_MUTANT_MATCH(name, bug) \
  if (std::string_view(wanted) == #name) return Mutant::name;
  LOGCASK_MUTANT_LIST(LOGCASK_MUTANT_MATCH)
#undef LOGCASK_MUTANT_MATCH
  std::fprintf(stderr, "LOGCASK_MUTANT: there is no mutant '%s' (base/mutant.h)\n", wanted);
  std::abort();
}

}  // namespace

bool mutant(Mutant which) {
  static const std::optional<Mutant> active = active_mutant();
  return active == which;
}
#endif

}  // namespace logcask
