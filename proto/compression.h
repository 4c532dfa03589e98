#pragma once
// In the tree's own words: proto/compression.h is <logcask/compression.h>, which is installed with the client library.

#include "logcask/compression.h"  // IWYU pragma: export
