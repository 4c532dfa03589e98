#pragma once
// KeydirSizing off the wire. Internal to client/.

#include "logcask/admin.h"
#include "logcask/v1/native.pb.h"

namespace logcask::client {

KeydirSizing keydir_sizing_of(const v1::KeydirSizing& from);

}  // namespace logcask::client
