#pragma once
// In the tree's own words: base/types.h is <logcask/types.h>, which is installed with the client library.

#include "logcask/types.h"  // IWYU pragma: export
