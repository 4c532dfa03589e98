#pragma once
// KeydirUse on the wire, the same for a topic and for the broker.

#include "broker/topics/keydir_use.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void encode_keydir_use(const KeydirUse& use, v1::KeydirSizing& out);

}  // namespace logcask
