#pragma once
// Records out of JSON documents of any make: one of their fields is the key, another one or the whole is the value.

#include "base/result.h"
#include "cli/record.h"
#include "cli/record_input.h"

namespace logcask::cli {

// `document` is the valid text of an object. The key is a string's text, or a number, true or false as it stands. The
// value is the document as it stands, a document of several lines without the white space outside strings; or of a
// value field: a string's text, null for null, anything else its JSON. `joined` says that there were several lines.
// invalid_record: a field is missing, stands twice or is no key.
Result<RecordIn> parse_document(ByteView document, const DocumentRules& rules, bool& joined);

}  // namespace logcask::cli
