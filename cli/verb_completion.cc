// completion: a script for the user's shell.
#include <memory>

#include "cli/completion.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace logcask::cli {

Verb completion_verb() {
  auto shell = std::make_shared<std::string>();
  Verb verb;
  verb.path = "completion";
  verb.summary = "Prints a completion script for bash, zsh or fish.";
  verb.positional("SHELL", "bash, zsh or fish", shell.get()).choices = {"bash", "zsh", "fish"};
  verb.examples = {{"source <(logcask completion bash)", "for this shell"},
                   {"logcask completion fish > ~/.config/fish/completions/logcask.fish", "for good"}};
  verb.run = [shell] {
    Output out;
    const auto verbs = all_verbs();
    out.buffer() = *shell == "bash"  ? bash_completion(verbs)
                   : *shell == "zsh" ? zsh_completion(verbs)
                                     : fish_completion(verbs);
    return out.finish();
  };
  return verb;
}

}  // namespace logcask::cli
