#include "segment/file.h"

#include "base/mutant.h"

namespace logcask {
namespace {

std::string replacement_name(const std::string& name) { return name + std::string(kTemporarySuffix); }

// A new, empty temporary file; one that a crash left behind is removed first.
Result<std::unique_ptr<File>> create_temporary(Directory& directory, const std::string& name) {
  auto created = directory.open(name, OpenMode::create_new);
  if (created.code() != Errc::already_exists) return created;
  LOGCASK_TRY(directory.unlink(name));
  return directory.open(name, OpenMode::create_new);
}

Status write_and_rename(Directory& directory, const std::string& name, ByteView content, bool sync) {
  const std::string temporary = replacement_name(name);
  LOGCASK_ASSIGN(auto file, create_temporary(directory, temporary));
  Status written = file->write_at(0, content);
  if (written.ok() && sync) written = file->sync_data();
  if (written.ok()) written = directory.rename(temporary, name);
  if (!written.ok()) (void)directory.unlink(temporary);  // the first error is the one to report
  return written;
}

}  // namespace

Result<std::string> read_file(Directory& directory, const std::string& name, std::uint64_t max_bytes) {
  LOGCASK_ASSIGN(auto file, directory.open(name, OpenMode::read));
  LOGCASK_ASSIGN(const std::uint64_t size, file->size());
  if (size > max_bytes) {
    return Error{Errc::corrupt_file, directory.path() + "/" + name + " has " + std::to_string(size) +
                                         " bytes, more than the " + std::to_string(max_bytes) + " it may have"};
  }
  std::string content(size, '\0');
  LOGCASK_ASSIGN(const std::size_t got, file->read_at(0, std::span(content.data(), content.size())));
  content.resize(got);
  return content;
}

Status put_file(Directory& directory, const std::string& name, ByteView content) {
  return write_and_rename(directory, name, content, false);
}

Status replace_file(Directory& directory, const std::string& name, ByteView content) {
  LOGCASK_TRY(write_and_rename(directory, name, content, !mutant(Mutant::replaced_file_not_synced)));
  return directory.sync();
}

// Every file is on its way to the disk before the first is waited for: a file system writes down all of them together.
Status replace_files(Directory& directory, std::span<const NamedContent> files) {
  std::vector<std::unique_ptr<File>> written;
  Status status;
  for (const auto& [name, content] : files) {
    auto file = create_temporary(directory, replacement_name(name));
    status = file.ok() ? (*file)->write_at(0, content) : Status(file.error());
    if (file.ok()) written.push_back(std::move(file).value());
    if (!status.ok()) break;
    written.back()->sync_soon();
  }
  for (std::size_t i = 0; i < written.size() && status.ok(); ++i)
    if (!mutant(Mutant::replaced_file_not_synced)) status = written[i]->sync_data();
  std::size_t renamed = 0;
  while (renamed < files.size() && status.ok()) {
    status = directory.rename(replacement_name(files[renamed].name), files[renamed].name);
    if (status.ok()) ++renamed;
  }
  if (status.ok()) return directory.sync();
  for (std::size_t i = renamed; i < written.size(); ++i) (void)directory.unlink(replacement_name(files[i].name));
  return status;
}

}  // namespace logcask
