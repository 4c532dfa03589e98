#pragma once
// In the tree's own words: base/result.h is <logcask/result.h>, which is installed with the client library.

#include "logcask/result.h"  // IWYU pragma: export
