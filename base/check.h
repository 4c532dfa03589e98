#pragma once
// In the tree's own words: base/check.h is <logcask/check.h>, which is installed with the client library.

#include "logcask/check.h"  // IWYU pragma: export
