#pragma once
// In the tree's own words: base/errc.h is <logcask/errc.h>, which is installed with the client library.

#include "logcask/errc.h"  // IWYU pragma: export
