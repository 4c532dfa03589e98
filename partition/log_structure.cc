#include "partition/log_structure.h"

namespace logcask {

Status LogStructure::Step::store(const std::function<void(Manifest&)>& change) {
  LogStructure& s = structure_;
  if (s.uncertain_) return *s.uncertain_;
  Manifest next = s.manifest_;
  change(next);
  if (next == s.manifest_) return {};
  ++next.generation;
  const std::string bytes = encode_manifest(next);
  if (const Status first = replace_file(*s.directory_, kManifestNames[0], bytes); !first.ok()) {
    // Only opening the new file finds no descriptor: the old copy was never touched.
    if (first.code() == Errc::limit_exceeded) return first;
    // Failed before the rename (a full disk): it was not touched, either.
    const std::string old = encode_manifest(s.manifest_);
    const auto there = read_file(*s.directory_, kManifestNames[0], old.size());
    if (there.ok() && *there == old) return first;
    // Otherwise it is unknown which copy is there until the old one is certainly back.
    const Status undone = replace_file(*s.directory_, kManifestNames[0], old);
    if (undone.ok()) return first;
    s.uncertain_ = Error{Errc::read_only,
                         "manifest step failed half-way: " + first.error().message + "; 'logcask reopen' settles it"};
    return *s.uncertain_;
  }
  // One durable copy is enough to go on; the second is written again with the next step, or by recovery.
  s.second_copy_ = replace_file(*s.directory_, kManifestNames[1], bytes);
  s.manifest_ = std::move(next);
  return {};
}

}  // namespace logcask
